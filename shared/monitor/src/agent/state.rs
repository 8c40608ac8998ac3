//! The state of one agent in one environment.

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
use crate::window::Channel;

/// An agent in one environment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Agent {
    pub(crate) identity: Identity,
    /// The current version: the one that the next version is compared with.
    pub(crate) current: Option<String>,
    /// The canary that runs beside it.
    pub(crate) canary: Option<Box<Canary>>,
    pub(crate) last_change: Option<LastChange>,
    pub(crate) announced: Announced,
    pub(crate) silence: Silence,
    pub(crate) baselines: Baselines,
    pub(crate) versions: BTreeMap<String, Version>,
}

impl Agent {
    /// Records an event of a version. Returns the watermark at which to check the agent for
    /// silence, if it is new.
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

    /// Number of streams of all versions that are tested.
    pub(crate) fn tests(&self) -> u64 {
        let streams = self.versions.values().flat_map(|version| version.streams.values());
        streams.map(|stream| u64::from(stream.is_tested())).sum()
    }

    /// Calls `act` for each stream of a version, which is known.
    pub(crate) fn each_stream(
        &mut self,
        version: &str,
        shared: Shared<'_>,
        mut act: impl FnMut(Channel, &mut Stream, &Context<'_>),
    ) {
        let Some(state) = self.versions.get_mut(version) else {
            unreachable!("version `{version}` is unknown")
        };
        let mut streams = std::mem::take(&mut state.streams);
        for (channel, stream) in &mut streams {
            let Some(watch) = watch_at(channel.0) else {
                unreachable!("a stream of a metric that is not watched")
            };
            let context = Context {
                shared,
                agent: &self.identity,
                version,
                place: channel.0,
                watch,
                suite: state.suite_name(channel.1),
                last_change: self.last_change.as_ref(),
            };
            act(*channel, stream, &context);
        }
        state.streams = streams;
    }
}
