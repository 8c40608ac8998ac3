//! The end of an agent's streams when a metric is no longer in force.

use super::state::Agent;
use crate::metric::MetricSet;
use crate::output::Outputs;
use crate::stream::Shared;

/// Reason of alerts that are resolved because nobody watches their metric any more.
pub(super) const NOT_IN_FORCE: &str = "the metric is no longer in force";

impl Agent {
    /// Removes everything about some metrics. Their open alerts are resolved: nothing else would
    /// ever resolve them.
    pub(crate) fn forget_metrics(
        &mut self,
        left: MetricSet,
        shared: Shared<'_>,
        outputs: &mut Outputs<'_>,
    ) {
        let versions: Vec<String> = self.versions.keys().cloned().collect();
        for version in &versions {
            self.each_stream(version, shared, |channel, stream, context| {
                if left.contains(channel.0) {
                    stream.restart(NOT_IN_FORCE, context, outputs);
                    stream.leave(shared.standings);
                }
            });
        }
        for version in self.versions.values_mut() {
            version.streams.retain(|(place, _), _| !left.contains(*place));
            version.windows.forget_metrics(|place| left.contains(place));
        }
        self.baselines.forget_metrics(|place| left.contains(place));
        self.forget_pairs(left, outputs);
    }
}
