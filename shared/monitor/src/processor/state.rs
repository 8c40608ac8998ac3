//! The state of a processor.

use event::SchemaKey;
use governance::{Frontier, Ownership, Schemas};
use suite::Suites;

use super::store::Store;
use crate::catalogue::InForce;
use crate::counters::Counters;
use crate::decided::Decided;
use crate::dedup::RecentIds;
use crate::forged::Forged;
use crate::heartbeat::Heartbeats;
use crate::mute::Mutes;
use crate::settings::Settings;
use crate::stream::{Shared, Standings};
use crate::unannounced::Unannounced;
use crate::watermark::Watermark;

/// The state of a processor.
#[derive(Debug)]
pub(super) struct State {
    pub(super) topic: String,
    pub(super) partition: i32,
    pub(super) next_offset: i64,
    pub(super) ownership: Ownership,
    pub(super) frontier: Frontier,
    pub(super) schemas: Schemas,
    /// Keys of schemas that are new since the last snapshot.
    pub(super) schemas_unsaved: Vec<SchemaKey>,
    pub(super) forged: Forged,
    pub(super) watermark: Watermark,
    pub(super) counters: Counters,
    pub(super) heartbeats: Heartbeats,
    pub(super) ids: RecentIds,
    pub(super) agents: Store,
    pub(super) decided: Decided,
    pub(super) unannounced: Unannounced,
    pub(super) suites: Suites,
    pub(super) common: Common,
}

/// State that all agents of the partition share. Separate from [`State::agents`], so that it can be
/// read while an agent is changed.
#[derive(Debug)]
pub(super) struct Common {
    pub(super) settings: Settings,
    pub(super) in_force: InForce,
    pub(super) standings: Standings,
    pub(super) mutes: Mutes,
}

impl Common {
    /// The part that streams see; `tests` is the number of streams that are tested.
    pub(super) const fn shared(&self, tests: u64) -> Shared<'_> {
        let Self { settings, in_force, standings, mutes } = self;
        Shared { settings, metrics: in_force.metrics, tests, standings, mutes }
    }
}
