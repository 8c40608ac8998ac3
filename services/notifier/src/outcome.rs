//! The outcome of a step at a sink, and the event that records it.

use std::sync::Arc;

use event::{BuildError, Event, EventBuilder, Timestamp, column, id, kind, view};

use crate::alert::{Alert, Step};

/// Domain of derived `event_id`s of outcomes.
const DOMAIN: &str = "driftseal/event-id/notification/v1";

/// Why a sink was not notified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reason {
    /// The receiver refused the request permanently (most 4xx).
    Refused,
    /// All attempts failed.
    Exhausted,
    /// The alert was resolved, and became too old, before it could be sent.
    Expired,
    /// A limit was reached.
    Overflow,
}

impl Reason {
    const ALL: [Self; 4] = [Self::Refused, Self::Exhausted, Self::Expired, Self::Overflow];

    /// Name in events and labels.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Exhausted => "exhausted",
            Self::Expired => "expired",
            Self::Overflow => "overflow",
        }
    }

    /// Whether nothing was sent, so that later steps are not sent either.
    pub(crate) const fn nothing_was_sent(self) -> bool {
        match self {
            Self::Refused | Self::Exhausted => false,
            Self::Expired | Self::Overflow => true,
        }
    }
}

/// Whether a sink was notified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The receiver accepted the request.
    Delivered,
    /// It was not and will not be notified: a dead letter.
    Failed(Reason),
    /// The alert fired under a suppression. If it outlasts the suppression, it fires again and is sent.
    Suppressed,
}

/// The outcome of a step for a sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) verdict: Verdict,
    pub(crate) attempts: u32,
    pub(crate) status_code: Option<u16>,
    pub(crate) request_digest: Option<String>,
    pub(crate) detail: Option<String>,
}

impl Outcome {
    /// The outcome of a step for which no request was made.
    pub(crate) const fn unsent(reason: Reason) -> Self {
        let verdict = Verdict::Failed(reason);
        Self { verdict, attempts: 0, status_code: None, request_digest: None, detail: None }
    }

    /// The outcome of an alert that is not sent because it fired under a suppression.
    pub(crate) const fn suppressed() -> Self {
        let verdict = Verdict::Suppressed;
        Self { verdict, attempts: 0, status_code: None, request_digest: None, detail: None }
    }

    /// Kind of the event.
    pub(crate) const fn kind(&self) -> &'static str {
        match self.verdict {
            Verdict::Delivered => kind::NOTIFICATION_DELIVERED,
            Verdict::Failed(_) => kind::NOTIFICATION_FAILED,
            Verdict::Suppressed => kind::NOTIFICATION_SUPPRESSED,
        }
    }

    /// The event of the outcome. Its `event_id` is derived from alert, sink and step, so that a repeated
    /// write has the same one.
    pub(crate) fn to_event(
        &self,
        sink: &str,
        alert: &Alert,
        now_ms: i64,
    ) -> Result<Event<'static>, BuildError> {
        // A suppressed step may be sent later, which has an outcome of its own.
        let (about, reason) = match self.verdict {
            Verdict::Delivered => (alert.step.name(), None),
            Verdict::Failed(reason) => (alert.step.name(), Some(reason.name())),
            Verdict::Suppressed => ("suppressed", None),
        };
        let suppressed_by = alert.suppressed_by.as_deref();
        let suppressed_by = suppressed_by.filter(|_| self.verdict == Verdict::Suppressed);
        EventBuilder::new(self.kind())
            .set(column::EVENT_ID, id::from_texts(DOMAIN, &[&alert.alert_id, sink, about]))
            .set(column::EVENT_TIME, Timestamp::from_millis(now_ms))
            .set_some(column::TENANT_ID, alert.tenant_id.as_deref())
            .set_some(column::ENVIRONMENT, alert.environment.as_deref())
            .set_some(column::AGENT_ID, Some(alert.agent_id.as_str()).filter(|id| !id.is_empty()))
            .set_some(column::AGENT_VERSION, alert.agent_version.as_deref())
            .set(column::actor::TYPE, "service")
            .set(column::actor::ID, "notifier")
            .set_some(
                column::links::CAUSATION,
                Some(alert.event_id.as_str()).filter(|id| !id.is_empty()),
            )
            .set(column::notification::ALERT_ID, &*alert.alert_id)
            .set(column::notification::SINK, sink)
            .set(column::notification::STEP, alert.step.name())
            .set(column::notification::ATTEMPTS, i64::from(self.attempts))
            .set_some(column::notification::STATUS_CODE, self.status_code.map(i64::from))
            .set_some(column::notification::REQUEST_DIGEST, self.request_digest.as_deref())
            .set_some(column::notification::REASON, reason)
            .set_some(column::notification::DETAIL, self.detail.as_deref())
            .set_some(column::notification::SUPPRESSED_BY, suppressed_by)
            .build()
    }
}

