//! The contract of publishing.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use event::{TimestampType, TopicPartition};

use super::subject::{Subject, record};
use crate::{LogError, OffsetRange, Outgoing, Published, QueueFull, partition_of};

pub(super) fn a_key_decides_the_partition_and_keeps_its_order(subject: &Subject<'_>) {
    let topic = subject.name("keyed");
    subject.create(&topic, 5);
    let records: Vec<Outgoing> = (0_u32..200)
        .map(|number| Outgoing {
            partition: None,
            key: Some(if number % 20 == 0 { Vec::new() } else { vec![b'k', (number % 20) as u8] }),
            ..record(&topic, number)
        })
        .collect();
    let landed = subject.publish(records.clone());
    for (record, position) in records.iter().zip(&landed) {
        let expected = partition_of(record.key.as_deref().unwrap(), 5);
        assert_eq!(position.partition, TopicPartition::new(topic.as_str(), expected));
    }
    for partition in 0..5 {
        let expected: Vec<_> = records
            .iter()
            .filter(|record| partition_of(record.key.as_deref().unwrap(), 5) == partition)
            .map(|record| record.value.clone())
            .collect();
        let held = subject.read_all(&TopicPartition::new(topic.as_str(), partition));
        let values: Vec<_> = held.into_iter().map(|record| record.value).collect();
        assert_eq!(values, expected, "order in partition {partition}");
    }
}

pub(super) fn an_explicit_partition_is_obeyed(subject: &Subject<'_>) {
    let topic = subject.name("explicit");
    subject.create(&topic, 3);
    let records = (0_u32..9)
        .map(|number| Outgoing {
            partition: Some((number % 3).cast_signed()),
            key: Some(b"same key".to_vec()),
            ..record(&topic, number)
        })
        .collect();
    let landed: Vec<_> = subject
        .publish(records)
        .into_iter()
        .map(|position| (position.partition.partition, position.offset))
        .collect();
    let expected = [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1), (0, 2), (1, 2), (2, 2)];
    assert_eq!(landed, expected);
    // Without a partition and a key any partition will do, but the answer says which.
    let free = Outgoing { topic: topic.as_str().into(), ..Outgoing::default() };
    let landed = subject.publish(vec![free]);
    assert_eq!(landed[0].offset, 3);
}

pub(super) fn what_is_read_is_what_was_published(subject: &Subject<'_>) {
    let topic = subject.name("bytes");
    subject.create(&topic, 1);
    let every_byte: Vec<u8> = (0..=255).collect();
    let keys = [None, Some(Vec::new()), Some(b"key".to_vec()), Some(every_byte.clone())];
    let values =
        [None, Some(Vec::new()), Some(vec![0]), Some(every_byte.clone()), Some(vec![7; 70_000])];
    let headers: [Vec<(String, Option<Vec<u8>>)>; 3] = [
        Vec::new(),
        vec![("name".to_owned(), Some(b"value".to_vec()))],
        vec![
            ("again".to_owned(), Some(b"1".to_vec())),
            ("null".to_owned(), None),
            ("empty".to_owned(), Some(Vec::new())),
            ("again".to_owned(), Some(every_byte)),
            ("ünïcode".to_owned(), Some(vec![0xff, 0])),
        ],
    ];
    let mut records = Vec::new();
    for key in &keys {
        for value in &values {
            for headers in &headers {
                records.push(Outgoing {
                    topic: topic.as_str().into(),
                    partition: Some(0),
                    key: key.clone(),
                    value: value.clone(),
                    headers: headers.clone(),
                });
            }
        }
    }
    let landed = subject.publish(records.clone());
    let partition = TopicPartition::new(topic.as_str(), 0);
    let next = i64::try_from(records.len()).unwrap();
    assert_eq!(subject.log.offsets(&partition), Ok(OffsetRange { first: 0, next }));
    let held = subject.read_all(&partition);
    assert_eq!(held.len(), records.len());
    for (((record, position), held), offset) in records.iter().zip(&landed).zip(&held).zip(0..) {
        assert_eq!((position.offset, held.offset), (offset, offset));
        assert_eq!(held.key, record.key, "key at {offset}");
        assert_eq!(held.value, record.value, "value at {offset}");
        assert_eq!(held.headers, record.headers, "headers at {offset}");
    }
}

