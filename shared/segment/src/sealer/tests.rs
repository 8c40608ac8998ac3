use event::TimestampType;
use proptest::prelude::*;

use super::*;

const LIMITS: Limits = Limits {
    rows_max: 4,
    bytes_max: 1_000,
    age_ms_max: 50,
    heartbeat_age_ms_max: 500,
    buffer_bytes_max: 100_000,
};

fn partition(number: i32) -> TopicPartition {
    TopicPartition::new("t", number)
}

fn sized(number: i32, offsets: impl IntoIterator<Item = i64>, bytes: usize) -> Batch {
    let mut batch = BatchBuilder::new(partition(number));
    for offset in offsets {
        let value = vec![7; bytes];
        let none = std::iter::empty();
        batch.push(offset, 1, TimestampType::LogAppendTime, None, Some(&value), none);
    }
    batch.build()
}

fn batch(number: i32, offsets: impl IntoIterator<Item = i64>) -> Batch {
    sized(number, offsets, 1)
}

/// A sealer of one partition that was resumed at an offset, its seek done.
fn resumed(offset: i64, limits: Limits) -> Sealer {
    let mut sealer = Sealer::new(limits);
    sealer.handle_assigned(&partition(0), offset, offset);
    assert_eq!(actions(&mut sealer), [format!("seek 0 {offset}")]);
    sealer
}

/// Hands in a batch; values of more than a byte, or of another than 0, are no heartbeats.
fn take(sealer: &mut Sealer, batch: Batch, now_ms: i64) -> Taken {
    sealer.handle_batch(batch, now_ms, |record| record.value == Some(&[0]))
}

/// Heartbeats.
fn beats(number: i32, offsets: impl IntoIterator<Item = i64>) -> Batch {
    let mut batch = BatchBuilder::new(partition(number));
    for offset in offsets {
        let none = std::iter::empty();
        batch.push(offset, 1, TimestampType::LogAppendTime, None, Some(&[0]), none);
    }
    batch.build()
}

fn actions(sealer: &mut Sealer) -> Vec<String> {
    std::iter::from_fn(|| sealer.poll_action()).map(|action| shown(&action)).collect()
}

fn shown(action: &Action) -> String {
    match action {
        Action::Seek { partition, offset } => format!("seek {} {offset}", partition.partition),
        Action::Seal(seal) => {
            let offsets: Vec<_> = seal
                .batches
                .iter()
                .flat_map(|batch| batch.records().map(|record| record.offset).collect::<Vec<_>>())
                .collect();
            assert_eq!(offsets.len(), seal.rows);
            format!(
                "seal {} {}..{} {offsets:?} {}",
                seal.partition.partition,
                seal.first_offset,
                seal.next_offset,
                seal.cause.name()
            )
        }
    }
}

#[test]
fn heartbeats_wait_longer_and_are_sealed_together() {
    let mut sealer = Sealer::new(LIMITS);
    for number in 0..3 {
        sealer.handle_assigned(&partition(number), 0, 0);
    }
    actions(&mut sealer);
    take(&mut sealer, beats(0, [0]), 1_000);
    take(&mut sealer, beats(1, [0]), 1_300);
    take(&mut sealer, batch(2, [0]), 1_000);
    sealer.handle_timeout(1_499);
    assert_eq!(actions(&mut sealer), ["seal 2 0..1 [0] age"]);
    assert_eq!(sealer.poll_timeout(), Some(1_500));
    sealer.handle_timeout(1_500);
    assert_eq!(actions(&mut sealer), ["seal 0 0..1 [0] age", "seal 1 0..1 [0] age"]);
}

#[test]
fn the_first_record_behind_heartbeats_waits_as_long_as_any() {
    let mut sealer = resumed(0, LIMITS);
    take(&mut sealer, beats(0, [0]), 1_000);
    take(&mut sealer, batch(0, [1]), 1_300);
    take(&mut sealer, beats(0, [2]), 1_340);
    assert_eq!(sealer.poll_timeout(), Some(1_350));
    sealer.handle_timeout(1_350);
    assert_eq!(actions(&mut sealer), ["seal 0 0..3 [0, 1, 2] age"]);
    sealer.handle_sealed(&partition(0), 3);
    take(&mut sealer, beats(0, [3]), 1_400);
    assert_eq!(sealer.poll_timeout(), Some(1_900), "the next segment begins anew");
}

#[test]
fn a_lonely_record_is_sealed_when_it_is_old_enough() {
    let mut sealer = resumed(7, LIMITS);
    assert_eq!(sealer.poll_timeout(), None);
    take(&mut sealer, batch(0, [7]), 1_000);
    assert_eq!(sealer.poll_timeout(), Some(1_050));
    sealer.handle_timeout(1_049);
    assert_eq!(actions(&mut sealer), [""; 0]);
    sealer.handle_timeout(1_050);
    assert_eq!(actions(&mut sealer), ["seal 0 7..8 [7] age"]);
    assert_eq!((sealer.pending_rows(), sealer.poll_timeout()), (1, None));
    sealer.handle_sealed(&partition(0), 1);
    assert_eq!((sealer.pending_rows(), sealer.pending_bytes()), (0, 0));
}