/// An outcome that the log already holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Logged {
    pub(crate) alert_id: Arc<str>,
    pub(crate) sink: String,
    pub(crate) step: Step,
    pub(crate) verdict: Verdict,
}

impl Logged {
    /// The outcome that an event records; `None` for every other event.
    pub(crate) fn from_event(event: &Event<'_>) -> Option<Self> {
        let said = view::Notification::read(event)?;
        let verdict = match event.text(column::KIND)? {
            kind::NOTIFICATION_DELIVERED => Verdict::Delivered,
            kind::NOTIFICATION_SUPPRESSED => Verdict::Suppressed,
            _ => {
                let reason =
                    Reason::ALL.into_iter().find(|reason| Some(reason.name()) == said.reason);
                // A reason of a later release is as final as the others.
                Verdict::Failed(reason.unwrap_or(Reason::Refused))
            }
        };
        Some(Self {
            alert_id: said.alert_id?.into(),
            sink: said.sink?.to_owned(),
            step: Step::of_name(said.step?)?,
            verdict,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::tests::alert;

    #[test]
    fn an_outcome_is_read_back_as_it_was_written() {
        let verdicts = Reason::ALL.map(Verdict::Failed).into_iter().chain([Verdict::Delivered]);
        for (verdict, step) in verdicts.zip(Step::ALL.into_iter().cycle()) {
            let alert = alert(step, "a-1");
            let outcome = Outcome {
                verdict,
                attempts: 3,
                status_code: Some(202),
                request_digest: Some("00".into()),
                detail: Some("ok".into()),
            };
            let event = outcome.to_event("oncall", &alert, 5).unwrap();
            assert_eq!(event.text(column::links::CAUSATION), Some(alert.event_id.as_str()));
            let logged = Logged::from_event(&event).unwrap();
            let (alert_id, sink) = ("a-1".into(), "oncall".to_owned());
            assert_eq!(logged, Logged { alert_id, sink, step, verdict });
        }
    }

    #[test]
    fn a_suppressed_step_and_the_same_step_told_later_are_two_events() {
        let alert = Alert { suppressed_by: Some("s-1".into()), ..alert(Step::Firing, "a-1") };
        let suppressed = Outcome::suppressed().to_event("oncall", &alert, 5).unwrap();
        let told = Outcome { verdict: Verdict::Delivered, ..Outcome::suppressed() };
        let told = told.to_event("oncall", &alert, 5).unwrap();
        assert_ne!(suppressed.text(column::EVENT_ID), told.text(column::EVENT_ID));
        assert_eq!(suppressed.text(column::notification::SUPPRESSED_BY), Some("s-1"));
        let logged = Logged::from_event(&suppressed).unwrap();
        assert_eq!((logged.verdict, logged.step), (Verdict::Suppressed, Step::Firing));
    }

    #[test]
    fn the_identifier_differs_by_alert_sink_and_step_and_by_nothing_else() {
        let of = |id: &str, sink: &str, step| {
            let event = Outcome::unsent(Reason::Expired).to_event(sink, &alert(step, id), 0);
            event.unwrap().text(column::EVENT_ID).unwrap().to_owned()
        };
        let all = [
            of("a", "s", Step::Firing),
            of("b", "s", Step::Firing),
            of("a", "t", Step::Firing),
            of("a", "s", Step::Resolved),
        ];
        assert_eq!(all.iter().collect::<std::collections::HashSet<_>>().len(), all.len());
        assert_eq!(all[0], id::from_texts(DOMAIN, &["a", "s", "firing"]));
    }
}
