//! What must be true before a version is deployed: a plain list of rules, each judged from the acts that were
//! recorded and, for one of them, the alerts that are firing.

use std::collections::BTreeMap;

use act::alert::Open;
use event::plain::Name;
use event::typed::Text;
use event::{Timestamp, TypedColumn, column, kind};

use super::history::Kept;

/// A rule.
pub(super) struct Rule {
    /// Its name, in `ready.require` and in answers.
    pub(super) name: &'static str,
    /// What satisfies it.
    pub(super) satisfied_by: &'static str,
    /// What to do where it is not.
    pub(super) to_do: &'static str,
    /// Whether it is judged from acts, of which the oldest may be forgotten.
    pub(super) is_of_acts: bool,
    judge: fn(&Case<'_>) -> Finding,
}

/// The rules.
pub(super) const RULES: [Rule; 7] = [
    Rule {
        name: "registered",
        satisfied_by: "the version was registered with this digest, and its agent was not retired",
        to_do: "driftseal version register",
        is_of_acts: true,
        judge: registered,
    },
    Rule {
        name: "change_approved",
        satisfied_by: "a change whose request names this digest was approved, or made as an emergency, and \
                       not rejected since",
        to_do: "driftseal change request --to-digest DIGEST, then driftseal change approve by a person",
        is_of_acts: true,
        judge: change_approved,
    },
    Rule {
        name: "separate_approver",
        satisfied_by: "who approved the change is neither who requested it nor who registered the version; \
                       names are as they were given",
        to_do: "driftseal change approve by somebody else",
        is_of_acts: true,
        judge: separate_approver,
    },
    Rule {
        name: "evaluated",
        satisfied_by: "an eval suite was recorded for this digest, and the last gate of each such suite is \
                       `pass`",
        to_do: "driftseal suite record",
        is_of_acts: true,
        judge: evaluated,
    },
    Rule {
        name: "risk_linked",
        satisfied_by: "a risk is linked to the change that names this digest; it is recorded, and its \
                       acceptance has not expired",
        to_do: "driftseal risk record --change CHANGE_ID",
        is_of_acts: true,
        judge: risk_linked,
    },
    Rule {
        name: "policy_acknowledged",
        satisfied_by: "the policy that the version names (ID@VERSION) is published, and was acknowledged",
        to_do: "driftseal version register --policy ID@VERSION, driftseal policy publish, driftseal policy \
                acknowledge",
        is_of_acts: true,
        judge: policy_acknowledged,
    },
    Rule {
        name: "quiet",
        satisfied_by: "no alert of the agent is firing in the environment",
        to_do: "driftseal alert list",
        is_of_acts: false,
        judge: quiet,
    },
];

/// The names of the rules.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|rule| rule.name)
}

/// What a rule found.
#[derive(Debug)]
pub(super) enum Finding {
    /// These acts satisfy it.
    Satisfied(Vec<Proof>),
    /// It is not satisfied.
    Missing(String),
    /// It cannot be known.
    Unknown(String),
}

/// An act that satisfies a rule.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Proof {
    pub(super) kind: String,
    pub(super) event_id: String,
    pub(super) at: super::history::At,
    pub(super) by: Option<String>,
    pub(super) time: Timestamp,
}

/// What is asked, and what is known.
#[derive(Debug)]
pub(super) struct Case<'a> {
    pub(super) digest: &'a str,
    pub(super) tenant: Option<&'a str>,
    /// The agent, if it is known whose version it is.
    pub(super) agent: Option<&'a str>,
    pub(super) environment: Option<&'a str>,
    pub(super) now: Timestamp,
    /// Acts of the tenant, oldest first.
    pub(super) acts: Vec<&'a Kept>,
    pub(super) alerts: &'a BTreeMap<String, Open>,
    /// Alerts were left out because the list is full.
    pub(super) alerts_are_incomplete: bool,
}

impl Rule {
    pub(super) fn judge(&self, case: &Case<'_>) -> Finding {
        (self.judge)(case)
    }
}

fn proof(act: &Kept) -> Proof {
    let text = |column: TypedColumn<Text>| act.event.text(column).map(str::to_owned);
    Proof {
        kind: act.kind().to_owned(),
        event_id: text(column::EVENT_ID).unwrap_or_default(),
        at: act.at,
        by: text(column::actor::ID),
        time: act.time,
    }
}

fn missing(reason: impl Into<String>) -> Finding {
    Finding::Missing(reason.into())
}

