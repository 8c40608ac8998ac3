//! Keys, installations and events of the tests.

use event::{
    BatchBuilder, Decoder, Event, EventBuilder, Limits, Timestamp, TimestampType, TopicPartition,
    column,
};
use governance::{Id, Installation, Trust};
use merkle::note::SigningKey;

pub(crate) const TOPIC: &str = "agent.events";

pub(crate) fn key(name: &str, seed: u8) -> SigningKey {
    SigningKey::from_seed(name, [seed; 32]).unwrap()
}

pub(crate) fn processor() -> SigningKey {
    key("log.example.com/processor", 1)
}

pub(crate) fn gateway() -> SigningKey {
    key("log.example.com/governance", 2)
}

pub(crate) fn installation() -> Installation {
    Installation { origin: "log.example.com".to_owned(), topic_prefix: String::new() }
}

pub(crate) fn trust() -> Trust {
    let (processor, gateway) = (processor().verifier(), gateway().verifier());
    Trust::parse(installation(), [processor.to_vkey()], [gateway.to_vkey()]).unwrap()
}

pub(crate) fn id(number: u64) -> Id {
    let mut bytes = [7; 16];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    Id::from_bytes(bytes)
}

pub(crate) fn builder(kind: &str, id: &str) -> EventBuilder {
    EventBuilder::new(kind)
        .set(column::EVENT_ID, id)
        .set(column::EVENT_TIME, Timestamp::from_micros(1_790_000_000_000_000))
}

/// The event as whoever reads its record sees it.
pub(crate) fn read_back(event: &Event<'_>) -> Event<'static> {
    let mut value = Vec::new();
    event::encode::encode(event, &mut value);
    let mut batch = BatchBuilder::new(TopicPartition::new(TOPIC, 0));
    let kind = TimestampType::LogAppendTime;
    batch.push(0, 0, kind, None, Some(&value), std::iter::empty());
    let batch = batch.build();
    let decoded = Decoder::new(Limits::default()).decode(&batch.records().next().unwrap());
    assert_eq!(decoded.fault, None);
    decoded.event.into_owned()
}
