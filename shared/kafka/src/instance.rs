//! Static group membership (`group.instance.id`).
//!
//! A static member that restarts gets its partitions back at once, instead of waiting for the session
//! timeout of its dead predecessor. If another process joins under the same id, the broker fences the
//! older member; that one continues as a dynamic member and never reclaims the id, so that two
//! processes with one id do not fence each other for ever.
//!
//! Brokers give a static member that returns the assignment it had, whatever it subscribes to now:
//! partitions that were added since would be in nobody's hands. So the name contains a digest of the
//! group and of the subscription with its numbers of partitions. Whoever returns with another
//! subscription is a new member; the old one is gone when its session times out.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};

/// Bytes of the digest in the name of a member.
const DIGEST_BYTES: usize = 8;

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

    /// The id to join a group with, for topics and their numbers of partitions; `None` for a dynamic
    /// member.
    pub(crate) fn in_group<'a>(
        &self,
        group: &str,
        subscription: impl IntoIterator<Item = (&'a String, &'a i32)>,
    ) -> Option<String> {
        let lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        (!self.name.is_empty() && !lost.contains(group))
            .then(|| format!("{}.{}", self.name, digest(group, subscription)))
    }

    /// Records that another process has joined the group under this id.
    pub(crate) fn lose(&self, group: &str) {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).insert(group.to_owned());
    }
}

/// What a member reads, as 16 hexadecimal digits.
fn digest<'a>(
    group: &str,
    subscription: impl IntoIterator<Item = (&'a String, &'a i32)>,
) -> String {
    let topics: BTreeSet<_> = subscription.into_iter().collect();
    let mut hasher = Sha256::new();
    // No name of a topic contains a zero byte.
    for (name, partitions) in std::iter::once((group, 0))
        .chain(topics.into_iter().map(|(topic, partitions)| (topic.as_str(), *partitions)))
    {
        hasher.update(name);
        hasher.update([0]);
        hasher.update(partitions.to_be_bytes());
    }
    hasher.finalize().iter().take(DIGEST_BYTES).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_another_has_is_lost_in_that_group_only() {
        let instance = Instance::new("a".to_owned());
        instance.lose("g");
        let in_group = |instance: &Instance, group| instance.in_group(group, []);
        assert_eq!(in_group(&instance, "g"), None);
        assert!(in_group(&instance, "h").is_some_and(|name| name.starts_with("a.")));
        assert_eq!(in_group(&Instance::new(String::new()), "g"), None);
    }

    #[test]
    fn another_group_or_subscription_is_another_member_whatever_the_order_of_topics() {
        let instance = Instance::new("a".to_owned());
        let name = |group: &str, topics: &[(&str, i32)]| {
            let topics: Vec<_> =
                topics.iter().map(|(topic, count)| ((*topic).to_owned(), *count)).collect();
            let topics = topics.iter().map(|(topic, count)| (topic, count));
            instance.in_group(group, topics).unwrap()
        };
        let known = name("g", &[("t", 2), ("u", 1)]);
        assert_eq!(known.len(), "a.".len() + 2 * DIGEST_BYTES);
        assert_eq!(name("g", &[("u", 1), ("t", 2)]), known);
        for (group, topics) in [
            ("h", &[("t", 2), ("u", 1)][..]),
            ("g", &[("t", 2)]),
            ("g", &[("t", 2), ("u", 2)]),
            ("g", &[("t", 2), ("u", 1), ("v", 1)]),
        ] {
            assert_ne!(name(group, topics), known, "{group} {topics:?}");
        }
    }
}
