//! Static group membership (`group.instance.id`).
//!
//! A static member that restarts gets its partitions back at once, instead of waiting for the session
//! timeout of its dead predecessor. If another process joins under the same id, the broker fences the
//! older member; that one continues as a dynamic member and never reclaims the id, so that two
//! processes with one id do not fence each other for ever.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// The id, and the groups in which it was lost to another process.
#[derive(Debug)]
pub(crate) struct Instance {
    name: String,
    lost: Mutex<BTreeSet<String>>,
}

impl Instance {
    /// An empty id disables static membership.
    pub(crate) const fn new(name: String) -> Self {
        Self { name, lost: Mutex::new(BTreeSet::new()) }
    }

    /// The id to join a group with; `None` for a dynamic member.
    pub(crate) fn in_group(&self, group: &str) -> Option<&str> {
        let lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        (!self.name.is_empty() && !lost.contains(group)).then_some(self.name.as_str())
    }

    /// Records that another process has joined the group under this id.
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
