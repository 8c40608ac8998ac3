//! Acts of people and release pipelines about agents: changes, deployments, pinned baselines.

use event::{Event, column};

use super::machine::Processor;
use super::state::State;
use crate::agent::{Agent, names_of};
use crate::baseline::Act;
use crate::canary::Step;
use crate::change::LastChange;
use crate::decided::{Decision, Move, Standing, standing};
use crate::identity::{AgentKey, Identity, bounded};
use crate::kind::Kind;
use crate::output::Outputs;
use crate::stream::Shared;

/// An act about an agent, with the offset at which it takes effect.
#[derive(Clone, Copy)]
pub(super) struct Decided<'e, 'a> {
    pub(super) offset: i64,
    pub(super) event: &'e Event<'a>,
    pub(super) kind: Kind,
    pub(super) key: AgentKey,
}

impl Processor {
    /// Carries out an act about an agent. It counts in the environments of the agent that are known,
    /// and when others appear.
    pub(super) fn decide(&mut self, act: Decided<'_, '_>, outputs: &mut Outputs<'_>) {
        let Decided { offset, event, kind, key } = act;
        if matches!(kind, Kind::Pinned | Kind::Unpinned) {
            self.rebase(&Act::of(event, kind, offset), act, outputs);
            return;
        }
        let moved = move_of(event, kind);
        self.note_change(act);
        if let Some(moved) = &moved {
            self.deploy(moved, act, outputs);
        }
        let environment = event.text(column::ENVIRONMENT).map(|name| bounded(name).into_owned());
        let State { decided, counters, .. } = &mut self.state;
        let before = decided.of(key.family, environment.as_deref()).next_back();
        let change = LastChange::saw(before.map(|act| &act.change), event, offset);
        let announced = names_of(event).map(std::borrow::Cow::into_owned).collect();
        let decision = Decision { offset, environment, change, announced, moved };
        counters.acts_dropped += decided.add(key.family, decision);
    }

    /// Keys of the agent of an event, as far as they are known: in its environment or, if it names
    /// none, in every one.
    fn keys_of(&self, event: &Event<'_>, key: AgentKey) -> Vec<AgentKey> {
        if event.text(column::ENVIRONMENT).is_some() {
            return if self.state.agents.contains(key) { vec![key] } else { Vec::new() };
        }
        self.state.agents.family(key.family)
    }

    fn note_change(&mut self, Decided { offset, event, key, .. }: Decided<'_, '_>) {
        for key in self.keys_of(event, key) {
            let agent = self.state.agents.agent(key);
            let change = LastChange::saw(agent.last_change.as_ref(), event, offset);
            agent.last_change = Some(change);
            agent.announced.add(names_of(event));
        }
    }

    /// Handles a deployment or rollback in the known environments of the agent that it is about.
    fn deploy(&mut self, moved: &Move, act: Decided<'_, '_>, outputs: &mut Outputs<'_>) {
        let Decided { offset, event, kind, key } = act;
        let Move { to, from, share, .. } = moved;
        for key in self.keys_of(event, key) {
            let State { agents, common, counters, .. } = &mut self.state;
            let shared = common.shared(agents.tests());
            let agent = agents.agent(key);
            let step = agent.decide((to, from.as_deref()), kind, *share, outputs);
            if !matches!(step, Step::Share(_) | Step::Nothing) {
                take_step(agent, step, (to, from.as_deref()), (offset, kind), shared, outputs);
                counters.keys_evicted += agent.forget_versions(offset, shared, outputs);
                agents.recount(key);
            }
            agents.heard(key, offset);
        }
    }

    /// Handles an act about baselines. Without an environment it applies to every known environment of
    /// the agent. Where the agent has no baselines, the act is about one of another partition.
    fn rebase(&mut self, act: &Act<'_>, about: Decided<'_, '_>, outputs: &mut Outputs<'_>) {
        let Decided { event, key, .. } = about;
        let (mut refused, mut done) = (None, false);
        for key in self.keys_of(event, key) {
            let State { agents, common, .. } = &mut self.state;
            let shared = common.shared(agents.tests());
            let agent = agents.agent(key);
            if agent.versions.is_empty() {
                continue;
            }
            match agent.act(act, shared, outputs) {
                Ok(()) => done = true,
                Err(reason) => refused = Some(reason),
            }
            agents.recount(key);
        }
        match refused.filter(|_| !done) {
            Some(reason) => {
                self.state.counters.pins_refused += 1;
                let agent = Identity::of(event, event.text(column::AGENT_ID).unwrap_or_default());
                act.refuse(reason, &agent, outputs);
            }
            None => self.state.counters.pins_elsewhere += u64::from(!done),
        }
    }

    /// Adds an agent, as the acts about it leave it.
    pub(super) fn add_agent(
        &mut self,
        key: AgentKey,
        identity: Identity,
        offset: i64,
        outputs: &mut Outputs<'_>,
    ) {
        let mut agent = Agent::new(identity);
        let State { agents, common, decided, .. } = &mut self.state;
        let environment = agent.identity.environment.clone();
        let acts = || decided.of(key.family, environment.as_deref());
        for act in acts() {
            agent.announced.add(act.announced.iter().map(|name| name.as_str().into()));
        }
        agent.last_change = acts().next_back().map(|act| act.change.clone());
        let Standing { current, canary } = standing(acts());
        agents.insert(key, agent);
        let Some(current) = current else { return };
        let shared = common.shared(agents.tests());
        let agent = agents.agent(key);
        agent.versions.entry(current.clone()).or_default().last_offset = offset;
        agent.introduce(&current, None, shared, outputs);
        if let Some((version, share)) = canary {
            agent.versions.entry(version.clone()).or_default().last_offset = offset;
            agent.start_canary(&version, share, offset, shared, outputs);
        }
        agents.recount(key);
    }
}

/// The version that an act deploys or rolls back to, if it names one.
fn move_of(event: &Event<'_>, kind: Kind) -> Option<Move> {
    let named = |column| {
        let name = event.text(column).filter(|name| !name.is_empty());
        name.map(|name| bounded(name).into_owned())
    };
    let is_move = matches!(kind, Kind::Deployed | Kind::RolledBack);
    let to = named(column::agent::TO_VERSION).or_else(|| named(column::AGENT_VERSION));
    Some(Move {
        is_rollback: kind == Kind::RolledBack,
        to: to.filter(|_| is_move)?,
        from: named(column::agent::FROM_VERSION),
        share: event.number(column::agent::TRAFFIC_SHARE),
    })
}

/// A version becomes a canary, is current again, or takes over.
fn take_step(
    agent: &mut Agent,
    step: Step,
    (to, from): (&str, Option<&str>),
    (offset, kind): (i64, Kind),
    shared: Shared<'_>,
    outputs: &mut Outputs<'_>,
) {
    let known = agent.versions.contains_key(to);
    agent.versions.entry(to.to_owned()).or_default().last_offset = offset;
    let outgoing = from
        .filter(|from| agent.versions.contains_key(*from) && *from != to)
        .map(str::to_owned)
        .or_else(|| agent.current.clone());
    if let Step::Start(share) = step {
        agent.start_canary(to, share, offset, shared, outputs);
    } else if known && kind == Kind::RolledBack {
        agent.roll_back(to, outgoing.as_deref(), shared, outputs);
    } else {
        agent.introduce(to, outgoing, shared, outputs);
    }
}
