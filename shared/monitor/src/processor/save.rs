//! How the state of a processor is saved and restored.
//!
//! The parts that grow with agents and events are saved as entries (see [`super::snapshot`]); the
//! rest, which is bounded, is in the head and saved every time.

use std::collections::BTreeMap;

use governance::{Frontier, KnownSchema, Ownership, Schemas, SchemasHead};
use serde::{Deserialize, Serialize};
use suite::Suites;

use super::machine::Processor;
use super::snapshot::{self, EntryId, Id, ResumeError};
use super::state::{Common, State};
use super::store::Store;
use crate::catalogue::{Catalogue, InForce, Versions};
use crate::counters::Counters;
use crate::decided::Decided;
use crate::dedup::{IdRange, RecentIds};
use crate::forged::Forged;
use crate::heartbeat::Heartbeats;
use crate::mute::Mutes;
use crate::settings::Settings;
use crate::stream::Standings;
use crate::unannounced::Unannounced;
use crate::watermark::Watermark;

/// The state of a processor, except for its entries.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    topic: String,
    partition: i32,
    next_offset: i64,
    ownership: Ownership,
    frontier: Frontier,
    schemas: SchemasHead,
    unannounced: Unannounced,
    forged: Forged,
    watermark: Watermark,
    counters: Counters,
    heartbeats: Heartbeats,
    standings: Standings,
    mutes: Mutes,
    settings: Settings,
    versions: Versions,
    /// The metrics in force that were computed.
    metrics: Vec<String>,
    /// The detectors of the build that computed it.
    detectors: BTreeMap<String, u32>,
    ids: IdRange,
    suites: suite::Head,
}

impl Processor {
    /// Resumes from a snapshot: the last head, and the last version of each entry that was not
    /// removed, in any order.
    ///
    /// # Errors
    ///
    /// A snapshot of another format, semantics, set of versions or partition, or a damaged one.
    pub fn resume<B: AsRef<[u8]>>(
        topic: &str,
        partition: i32,
        head: &[u8],
        entries: impl IntoIterator<Item = (EntryId, B)>,
    ) -> Result<Self, ResumeError> {
        let head: Head = snapshot::open(head)?;
        let catalogue = Catalogue::default();
        let in_force = InForce::new(head.versions, &catalogue);
        if in_force.computed() != head.metrics || !catalogue.continues(&head.detectors) {
            return Err(ResumeError::Versions);
        }
        if head.topic != topic || head.partition != partition {
            return Err(ResumeError::Partition { topic: head.topic, partition: head.partition });
        }
        let (mut agents, mut decided) = (Store::default(), Decided::default());
        let (mut pages, mut suites) = (Vec::new(), Vec::new());
        let mut known = Vec::new();
        for (entry, bytes) in entries {
            let bytes = bytes.as_ref();
            match entry.id() {
                Id::Agent(key) => agents.restore(key, bytes),
                Id::Decided(family) => decided.restore(family, bytes),
                Id::Suite(id) => {
                    suites.push((id, bytes.to_vec()));
                    Ok(())
                }
                Id::Schema(key) => {
                    let schema = KnownSchema::from_bytes(bytes);
                    let schema = schema.ok_or_else(|| ResumeError::corrupt(&"a schema"))?;
                    known.push((key, schema));
                    Ok(())
                }
                Id::Ids(_) => {
                    pages.push(bytes.to_vec());
                    Ok(())
                }
            }
            .map_err(|error| ResumeError::corrupt(&error))?;
        }
        let state = State {
            topic: head.topic,
            partition,
            next_offset: head.next_offset,
            ownership: head.ownership,
            frontier: head.frontier,
            schemas: Schemas::restore(head.schemas, known),
            schemas_unsaved: Vec::new(),
            unannounced: head.unannounced,
            forged: head.forged,
            watermark: head.watermark,
            counters: head.counters,
            heartbeats: head.heartbeats,
            ids: RecentIds::restore(head.ids, pages)
                .map_err(|error| ResumeError::corrupt(&error))?,
            agents,
            decided,
            suites: Suites::resume(&head.suites, suites)
                .map_err(|error| ResumeError::corrupt(&error))?,
            common: Common {
                settings: head.settings,
                in_force,
                standings: head.standings,
                mutes: head.mutes,
            },
        };
        Ok(Self::of(state, catalogue))
    }

    /// What must be saved to continue at [`Self::next_offset`]: returns the head, which replaces
    /// the previous one, and passes each entry that has changed since the last call (or since it
    /// was resumed) to `show`, at most once; `None` for one that was removed. The cost is
    /// proportional to what has changed.
    pub fn take_changes(&mut self, show: &mut dyn FnMut(EntryId, Option<Vec<u8>>)) -> Vec<u8> {
        let state = &mut self.state;
        state.agents.take_changes(|key, saved| show(EntryId::of(Id::Agent(key)), saved));
        state.decided.take_changes(|family, saved| show(EntryId::of(Id::Decided(family)), saved));
        for key in std::mem::take(&mut state.schemas_unsaved) {
            let schema = state.schemas.known().get(&key).map(KnownSchema::to_bytes);
            show(EntryId::of(Id::Schema(key)), schema);
        }
        for (page, saved) in state.ids.take_changes() {
            show(EntryId::of(Id::Ids(page)), saved);
        }
        let suites = state.suites.take_changes(|id, saved| show(EntryId::of(Id::Suite(id)), saved));
        snapshot::head(&Head {
            topic: state.topic.clone(),
            partition: state.partition,
            next_offset: state.next_offset,
            ownership: state.ownership.clone(),
            frontier: state.frontier.clone(),
            schemas: state.schemas.head(),
            unannounced: state.unannounced.clone(),
            forged: state.forged.clone(),
            watermark: state.watermark,
            counters: state.counters,
            heartbeats: state.heartbeats.clone(),
            standings: state.common.standings.clone(),
            mutes: state.common.mutes.clone(),
            settings: state.common.settings.clone(),
            versions: state.common.in_force.versions.clone(),
            metrics: state.common.in_force.computed(),
            detectors: self.catalogue.versions().detectors.clone(),
            ids: state.ids.range(),
            suites,
        })
    }
}
