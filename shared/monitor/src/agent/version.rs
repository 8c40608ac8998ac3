//! A version of an agent: its suites, windows and streams.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::announced::Digests;
use crate::identity::bounded;
use crate::kind::Kind;
use crate::sampler::Sampler;
use crate::stream::Stream;
use crate::window::{Channel, Windows};

/// Number of the suite that collects the results of suites beyond the limit.
pub(crate) const OTHER_SUITE: u16 = u16::MAX;
/// Its name.
const OTHER_SUITE_NAME: &str = "_other";

/// A version of an agent: one key.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Version {
    /// Offset of its last event.
    pub(crate) last_offset: i64,
    /// The version that it took over from.
    pub(crate) previous: Option<String>,
    /// Names of suites; the number of a suite is its position, from 1.
    pub(super) suites: Vec<String>,
    /// Digests it was seen with.
    pub(crate) digests: Digests,
    /// Samples tool calls for the detectors.
    calls: Sampler,
    /// Samples decisions about approvals for the detectors.
    decisions: Sampler,
    pub(crate) windows: Windows,
    /// Streams of watched channels.
    pub(crate) streams: BTreeMap<Channel, Stream>,
}

impl Version {
    /// Whether the detectors see an event: of calls and decisions, at most one per run.
    pub(crate) fn sample(&mut self, kind: Kind, run: Option<&str>) -> bool {
        match kind {
            Kind::Tool | Kind::ToolBlocked => self.calls.sample(run),
            Kind::Approval => self.decisions.sample(run),
            Kind::Run | Kind::Eval | Kind::Other => true,
            Kind::Deployed | Kind::RolledBack | Kind::Change => true,
            Kind::Tick | Kind::Started | Kind::Configured | Kind::Admitted | Kind::Suite => true,
            Kind::Schemas | Kind::Pinned | Kind::Unpinned | Kind::Mute(_) => true,
        }
    }

    /// Number of a suite. A new suite gets the next number if there are fewer than `suites_max`,
    /// else [`OTHER_SUITE`].
    pub(crate) fn suite(&mut self, name: &str, suites_max: u16) -> u16 {
        let name = bounded(name);
        let known = self.suites.iter().position(|known| *known == name);
        let position = known.unwrap_or(self.suites.len());
        if known.is_none() {
            if position >= usize::from(suites_max.min(OTHER_SUITE - 1)) {
                return OTHER_SUITE;
            }
            self.suites.push(name.into_owned());
        }
        number_at(position)
    }

    /// Number of a suite, if it is known; 0 for a metric without suites.
    pub(crate) fn number_of(&self, suite: &str, per_suite: bool) -> Option<u16> {
        if !per_suite {
            return Some(0);
        }
        self.suites.iter().position(|known| known == suite).map(number_at)
    }

    /// Name of a suite; `None` for no suite (0), and for the suite without a name.
    pub(crate) fn suite_name(&self, suite: u16) -> Option<&str> {
        if suite == OTHER_SUITE {
            return Some(OTHER_SUITE_NAME);
        }
        let position = usize::from(suite).checked_sub(1)?;
        let Some(name) = self.suites.get(position) else { unreachable!("no suite {suite}") };
        Some(name.as_str()).filter(|name| !name.is_empty())
    }

    /// Name of a suite as a key across versions; empty for no suite and for the suite without a
    /// name.
    pub(crate) fn suite_key(&self, suite: u16) -> &str {
        self.suite_name(suite).unwrap_or_default()
    }
}

/// Number of the suite at a position.
fn number_at(position: usize) -> u16 {
    let Ok(number) = u16::try_from(position + 1) else { unreachable!("{position} suites") };
    number
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