pub(super) fn timestamps_are_of_the_log_and_never_go_back(subject: &Subject<'_>) {
    let topic = subject.name("timestamps");
    subject.create(&topic, 1);
    for round in 0..5 {
        subject.publish((0..20).map(|number| record(&topic, round * 20 + number)).collect());
    }
    let held = subject.read_all(&TopicPartition::new(topic.as_str(), 0));
    assert_eq!(held.len(), 100);
    assert!(held.iter().all(|record| record.timestamp_type == TimestampType::LogAppendTime));
    assert!(held.is_sorted_by_key(|record| record.timestamp_ms), "timestamps never go back");
    // A clock, not a counter or zero: after 2020.
    assert!(held[0].timestamp_ms > 1_577_836_800_000);
}

pub(super) fn a_record_that_is_too_large_is_refused_alone(subject: &Subject<'_>) {
    let topic = subject.name("large");
    subject.create(&topic, 1);
    let sized = |size| Outgoing { value: Some(vec![b'x'; size]), ..record(&topic, 0) };
    let records =
        vec![sized(1), sized(subject.record_bytes_max * 2), sized(subject.record_bytes_max)];
    let (sender, receiver) = mpsc::channel();
    subject
        .log
        .producer()
        .publish(records, Box::new(move |published| sender.send(published).unwrap()))
        .expect("the call is taken");
    let published = receiver.recv_timeout(subject.wait).expect("an answer");
    assert_eq!(published.len(), 3);
    assert!(published[0].is_ok(), "{published:?}");
    assert!(
        matches!(&published[1], Err(LogError::TooLarge { size_bytes, bytes_max })
            if *size_bytes > subject.record_bytes_max && size_bytes > bytes_max),
        "{:?}",
        published[1]
    );
    assert!(published[2].is_ok(), "{:?}", published[2]);
    let held = subject.read_all(&TopicPartition::new(topic.as_str(), 0));
    assert_eq!(held.len(), 2);
}

pub(super) fn every_call_is_answered_exactly_once(subject: &Subject<'_>) {
    let topic = subject.name("answers");
    subject.create(&topic, 2);
    let producer = subject.log.producer();
    let (sender, receiver) = mpsc::channel();
    let calls = 50;
    let answers: Arc<Vec<AtomicUsize>> =
        Arc::new((0..calls).map(|_| AtomicUsize::new(0)).collect());
    for call in 0..calls {
        // The first call has no records: it is answered as well.
        let records: Vec<_> = (0..call)
            .map(|number| {
                let number = u32::try_from(number).unwrap();
                Outgoing { partition: None, ..record(&topic, number) }
            })
            .collect();
        let (sender, answers) = (sender.clone(), Arc::clone(&answers));
        producer
            .publish(
                records,
                Box::new(move |published| {
                    answers[call].fetch_add(1, Ordering::SeqCst);
                    sender.send((call, published)).unwrap();
                }),
            )
            .expect("the call is taken");
    }
    drop(sender);
    for _ in 0..calls {
        let (call, published) = receiver.recv_timeout(subject.wait).expect("an answer");
        assert_eq!(published.len(), call);
        assert!(published.iter().all(Result::is_ok), "{published:?}");
    }
    assert_eq!(receiver.recv_timeout(subject.wait), Err(mpsc::RecvTimeoutError::Disconnected));
    assert!(answers.iter().all(|count| count.load(Ordering::SeqCst) == 1));
    assert_eq!(producer.in_flight(), 0, "everything was acknowledged");
}

