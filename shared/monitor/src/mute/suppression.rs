//! Suppressions, and the alerts that began under one.
//!
//! ```text
//!           under a suppression          it ends, and the alert still fires
//! (alert) ---------------------> held --------------------------------------> fires again
//!                                 ^  | it resolves: nothing is delivered          |
//!                                 |  v                                            |
//!                                 |             another suppression covers it     |
//!                                 +-----------------------------------------------+
//! ```
//!
//! The second `drift.alert.firing` has the `alert_id` and the evidence of the first, and no
//! `suppressed_by`. An alert beyond the limit of held alerts is not suppressed.
//!
//! Alerts that fired before the suppression began are not affected: they were delivered, so their
//! resolution is delivered too.

use std::collections::BTreeMap;

use event::{Cell, Event, Timestamp, column, kind, schema};
use serde::{Deserialize, Serialize};

use super::request::{
    AHEAD_MICROS_MAX, MuteRequest, PER_AGENT_MAX, PER_PARTITION_MAX, micros, own,
};
use crate::identity::Identity;
use crate::metric::{MetricSet, place_of};
use crate::output::{About, Destination, Output, Outputs};

/// Largest number of held alerts.
const HELD_MAX: usize = 256;
/// Reason of an alert that fires again.
const FIRED_EARLIER: &str = "it fired under a suppression that has ended";

/// The suppressions of a partition.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Suppressions {
    /// By their identifiers.
    rules: BTreeMap<String, Rule>,
    /// When the first of them expires.
    first_end: Option<i64>,
    /// Alerts that began under one, by `alert_id`.
    held: BTreeMap<String, Held>,
}

/// A suppression: which alerts it covers, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Rule {
    /// Without an environment it is about every environment of the agent.
    agent: Identity,
    version: Option<String>,
    metric: Option<String>,
    suite: Option<String>,
    severity: Option<String>,
    from: i64,
    until: i64,
}

/// An alert that began under a suppression.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Held {
    /// The suppression.
    by: String,
    /// The metric, if it is one of the list.
    metric: Option<u8>,
    /// The firing event; `None` while it is pending.
    firing: Option<Firing>,
}

/// A `drift.alert.firing`, to be emitted again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Firing {
    agent: Identity,
    version: String,
    /// Values of the drift family, by column path.
    values: Vec<(String, Kept)>,
}

/// The value of a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Kept {
    Int(i64),
    /// Bits of a float, so that it is the same again.
    Float(u64),
    Text(String),
    Time(i64),
    Texts(Vec<String>),
}

impl Rule {
    fn covers(&self, now: i64, alert: &Event<'_>) -> bool {
        let is = |wanted: &Option<String>, column| {
            wanted.as_deref().is_none_or(|wanted| alert.text(column) == Some(wanted))
        };
        (self.from..self.until).contains(&now)
            && alert.text(column::AGENT_ID) == Some(&*self.agent.id)
            && alert.text(column::TENANT_ID) == self.agent.tenant.as_deref()
            && is(&self.agent.environment, column::ENVIRONMENT)
            && is(&self.version, column::AGENT_VERSION)
            && is(&self.metric, column::drift::METRIC)
            && is(&self.suite, column::drift::SUITE)
            && is(&self.severity, column::drift::SEVERITY)
    }
}

impl Suppressions {
    pub(super) fn reach(&mut self, now: i64, outputs: &mut Outputs<'_>) {
        if self.first_end.is_none_or(|end| end > now) {
            return;
        }
        let over = |rule: &Rule| rule.until <= now;
        let ended: Vec<String> =
            self.rules.iter().filter(|(_, rule)| over(rule)).map(|(id, _)| id.clone()).collect();
        for id in ended {
            self.close(&id, "it has expired", None, outputs);
        }
    }

    pub(super) fn start(
        &mut self,
        request: &MuteRequest,
        event: &Event<'_>,
        now: i64,
        outputs: &mut Outputs<'_>,
    ) -> bool {
        let id = &request.event_id;
        match self.checked(request, event, now) {
            Ok(rule) => {
                answer(kind::DRIFT_SUPPRESSION_APPLIED, id, Some(request), &rule, None, outputs);
                self.rules.insert(id.clone(), rule);
                self.first_end = self.rules.values().map(|rule| rule.until).min();
                false
            }
            Err(why) => {
                refuse(request, id, why, outputs);
                true
            }
        }
    }

