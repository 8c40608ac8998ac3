//! Acts of people and release pipelines about baselines.

use event::{Event, column, kind};

use crate::identity::{Identity, bounded};
use crate::kind::Kind;
use crate::metric::Watch;
use crate::output::{About, Destination, Outputs};

/// A `drift.baseline.pinned` or `drift.baseline.unpinned` event.
#[derive(Debug)]
pub(crate) struct Act<'e> {
    pub(crate) pins: bool,
    pub(crate) offset: i64,
    pub(crate) version: Option<&'e str>,
    pub(crate) metric: Option<&'e str>,
    pub(crate) alert_id: Option<&'e str>,
    cause: Option<&'e str>,
}

impl<'e> Act<'e> {
    pub(crate) fn of(event: &'e Event<'_>, kind: Kind, offset: i64) -> Self {
        let named = |column| event.text(column).filter(|name: &&str| !name.is_empty());
        Self {
            pins: kind == Kind::Pinned,
            offset,
            version: named(column::AGENT_VERSION),
            metric: named(column::drift::METRIC),
            alert_id: named(column::drift::ALERT_ID),
            cause: named(column::EVENT_ID),
        }
    }

    /// Whether the act concerns a metric.
    pub(crate) fn is_about(&self, watch: Watch) -> bool {
        self.metric.is_none_or(|metric| metric == watch.metric)
    }

    /// Reports that the act was refused.
    pub(crate) fn refuse(&self, reason: &str, agent: &Identity, outputs: &mut Outputs<'_>) {
        let time = outputs.time();
        let version = self.version.map(bounded).unwrap_or_default();
        let kind = kind::DRIFT_BASELINE_REFUSED;
        outputs.push(Destination::Alerts, kind, time, About::version(agent, &version), |builder| {
            builder
                .set_some(
                    column::drift::METRIC,
                    self.metric.map(|metric| bounded(metric).into_owned()),
                )
                .set_some(column::links::CAUSATION, self.cause)
                .set(column::drift::REASON, reason)
        });
    }
}
