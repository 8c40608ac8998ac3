//! What becomes of an agent's streams when a metric is no longer in force.

use super::state::Agent;
use crate::metric::MetricSet;
use crate::stream::Shared;

impl Agent {
    /// Forgets everything about some metrics. Nothing is emitted: the monitor that took a metric out
    /// of force does not have it, and knows nothing of its alerts.
    pub(crate) fn forget_metrics(&mut self, left: MetricSet, shared: Shared<'_>) {
        let versions: Vec<String> = self.versions.keys().cloned().collect();
        for version in &versions {
            self.each_stream(version, shared, |cell, stream, _| {
                if left.contains(cell.0) {
                    stream.leave(shared.standings);
                }
            });
            if let Some(version) = self.versions.get_mut(version) {
                version.streams.retain(|(place, _), _| !left.contains(*place));
                version.windows.forget_metrics(|place| left.contains(place));
            }
        }
        self.baselines.forget_metrics(|place| left.contains(place));
        if let Some(canary) = &mut self.canary {
            canary.pairs.retain(|pair| !left.contains(pair.place()));
        }
    }
}
