//! What a person or a release pipeline says about baselines.

use event::Event;

use crate::columns::columns;
use crate::identity::{Identity, bounded};
use crate::kind::Kind;
use crate::metric::Watch;
use crate::output::{Destination, Outputs};

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
        let columns = columns();
        let named = |column| event.text(column).filter(|name: &&str| !name.is_empty());
        Self {
            pins: kind == Kind::Pinned,
            offset,
            version: named(columns.agent_version),
            metric: named(columns.drift_metric),
            alert_id: named(columns.drift_alert_id),
            cause: named(columns.event_id),
        }
    }

    pub(crate) fn is_about(&self, watch: Watch) -> bool {
        self.metric.is_none_or(|metric| metric == watch.metric)
    }

    /// Says that it was refused.
    pub(crate) fn refuse(&self, reason: &str, agent: &Identity, outputs: &mut Outputs<'_>) {
        let time = outputs.time();
        let version = self.version.map(bounded).unwrap_or_default();
        let kind = "drift.baseline.refused";
        outputs.push(Destination::Alerts, kind, time, agent, &version, |builder| {
            builder
                .set_some("drift.metric", self.metric.map(|metric| bounded(metric).into_owned()))
                .set_some("links.causation", self.cause)
                .set("drift.reason", reason)
        });
    }
}
