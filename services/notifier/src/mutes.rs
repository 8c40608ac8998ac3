//! Suppressions, straight from the governance topic: an alert is muted from the moment that a person
//! mutes it, however far the partition of its agent lags.
//!
//! An alert that fires while it is muted is handed on as one that fired under the suppression, and
//! held; when the mute ends and the alert is still open, it is handed on again, and sent. The
//! processor does the same for alerts that fire after it has admitted the suppression; those carry
//! its identifier and are not held.

use std::collections::BTreeMap;
use std::sync::Arc;

use event::{Event, Timestamp, column};

use crate::alert::{Alert, Severity};

/// Most suppressions in force. Beyond it the one that ends first is dropped: an alert too many is sent
/// rather than one too few.
const MUTES_MAX: usize = 10_000;

/// A suppression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mute {
    id: String,
    /// When it begins: as asked, but not before it was recorded, by the broker's clock.
    from_ms: i64,
    until_ms: i64,
    agent_id: String,
    tenant_id: Option<String>,
    environment: Option<String>,
    agent_version: Option<String>,
    metric: Option<String>,
    suite: Option<String>,
    severity: Option<Severity>,
}

impl Mute {
    /// The suppression that an act starts, recorded at a time of the broker; `None` if it lacks what a
    /// suppression has.
    pub(crate) fn from_act(act: &Event<'_>, logged_ms: i64) -> Option<Self> {
        let text = |column| act.text(column).map(str::to_owned);
        let time = |column| act.time(column).map(Timestamp::millis);
        Some(Self {
            id: text(column::EVENT_ID)?,
            from_ms: time(column::drift::FROM)?.max(logged_ms),
            until_ms: time(column::drift::UNTIL)?,
            agent_id: text(column::AGENT_ID)?,
            tenant_id: text(column::TENANT_ID),
            environment: text(column::ENVIRONMENT),
            agent_version: text(column::AGENT_VERSION),
            metric: text(column::drift::METRIC),
            suite: text(column::drift::SUITE),
            severity: match act.text(column::drift::SEVERITY) {
                None => None,
                Some("ticket") => Some(Severity::Ticket),
                Some(_) => Some(Severity::Page),
            },
        })
    }

    fn covers(&self, alert: &Alert, now: i64) -> bool {
        let is = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
        };
        // An alert that fired before is known to its receivers already.
        self.from_ms <= alert.logged_ms
            && now < self.until_ms
            && self.agent_id == alert.agent_id
            && self.tenant_id == alert.tenant_id
            && is(&self.environment, alert.environment.as_deref())
            && is(&self.agent_version, alert.agent_version.as_deref())
            && is(&self.metric, Some(&alert.metric))
            && is(&self.suite, alert.suite.as_deref())
            && self.severity.is_none_or(|severity| severity == alert.severity)
    }
}

/// An alert that is held back.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) alert: Alert,
    mute: String,
}

/// The suppressions in force, and what they hold back.
#[derive(Debug, Default)]
pub(crate) struct Mutes {
    by_id: BTreeMap<String, Mute>,
    held: BTreeMap<Arc<str>, Held>,
}

impl Mutes {
    /// A suppression was started.
    pub(crate) fn start(&mut self, mute: Mute) {
        self.by_id.insert(mute.id.clone(), mute);
        if self.by_id.len() > MUTES_MAX {
            let first = self.by_id.values().min_by_key(|mute| mute.until_ms);
            if let Some(id) = first.map(|mute| mute.id.clone()) {
                self.by_id.remove(&id);
            }
        }
    }

    /// A suppression was ended early.
    pub(crate) fn end(&mut self, id: &str) {
        self.by_id.remove(id);
    }

    /// An alert fires: as it is to be handed on. If it is muted, it is held.
    pub(crate) fn fires(&mut self, partition: i32, offset: i64, alert: Alert, now: i64) -> Alert {
        if alert.suppressed_by.is_some() {
            return alert;
        }
        let muting = self.by_id.values().find(|mute| mute.covers(&alert, now));
        let Some(mute) = muting.map(|mute| mute.id.clone()) else { return alert };
        let id = Arc::clone(&alert.alert_id);
        let muted = Alert { suppressed_by: Some(mute.clone()), ..alert.clone() };
        self.held.insert(id, Held { partition, offset, alert, mute });
        muted
    }

    /// An alert is over, or its partition is no longer read here.
    pub(crate) fn forget(&mut self, is_over: impl Fn(&Held) -> bool) {
        self.held.retain(|_, held| !is_over(held));
    }

