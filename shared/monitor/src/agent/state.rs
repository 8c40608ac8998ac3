//! What is known of one agent in one environment.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::announced::Announced;
use super::silence::Silence;
use super::version::Version;
use crate::baseline::Baselines;
use crate::canary::Canary;
use crate::change::LastChange;
use crate::identity::Identity;
use crate::metric::watch_at;
use crate::output::Outputs;
use crate::stream::{Context, Shared, Stream};
use crate::window::Cell;

/// An agent in one environment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Agent {
    pub(crate) identity: Identity,
    /// The version that is compared with the next one.
    pub(crate) current: Option<String>,
    /// The version that is tried beside it.
    pub(crate) canary: Option<Box<Canary>>,
    pub(crate) last_change: Option<LastChange>,
    pub(crate) announced: Announced,
    pub(crate) silence: Silence,
    pub(crate) baselines: Baselines,
    pub(crate) versions: BTreeMap<String, Version>,
}

impl Agent {
    /// A version has an event at that event time. The watermark at which to look whether the agent
    /// is silent, if that is new.
    pub(crate) fn hear(
        &mut self,
        version: &str,
        time: i64,
        limit: i64,
        outputs: &mut Outputs<'_>,
    ) -> Option<i64> {
        let Self { silence, identity, .. } = self;
        silence.heard(time, limit, identity, version, outputs)
    }

    /// An agent without versions.
    pub(crate) fn new(identity: Identity) -> Self {
        Self {
            identity,
            current: None,
            canary: None,
            last_change: None,
            announced: Announced::default(),
            silence: Silence::default(),
            baselines: Baselines::default(),
            versions: BTreeMap::new(),
        }
    }

    /// Tests that run, of all versions.
    pub(crate) fn tests(&self) -> u64 {
        let streams = self.versions.values().flat_map(|version| version.streams.values());
        streams.map(|stream| u64::from(stream.is_tested())).sum()
    }

    /// Does something with each stream of a version.
    pub(crate) fn each_stream(
        &mut self,
        version: &str,
        shared: Shared<'_>,
        mut act: impl FnMut(Cell, &mut Stream, &Context<'_>),
    ) {
        let Some(state) = self.versions.get_mut(version) else { return };
        let mut streams = std::mem::take(&mut state.streams);
        for (cell, stream) in &mut streams {
            let Some(watch) = watch_at(cell.0) else { continue };
            let context = Context {
                shared,
                agent: &self.identity,
                version,
                place: cell.0,
                watch,
                suite: state.suite_name(cell.1),
                last_change: self.last_change.as_ref(),
            };
            act(*cell, stream, &context);
        }
        state.streams = streams;
    }
}
