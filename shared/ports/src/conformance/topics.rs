//! The contract of topics and offsets.

use event::TopicPartition;

use super::subject::{Subject, record};
use crate::settings::{Demand, Purpose};
use crate::{LogError, OffsetRange, Outgoing, Polled, Subscription, TopicSpec, publish_and_wait};

pub(super) fn topics_are_created_once(subject: &Subject<'_>) {
    let (first, second) = (subject.name("created-first"), subject.name("created-second"));
    let spec = |name: &str, partitions| TopicSpec {
        name: name.to_owned(),
        partitions,
        compacted: false,
        kept: false,
    };
    subject.log.create_topics(&[spec(&first, 3)]).unwrap();
    assert_eq!(subject.log.partitions(&first), Ok(3));
    let cluster = subject.log.cluster_id().unwrap();
    assert!(!cluster.is_empty());
    assert_eq!(subject.log.cluster_id(), Ok(cluster));
    let id = subject.log.topic_id(&first).unwrap();
    assert!(!id.is_empty());
    let partition = TopicPartition::new(first.as_str(), 2);
    assert_eq!(subject.log.offsets(&partition), Ok(OffsetRange { first: 0, next: 0 }));

    let mut outgoing = record(&first, 0);
    outgoing.partition = Some(2);
    subject.publish(vec![outgoing]);
    // Asked for again with another size, next to a new one: left as it is.
    subject.log.create_topics(&[spec(&first, 5), spec(&second, 1)]).unwrap();
    assert_eq!(subject.log.partitions(&first), Ok(3));
    assert_eq!(subject.log.partitions(&second), Ok(1));
    assert_eq!(subject.log.topic_id(&first), Ok(id.clone()));
    assert_ne!(subject.log.topic_id(&second), Ok(id));
    assert_eq!(subject.log.offsets(&partition), Ok(OffsetRange { first: 0, next: 1 }));

    let compacted = TopicSpec { compacted: true, ..spec(&subject.name("created-compacted"), 1) };
    subject.log.create_topics(std::slice::from_ref(&compacted)).unwrap();
    let partition = TopicPartition::new(compacted.name.as_str(), 0);
    subject.publish((0..20).map(|number| record(&compacted.name, number)).collect());
    let held = subject.read_all(&partition);
    let newest = |key: &str| {
        held.iter().rev().find(|held| held.key.as_deref() == Some(key.as_bytes())).cloned()
    };
    // Whatever else was dropped, the newest of each of the seven keys is there.
    for number in 13_u32..20 {
        let found = newest(&format!("key-{}", number % 7)).expect("the newest of a key");
        assert_eq!(found.value, Some(format!("value-{number}").into_bytes()));
        assert_eq!(found.offset, i64::from(number));
    }
}

pub(super) fn an_invalid_topic_is_rejected_and_nothing_created(subject: &Subject<'_>) {
    let good = subject.name("valid");
    for (name, partitions) in
        [(subject.name("no partition"), 1), (subject.name("zero"), 0), (subject.name("none"), -1)]
    {
        let specs = [(good.clone(), 1), (name, partitions)].map(|(name, partitions)| TopicSpec {
            name,
            partitions,
            compacted: false,
            kept: false,
        });
        let error = subject.log.create_topics(&specs).expect_err("an invalid topic");
        assert!(matches!(error, LogError::Fatal(_)), "{error}");
        let answer = subject.log.partitions(&good);
        assert!(matches!(answer, Err(LogError::UnknownPartition(_))), "{answer:?}");
    }
}