#[test]
fn a_clock_that_was_set_back_delays_a_record_once_and_not_for_hours() {
    let mut sealer = resumed(0, LIMITS);
    take(&mut sealer, batch(0, [0]), 1_000_000);
    sealer.handle_timeout(1_000);
    assert_eq!(sealer.poll_timeout(), Some(1_050));
    sealer.handle_timeout(1_050);
    assert_eq!(actions(&mut sealer), ["seal 0 0..1 [0] age"]);
}

#[test]
fn enough_rows_or_bytes_are_sealed_with_the_batch_that_reaches_them() {
    let mut sealer = resumed(0, LIMITS);
    take(&mut sealer, batch(0, 0..3), 0);
    assert_eq!(actions(&mut sealer), [""; 0]);
    take(&mut sealer, batch(0, 3..6), 0);
    assert_eq!(actions(&mut sealer), ["seal 0 0..6 [0, 1, 2, 3, 4, 5] rows"]);
    sealer.handle_sealed(&partition(0), 6);
    take(&mut sealer, sized(0, [6], 1_000), 0);
    assert_eq!(actions(&mut sealer), ["seal 0 6..7 [6] bytes"]);
}

#[test]
fn the_next_segment_waits_for_the_outcome_of_the_one_before() {
    let mut sealer = resumed(0, LIMITS);
    take(&mut sealer, batch(0, 0..4), 0);
    assert_eq!(actions(&mut sealer), ["seal 0 0..4 [0, 1, 2, 3] rows"]);
    take(&mut sealer, batch(0, 4..8), 0);
    sealer.handle_timeout(1_000);
    sealer.handle_drain();
    assert_eq!(actions(&mut sealer), [""; 0]);
    sealer.handle_sealed(&partition(0), 4);
    assert_eq!(actions(&mut sealer), ["seal 0 4..8 [4, 5, 6, 7] rows"]);
}

#[test]
fn skipped_offsets_belong_to_the_segment_with_the_record_after_them() {
    let mut sealer = resumed(0, LIMITS);
    take(&mut sealer, batch(0, [3, 4]), 0);
    take(&mut sealer, batch(0, [9]), 0);
    sealer.handle_drain();
    assert_eq!(actions(&mut sealer), ["seal 0 0..10 [3, 4, 9] drain"]);
    sealer.handle_sealed(&partition(0), 2);
    assert_eq!(sealer.pending_rows(), 1, "it became several segments");
    sealer.handle_sealed(&partition(0), 1);
    take(&mut sealer, batch(0, [12]), 0);
    sealer.handle_drain();
    assert_eq!(actions(&mut sealer), ["seal 0 10..13 [12] drain"]);
}

#[test]
fn records_that_were_delivered_before_are_dropped() {
    let mut sealer = resumed(5, LIMITS);
    assert_eq!(take(&mut sealer, batch(0, 3..7), 0), Taken { rows: 2, dropped: 2 });
    assert_eq!(take(&mut sealer, batch(0, 3..7), 0), Taken { rows: 0, dropped: 4 });
    sealer.handle_drain();
    assert_eq!(actions(&mut sealer), ["seal 0 5..7 [5, 6] drain"]);
}

#[test]
fn records_of_a_partition_that_is_not_ours_are_dropped() {
    let mut sealer = resumed(0, LIMITS);
    assert_eq!(take(&mut sealer, batch(1, 0..9), 0), Taken { rows: 0, dropped: 9 });
    assert_eq!(sealer.pending_rows(), 0);
}

#[test]
fn what_is_revoked_is_forgotten_also_while_it_is_being_sealed() {
    let mut sealer = resumed(0, LIMITS);
    take(&mut sealer, batch(0, 0..4), 0);
    assert_eq!(sealer.handle_revoked(&partition(0)), 4);
    assert_eq!(actions(&mut sealer), [""; 0], "the seal that nobody began is void");
    sealer.handle_sealed(&partition(0), 4);
    sealer.handle_drain();
    assert_eq!((actions(&mut sealer).len(), sealer.pending_rows()), (0, 0));
    sealer.handle_assigned(&partition(0), 2, 2);
    take(&mut sealer, batch(0, 0..4), 0);
    sealer.handle_drain();
    assert_eq!(actions(&mut sealer), ["seek 0 2", "seal 0 2..4 [2, 3] drain"]);
}

#[test]
fn what_another_sealer_has_sealed_is_let_go_and_reading_goes_on_after_it() {
    let mut sealer = resumed(0, LIMITS);
    take(&mut sealer, batch(0, 0..4), 0);
    assert_eq!(actions(&mut sealer).len(), 1);
    take(&mut sealer, batch(0, 4..6), 0);
    assert_eq!(sealer.handle_fenced(&partition(0), 3), 6);
    assert_eq!(actions(&mut sealer), ["seek 0 3"]);
    assert_eq!(take(&mut sealer, batch(0, 6..7), 0).rows, 1, "the seek is the shell's duty");
    assert_eq!(sealer.handle_fenced(&partition(9), 3), 0);
    assert_eq!(actions(&mut sealer), [""; 0]);
}