pub(super) fn concurrent_publishers_lose_nothing(subject: &Subject<'_>) {
    let topic = subject.name("concurrent");
    subject.create(&topic, 3);
    let landed = std::thread::scope(|scope| {
        let publish = |thread: u32| {
            let topic = &topic;
            move || {
                let mut landed = Vec::new();
                for round in 0..10 {
                    let records: Vec<_> = (0_u32..30)
                        .map(|number| Outgoing {
                            partition: Some((number % 3).cast_signed()),
                            ..record(topic, thread * 10_000 + round * 100 + number)
                        })
                        .collect();
                    let values: Vec<_> =
                        records.iter().map(|record| record.value.clone()).collect();
                    landed.extend(subject.publish(records).into_iter().zip(values));
                }
                landed
            }
        };
        let threads: Vec<_> = (0..4).map(|thread| scope.spawn(publish(thread))).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("a publisher"))
            .collect::<Vec<_>>()
    });
    let mut acknowledged: HashSet<(i32, i64, Option<Vec<u8>>)> = HashSet::new();
    for (position, value) in landed {
        acknowledged.insert((position.partition.partition, position.offset, value));
    }
    assert_eq!(acknowledged.len(), 4 * 10 * 30);
    let held: HashSet<_> = (0..3)
        .flat_map(|partition| subject.read_all(&TopicPartition::new(topic.as_str(), partition)))
        .map(|record| (record.partition, record.offset, record.value))
        .collect();
    assert_eq!(held, acknowledged);
}

pub(super) fn a_full_queue_returns_the_records(subject: &Subject<'_>) {
    let topic = subject.name("full");
    subject.create(&topic, 1);
    let producer = subject.log.producer();
    let (sender, receiver) = mpsc::channel::<Published>();
    let send = || {
        let sender = sender.clone();
        Box::new(move |published| sender.send(published).unwrap())
    };
    // One such call fills the queue; a log whose writer has taken it may accept a second one.
    let size = u32::try_from(subject.queue_records_max).unwrap();
    let calls = (0..3).map(|call| -> Vec<Outgoing> {
        (call * size..(call + 1) * size).map(|number| record(&topic, number)).collect()
    });
    let (begun, blocked) = mpsc::channel();
    let (unblock, gate) = mpsc::channel::<()>();
    let (taken, refused) = std::thread::scope(|scope| {
        // A callback that blocks keeps the log from acknowledging anything else.
        let (producer_of_first, first) = (&producer, record(&topic, u32::MAX));
        scope.spawn(move || {
            let wait = Box::new(move |published: Published| {
                assert!(published.iter().all(Result::is_ok), "{published:?}");
                begun.send(()).unwrap();
                gate.recv().unwrap_err();
            });
            producer_of_first.publish(vec![first], wait).expect("nothing is in flight");
        });
        blocked.recv_timeout(subject.wait).expect("the first acknowledgement");
        let mut taken = 0;
        let mut refused = None;
        for records in calls {
            match producer.publish(records.clone(), send()) {
                Ok(()) => taken += 1,
                Err(QueueFull { records: returned, waiting }) => {
                    assert_eq!(returned, records, "the records come back unchanged");
                    assert!(waiting > 0, "{waiting} records wait");
                    refused = Some(returned);
                    break;
                }
            }
        }
        drop(unblock);
        (taken, refused.expect("the limit is reached"))
    });
    for _ in 0..taken {
        let published = receiver.recv_timeout(subject.wait).expect("an acknowledgement");
        assert!(published.iter().all(Result::is_ok), "{published:?}");
    }
    assert!(receiver.try_recv().is_err(), "a rejected call has no acknowledgement");
    // A retry with the returned records appends each of them, once.
    producer.publish(refused, send()).expect("there is room again");
    let published = receiver.recv_timeout(subject.wait).expect("an acknowledgement");
    assert!(published.iter().all(Result::is_ok), "{published:?}");
    let held = subject.read_all(&TopicPartition::new(topic.as_str(), 0));
    let values: Vec<_> = held.into_iter().skip(1).map(|record| record.value).collect();
    let expected: Vec<_> =
        (0..(taken + 1) * size).map(|number| record(&topic, number).value).collect();
    assert_eq!(values, expected, "every record once, in order");
}