pub(super) fn what_does_not_exist_is_unknown(subject: &Subject<'_>) {
    let missing = subject.name("missing");
    let unknown = |error: LogError| matches!(error, LogError::UnknownPartition(_));
    assert!(subject.log.partitions(&missing).is_err_and(unknown));
    assert!(subject.log.topic_id(&missing).is_err_and(unknown));
    let partition = TopicPartition::new(missing.as_str(), 0);
    assert!(subject.log.offsets(&partition).is_err_and(unknown));
    let answer =
        publish_and_wait(&*subject.log.producer(), vec![record(&missing, 0)], subject.wait);
    assert!(answer.is_err_and(unknown));

    let topic = subject.name("known");
    subject.create(&topic, 2);
    let beyond = TopicPartition::new(topic.as_str(), 2);
    assert!(subject.log.offsets(&beyond).is_err_and(unknown));
    let known = TopicPartition::new(topic.as_str(), 0);
    let mut reader = subject.reader(Subscription::Partitions(vec![known.clone()]));
    assert_eq!(reader.assigned(), [known]);
    let other = TopicPartition::new(topic.as_str(), 1);
    assert!(reader.consumer.seek(&other, 0).is_err_and(unknown), "it is not assigned");
    assert!(reader.consumer.pause(&other, true).is_err_and(unknown), "it is not assigned");
}

pub(super) fn settings_are_those_of_the_spec(subject: &Subject<'_>) {
    let names =
        ["plain", "compacted", "kept"].map(|name| subject.name(&format!("settings-{name}")));
    let [plain, compacted, kept] = &names;
    let specs = names.each_ref().map(|name| TopicSpec {
        name: name.clone(),
        partitions: 1,
        compacted: name == compacted,
        kept: name == kept,
    });
    subject.log.create_topics(&specs).unwrap();
    let settings =
        |topic: &str| subject.log.topic_settings(topic).unwrap().expect("settings to be readable");
    for (topic, purpose) in
        [(plain, Purpose::Records), (compacted, Purpose::State), (kept, Purpose::Acts)]
    {
        assert_eq!(Demand::written(topic, purpose).faults(&settings(topic)), [], "{topic}");
    }
    assert_eq!(Demand::read(compacted, Purpose::Records).faults(&settings(compacted)).len(), 1);
    assert_eq!(Demand::read(plain, Purpose::State).faults(&settings(plain)).len(), 1);
    let missing = subject.log.topic_settings(&subject.name("settings-missing"));
    assert!(matches!(missing, Err(LogError::UnknownPartition(_))), "{missing:?}");
}

pub(super) fn partitions_can_be_added_and_are_assigned(subject: &Subject<'_>) {
    let topic = subject.name("growing");
    subject.create(&topic, 2);
    let id = subject.log.topic_id(&topic).unwrap();
    subject.publish((0..20).map(|number| record(&topic, number)).collect());
    let first = TopicPartition::new(topic.as_str(), 0);
    let before = subject.read_all(&first);
    let mut reader = subject.group("growing-group", &topic);
    assert_eq!(reader.assigned().len(), 2);

    assert_eq!(subject.log.grow_topic(&topic, 4), Ok(true));
    assert_eq!(subject.log.partitions(&topic), Ok(4));
    for fewer in [4, 1, 0, -1] {
        assert_eq!(subject.log.grow_topic(&topic, fewer), Ok(false), "{fewer}");
    }
    assert_eq!(subject.log.partitions(&topic), Ok(4));
    assert_eq!(subject.log.topic_id(&topic), Ok(id), "it is the same topic");
    assert_eq!(subject.read_all(&first), before, "its records are where they were");
    let last = TopicPartition::new(topic.as_str(), 3);
    let held = OffsetRange { first: 0, next: 0 };
    assert_eq!(subject.log.offsets(&last), Ok(held));
    let records = (0..10).map(|number| Outgoing { partition: Some(3), ..record(&topic, number) });
    subject.publish(records.collect());
    assert_eq!(subject.read_all(&last).len(), 10);

    // The reader hears of them, and reads them.
    let mut read = 0;
    reader.until("the records of the new partition", |consumer, polled| {
        match polled {
            Polled::Assigned(partitions) => {
                for partition in partitions {
                    consumer.seek(&partition, 0).unwrap();
                }
            }
            Polled::Batch(batch) if *batch.partition() == last => read += batch.len(),
            Polled::Idle | Polled::Revoked(_) | Polled::Batch(_) => {}
        }
        read == 10
    });
    let missing = subject.log.grow_topic(&subject.name("growing-missing"), 2);
    assert!(matches!(missing, Err(LogError::UnknownPartition(_))), "{missing:?}");
}