#[test]
fn when_memory_is_full_the_largest_buffer_is_sealed_first() {
    let limits = Limits { rows_max: 100, bytes_max: 10_000, buffer_bytes_max: 3_000, ..LIMITS };
    let mut sealer = resumed(0, limits);
    sealer.handle_assigned(&partition(1), 0, 0);
    assert_eq!(actions(&mut sealer), ["seek 1 0"]);
    take(&mut sealer, sized(0, 0..2, 400), 0);
    take(&mut sealer, sized(1, 0..2, 700), 0);
    assert_eq!(actions(&mut sealer), [""; 0]);
    take(&mut sealer, sized(0, 2..3, 600), 0);
    assert_eq!(actions(&mut sealer), ["seal 0 0..3 [0, 1, 2] memory"]);
}

#[test]
fn what_the_log_lost_before_it_was_sealed_belongs_to_the_next_segment() {
    let mut sealer = Sealer::new(LIMITS);
    sealer.handle_assigned(&partition(0), 3, 8);
    take(&mut sealer, batch(0, [8, 9]), 0);
    sealer.handle_drain();
    let Some(Action::Seek { offset: 8, .. }) = sealer.poll_action() else { panic!("no seek") };
    let Some(Action::Seal(seal)) = sealer.poll_action() else { panic!("no seal") };
    assert_eq!((seal.first_offset, seal.lost_before, seal.next_offset), (3, Some(8), 10));
    sealer.handle_sealed(&partition(0), 2);
    take(&mut sealer, batch(0, [10]), 0);
    sealer.handle_drain();
    let Some(Action::Seal(seal)) = sealer.poll_action() else { panic!("no seal") };
    assert_eq!((seal.first_offset, seal.lost_before), (10, None));
}

#[derive(Debug, Clone)]
enum Step {
    /// Deliver so many records, from so many before the expected position, skipping so many.
    Deliver {
        back: i64,
        skip: i64,
        count: i64,
    },
    Wait(i64),
    Fence {
        back: i64,
    },
    Revoke,
    Drain,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..3_i64, 0..3_i64, 1..6_i64)
            .prop_map(|(back, skip, count)| Step::Deliver { back, skip, count }),
        3 => (0..80_i64).prop_map(Step::Wait),
        1 => (0..4_i64).prop_map(|back| Step::Fence { back }),
        1 => Just(Step::Revoke),
        1 => Just(Step::Drain),
    ]
}

proptest! {
    /// Whatever happens, segments are contiguous and no record is lost or sealed twice.
    #[test]
    fn segments_follow_each_other_without_hole_or_overlap(
        steps in proptest::collection::vec(step(), 1..80),
    ) {
        let ours = partition(0);
        let mut sealer = Sealer::new(LIMITS);
        // What is sealed, and where the consumer stands.
        let (mut sealed, mut position, mut end, mut now) = (0_i64, 0_i64, 0_i64, 0_i64);
        let mut sealed_rows = Vec::new();
        let mut holes = std::collections::BTreeSet::new();
        sealer.handle_assigned(&ours, 0, 0);
        for step in steps.into_iter().chain([Step::Drain]) {
            match step {
                Step::Deliver { back, skip, count } => {
                    let from = (position - back).max(0);
                    // Only what was never delivered can become a hole.
                    holes.extend(end..end + skip);
                    let to = position + skip + count;
                    end = end.max(to).max(end + skip);
                    let offsets: Vec<_> = (from..to).filter(|at| !holes.contains(at)).collect();
                    if !offsets.is_empty() {
                        take(&mut sealer, batch(0, offsets), now);
                    }
                    position = to;
                }
                Step::Wait(ms) => {
                    now += ms;
                    sealer.handle_timeout(now);
                }
                Step::Fence { back } => {
                    // Somebody else sealed a little more than we did.
                    let head = (position - back).max(sealed);
                    sealed_rows.extend((sealed..head).filter(|at| !holes.contains(at)));
                    sealed = head;
                    sealer.handle_fenced(&ours, head);
                }
                Step::Revoke => {
                    sealer.handle_revoked(&ours);
                    sealer.handle_assigned(&ours, sealed, sealed);
                }
                Step::Drain => sealer.handle_drain(),
            }
            while let Some(action) = sealer.poll_action() {
                match action {
                    Action::Seek { offset, .. } => position = offset,
                    Action::Seal(seal) => {
                        prop_assert_eq!(seal.first_offset, sealed);
                        sealed = seal.next_offset;
                        for batch in &seal.batches {
                            sealed_rows.extend(batch.records().map(|record| record.offset));
                        }
                        sealer.handle_sealed(&ours, seal.rows);
                    }
                }
            }
            prop_assert!(sealer.pending_rows() < LIMITS.rows_max);
        }
        let expected: Vec<_> = (0..sealed).filter(|at| !holes.contains(at)).collect();
        prop_assert_eq!(sealed_rows, expected);
        prop_assert_eq!(sealer.pending_rows(), 0);
    }
}
