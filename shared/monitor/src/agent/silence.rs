//! Silence of an agent. Missing data is an alert of its own: it never fires or resolves one about
//! drift.
//!
//! One episode lasts from the end of the first `silence_secs` without an event to the agent's next
//! event.

use event::{Timestamp, column, kind};
use serde::{Deserialize, Serialize};

use crate::identity::Identity;
use crate::output::{About, Destination, Outputs};
use crate::window::end_of_minute;

/// Name in `drift.metric`.
const METRIC: &str = "agent.silence";

/// What is known of an agent's silence.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Silence {
    /// Latest event time.
    last: Option<i64>,
    /// Watermark at which to look at it, if there is one.
    look_at: Option<i64>,
    /// The open episode.
    alert_id: Option<String>,
}

impl Silence {
    /// Latest event time of the agent.
    pub(crate) const fn last(&self) -> Option<i64> {
        self.last
    }

    /// Watermark at which to look at it.
    pub(crate) const fn next_due(&self) -> Option<i64> {
        self.look_at
    }

    /// The agent has an event. The watermark at which to look at it, if that is new.
    pub(crate) fn heard(
        &mut self,
        time: i64,
        limit: i64,
        agent: &Identity,
        version: &str,
        outputs: &mut Outputs<'_>,
    ) -> Option<i64> {
        // What arrives late was sent before the silence, and does not end it.
        let is_new = self.last.is_none_or(|last| time > last);
        self.last = self.last.max(Some(time));
        if let Some(id) = self.alert_id.take_if(|_| is_new) {
            let reason = "the agent has events again";
            emit(kind::DRIFT_ALERT_RESOLVED, &id, reason, self.last, time, agent, version, outputs);
        }
        if limit == 0 || self.look_at.is_some() || self.alert_id.is_some() {
            return None;
        }
        self.look_at = self.last.map(|last| look_at(last, limit));
        self.look_at
    }

    /// The watermark has come to where a look at it is due.
    pub(crate) fn look(
        &mut self,
        watermark: i64,
        limit: i64,
        agent: &Identity,
        version: &str,
        outputs: &mut Outputs<'_>,
    ) {
        let waits = self.look_at.take().is_some();
        let Some(last) = self.last.filter(|_| waits && limit > 0) else { return };
        let at = last.saturating_add(limit);
        if at > watermark {
            self.look_at = Some(look_at(last, limit));
            return;
        }
        let id = outputs.next_id(None);
        let reason = "no event of the agent since then";
        emit(kind::DRIFT_ALERT_FIRING, &id, reason, Some(last), at, agent, version, outputs);
        self.alert_id = Some(id);
    }
}

/// When to look whether nothing has come since: at the end of a minute, so that many look at once.
const fn look_at(last: i64, limit: i64) -> i64 {
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
