//! The contract of reading.

use event::TopicPartition;

use super::subject::{Reader, Subject, record};
use crate::local::{BATCH_BYTES_MAX, BATCH_RECORDS_MAX};
use crate::{LogError, Outgoing, Polled, Subscription};

pub(super) fn nothing_is_delivered_before_seek(subject: &Subject<'_>) {
    let topic = subject.name("seek-first");
    subject.create(&topic, 1);
    subject.publish((0..10).map(|number| record(&topic, number)).collect());
    let partition = TopicPartition::new(topic.as_str(), 0);
    let mut fixed = subject.reader(Subscription::Partitions(vec![partition.clone()]));
    let mut member = subject.group("seek-first", &topic);
    for reader in [&mut fixed, &mut member] {
        assert_eq!(reader.assigned(), std::slice::from_ref(&partition));
        reader.expect_silence();
        reader.consumer.seek(&partition, 4).unwrap();
        let offsets: Vec<_> = reader.records(6).iter().map(|record| record.offset).collect();
        assert_eq!(offsets, [4, 5, 6, 7, 8, 9]);
    }
    // What arrives later is delivered without a further seek.
    subject.publish(vec![record(&topic, 10)]);
    assert_eq!(fixed.records(1)[0].offset, 10);
    assert_eq!(member.records(1)[0].offset, 10);
}

pub(super) fn seek_goes_back_and_forth(subject: &Subject<'_>) {
    let topic = subject.name("seek");
    subject.create(&topic, 1);
    subject.publish((0..100).map(|number| record(&topic, number)).collect());
    let partition = TopicPartition::new(topic.as_str(), 0);
    let mut reader = subject.started(&[(&partition, 0)]);
    assert_eq!(reader.until_offset(100).len(), 100);
    for offset in [50, 99, 0, 20, 70] {
        reader.consumer.seek(&partition, offset).unwrap();
        let read = reader.until_offset(100);
        assert_eq!(read[0].offset, offset, "the next batch begins where was sought");
        assert_eq!(read.len(), usize::try_from(100 - offset).unwrap());
    }
    // In the middle of what is being read, too: nothing of the old position follows.
    for _ in 0..5 {
        reader.consumer.seek(&partition, 10).unwrap();
        assert_eq!(reader.records(1)[0].offset, 10);
        reader.consumer.seek(&partition, 90).unwrap();
        assert_eq!(reader.records(1)[0].offset, 90);
    }
    // The end is a position: what comes next is delivered.
    reader.consumer.seek(&partition, 100).unwrap();
    reader.expect_silence();
    subject.publish(vec![record(&topic, 100)]);
    assert_eq!(reader.records(1)[0].offset, 100);
}

pub(super) fn a_position_that_is_not_held_is_an_error(subject: &Subject<'_>) {
    let topic = subject.name("range");
    subject.create(&topic, 1);
    subject.publish((0..10).map(|number| record(&topic, number)).collect());
    let partition = TopicPartition::new(topic.as_str(), 0);
    for offset in [-1, 11, 1_000_000] {
        let mut reader = subject.reader(Subscription::Partitions(vec![partition.clone()]));
        assert_eq!(reader.assigned(), std::slice::from_ref(&partition));
        // Whether the seek itself or the next poll says so is up to the log.
        let error = match reader.consumer.seek(&partition, offset) {
            Ok(()) => reader.error(),
            Err(error) => error,
        };
        let expected =
            LogError::OutOfRange { partition: partition.to_string(), offset, first: 0, next: 10 };
        assert_eq!(error, expected);
        // Never a default position instead; a good one still works.
        reader.expect_silence();
        reader.consumer.seek(&partition, 9).unwrap();
        assert_eq!(reader.records(1)[0].offset, 9);
    }
}

