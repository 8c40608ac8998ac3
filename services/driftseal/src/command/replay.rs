//! `driftseal replay`: recomputes everything that the monitor computed, from the archive alone.

use evidence::ReplayOptions;
use service::clock::Stopwatch;

use super::context::Context;
use super::evidence::{Source, bar, refused, show};
use crate::outcome::{Ended, Failure};
use crate::print::Output;
use crate::{print, roles};

/// Arguments of `driftseal replay`.
#[derive(Debug, clap::Args)]
pub struct ReplayArgs {
    #[command(flatten)]
    source: Source,
    /// Do not verify the segments against the log, for example right after `driftseal fsck`
    #[arg(long)]
    trust_archive: bool,
}

impl ReplayArgs {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        let config = context.load()?;
        let policy = self.source.policy(context)?;
        let runtime = roles::runtime()?;
        let archive = self.source.open(context, &runtime)?;
        let options =
            ReplayOptions { trust_archive: self.trust_archive, ..config.replay_options() };
        let stopwatch = Stopwatch::start();
        let bar = bar();
        let report = evidence::replay(&archive, &policy, &options, &mut show(&bar));
        bar.finish_and_clear();
        let report = match report {
            Ok(report) => report,
            Err(error) => return Err(refused(&error)),
        };
        match context.output {
            Output::Text => {
                print::lines(&report.to_text());
                print::note(rate(report.records, stopwatch.elapsed_secs()));
            }
            Output::Json => print::json(&report),
        }
        Ok(report.verdict.into())
    }
}

fn rate(records: u64, elapsed_secs: f64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "for display")]
    let per_sec = records as f64 / elapsed_secs.max(1e-9);
    let records = print::grouped(records);
    format!("{records} records in {elapsed_secs:.1} s, {per_sec:.0} per second")
}
