//! Acts of people and release pipelines: changes, deployments, pinned baselines.

use event::{Event, column};

use super::machine::{Attributed, Processor};
use super::state::State;
use crate::agent::Agent;
use crate::baseline::Act;
use crate::canary::Step;
use crate::change::LastChange;
use crate::identity::{AgentKey, bounded};
use crate::kind::Kind;
use crate::output::Outputs;
use crate::stream::Shared;

impl Processor {
    /// Keys of the agent of an event: in its environment or, if it names none, in every known one.
    fn keys_of(&self, event: &Event<'_>, key: AgentKey) -> Vec<AgentKey> {
        if event.text(column::ENVIRONMENT).is_some() {
            return vec![key];
        }
        self.state.agents.family(key.family)
    }

    pub(super) fn note_change(
        &mut self,
        Attributed { offset, event, key, .. }: Attributed<'_, '_>,
    ) {
        for key in self.keys_of(event, key) {
            let agent = self.state.agents.agent(key);
            let change = LastChange::saw(agent.last_change.as_ref(), event, offset);
            agent.last_change = Some(change);
            agent.announced.saw(event);
        }
    }

    /// Handles a deployment or rollback. Without an environment it applies to every known environment
    /// of the agent.
    pub(super) fn deploy(&mut self, of_agent: Attributed<'_, '_>, outputs: &mut Outputs<'_>) {
        let Attributed { offset, event, kind, key, .. } = of_agent;
        let named = |column| event.text(column).filter(|name| !name.is_empty()).map(bounded);
        let to = named(column::agent::TO_VERSION).or_else(|| named(column::AGENT_VERSION));
        let Some(to) = to else { return };
        let from = named(column::agent::FROM_VERSION);
        let share = event.number(column::agent::TRAFFIC_SHARE);
        for key in self.keys_of(event, key) {
            let State { agents, common, counters, .. } = &mut self.state;
            let shared = common.shared(agents.tests());
            let agent = agents.agent(key);
            let step = agent.decide((&to, from.as_deref()), kind, share, outputs);
            if !matches!(step, Step::Share(_) | Step::Nothing) {
                take_step(agent, step, (&to, from.as_deref()), (offset, kind), shared, outputs);
                counters.keys_evicted += agent.forget_versions(offset, shared, outputs);
                agents.recount(key);
            }
            agents.heard(key, offset);
        }
    }

    /// Handles an act about baselines. Without an environment it applies to every known environment of
    /// the agent.
    pub(super) fn rebase(
        &mut self,
        act: &Act<'_>,
        Attributed { event, key, .. }: Attributed<'_, '_>,
        outputs: &mut Outputs<'_>,
    ) {
        let mut refused = "the agent is unknown";
        let mut done = false;
        for key in self.keys_of(event, key) {
            let State { agents, common, .. } = &mut self.state;
            let shared = common.shared(agents.tests());
            let agent = agents.agent(key);
            if agent.versions.is_empty() {
                continue;
            }
            match agent.act(act, shared, outputs) {
                Ok(()) => done = true,
                Err(reason) => refused = reason,
            }
            agents.recount(key);
        }
        if !done {
            self.state.counters.pins_refused += 1;
            act.refuse(refused, &self.state.agents.agent(key).identity, outputs);
        }
    }
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
