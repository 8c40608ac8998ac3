//! Topics and partitions that a log is for, and of which it holds nothing. They may be idle; or what was
//! sealed of them was rolled back, which no log shows from inside.

use std::collections::BTreeSet;
use std::fmt;

use event::TopicPartition;
use serde::Serialize;

use crate::manifest::Installation;
use crate::plain::Plain;

/// What of a topic is not in the log at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unsealed {
    /// The partitions, as runs of numbers in ascending order (`0-2,4`), as few as possible; `None` for the
    /// whole topic, if the log does not say how many it had.
    pub partitions: Option<String>,
    /// The topic.
    pub topic: String,
}

impl Unsealed {
    /// What of the topics of an installation nothing is sealed of, ascending by topic. Partitions that were added
    /// since the log was created are not known.
    pub fn of<'p>(
        installation: &Installation,
        sealed: impl IntoIterator<Item = &'p TopicPartition>,
    ) -> Vec<Self> {
        let sealed: BTreeSet<(&str, i32)> =
            sealed.into_iter().map(|of| (&*of.topic, of.partition)).collect();
        let topics = installation.topics.iter().filter_map(|topic| {
            let name = topic.name.as_str();
            let of_topic = sealed.range((name, i32::MIN)..=(name, i32::MAX));
            let numbers = of_topic.map(|(_, partition)| *partition);
            let partitions = match topic.partitions {
                Some(count) => Some(missing(count, numbers)?),
                None if numbers.count() > 0 => return None,
                None => None,
            };
            Some(Self { partitions, topic: topic.name.clone() })
        });
        topics.collect()
    }
}

/// The runs of numbers below `count` that are not among the ascending ones; `None` if there is none.
fn missing(count: i32, sealed: impl Iterator<Item = i32>) -> Option<String> {
    let mut runs = Vec::new();
    let mut from = 0;
    for number in sealed.filter(|number| (0..count).contains(number)).chain([count]) {
        match number.saturating_sub(from) {
            0 => {}
            1 => runs.push(from.to_string()),
            _ => runs.push(format!("{from}-{}", number.saturating_sub(1))),
        }
        from = number.saturating_add(1);
    }
    (!runs.is_empty()).then(|| runs.join(","))
}

impl fmt::Display for Unsealed {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}", Plain(&self.topic))?;
        match &self.partitions {
            Some(partitions) => write!(to, "/{partitions}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::InstalledTopic;

    #[test]
    fn what_is_missing_is_said_in_runs() {
        let of = |sealed: &[i32]| missing(6, sealed.iter().copied());
        assert_eq!(of(&[]).as_deref(), Some("0-5"));
        assert_eq!(of(&[0, 3, 4, 9]).as_deref(), Some("1-2,5"));
        assert_eq!(of(&[0, 2, 4, 5]).as_deref(), Some("1,3"));
        assert_eq!(of(&[0, 1, 2, 3, 4, 5]), None);
        assert_eq!(missing(i32::MAX, std::iter::empty()).unwrap(), "0-2147483646");
    }

    #[test]
    fn a_topic_whose_partitions_are_not_known_is_there_or_not() {
        let topic = |name: &str, partitions| InstalledTopic { name: name.into(), partitions };
        let installation = Installation {
            cluster: "c".into(),
            topic_prefix: String::new(),
            topics: vec![topic("a", Some(2)), topic("b", None), topic("c", None)],
            keys: Vec::new(),
        };
        let sealed = [TopicPartition::new("a", 1), TopicPartition::new("b", 7)];
        let found: Vec<_> =
            Unsealed::of(&installation, &sealed).iter().map(Unsealed::to_string).collect();
        assert_eq!(found, ["a/0", "c"]);
    }
}