impl<'a> Case<'a> {
    fn of_kinds(&self, kinds: &'static [&'static str]) -> impl Iterator<Item = &'a Kept> {
        self.acts.iter().copied().filter(move |act| kinds.contains(&act.kind()))
    }

    fn is_of_agent(&self, act: &Kept) -> bool {
        self.agent.is_none() || act.event.text(column::AGENT_ID) == self.agent
    }

    /// Whether an act counts for the agent in question: one about another agent says nothing of it, whatever it
    /// names. A token of one agent's scope may write those.
    fn counts(&self, act: &Kept) -> bool {
        let about = act.event.text(column::AGENT_ID);
        self.agent.is_none() || about.is_none() || about == self.agent
    }

    /// Registrations of the digest.
    fn registrations(&self) -> impl Iterator<Item = &'a Kept> {
        self.of_kinds(&[kind::AGENT_VERSION_CREATED]).filter(|act| {
            act.event.text(column::VERSION_DIGEST) == Some(self.digest) && self.is_of_agent(act)
        })
    }

    /// The changes that name the digest, as they stand.
    fn changes(&self) -> Vec<Change<'a>> {
        let mut changes: Vec<Change<'a>> = Vec::new();
        let steps = self.of_kinds(&[
            kind::CHANGE_REQUESTED,
            kind::CHANGE_RISK_LINKED,
            kind::CHANGE_APPROVED,
            kind::CHANGE_REJECTED,
            kind::CHANGE_EMERGENCY,
        ]);
        for act in steps.filter(|act| self.is_of_agent(act)) {
            let Some(id) = act.subject() else { continue };
            let agent = act.event.text(column::AGENT_ID);
            let known = changes.iter().position(|known| known.id == id && known.agent == agent);
            let index = known.unwrap_or_else(|| {
                changes.push(Change { id, agent, ..Change::default() });
                changes.len() - 1
            });
            if let Some(change) = changes.get_mut(index) {
                change.step(act, self.digest);
            }
        }
        changes.retain(|change| change.names || change.approval.is_some());
        changes
    }

    fn approval(&self) -> Option<Change<'a>> {
        let mut all = self.changes();
        all.retain(|change| change.approval.is_some_and(|act| self.is_for_environment(act)));
        all.pop()
    }

    /// What was allowed for one environment is not allowed for another, or for all.
    fn is_for_environment(&self, act: &Kept) -> bool {
        let allowed = act.event.text(column::ENVIRONMENT);
        allowed.is_none() || allowed == self.environment
    }
}

/// A change as it stands.
#[derive(Debug, Default)]
struct Change<'a> {
    id: &'a str,
    agent: Option<&'a str>,
    /// Whether it names the digest.
    names: bool,
    request: Option<&'a Kept>,
    /// What allows the digest: an approval, or an emergency.
    approval: Option<&'a Kept>,
    rejection: Option<&'a Kept>,
    /// Steps that name a risk.
    risks: Vec<(&'a str, &'a Kept)>,
}

impl<'a> Change<'a> {
    fn step(&mut self, act: &'a Kept, digest: &str) {
        let named = act.event.text(column::change::TO_DIGEST);
        let names = named.map(|named| named == digest);
        if let Some(risk) = act.event.text(column::change::RISK) {
            self.risks.push((risk, act));
        }
        match act.kind() {
            kind::CHANGE_REQUESTED => {
                // A request of something else is another request: what was allowed stays so.
                self.names = names.unwrap_or(self.names);
                self.request = Some(act);
            }
            kind::CHANGE_EMERGENCY | kind::CHANGE_APPROVED => {
                self.names = names.unwrap_or(self.names);
                if self.names {
                    self.approval = Some(act);
                    self.rejection = None;
                }
            }
            kind::CHANGE_REJECTED => {
                self.approval = None;
                self.rejection = Some(act);
            }
            _ => {}
        }
    }
}

fn registered(case: &Case<'_>) -> Finding {
    let Some(last) = case.registrations().last() else {
        return missing("no version was registered with this digest");
    };
    let inventory =
        case.of_kinds(&[kind::AGENT_REGISTERED, kind::AGENT_UPDATED, kind::AGENT_RETIRED]);
    let own = inventory
        .filter(|act| act.event.text(column::AGENT_ID) == last.event.text(column::AGENT_ID));
    if own.last().is_some_and(|act| act.kind() == kind::AGENT_RETIRED) {
        return missing("the agent was retired");
    }
    Finding::Satisfied(vec![proof(last)])
}

fn change_approved(case: &Case<'_>) -> Finding {
    if let Some(change) = case.approval() {
        return Finding::Satisfied(change.approval.into_iter().map(proof).collect());
    }
    let changes = case.changes();
    let Some(change) = changes.last() else {
        return missing("no change names this digest");
    };
    let id = Name(change.id);
    if let Some(approval) = change.approval {
        let environment = approval.event.text(column::ENVIRONMENT).unwrap_or_default();
        return missing(format!("{id} was approved for `{}` only", Name(environment)));
    }
    match change.rejection {
        Some(_) => missing(format!("{id} was rejected")),
        None => missing(format!("{id} is not approved")),
    }
}

fn separate_approver(case: &Case<'_>) -> Finding {
    let Some(change) = case.approval() else { return missing("no change is approved") };
    let Some(approval) = change.approval else { return missing("no change is approved") };
    let by = |act: &Kept| act.event.text(column::actor::ID).map(str::to_owned);
    let approver = by(approval);
    let others = change.request.into_iter().chain(case.registrations());
    let same = others.into_iter().find(|act| by(act) == approver);
    match (same, &approver) {
        (_, None) => missing("the approval names nobody"),
        (Some(act), Some(name)) => {
            missing(format!("`{}` approved it, and wrote {}", Name(name), act.kind()))
        }
        (None, Some(_)) => Finding::Satisfied(vec![proof(approval)]),
    }
}

