//! Silence of an agent. Missing data has an alert of its own: it never fires or resolves an alert
//! about drift.
//!
//! An episode lasts from the end of the first `silence_secs` without an event until the agent's
//! next event.

use event::{Timestamp, column, kind};
use serde::{Deserialize, Serialize};

use crate::identity::Identity;
use crate::output::{About, Destination, Outputs};
use crate::window::end_of_minute;

/// Name in `drift.metric`.
const METRIC: &str = "agent.silence";

/// State of the silence of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Silence {
    /// Latest event time.
    last: Option<i64>,
    /// Watermark at which to check for silence.
    check_at: Option<i64>,
    /// Alert of the open episode.
    alert_id: Option<String>,
}

impl Silence {
    /// Latest event time of the agent.
    pub(crate) const fn last(&self) -> Option<i64> {
        self.last
    }

    /// Watermark at which to check for silence.
    pub(crate) const fn next_due(&self) -> Option<i64> {
        self.check_at
    }

    /// Records an event of the agent. Returns the watermark at which to check for silence, if it is
    /// new.
    pub(crate) fn heard(
        &mut self,
        time: i64,
        limit: i64,
        agent: &Identity,
        version: &str,
        outputs: &mut Outputs<'_>,
    ) -> Option<i64> {
        // A late event was sent before the silence, and does not end it.
        let is_new = self.last.is_none_or(|last| time > last);
        self.last = self.last.max(Some(time));
        if let Some(id) = self.alert_id.take_if(|_| is_new) {
            let reason = "the agent sends events again";
            emit(kind::DRIFT_ALERT_RESOLVED, &id, reason, self.last, time, agent, version, outputs);
        }
        if limit == 0 || self.check_at.is_some() || self.alert_id.is_some() {
            return None;
        }
        self.check_at = self.last.map(|last| check_at(last, limit));
        self.check_at
    }

    /// Resolves the open alert when the agent is evicted, as nobody waits for its next event.
    pub(crate) fn evict(&mut self, agent: &Identity, version: &str, outputs: &mut Outputs<'_>) {
        let Some(id) = self.alert_id.take() else { return };
        let (kind, time) = (kind::DRIFT_ALERT_RESOLVED, outputs.time());
        let reason = "the state of the agent was evicted";
        emit(kind, &id, reason, self.last, time, agent, version, outputs);
    }

    /// Checks for silence, when the watermark has reached [`Self::next_due`].
    pub(crate) fn check(
        &mut self,
        watermark: i64,
        limit: i64,
        agent: &Identity,
        version: &str,
        outputs: &mut Outputs<'_>,
    ) {
        let is_due = self.check_at.take().is_some();
        let Some(last) = self.last.filter(|_| is_due && limit > 0) else { return };
        let at = last.saturating_add(limit);
        if at > watermark {
            self.check_at = Some(check_at(last, limit));
            return;
        }
        let id = outputs.next_id(None);
        let reason = "no event of the agent since";
        emit(kind::DRIFT_ALERT_FIRING, &id, reason, Some(last), at, agent, version, outputs);
        self.alert_id = Some(id);
    }
}

/// Watermark at which to check whether no event came since: at the end of a minute, so that many
/// agents are checked together.
const fn check_at(last: i64, limit: i64) -> i64 {
    end_of_minute(last.saturating_add(limit).saturating_sub(1))
}

#[expect(clippy::too_many_arguments, reason = "each is a field of the event")]
fn emit(
    kind: &str,
    id: &str,
    reason: &str,
    since: Option<i64>,
    time: i64,
    agent: &Identity,
    version: &str,
    outputs: &mut Outputs<'_>,
) {
    outputs.push(Destination::Alerts, kind, time, About::version(agent, version), |builder| {
        builder
            .set(column::drift::ALERT_ID, id)
            .set(column::drift::METRIC, METRIC)
            .set(column::drift::SEVERITY, "ticket")
            .set_some(column::drift::SINCE_TIME, since.map(Timestamp::from_micros))
            .set(column::drift::REASON, reason)
    });
}
