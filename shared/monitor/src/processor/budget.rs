//! What senders choose is bounded: how many agents, versions and environments there are, and how much
//! they take together. What is beyond is evicted and counted.

use event::{Event, column};

use super::machine::Processor;
use super::state::State;
use crate::identity::AgentKey;
use crate::output::Outputs;

/// What an event is charged: numbers that it may add to windows and detectors, and twice the text
/// that they may keep of it, because windows and baselines keep it apart.
const CHARGE_BYTES: u64 = 16;
/// One agent may take one in so many bytes of the budget; so much is free after an eviction, too.
const SHARE: u64 = 16;

impl Processor {
    /// Charges the agent of an event for what the event may add to its state.
    pub(super) fn charge(&mut self, key: AgentKey, event: &Event<'_>) {
        let names = [column::tool::NAME, column::eval::SUITE];
        // A longer name is kept in a short form.
        let length = |column| event.text(column).map_or(0, str::len).min(256) as u64;
        let names: u64 = names.map(length).iter().sum();
        self.state.agents.charge(key, CHARGE_BYTES + 2 * names);
    }

    /// Evicts the environment of the agent of a new one without an event for longest, if it has too
    /// many.
    pub(super) fn evict_environments(&mut self, key: AgentKey, outputs: &mut Outputs<'_>) {
        let State { agents, common, .. } = &mut self.state;
        let environments_max = usize::from(common.settings.environments_per_agent_max).max(1);
        let mut family = agents.family(key.family);
        let excess = family.len().saturating_sub(environments_max);
        family.retain(|other| *other != key);
        for _ in 0..excess {
            let Some(oldest) = self.state.agents.oldest_of(&family) else { return };
            family.retain(|other| *other != oldest);
            self.evict_agent(oldest, outputs);
        }
    }

    /// Evicts the agent of this record if it takes too much of the budget alone, and those without
    /// an event for longest if there are too many keys or bytes.
    pub(super) fn evict(&mut self, key: AgentKey, offset: i64, outputs: &mut Outputs<'_>) {
        let State { agents, common, .. } = &mut self.state;
        let bytes_max = common.settings.state_bytes_max.max(1);
        let keys_max = u64::from(common.settings.keys_max).max(1);
        // The agent of this record stays, even if there is room for only one key.
        let keys = match agents.keys().checked_sub(keys_max) {
            Some(excess) if excess > 0 => excess + keys_max / SHARE,
            Some(_) | None => 0,
        };
        let bytes = match agents.bytes().checked_sub(bytes_max) {
            Some(excess) if excess > 0 => excess + bytes_max / SHARE,
            Some(_) | None => 0,
        };
        // Where all of them take less than one may, there is no need to look at this one.
        if agents.bytes() > bytes_max / SHARE && agents.bytes_of(key) > bytes_max / SHARE {
            self.evict_agent(key, outputs);
        }
        if keys > 0 || bytes > 0 {
            for key in self.state.agents.oldest(keys, bytes, offset) {
                self.evict_agent(key, outputs);
            }
        }
    }

    fn evict_agent(&mut self, key: AgentKey, outputs: &mut Outputs<'_>) {
        let State { agents, common, counters, .. } = &mut self.state;
        let before = agents.keys();
        let shared = common.shared(agents.tests());
        agents.agent(key).evict(shared, outputs);
        agents.remove(key);
        counters.keys_evicted += before - agents.keys();
    }
}