fn evaluated(case: &Case<'_>) -> Finding {
    let mut suites: BTreeMap<&str, &Kept> = BTreeMap::new();
    for act in case.of_kinds(&[kind::EVAL_SUITE_COMPLETED]) {
        let is_of_digest = act.event.text(column::VERSION_DIGEST) == Some(case.digest);
        if let Some(suite) = act.subject().filter(|_| is_of_digest && case.is_of_agent(act)) {
            suites.insert(suite, act);
        }
    }
    let gate = |act: &Kept| act.event.text(column::eval::GATE).map(str::to_owned);
    let failed = suites.iter().find(|(_, act)| gate(act).as_deref() != Some("pass"));
    if let Some((suite, act)) = failed {
        let gate = gate(act).unwrap_or_else(|| "unknown".to_owned());
        return missing(format!("the gate of suite `{}` is {}", Name(suite), Name(&gate)));
    }
    if suites.is_empty() {
        return missing("no suite was recorded for this digest");
    }
    Finding::Satisfied(suites.values().copied().map(proof).collect())
}

fn risk_linked(case: &Case<'_>) -> Finding {
    let changes = case.changes();
    let Some(change) = changes.last() else { return missing("no change names this digest") };
    let all: Vec<&Kept> = case
        .of_kinds(&[
            kind::RISK_ASSESSED,
            kind::RISK_DECIDED,
            kind::RISK_ACCEPTED,
            kind::RISK_CLOSED,
        ])
        .filter(|act| case.counts(act))
        .collect();
    let linked = |act: &Kept| act.event.text(column::risk::CHANGE_ID) == Some(change.id);
    let from_risk = all.iter().rev().find(|act| linked(act)).and_then(|act| act.subject());
    let risk = from_risk.or_else(|| change.risks.last().map(|(risk, _)| *risk));
    let Some(risk) = risk else {
        return missing(format!("no risk is linked to {}", Name(change.id)));
    };
    let Some(last) = all.iter().rev().find(|act| act.subject() == Some(risk)) else {
        return missing(format!("risk `{}` is linked, and was never recorded", Name(risk)));
    };
    let expires = last.event.time(column::risk::ACCEPTANCE_EXPIRES_AT);
    if let Some(expires) = expires.filter(|expires| *expires <= case.now) {
        return missing(format!("the acceptance of risk `{}` ended at {expires}", Name(risk)));
    }
    let link = change.risks.iter().rev().find(|(named, _)| *named == risk).map(|(_, act)| *act);
    Finding::Satisfied(link.into_iter().chain([*last]).map(proof).collect())
}

fn policy_acknowledged(case: &Case<'_>) -> Finding {
    let Some(last) = case.registrations().last() else {
        return missing("no version was registered with this digest");
    };
    let named =
        last.event.text(column::agent::POLICY_VERSION).and_then(|text| text.rsplit_once('@'));
    let Some((id, version)) = named else {
        return missing("the version names no policy as ID@VERSION");
    };
    let is_it = |act: &&Kept| {
        case.counts(act)
            && act.subject() == Some(id)
            && act.event.text(column::policy::VERSION) == Some(version)
    };
    let state = case.of_kinds(&[kind::POLICY_VERSION_PUBLISHED, kind::POLICY_VERSION_RETIRED]);
    let shown = format!("policy `{}`", Name(&format!("{id}@{version}")));
    let published = match state.filter(is_it).last() {
        Some(act) if act.kind() == kind::POLICY_VERSION_PUBLISHED => act,
        Some(_) => return missing(format!("{shown} was retired")),
        None => return missing(format!("{shown} was not published")),
    };
    // An acknowledgement of what came later would be one of another text.
    let acknowledged = case.of_kinds(&[kind::POLICY_ACKNOWLEDGED]).filter(is_it);
    match acknowledged.filter(|act| act.at > published.at).last() {
        Some(act) => Finding::Satisfied(vec![proof(published), proof(act)]),
        None => missing(format!("nobody has acknowledged {shown} since it was published")),
    }
}

fn quiet(case: &Case<'_>) -> Finding {
    let Some(agent) = case.agent else {
        return Finding::Unknown("it is not known whose version it is".to_owned());
    };
    let firing = case.alerts.values().filter(|alert| {
        let target = &alert.target;
        let environments = (target.environment.as_deref(), case.environment);
        let is_there = !matches!(environments, (Some(one), Some(other)) if one != other);
        target.agent_id.as_deref() == Some(agent)
            && target.tenant_id.as_deref() == case.tenant
            && is_there
    });
    let ids: Vec<String> = firing.map(|alert| Name(&alert.alert_id).to_string()).collect();
    match ids.as_slice() {
        [] if case.alerts_are_incomplete => {
            Finding::Unknown("there are more alerts than are remembered".to_owned())
        }
        [] => Finding::Satisfied(Vec::new()),
        [first, ..] => missing(format!("{} firing, such as {first}", ids.len())),
    }
}