    /// The requested rule, or why it is refused.
    fn checked(
        &self,
        request: &MuteRequest,
        event: &Event<'_>,
        now: i64,
    ) -> Result<Rule, &'static str> {
        let until = micros(event, column::drift::UNTIL);
        let until = until.ok_or("it has no deadline: `drift.until` is missing")?;
        let rule = Rule {
            agent: request.about.clone(),
            version: own(event, column::AGENT_VERSION),
            metric: own(event, column::drift::METRIC),
            suite: own(event, column::drift::SUITE),
            severity: own(event, column::drift::SEVERITY),
            from: micros(event, column::drift::FROM).unwrap_or(now),
            until,
        };
        let of_agent = self.rules.values().filter(|rule| request.concerns(&rule.agent));
        if rule.agent.id.is_empty() {
            return Err("it names no agent: `agent_id` is missing");
        }
        request.check_actor()?;
        if !matches!(rule.severity.as_deref(), None | Some("page" | "ticket")) {
            Err("`drift.severity` is neither page nor ticket")
        } else if until <= rule.from.max(now) {
            Err("`drift.until` has passed, or is not after `drift.from`")
        } else if until > now.saturating_add(AHEAD_MICROS_MAX) {
            Err("`drift.until` is more than 30 days ahead")
        } else if self.rules.contains_key(&request.event_id) {
            Err("a suppression with that identifier is in force")
        } else if of_agent.count() >= PER_AGENT_MAX || self.rules.len() >= PER_PARTITION_MAX {
            Err("too many suppressions are in force")
        } else {
            Ok(rule)
        }
    }

    pub(super) fn end(
        &mut self,
        request: &MuteRequest,
        event: &Event<'_>,
        outputs: &mut Outputs<'_>,
    ) -> bool {
        // Without an identifier none is found.
        let id = own(event, column::drift::SUPPRESSION_ID).unwrap_or_default();
        let found = self.rules.get(&id).filter(|rule| request.concerns(&rule.agent));
        let found = found.ok_or(
            "no such suppression of that agent is in force: see `drift.suppression_id`, `agent_id`",
        );
        if let Err(why) = request.check_actor().and(found) {
            refuse(request, &id, why, outputs);
            return true;
        }
        self.close(&id, "it was ended", Some(request), outputs);
        false
    }

    /// Ends a suppression; its alerts that are still firing fire again.
    fn close(
        &mut self,
        id: &str,
        why: &str,
        request: Option<&MuteRequest>,
        outputs: &mut Outputs<'_>,
    ) {
        let Some(rule) = self.rules.remove(id) else {
            unreachable!("suppression `{id}` is not in force")
        };
        self.first_end = self.rules.values().map(|rule| rule.until).min();
        answer(kind::DRIFT_SUPPRESSION_CLOSED, id, request, &rule, Some(why), outputs);
        for (alert_id, held) in std::mem::take(&mut self.held) {
            if held.by != id {
                self.held.insert(alert_id, held);
                continue;
            }
            // If another suppression covers it, it is marked and held again, like any firing alert.
            if let Some(firing) = held.firing {
                firing.emit(held.metric, outputs);
            }
        }
    }

    pub(super) fn forget_metrics(&mut self, left: MetricSet) {
        self.held.retain(|_, held| held.metric.is_none_or(|place| !left.contains(place)));
    }

    /// The suppression that covers an alert; if there are several, the one that expires last.
    fn covering(&self, now: i64, alert: &Event<'_>) -> Option<&str> {
        let covering = self.rules.iter().filter(|(_, rule)| rule.covers(now, alert));
        covering.max_by_key(|(_, rule)| rule.until).map(|(id, _)| id.as_str())
    }

    pub(super) fn mark(&mut self, now: i64, output: &mut Output) {
        if self.rules.is_empty() && self.held.is_empty() {
            return;
        }
        let Some(kind) = output.event.text(column::KIND) else {
            unreachable!("an output without a kind")
        };
        let (is_pending, is_firing, is_over) = (
            kind == kind::DRIFT_ALERT_PENDING,
            kind == kind::DRIFT_ALERT_FIRING,
            kind == kind::DRIFT_ALERT_RESOLVED,
        );
        let Some(alert_id) = output.event.text(column::drift::ALERT_ID) else { return };
        let alert_id = alert_id.to_owned();
        let by = if is_over {
            self.held.remove(&alert_id).map(|held| held.by)
        } else if is_pending || is_firing {
            self.held.remove(&alert_id);
            let by = self.covering(now, &output.event).map(str::to_owned);
            by.filter(|_| self.held.len() < HELD_MAX)
        } else {
            return;
        };
        let Some(by) = by else { return };
        if !is_over {
            let firing = is_firing.then(|| Firing::of(output));
            let metric = output.event.text(column::drift::METRIC).and_then(place_of);
            self.held.insert(alert_id, Held { by: by.clone(), metric, firing });
        }
        output.event.set(column::drift::SUPPRESSED_BY, by.into());
    }
}

