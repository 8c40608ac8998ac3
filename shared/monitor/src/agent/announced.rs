//! Versions of an agent that were announced by a deployment or a change.
//!
//! Bounds: the last [`ANNOUNCED_MAX`] announcements of an agent, and the first [`DIGESTS_MAX`]
//! digests of a version; further digests of it are not reported.

use std::borrow::Cow;
use std::collections::VecDeque;

use event::{Event, column};
use serde::{Deserialize, Serialize};

use crate::identity::bounded;

/// Largest number of announcements of an agent.
const ANNOUNCED_MAX: usize = 32;
/// Largest number of digests of a version.
const DIGESTS_MAX: usize = 4;

/// Names and digests of versions that were announced, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Announced(VecDeque<String>);

impl Announced {
    /// Records names and digests.
    pub(crate) fn add<'n>(&mut self, names: impl Iterator<Item = Cow<'n, str>>) {
        for name in names {
            if !self.contains(&name) {
                self.0.push_back(name.into_owned());
            }
        }
        while self.0.len() > ANNOUNCED_MAX {
            self.0.pop_front();
        }
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|known| known == name)
    }
}

/// The names and digests in an act about a change or a version.
pub(crate) fn names_of<'e>(event: &'e Event<'_>) -> impl Iterator<Item = Cow<'e, str>> {
    let named = [
        column::agent::TO_VERSION,
        column::agent::TO_DIGEST,
        column::change::TO_VERSION,
        column::change::TO_DIGEST,
        column::AGENT_VERSION,
        column::VERSION_DIGEST,
    ];
    named.into_iter().filter_map(|column| event.text(column)).filter(|n| !n.is_empty()).map(bounded)
}

/// Digests that a version was seen with.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Digests(Vec<String>);

impl Digests {
    /// Records a digest. Returns the previous one if this one is new and the version had another.
    pub(crate) fn saw(&mut self, digest: &str) -> Option<&str> {
        let digest = bounded(digest);
        if self.0.iter().any(|known| *known == digest) || self.0.len() >= DIGESTS_MAX {
            return None;
        }
        self.0.push(digest.into_owned());
        let before = self.0.len().checked_sub(2)?;
        self.0.get(before).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::{EventBuilder, kind};

    #[test]
    fn announcements_are_remembered_and_bounded() {
        let mut announced = Announced::default();
        for number in 0..100 {
            let event = EventBuilder::new(kind::CHANGE_IMPLEMENTED)
                .set(column::EVENT_ID, "e")
                .set(column::EVENT_TIME, event::Timestamp::from_micros(0))
                .set(column::change::TO_VERSION, format!("v{number}"))
                .build()
                .unwrap();
            announced.add(names_of(&event));
            announced.add(names_of(&event));
        }
        assert!(announced.contains("v99") && announced.contains("v68"));
        assert!(!announced.contains("v67"));
    }

    #[test]
    fn a_digest_is_new_once() {
        let mut digests = Digests::default();
        assert_eq!(digests.saw("a"), None);
        assert_eq!(digests.saw("a"), None);
        assert_eq!(digests.saw("b"), Some("a"));
        assert_eq!(digests.saw("a"), None);
        assert_eq!(digests.saw("b"), None);
        assert_eq!(digests.saw("c"), Some("b"));
        assert_eq!(digests.saw("d"), Some("c"));
        assert_eq!(digests.saw("e"), None, "no more than four are kept");
    }
}
