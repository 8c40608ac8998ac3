//! A version that is tried on part of the traffic beside the one that it may replace.
//!
//! A deployment with `agent.traffic_share` strictly between 0 and 1 starts a canary if a version is
//! current: that one, the *control*, stays current and stays watched. Each stream of zeros and
//! ones or of sizes that both versions have is tested as it comes (see `pair`): does the canary fail
//! more often, or is it slower, dearer, longer?
//!
//! ```text
//!            deployed with a share of the traffic
//! (none) -------------------------------------------> running ----> ended, and says how
//!
//! promoted      deployed without a share, or with 1: it takes over at that offset
//! rolled_back   a rollback that names it or goes back to the control; the control deployed
//!               without a share; deployed with share 0
//! superseded    another canary, or another version takes over
//! forgotten     its state or that of the control made room for others (`keys_max`)
//! ```
//!
//! Deployed with another share it runs on: the test does not mind which side has how much traffic.
//! A version deployed with share 0 has no traffic, and changes nothing else.
//!
//! **Events.** `drift.canary.started`; an alert for each stream in which it is worse, with the
//! detector `canary`, from `drift.alert.firing` at once (the evidence is the whole experiment's)
//! to `drift.alert.resolved` when the canary ends; `drift.canary.ended` for each stream, with the
//! final confidence sequence, or one without a stream if none had a pair.
//!
//! **What it does not do.** Mixes are not compared during a canary, and sizes that become smaller
//! are no alert: the interval of the end tells of them. A canary has no baseline until it is
//! promoted; then what it did as a canary is not held against it, and counts for the next version's
//! baseline.

mod pair;

use event::EventBuilder;
use serde::{Deserialize, Serialize};

use crate::agent::Agent;
use crate::observe::Kind;
use crate::output::{Destination, Outputs};
use crate::stream::{Context, Fleet, Mark, Value};

use self::pair::Pair;

/// Streams that are compared; further ones are not.
const PAIRS_MAX: usize = 64;

/// A canary that runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Canary {
    version: String,
    control: String,
    share: f64,
    since: Mark,
    /// The e-value at which a stream counts as worse: one over the probability of a mistake.
    threshold: f64,
    pairs: Vec<Pair>,
}

/// How a canary ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Promoted,
    RolledBack,
    Superseded,
    Forgotten,
}

impl Outcome {
    const fn name(self) -> &'static str {
        match self {
            Self::Promoted => "promoted",
            Self::RolledBack => "rolled_back",
            Self::Superseded => "superseded",
            Self::Forgotten => "forgotten",
        }
    }

    const fn reason(self) -> &'static str {
        match self {
            Self::Promoted => "the canary was promoted",
            Self::RolledBack => "the canary was rolled back",
            Self::Superseded => "another version was deployed",
            Self::Forgotten => "the state of the canary or its control made room for others",
        }
    }
}

/// What a deployment or rollback means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Step {
    /// The version takes over.
    TakeOver,
    /// The version becomes a canary.
    Start(f64),
    /// The canary gets another share.
    Share(f64),
    /// Nothing more.
    Nothing,
}

/// What a deployment of `to`, or a rollback to it, means: how the running canary ends, if it does,
/// and what comes then.
fn decide(
    running: Option<(&str, &str)>,
    current: Option<&str>,
    (to, from): (&str, Option<&str>),
    kind: Kind,
    share: Option<f64>,
) -> (Option<Outcome>, Step) {
    if kind == Kind::RolledBack {
        return match running {
            Some((canary, control)) if to == canary || to == control => {
                (Some(Outcome::RolledBack), Step::Nothing)
            }
            Some((canary, _)) if from == Some(canary) => {
                (Some(Outcome::RolledBack), Step::TakeOver)
            }
            Some(_) => (Some(Outcome::Superseded), Step::TakeOver),
            None if current == Some(to) => (None, Step::Nothing),
            None => (None, Step::TakeOver),
        };
    }
    // A share that makes no sense is none.
    let part = share.filter(|share| *share < 1.0);
    match (running, part) {
        (Some((canary, _)), Some(part)) if to == canary => {
            if part > 0.0 {
                (None, Step::Share(part))
            } else {
                (Some(Outcome::RolledBack), Step::Nothing)
            }
        }
        (Some((canary, _)), None) if to == canary => (Some(Outcome::Promoted), Step::TakeOver),
        (Some((_, control)), Some(_)) if to == control => (None, Step::Nothing),
        (Some((_, control)), None) if to == control => (Some(Outcome::RolledBack), Step::Nothing),
        (None, _) if current == Some(to) => (None, Step::Nothing),
        (_, Some(part)) if current.is_some() => {
            if part > 0.0 {
                (running.map(|_| Outcome::Superseded), Step::Start(part))
            } else {
                (None, Step::Nothing)
            }
        }
        (_, _) => (running.map(|_| Outcome::Superseded), Step::TakeOver),
    }
}

