//! The name under which a process is a member of its groups.
//!
//! A group gives the partitions of a member that comes back under its name to it at once, instead of
//! waiting until the member that died has timed out. Where another process joins under the same
//! name, the last one has it: the other goes on as a member without a name, and never takes the name
//! back, so that two of one name do not chase each other.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// The name, and where it belongs to somebody else by now.
#[derive(Debug)]
pub(crate) struct Instance {
    name: String,
    lost: Mutex<BTreeSet<String>>,
}

impl Instance {
    /// An empty name is none.
    pub(crate) const fn new(name: String) -> Self {
        Self { name, lost: Mutex::new(BTreeSet::new()) }
    }

    /// The name to join a group with.
    pub(crate) fn in_group(&self, group: &str) -> Option<&str> {
        let lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        (!self.name.is_empty() && !lost.contains(group)).then_some(self.name.as_str())
    }

    /// Another process has the name in that group.
    pub(crate) fn lose(&self, group: &str) {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).insert(group.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_another_has_is_lost_in_that_group_only() {
        let instance = Instance::new("a".to_owned());
        instance.lose("g");
        assert_eq!((instance.in_group("g"), instance.in_group("h")), (None, Some("a")));
        assert_eq!(Instance::new(String::new()).in_group("g"), None);
    }
}
