//! The installation of the tests, and what its owners write.

use event::{Decoder, Event, Limits, TopicPartition};
use governance::{Id, Installation, Ownership, Signer, Trust, sign_act};
use merkle::note::SigningKey;
use monitor::{Output, Processor, Settings};
use ports::{EventLog as _, TopicSpec};
use processor::{Config, Identity};
use sim::MemoryLog;

pub(crate) fn installation() -> Installation {
    Installation { origin: "log.example.com".to_owned(), topic_prefix: String::new() }
}

pub(crate) fn key() -> SigningKey {
    SigningKey::from_seed("log.example.com/processor", [1; 32]).unwrap()
}

pub(crate) fn gateway() -> SigningKey {
    SigningKey::from_seed("log.example.com/governance", [2; 32]).unwrap()
}

pub(crate) fn trust() -> Trust {
    let keys = [key().verifier().to_vkey()];
    Trust::parse(installation(), keys, [gateway().verifier().to_vkey()]).unwrap()
}

/// An act as the gateway signs it; acts of different numbers have different nonces.
pub(crate) fn act(number: usize, event: Event<'static>) -> Event<'static> {
    let mut nonce = [5; 16];
    let number = u64::try_from(number).unwrap().to_be_bytes();
    nonce.iter_mut().zip(number).for_each(|(to, byte)| *to = byte);
    sign_act(&gateway(), &installation(), Id::from_bytes(nonce), event).unwrap()
}

pub(crate) fn identity() -> Identity {
    Identity { key: key(), trust: trust() }
}

/// An identity of the same installation with another key.
pub(crate) fn another_identity() -> Identity {
    let key = SigningKey::from_seed("log.example.com/processor", [3; 32]).unwrap();
    let keys = [key.verifier().to_vkey()];
    let trust = Trust::parse(installation(), keys, [gateway().verifier().to_vkey()]).unwrap();
    Identity { key, trust }
}

/// A log with the topics that a processor needs; the governance topic has one partition.
pub(crate) fn world(partitions: i32) -> MemoryLog {
    let log = MemoryLog::new();
    let topics = Config::default().topics;
    let all = [&topics.events, &topics.metrics, &topics.alerts, &topics.state, &topics.governance];
    let specs = all.map(|name| TopicSpec {
        name: name.clone(),
        partitions: if *name == topics.governance { 1 } else { partitions },
        compacted: *name == topics.state,
        kept: *name == topics.governance,
    });
    log.create_topics(&specs).unwrap();
    log
}

/// What anybody computes from the records of a partition alone; and the state in the end.
pub(crate) fn recomputed(log: &MemoryLog, partition: &TopicPartition) -> (Vec<Output>, Processor) {
    let decoder = Decoder::new(Limits::default());
    let mut processor = Processor::new(Settings::default(), &partition.topic, partition.partition)
        .with_ownership(Ownership::new(trust()));
    let batch = log.records(partition).unwrap();
    let mut outputs = Vec::new();
    for record in batch.records() {
        outputs.extend(processor.handle_record(&record, &decoder.decode(&record)));
    }
    (outputs, processor)
}

/// The event as the owner in force would write it.
pub(crate) fn as_owner(
    log: &MemoryLog,
    partition: &TopicPartition,
    event: Event<'static>,
) -> Event<'static> {
    let (_, processor) = recomputed(log, partition);
    let current = *processor.ownership().current().unwrap();
    let claim = (current.history, current.epoch);
    Signer::new(key(), installation(), partition.clone(), claim, current.owner)
        .at(current.sequence + 1)
        .sign(event)
}

/// An output without what says who signed it, which differs from owner to owner.
pub(crate) fn unsigned(mut event: Event<'static>) -> Vec<u8> {
    use event::column::monitor;
    let of_signature = [
        monitor::EPOCH.id(),
        monitor::HISTORY.id(),
        monitor::OWNER.id(),
        monitor::SIGNATURE.id(),
        monitor::SIGNED_BY.id(),
    ];
    let mut plain = Event::empty();
    for (id, cell) in event.cells().iter().filter(|(id, _)| !of_signature.contains(id)) {
        plain.set(*id, cell.clone());
    }
    event = plain;
    let mut value = Vec::new();
    event::encode::encode(&event, &mut value);
    value
}
