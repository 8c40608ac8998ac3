//! Saves survive what may happen between them: deaths, compaction, late writers, lost records.

use std::collections::BTreeMap;

use event::{BatchBuilder, Record, TimestampType, TopicPartition};

use super::*;

/// A log of records, as a compacted topic holds them.
#[derive(Debug, Clone, Default)]
struct Log(Vec<KeyValue>);

impl Log {
    fn compacted(&self) -> Self {
        let last: BTreeMap<&Vec<u8>, usize> =
            self.0.iter().enumerate().map(|(at, (key, _))| (key, at)).collect();
        let stays = |at: &usize, (key, value): &KeyValue| last[key] == *at && value.is_some();
        Self(
            self.0
                .iter()
                .enumerate()
                .filter(|(at, r)| stays(at, r))
                .map(|(_, r)| r.clone())
                .collect(),
        )
    }

    fn each(&self, mut show: impl FnMut(&Record<'_>)) {
        let mut batch = BatchBuilder::new(TopicPartition::new("state", 0));
        for (offset, (key, value)) in (0..).zip(&self.0) {
            let kind = TimestampType::None;
            batch.push(offset, 0, kind, Some(key), value.as_deref(), std::iter::empty());
        }
        batch.build().records().for_each(|record| show(&record));
    }

    /// The newest save that can be used.
    fn load(&self, writer: u64) -> Option<(Head, BTreeMap<EntryId, Vec<u8>>, Ledger)> {
        let mut heads = Heads::new(keys());
        self.each(|record| heads.take(record));
        heads.newest_first().into_iter().find_map(|mut entries| {
            self.each(|record| entries.take(record));
            let head = entries.head().clone();
            let (restored, ledger) = entries.finish(writer, PIECE)?;
            Some((head, restored.into_iter().collect(), ledger))
        })
    }
}

const PIECE: usize = 10;

fn keys() -> Keyspace {
    Keyspace::new(&Installation::default(), &TopicPartition::new("t", 0))
}

fn entry(number: u8) -> EntryId {
    EntryId::from_bytes(&[b'i', 0, number]).unwrap()
}

fn head(next_offset: i64) -> Head {
    let topic_id = "id".to_owned();
    let begins_at = None;
    let state = vec![7; 25];
    let (fingerprint, metrics_next, alerts_next) = (7, 1, 2);
    let last_record = Some(LastRecord { key_id: "k".to_owned(), mark: [3; 32] });
    Head {
        topic_id,
        next_offset,
        last_record,
        metrics_next,
        alerts_next,
        fingerprint,
        begins_at,
        state,
    }
}

/// Entries as they should be.
type Model = BTreeMap<EntryId, Vec<u8>>;

/// A writer that changes entries at random, with the state that it saves.
#[derive(Debug)]
struct Writer {
    ledger: Ledger,
    model: Model,
    seed: u64,
}

impl Writer {
    fn new(number: u64) -> Self {
        Self { ledger: Ledger::new(keys(), number, PIECE), model: Model::new(), seed: number }
    }

    fn random(&mut self, below: u64) -> u64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.seed >> 33) % below
    }

    /// The records of a save in which some entries have changed and some are gone.
    fn save(&mut self, next_offset: i64) -> Vec<KeyValue> {
        let mut records = Vec::new();
        self.ledger.erase(&mut records);
        for number in 0..6 {
            let entry = entry(number);
            match self.random(4) {
                0 => {
                    let length = usize::try_from(self.random(35)).unwrap();
                    let bytes = vec![u8::try_from(self.random(256)).unwrap(); length];
                    self.ledger.write(entry, Some(&bytes), &mut records).unwrap();
                    self.model.insert(entry, bytes);
                }
                1 => {
                    self.ledger.write(entry, None, &mut records).unwrap();
                    self.model.remove(&entry);
                }
                _ => {}
            }
        }
        records.extend(self.ledger.finish(head(next_offset)).unwrap());
        records
    }
}

#[test]
fn a_save_is_read_back_after_any_number_of_them_compacted_or_not() {
    for seed in 1..40 {
        let (mut log, mut writer) = (Log::default(), Writer::new(seed));
        for offset in 1..30 {
            log.0.extend(writer.save(offset));
            if offset % 3 == 0 {
                log = log.compacted();
            }
            let (found, model, ledger) = log.load(seed * 1_000 + offset.unsigned_abs()).unwrap();
            assert_eq!((found, &model), (head(offset), &writer.model), "{seed} {offset}");
            if offset % 5 == 0 {
                // Another process goes on from there.
                writer.ledger = ledger;
            }
        }
    }
}