impl Canary {
    /// Whether it is that version.
    pub(crate) fn is(&self, version: &str) -> bool {
        self.version == version
    }

    /// Takes a value of a stream of a version, which may be neither of the two.
    pub(crate) fn observe(
        &mut self,
        place: u8,
        value: Value<'_>,
        run: &str,
        context: &Context<'_>,
        outputs: &mut Outputs<'_>,
    ) {
        let of_canary = context.version == self.version;
        let policy = context.policy();
        if !policy.watched || !of_canary && context.version != self.control {
            return;
        }
        let known = self.pairs.iter().position(|pair| pair.is_of(place, context.suite));
        let at = known.unwrap_or(self.pairs.len());
        if known.is_none() && at < PAIRS_MAX {
            let model = context.watch.model;
            self.pairs.extend(Pair::new(place, model, context.suite, self.threshold));
        }
        let Some(pair) = self.pairs.get_mut(at) else { return };
        pair.observe(of_canary, value, run);
        if pair.is_news(&policy) {
            pair.fire(outputs.next_id(), policy.pages);
            let context = Context { version: &self.version, ..*context };
            let runbook = Some(context.fleet.settings.runbook_url.as_str());
            let last_change = context.last_change.map(|change| change.summary.as_str());
            let (control, since) = (&self.control, self.since);
            let time = outputs.time();
            let (kind, to) = ("drift.alert.firing", Destination::Alerts);
            outputs.push(to, kind, time, context.agent, context.version, |builder| {
                pair.describe(builder, control, since)
                    .set("drift.severity", pair.severity())
                    .set_some("drift.example_runs", pair.examples())
                    .set_some("drift.last_change", last_change)
                    .set_some("drift.runbook_url", runbook.filter(|url| !url.is_empty()))
            });
        }
    }
}

impl Agent {
    /// Takes a deployment or rollback as far as it is about a canary, and says what comes then.
    pub(crate) fn decide(
        &mut self,
        (to, from): (&str, Option<&str>),
        kind: Kind,
        share: Option<f64>,
        outputs: &mut Outputs<'_>,
    ) -> Step {
        let running = self.canary.as_ref().map(|c| (c.version.as_str(), c.control.as_str()));
        let (ends, step) = decide(running, self.current.as_deref(), (to, from), kind, share);
        if let Some(outcome) = ends {
            self.end_canary(outcome, outputs);
        }
        if let (Step::Share(share), Some(canary)) = (step, &mut self.canary) {
            canary.share = share;
        }
        step
    }

    /// Whether a version is tried as a canary.
    pub(crate) fn is_canary(&self, version: &str) -> bool {
        self.canary.as_ref().is_some_and(|canary| canary.is(version))
    }

    /// A version, which is known, is tried beside the current one.
    pub(crate) fn start_canary(
        &mut self,
        version: &str,
        share: f64,
        offset: i64,
        fleet: Fleet<'_>,
        outputs: &mut Outputs<'_>,
    ) {
        let Some(control) = self.current.clone() else { return };
        let time = outputs.time();
        let threshold = 1.0 / fleet.settings.canary_alpha;
        let change = self.last_change.as_ref().map(|change| change.summary.as_str());
        let (kind, to) = ("drift.canary.started", Destination::Alerts);
        outputs.push(to, kind, time, &self.identity, version, |builder| {
            builder
                .set("drift.detector", pair::DETECTOR)
                .set("drift.threshold", threshold)
                .set("drift.baseline_version", control.as_str())
                .set("drift.traffic_share", share)
                .set_some("drift.last_change", change)
        });
        self.canary = Some(Box::new(Canary {
            version: version.to_owned(),
            control,
            share,
            since: Mark { offset, time },
            threshold,
            pairs: Vec::new(),
        }));
    }

