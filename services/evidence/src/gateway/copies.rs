//! Copies of an act in the partitions of events, where the processor reads acts as long as it admits
//! none from the governance topic.

use event::{Event, column};
use ports::Outgoing;

use super::parts::Parts;
use super::rejection::Rejection;

/// The records of an act that has an effect: one in the partition of its agent or, without an agent,
/// one in each partition, with an identifier of its own.
pub(super) fn of(parts: &Parts, act: &Event<'_>) -> Result<Vec<Outgoing>, Rejection> {
    let kind = act.text(column::KIND).unwrap_or_default();
    if !governance::has_effect(kind) {
        return Ok(Vec::new());
    }
    let topic = parts.topics.events.as_str();
    if let Some(agent) = act.text(column::AGENT_ID) {
        return Ok(vec![Outgoing::event(topic, act).with_key(agent.as_bytes())]);
    }
    let copy = |number| {
        let mut copy = act.clone().into_owned();
        copy.set(column::EVENT_ID.id(), uuid::Uuid::now_v7().to_string().into());
        Outgoing::event(topic, &copy).in_partition(number)
    };
    Ok((0..parts.log.partitions(topic)?).map(copy).collect())
}
