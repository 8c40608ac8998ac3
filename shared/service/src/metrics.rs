//! Metrics of the process in the text format of Prometheus.

use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::metric_names::{self, Kind};

/// Interval at which histogram samples are folded into their buckets even without scrapes, which
/// bounds their memory.
const UPKEEP: Duration = Duration::from_secs(5);

/// The metrics of the process, for scrapes.
#[derive(Clone)]
pub struct Exposition {
    handle: PrometheusHandle,
}

impl std::fmt::Debug for Exposition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exposition").finish_non_exhaustive()
    }
}

impl Exposition {
    /// All metrics in the text format.
    #[must_use]
    pub fn render(&self) -> String {
        self.handle.render()
    }
}

/// Installs the recorder of the process. Later calls return the same exposition.
///
/// If another recorder is already installed, the exposition stays empty and a warning is logged.
pub fn install() -> Exposition {
    static INSTALLED: OnceLock<PrometheusHandle> = OnceLock::new();
    let handle = INSTALLED.get_or_init(|| {
        let mut builder = PrometheusBuilder::new();
        for metric in metric_names::ALL {
            if let Kind::Histogram { buckets } = metric.kind {
                let name = Matcher::Full(metric.name.to_owned());
                let Ok(with_buckets) = builder.set_buckets_for_metric(name, buckets) else {
                    unreachable!("the buckets of {} are not empty, as a test shows", metric.name)
                };
                builder = with_buckets;
            }
        }
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_ok() {
            describe_all();
            let upkeep = handle.clone();
            let keeper = std::thread::Builder::new().name("metrics-upkeep".into());
            let spawned = keeper.spawn(move || {
                loop {
                    std::thread::sleep(UPKEEP);
                    upkeep.run_upkeep();
                }
            });
            if let Err(error) = spawned {
                tracing::warn!(
                    %error,
                    "failed to start the metrics thread; histogram samples accumulate between scrapes"
                );
            }
        } else {
            tracing::warn!("another metrics recorder is installed; /metrics stays empty");
        }
        handle
    });
    Exposition { handle: handle.clone() }
}

/// Registers the help text of every metric with the installed recorder.
pub fn describe_all() {
    for metric in metric_names::ALL {
        match metric.kind {
            Kind::Counter => metrics::describe_counter!(metric.name, metric.help),
            Kind::Gauge => metrics::describe_gauge!(metric.name, metric.help),
            Kind::Histogram { .. } => metrics::describe_histogram!(metric.name, metric.help),
        }
    }
}

/// A count as metrics take it.
#[must_use]
pub fn count(things: usize) -> u64 {
    let Ok(count) = u64::try_from(things) else { unreachable!("`usize` has at most 64 bits") };
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scrape_shows_help_type_and_buckets() {
        let exposition = install();
        metrics::counter!(metric_names::SEALER_RECORDS_SEALED).increment(3);
        metrics::histogram!(metric_names::SEALER_SEAL_DURATION).record(0.2);
        let text = install().render();
        assert_eq!(text, exposition.render());
        assert!(text.contains("# TYPE driftseal_sealer_records_sealed_total counter"), "{text}");
        assert!(text.contains("# HELP driftseal_sealer_records_sealed_total "), "{text}");
        assert!(text.contains("driftseal_sealer_records_sealed_total 3"), "{text}");
        assert!(
            text.contains("driftseal_sealer_seal_duration_seconds_bucket{le=\"0.25\"} 1"),
            "{text}"
        );
    }
}