    /// The alerts whose mute has ended.
    pub(crate) fn poll(&mut self, now: i64) -> Vec<Held> {
        self.by_id.retain(|_, mute| mute.until_ms > now);
        let by_id = &self.by_id;
        let free = |held: &Held| !by_id.contains_key(&held.mute);
        let ids: Vec<Arc<str>> =
            self.held.iter().filter(|(_, held)| free(held)).map(|(id, _)| Arc::clone(id)).collect();
        ids.iter().filter_map(|id| self.held.remove(id)).collect()
    }

    /// When the next mute ends that holds something back.
    pub(crate) fn poll_timeout(&self) -> Option<i64> {
        let ends = self.held.values().map(|held| self.by_id.get(&held.mute));
        // One that is gone is due at once.
        ends.map(|mute| mute.map_or(i64::MIN, |mute| mute.until_ms)).min()
    }
}

#[cfg(test)]
mod tests {
    use event::{EventBuilder, kind};

    use super::*;
    use crate::alert::Step;
    use crate::alert::tests::alert;

    fn mute(id: &str, until_ms: i64, set: impl FnOnce(EventBuilder) -> EventBuilder) -> Mute {
        let builder = EventBuilder::new(kind::DRIFT_SUPPRESSION_STARTED)
            .set(column::EVENT_ID, id)
            .set(column::EVENT_TIME, Timestamp::from_millis(1))
            .set(column::AGENT_ID, alert(Step::Firing, "x").agent_id)
            .set(column::drift::FROM, Timestamp::from_millis(10))
            .set(column::drift::UNTIL, Timestamp::from_millis(until_ms));
        Mute::from_act(&set(builder).build().unwrap(), 5).unwrap()
    }

    /// An alert of the agent, without a tenant, that fired while the mute is in force.
    fn firing(id: &str) -> Alert {
        Alert { tenant_id: None, suppressed_by: None, logged_ms: 50, ..alert(Step::Firing, id) }
    }

    #[test]
    fn an_alert_that_is_muted_is_held_until_its_mute_ends() {
        let mut mutes = Mutes::default();
        mutes.start(mute("m", 100, |builder| builder));
        let early = Alert { logged_ms: 9, ..firing("early") };
        assert_eq!(mutes.fires(0, 1, early, 50).suppressed_by, None, "it had not begun");
        let muted = mutes.fires(0, 2, firing("a"), 50);
        assert_eq!(muted.suppressed_by.as_deref(), Some("m"));
        mutes.fires(0, 3, firing("b"), 50);
        assert_eq!(mutes.poll_timeout(), Some(100));
        assert!(mutes.poll(99).is_empty());
        mutes.forget(|held| &*held.alert.alert_id == "b");
        let freed = mutes.poll(100);
        assert_eq!(freed.len(), 1);
        assert_eq!((freed[0].offset, freed[0].alert.suppressed_by.as_deref()), (2, None));
        assert_eq!(mutes.poll_timeout(), None);
        assert_eq!(mutes.fires(0, 4, firing("c"), 101).suppressed_by, None);
    }

    #[test]
    fn a_mute_that_is_ended_early_frees_at_once() {
        let mut mutes = Mutes::default();
        mutes.start(mute("m", 100, |builder| builder));
        mutes.fires(1, 2, firing("a"), 50);
        mutes.end("m");
        assert!(mutes.poll_timeout().is_some_and(|due| due < 50));
        assert_eq!(mutes.poll(51).len(), 1);
    }

    #[test]
    fn only_what_matches_is_muted() {
        let version = firing("x").agent_version.unwrap();
        for (mute, is_muted) in [
            (mute("m", 100, |b| b.set(column::drift::METRIC, firing("x").metric)), true),
            (mute("m", 100, |b| b.set(column::AGENT_VERSION, version)), true),
            (mute("m", 100, |b| b.set(column::drift::METRIC, "another")), false),
            (mute("m", 100, |b| b.set(column::AGENT_ID, "another")), false),
            (mute("m", 100, |b| b.set(column::TENANT_ID, "another")), false),
            (mute("m", 100, |b| b.set(column::ENVIRONMENT, "another")), false),
        ] {
            let mut mutes = Mutes::default();
            mutes.start(mute);
            assert_eq!(mutes.fires(0, 1, firing("a"), 50).suppressed_by.is_some(), is_muted);
        }
        let mut mutes = Mutes::default();
        mutes.start(mute("m", 100, |b| b.set(column::drift::SEVERITY, "ticket")));
        let page = Alert { severity: Severity::Page, ..firing("a") };
        assert_eq!(mutes.fires(0, 1, page, 50).suppressed_by, None);
        // What the processor mutes, it fires again itself.
        let own = Alert { suppressed_by: Some("other".into()), ..firing("a") };
        let ticket = Alert { severity: Severity::Ticket, ..own };
        assert_eq!(mutes.fires(0, 1, ticket, 50).suppressed_by.as_deref(), Some("other"));
        assert_eq!(mutes.poll_timeout(), None);
    }
}
