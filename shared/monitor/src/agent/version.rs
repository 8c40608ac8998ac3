//! A version of an agent: its suites, windows and streams.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::announced::Digests;
use crate::identity::bounded;
use crate::kind::Kind;
use crate::sampler::Sampler;
use crate::stream::Stream;
use crate::window::{Cell, Windows};

/// Number of the suite that counts what has no place of its own.
pub(crate) const OTHER_SUITE: u16 = u16::MAX;
/// Its name.
const OTHER_SUITE_NAME: &str = "_other";

/// A version of an agent: one key.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Version {
    /// Offset of its last event.
    pub(crate) last_offset: i64,
    /// The version before it.
    pub(crate) previous: Option<String>,
    /// Names of suites; a suite's number is its place, from 1.
    pub(super) suites: Vec<String>,
    /// Digests it was seen with.
    pub(crate) digests: Digests,
    /// Which tool calls count for the detectors.
    calls: Sampler,
    /// Which decisions about approvals do.
    decisions: Sampler,
    pub(crate) windows: Windows,
    /// Streams that are watched, by metric and suite.
    pub(crate) streams: BTreeMap<Cell, Stream>,
}

impl Version {
    /// Whether the detectors see an event: of what a run has many of, one counts.
    pub(crate) fn choose(&mut self, kind: Kind, run: Option<&str>) -> bool {
        match kind {
            Kind::Tool | Kind::ToolBlocked => self.calls.choose(run),
            Kind::Approval => self.decisions.choose(run),
            Kind::Run | Kind::Eval | Kind::Other => true,
            Kind::Deployed | Kind::RolledBack | Kind::Change => true,
            Kind::Tick | Kind::Started | Kind::Configured | Kind::Suite => true,
            Kind::Pinned | Kind::Unpinned | Kind::Mute(_) => true,
        }
    }

    /// Number of a suite, which gets one if there is a place left; [`OTHER_SUITE`] otherwise.
    pub(crate) fn suite(&mut self, name: &str, suites_max: u16) -> u16 {
        let name = bounded(name);
        let known = self.suites.iter().position(|known| *known == name);
        let place = known.unwrap_or(self.suites.len());
        if known.is_none() {
            if place >= usize::from(suites_max) {
                return OTHER_SUITE;
            }
            self.suites.push(name.into_owned());
        }
        u16::try_from(place.saturating_add(1)).unwrap_or(OTHER_SUITE)
    }

    /// Number of a suite that is known; 0 for a metric without suites.
    pub(crate) fn number_of(&self, suite: &str, per_suite: bool) -> Option<u16> {
        if !per_suite {
            return Some(0);
        }
        let place = self.suites.iter().position(|known| known == suite)?;
        u16::try_from(place.saturating_add(1)).ok()
    }

    /// Name of a suite; `None` for 0 and for the suite without a name.
    pub(crate) fn suite_name(&self, suite: u16) -> Option<&str> {
        if suite == OTHER_SUITE {
            return Some(OTHER_SUITE_NAME);
        }
        let place = usize::from(suite).checked_sub(1)?;
        self.suites.get(place).map(String::as_str).filter(|name| !name.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_beyond_the_limit_share_one() {
        let mut version = Version::default();
        assert_eq!([version.suite("a", 2), version.suite("b", 2)], [1, 2]);
        assert_eq!([version.suite("c", 2), version.suite("a", 2)], [OTHER_SUITE, 1]);
        assert_eq!(version.suite_name(2), Some("b"));
        assert_eq!(version.suite_name(OTHER_SUITE), Some("_other"));
    }
}
