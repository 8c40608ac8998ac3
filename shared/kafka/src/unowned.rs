//! Which partitions of a subscription nobody has, from the assignments that the coordinator of a
//! classic group keeps.

use std::collections::BTreeSet;
use std::time::Duration;

use event::TopicPartition;
use ports::LogError;
use rdkafka::consumer::{BaseConsumer, Consumer as _};

use crate::context::GroupContext;
use crate::outcome::outcome;

/// State of a group in which every member has its assignment.
const STABLE: &str = "Stable";

/// The partitions of topics that no member of the group has; `None` during a rebalance, and of a group of
/// another protocol.
pub(crate) fn unowned(
    base: &BaseConsumer<GroupContext>,
    group: &str,
    topics: &[String],
    wait: Duration,
) -> Result<Option<BTreeSet<TopicPartition>>, LogError> {
    let failed = |error| outcome(&error, "group");
    let groups = base.fetch_group_list(Some(group), wait).map_err(failed)?;
    let found = groups.groups().iter().find(|found| found.name() == group);
    let Some(found) = found.filter(|found| found.state() == STABLE) else { return Ok(None) };
    let mut unowned = BTreeSet::new();
    for topic in topics {
        let metadata = base.fetch_metadata(Some(topic), wait).map_err(failed)?;
        for described in metadata.topics().iter().filter(|described| described.name() == topic) {
            let numbers = described.partitions().iter().map(|partition| partition.id());
            unowned.extend(numbers.map(|number| TopicPartition::new(topic.as_str(), number)));
        }
    }
    for member in found.members() {
        let Some(assigned) = parse_assignment(member.assignment().unwrap_or_default()) else {
            return Ok(None);
        };
        for partition in assigned {
            unowned.remove(&partition);
        }
    }
    Ok(Some(unowned))
}

/// The partitions of an assignment, as consumers of all languages encode it: version, topics with their
/// partitions, and bytes that only the assignor reads (`ConsumerProtocolAssignment` of Apache Kafka).
/// Nothing was assigned to a member without bytes.
fn parse_assignment(bytes: &[u8]) -> Option<Vec<TopicPartition>> {
    let mut assigned = Vec::new();
    if bytes.is_empty() {
        return Some(assigned);
    }
    let (_version, mut rest) = take::<2>(bytes)?;
    for _ in 0..take_count(&mut rest)? {
        let (length, after) = take::<2>(rest)?;
        let (topic, after) = after.split_at_checked(usize::from(u16::from_be_bytes(length)))?;
        rest = after;
        let topic = str::from_utf8(topic).ok()?;
        for _ in 0..take_count(&mut rest)? {
            let (number, after) = take::<4>(rest)?;
            rest = after;
            assigned.push(TopicPartition::new(topic, i32::from_be_bytes(number)));
        }
    }
    Some(assigned)
}

fn take<const N: usize>(bytes: &[u8]) -> Option<([u8; N], &[u8])> {
    bytes.split_first_chunk().map(|(first, rest)| (*first, rest))
}

/// A number of elements, each of which takes bytes.
fn take_count(rest: &mut &[u8]) -> Option<i32> {
    let (count, after) = take::<4>(rest)?;
    *rest = after;
    Some(i32::from_be_bytes(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_is_read_and_anything_else_is_none() {
        let mut bytes = vec![0, 1, 0, 0, 0, 2];
        bytes.extend(*b"\x00\x01t\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x07");
        bytes.extend(*b"\x00\x01u\x00\x00\x00\x01\x00\x00\x00\x03");
        let expected = [("t", 0), ("t", 7), ("u", 3)];
        let expected = expected.map(|(topic, number)| TopicPartition::new(topic, number)).to_vec();
        assert_eq!(parse_assignment(&[&*bytes, b"\xff\xff\xff\xff"].concat()), Some(expected));
        assert_eq!(parse_assignment(&[]), Some(Vec::new()));
        for cut in 1..bytes.len() {
            assert_eq!(parse_assignment(&bytes[..cut]), None, "{cut}");
        }
        assert_eq!(parse_assignment(&[0, 1, 0x7f, 0xff, 0xff, 0xff]), None);
        assert_eq!(parse_assignment(&[0, 1, 0x80, 0, 0, 0]), Some(Vec::new()));
    }
}
