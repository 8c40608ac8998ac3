//! An agent that has fallen silent. Missing data is an alert of its own: it never fires or resolves
//! one about drift.
//!
//! One episode lasts from the first silence of `silence_secs` to the agent's next event.

use event::Timestamp;
use serde::{Deserialize, Serialize};

use crate::agent::Identity;
use crate::output::{Destination, Outputs};

/// Name in `drift.metric`.
const METRIC: &str = "agent.silence";

/// What is known of an agent's silence.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Silence {
    /// Latest event time.
    last: Option<i64>,
    /// Whether a look at it is scheduled.
    scheduled: bool,
    /// The open episode.
    alert_id: Option<String>,
}

/// What a look at an agent says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// Look again at that watermark.
    Again(i64),
    /// Nothing to do until its next event.
    Done,
}

impl Silence {
    /// Latest event time of the agent.
    pub(crate) const fn last(&self) -> Option<i64> {
        self.last
    }

    /// The agent has an event. The watermark at which to look at it, if no look is scheduled.
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
            emit("drift.alert.resolved", &id, reason, self.last, time, agent, version, outputs);
        }
        if limit == 0 || self.scheduled || self.alert_id.is_some() {
            return None;
        }
        self.scheduled = true;
        self.last.map(|last| last.saturating_add(limit))
    }

    /// The watermark has reached a scheduled look.
    pub(crate) fn look(
        &mut self,
        watermark: i64,
        limit: i64,
        agent: &Identity,
        version: &str,
        outputs: &mut Outputs<'_>,
    ) -> Look {
        let Some(last) = self.last.filter(|_| self.scheduled && limit > 0) else {
            self.scheduled = false;
            return Look::Done;
        };
        let at = last.saturating_add(limit);
        if at > watermark {
            return Look::Again(at);
        }
        self.scheduled = false;
        let id = outputs.next_id();
        let reason = "no event of the agent since then";
        emit("drift.alert.firing", &id, reason, Some(last), at, agent, version, outputs);
        self.alert_id = Some(id);
        Look::Done
    }
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
    outputs.push(Destination::Alerts, kind, time, agent, version, |builder| {
        builder
            .set("drift.alert_id", id)
            .set("drift.metric", METRIC)
            .set("drift.severity", "ticket")
            .set_some("drift.since_time", since.map(Timestamp::from_micros))
            .set("drift.reason", reason)
    });
}