    /// The canary ends, if one runs: its alerts are resolved, and each of its streams says what was
    /// found.
    pub(crate) fn end_canary(&mut self, outcome: Outcome, outputs: &mut Outputs<'_>) {
        let Some(canary) = self.canary.take() else { return };
        let Canary { version, control, share, since, threshold, pairs } = *canary;
        let time = outputs.time();
        let mut push = |kind: &str, fill: &dyn Fn(EventBuilder) -> EventBuilder| {
            let to = Destination::Alerts;
            outputs.push(to, kind, time, &self.identity, &version, |builder| {
                fill(builder).set("drift.reason", outcome.reason())
            });
        };
        for pair in pairs.iter().filter(|pair| pair.is_firing()) {
            push("drift.alert.resolved", &|builder| {
                pair.describe(builder, &control, since).set("drift.severity", pair.severity())
            });
        }
        let ended = |builder: EventBuilder| {
            builder.set("drift.outcome", outcome.name()).set("drift.traffic_share", share)
        };
        let kind = "drift.canary.ended";
        for pair in &pairs {
            push(kind, &|builder| ended(pair.describe(builder, &control, since)));
        }
        if pairs.is_empty() {
            push(kind, &|builder| {
                ended(builder)
                    .set("drift.detector", pair::DETECTOR)
                    .set("drift.threshold", threshold)
                    .set("drift.baseline_version", control.as_str())
            });
        }
    }

    /// The state of a version is let go.
    pub(crate) fn end_canary_of(&mut self, version: &str, outputs: &mut Outputs<'_>) {
        let is_of = |canary: &Canary| canary.version == version || canary.control == version;
        if self.canary.as_deref().is_some_and(is_of) {
            self.end_canary(Outcome::Forgotten, outputs);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUNNING: Option<(&str, &str)> = Some(("c", "k"));

    fn deployed(
        running: Option<(&str, &str)>,
        to: &str,
        share: Option<f64>,
    ) -> (Option<Outcome>, Step) {
        decide(running, Some("k"), (to, None), Kind::Deployed, share)
    }

    #[test]
    fn a_deployment_means_one_thing() {
        use Outcome::{Promoted, RolledBack, Superseded};
        for (share, expected) in [
            (Some(0.1), (None, Step::Share(0.1))),
            (Some(0.0), (Some(RolledBack), Step::Nothing)),
            (Some(1.0), (Some(Promoted), Step::TakeOver)),
            (Some(f64::NAN), (Some(Promoted), Step::TakeOver)),
            (None, (Some(Promoted), Step::TakeOver)),
        ] {
            assert_eq!(deployed(RUNNING, "c", share), expected, "{share:?}");
        }
        assert_eq!(deployed(RUNNING, "k", Some(0.9)), (None, Step::Nothing));
        assert_eq!(deployed(RUNNING, "k", None), (Some(RolledBack), Step::Nothing));
        assert_eq!(deployed(RUNNING, "d", Some(0.2)), (Some(Superseded), Step::Start(0.2)));
        assert_eq!(deployed(RUNNING, "d", Some(-1.0)), (None, Step::Nothing));
        assert_eq!(deployed(RUNNING, "d", None), (Some(Superseded), Step::TakeOver));
        assert_eq!(deployed(None, "k", Some(0.2)), (None, Step::Nothing));
        assert_eq!(deployed(None, "c", Some(0.2)), (None, Step::Start(0.2)));
        assert_eq!(deployed(None, "c", None), (None, Step::TakeOver));
        // Nothing is there to stay current.
        let first = decide(None, None, ("c", None), Kind::Deployed, Some(0.2));
        assert_eq!(first, (None, Step::TakeOver));
    }

    #[test]
    fn a_rollback_means_one_thing() {
        let back =
            |running, to, from| decide(running, Some("k"), (to, from), Kind::RolledBack, None);
        let ended = Some(Outcome::RolledBack);
        assert_eq!(back(RUNNING, "k", Some("c")), (ended, Step::Nothing));
        assert_eq!(back(RUNNING, "c", None), (ended, Step::Nothing));
        assert_eq!(back(RUNNING, "j", Some("c")), (ended, Step::TakeOver));
        assert_eq!(back(RUNNING, "j", Some("k")), (Some(Outcome::Superseded), Step::TakeOver));
        assert_eq!(back(None, "k", None), (None, Step::Nothing));
        assert_eq!(back(None, "j", Some("k")), (None, Step::TakeOver));
    }
}