impl Firing {
    fn of(output: &Output) -> Self {
        let event = &output.event;
        let agent = Identity::of(event, event.text(column::AGENT_ID).unwrap_or_default());
        let version = event.text(column::AGENT_VERSION).unwrap_or_default().to_owned();
        let mut values = Vec::new();
        for (id, cell) in event.cells() {
            let is_drift = schema().column(*id).group.as_deref() == Some("drift");
            if !is_drift || *id == column::drift::SUPPRESSED_BY.id() {
                continue;
            }
            let kept = match cell {
                Cell::Int(value) => Kept::Int(*value),
                Cell::Float(value) => Kept::Float(value.to_bits()),
                Cell::Text(value) => Kept::Text(value.clone().into_owned()),
                Cell::Time(value) => Kept::Time(value.micros()),
                Cell::Texts(values) => {
                    Kept::Texts(values.iter().map(|value| value.clone().into_owned()).collect())
                }
                Cell::Bool(_) | Cell::Bytes(_) | Cell::Map(_) => {
                    unreachable!("no alert has `{}`", id.path())
                }
            };
            values.push((id.path().to_owned(), kept));
        }
        Self { agent, version, values }
    }

    fn emit(&self, metric: Option<u8>, outputs: &mut Outputs<'_>) {
        let (kind, time) = (kind::DRIFT_ALERT_FIRING, outputs.time());
        let set = |mut builder: event::EventBuilder| {
            for (path, kept) in &self.values {
                #[expect(clippy::expect_used, reason = "no column of a major is ever removed")]
                let column = schema().id(path).expect("a kept column is one of the schema");
                let cell = match kept {
                    Kept::Int(value) => Cell::Int(*value),
                    Kept::Float(bits) => Cell::Float(f64::from_bits(*bits)),
                    Kept::Text(text) => text.as_str().into(),
                    Kept::Time(micros) => Cell::Time(Timestamp::from_micros(*micros)),
                    Kept::Texts(texts) => texts.clone().into(),
                };
                builder = builder.set_cell(column, cell);
            }
            builder.set(column::drift::REASON, FIRED_EARLIER)
        };
        let about = match metric {
            Some(place) => About::metric(&self.agent, &self.version, place),
            None => About::version(&self.agent, &self.version),
        };
        outputs.push(Destination::Alerts, kind, time, about, set);
    }
}

/// Responds to a request, or reports the end of a suppression.
fn answer(
    kind: &str,
    id: &str,
    request: Option<&MuteRequest>,
    rule: &Rule,
    reason: Option<&str>,
    outputs: &mut Outputs<'_>,
) {
    let time = outputs.time();
    let version = rule.version.as_deref().unwrap_or_default();
    outputs.push(
        Destination::Alerts,
        kind,
        time,
        About::version(&rule.agent, version),
        |builder| {
            builder
                .set(column::drift::SUPPRESSION_ID, id)
                .set_some(column::drift::METRIC, rule.metric.as_deref())
                .set_some(column::drift::SUITE, rule.suite.as_deref())
                .set_some(column::drift::SEVERITY, rule.severity.as_deref())
                .set(column::drift::FROM, Timestamp::from_micros(rule.from))
                .set(column::drift::UNTIL, Timestamp::from_micros(rule.until))
                .set_some(column::drift::REASON, reason)
                .set_some(column::ON_BEHALF_OF, request.map(|request| vec![request.actor.clone()]))
                .set_some(
                    column::links::CAUSATION,
                    request.map(|request| request.event_id.as_str()),
                )
        },
    );
}

fn refuse(request: &MuteRequest, id: &str, why: &str, outputs: &mut Outputs<'_>) {
    let columns = (column::drift::SUPPRESSION_ID, column::drift::REASON);
    request.refuse((kind::DRIFT_SUPPRESSION_REFUSED, columns), id, why, outputs);
}