pub(super) fn a_paused_partition_is_silent(subject: &Subject<'_>) {
    let topic = subject.name("paused");
    subject.create(&topic, 2);
    let [left, right] = [0, 1].map(|number| TopicPartition::new(topic.as_str(), number));
    let both = |from: u32| -> Vec<Outgoing> {
        let at =
            |number, partition| Outgoing { partition: Some(partition), ..record(&topic, number) };
        (from..from + 10).flat_map(|number| [at(number, 0), at(number, 1)]).collect()
    };
    subject.publish(both(0));
    let mut reader = subject.started(&[(&left, 0), (&right, 0)]);
    reader.consumer.pause(&left, true).unwrap();
    let read = reader.records(10);
    assert!(read.iter().all(|record| record.partition == 1), "the paused one is silent");
    reader.expect_silence();
    subject.publish(both(10));
    let read = reader.records(10);
    assert!(read.iter().all(|record| record.partition == 1));
    reader.consumer.pause(&left, false).unwrap();
    let read = reader.records(20);
    assert!(read.iter().all(|record| record.partition == 0));
    let offsets: Vec<_> = read.iter().map(|record| record.offset).collect();
    assert_eq!(offsets, (0..20).collect::<Vec<_>>(), "it goes on where it stood");

    // Paused, sought, continued: from where was sought.
    reader.consumer.pause(&right, true).unwrap();
    reader.consumer.seek(&right, 15).unwrap();
    reader.expect_silence();
    reader.consumer.pause(&right, false).unwrap();
    let offsets: Vec<_> = reader.records(5).iter().map(|record| record.offset).collect();
    assert_eq!(offsets, [15, 16, 17, 18, 19]);
}

pub(super) fn batches_are_bounded(subject: &Subject<'_>) {
    let topic = subject.name("bounded");
    subject.create(&topic, 1);
    let large = subject.record_bytes_max;
    let mut records: Vec<_> = (0..9_000).map(|number| record(&topic, number)).collect();
    records.extend(
        (0..5).map(|number| Outgoing { value: Some(vec![b'x'; large]), ..record(&topic, number) }),
    );
    let total = records.len();
    let mut records = records.into_iter();
    loop {
        let part: Vec<_> = records.by_ref().take(3_000).collect();
        if part.is_empty() {
            break;
        }
        subject.publish(part);
    }
    let partition = TopicPartition::new(topic.as_str(), 0);
    let mut reader = subject.started(&[(&partition, 0)]);
    let mut next = 0;
    reader.until("every record", |_, polled| {
        let Polled::Batch(batch) = polled else { panic!("a batch") };
        assert!(batch.len() <= BATCH_RECORDS_MAX, "{} records", batch.len());
        assert!(batch.len() == 1 || batch.size_bytes() <= BATCH_BYTES_MAX);
        assert_eq!(batch.first_offset(), Some(next), "contiguous");
        next = batch.next_offset().unwrap();
        usize::try_from(next).unwrap() == total
    });
}

pub(super) fn a_waiting_consumer_wakes_up(subject: &Subject<'_>) {
    let topic = subject.name("waking");
    subject.create(&topic, 1);
    let partition = TopicPartition::new(topic.as_str(), 0);
    let Reader { mut consumer, wait } = subject.started(&[(&partition, 0)]);
    std::thread::scope(|scope| {
        // One wait as long as the deadline: it must end because of the record.
        let waiting = scope.spawn(move || consumer.poll(wait));
        subject.publish(vec![record(&topic, 0)]);
        let polled = waiting.join().expect("the reader").expect("poll");
        assert!(matches!(&polled, Polled::Batch(batch) if batch.len() == 1), "{polled:?}");
    });
}

pub(super) fn what_was_delivered_is_passed(subject: &Subject<'_>) {
    let topic = subject.name("passed");
    subject.create(&topic, 2);
    let (first, other) =
        (TopicPartition::new(topic.as_str(), 0), TopicPartition::new(topic.as_str(), 1));
    subject.publish((0..30).map(|number| record(&topic, number)).collect());
    let mut reader = subject.started(&[(&first, 10)]);
    assert_eq!(reader.consumer.passed(&other), None, "it is not assigned");
    assert!(reader.consumer.passed(&first).is_none_or(|passed| passed <= 10));
    reader.until_offset(30);
    assert_eq!(reader.consumer.passed(&first), Some(30));
    // Whatever it finds out about the end, there is no more.
    for _ in 0..8 {
        reader.expect_silence();
        assert_eq!(reader.consumer.passed(&first), Some(30));
    }
    reader.consumer.seek(&first, 5).expect("seek");
    assert!(reader.consumer.passed(&first).is_none_or(|passed| passed <= 5));
    reader.until_offset(30);
    assert_eq!(reader.consumer.passed(&first), Some(30));
    assert_eq!(reader.consumer.blocked(), []);
}
