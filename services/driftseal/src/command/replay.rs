//! `driftseal replay`: everything that was computed, computed again from the archive alone.

use evidence::ReplayOptions;
use service::clock::Stopwatch;

use super::evidence::{Source, bar, refused, show};
use super::{Context, Ended, Failure, Output};
use crate::{Config, print, roles};

/// Arguments of `driftseal replay`.
#[derive(Debug, clap::Args)]
pub struct ReplayArgs {
    #[command(flatten)]
    source: Source,
    /// Take the segments as they are, without deriving their leaves and roots again: `driftseal
    /// fsck` did just before
    #[arg(long)]
    trust_archive: bool,
}

impl ReplayArgs {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        let config = context.load()?;
        let policy = self.source.policy(context)?;
        let runtime = roles::runtime()?;
        let archive = self.source.open(context, &runtime)?;
        let options = ReplayOptions { trust_archive: self.trust_archive, ..options(&config) };
        let stopwatch = Stopwatch::start();
        let bar = bar();
        let report = evidence::replay(&archive, &policy, &options, &mut show(&bar));
        bar.finish_and_clear();
        let report = match report {
            Ok(report) => report,
            Err(error) => return refused(&error),
        };
        match context.output {
            Output::Text => {
                print::raw(&report.to_text());
                print::note(rate(report.records, stopwatch.elapsed_secs()));
            }
            Output::Json => print::json(&report),
        }
        Ok(report.verdict.into())
    }
}

/// Names of the topics. Settings of the computation come from the archive.
pub(crate) fn options(config: &Config) -> ReplayOptions {
    let topics = &config.processor.topics;
    ReplayOptions {
        events: topics.events.clone(),
        metrics: topics.metrics.clone(),
        alerts: topics.alerts.clone(),
        trust_archive: false,
    }
}

fn rate(records: u64, elapsed_secs: f64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "for a person")]
    let per_sec = records as f64 / elapsed_secs.max(1e-9);
    let records = print::grouped(records);
    format!("{records} records in {elapsed_secs:.1} s, {per_sec:.0} a second")
}