#[test]
fn a_save_that_was_cut_off_anywhere_leaves_the_one_before() {
    for seed in 1..12 {
        let (mut log, mut writer) = (Log::default(), Writer::new(seed));
        for offset in 1..8 {
            log.0.extend(writer.save(offset));
        }
        let before = writer.model.clone();
        let next = writer.save(8);
        for written in 0..next.len() {
            let mut cut = log.clone();
            cut.0.extend_from_slice(&next[..written]);
            for cut in [cut.compacted(), cut] {
                let (found, model, ledger) = cut.load(99).unwrap();
                assert_eq!((found, &model), (head(7), &before), "{seed}: {written} records");
                // The next process dies as well, and the one after it succeeds.
                let mut second = Writer { ledger, model, seed: seed + 50 };
                let mut cut = cut;
                let half = second.save(9);
                cut.0.extend_from_slice(&half[..half.len() / 2]);
                let (_, model, ledger) = cut.compacted().load(100).unwrap();
                assert_eq!(model, before);
                let mut third = Writer { ledger, model, seed: seed + 70 };
                cut.0.extend(third.save(10));
                let (found, model, _) = cut.compacted().load(101).unwrap();
                assert_eq!((found, model), (head(10), third.model));
            }
        }
    }
}

#[test]
fn what_a_process_writes_late_is_never_mixed_in() {
    let mut used = 0;
    for seed in 1..60 {
        let (mut log, mut old) = (Log::default(), Writer::new(seed));
        for offset in 1..6 {
            log.0.extend(old.save(offset));
        }
        let (_, before, ledger) = log.load(7_000).unwrap();
        let mut new = Writer { ledger, model: before.clone(), seed: seed + 500 };
        log.0.extend(new.save(20));
        // The old one did not hear that it should stop.
        let late = old.save(8);
        let states = [(head(5), before), (head(8), old.model), (head(20), new.model)];
        for written in [1, late.len() / 2, late.len()] {
            let mut log = log.clone();
            log.0.extend_from_slice(&late[..written.min(late.len())]);
            for (log, is_compacted) in [(log.compacted(), true), (log, false)] {
                let Some((found, model, _)) = log.load(9_000) else {
                    assert!(is_compacted, "everything is still there");
                    continue;
                };
                used += 1;
                assert!(is_compacted || found == head(20));
                assert!(states.contains(&(found, model)));
            }
        }
    }
    assert!(used > 200, "{used}");
}

#[test]
fn a_record_that_is_missing_or_damaged_makes_a_save_unusable() {
    let (mut log, mut writer) = (Log::default(), Writer::new(3));
    log.0.extend(writer.save(1));
    assert!(!writer.model.is_empty());
    for at in 0..log.0.len() {
        let mut without = log.clone();
        without.0.remove(at);
        assert!(without.load(4).is_none(), "without record {at}");
        let mut damaged = log.clone();
        let value = damaged.0[at].1.as_mut().unwrap();
        let last = value.len() - 1;
        value[last] ^= 1;
        assert!(damaged.load(4).is_none_or(|(_, model, _)| model == writer.model), "record {at}");
    }
}

#[test]
fn another_partition_or_installation_and_other_formats_are_ignored() {
    let (mut log, mut writer) = (Log::default(), Writer::new(3));
    log.0.extend(writer.save(1));
    let Keyspace(own) = keys();
    log.0.push(([&*own, b"a/0"].concat(), Some(vec![1, 2, 3])));
    log.0.push((b"notifier/t/0".to_vec(), Some(vec![1])));
    log.0.push((own, None));
    let (_, model, _) = log.load(4).unwrap();
    assert_eq!(model, writer.model);
    let other = Installation { origin: "other".to_owned(), ..Installation::default() };
    for strange in [
        Keyspace::new(&Installation::default(), &TopicPartition::new("t", 1)),
        Keyspace::new(&other, &TopicPartition::new("t", 0)),
    ] {
        let mut heads = Heads::new(strange);
        log.each(|record| heads.take(record));
        assert!(heads.newest_first().is_empty());
    }
}
