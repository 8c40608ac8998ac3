//! A replay forgets outputs that it has found sealed, and compares rows that come back to them in a second
//! pass.

use event::column;
use monitor::replay::{Outcome, Recalled, Replay};

use crate::replay::{Row, inputs, rows, show};
use crate::world::*;

/// What a replay says is what one says that forgets at once, and remembers in a second pass.
pub(crate) fn run_replay(
    replay: impl Fn() -> Replay,
    first: i64,
    inputs: &[Option<Input>],
    rows: &[Row],
) -> Outcome {
    let all = pass(replay(), first, inputs, rows);
    assert_eq!(all.recalled(), None, "nothing was forgotten");
    let forgetful = |recalled| replay().with_memory(2, recalled);
    let mut little = pass(forgetful(Recalled::default()), first, inputs, rows);
    if let Some(recalled) = little.recalled() {
        little = pass(forgetful(recalled), first, inputs, rows);
        assert_eq!(little.recalled(), None, "a second pass forgets nothing that matters");
    }
    let outcome = all.finish();
    assert_eq!(little.finish(), outcome);
    outcome
}

pub(crate) fn pass(
    mut replay: Replay,
    first: i64,
    inputs: &[Option<Input>],
    rows: &[Row],
) -> Replay {
    let mut offset = first;
    for Row { destination, at, event } in rows {
        while Replay::origin_offset(event).is_some_and(|origin| replay.next_offset() <= origin)
            && inputs.len() > usize::try_from(offset).unwrap()
        {
            show(offset, inputs, |r, d| replay.handle_record(r, d));
            offset += 1;
        }
        replay.handle_output(*destination, *at, &published(*destination, event), &[]);
    }
    while inputs.len() > usize::try_from(offset).unwrap() {
        show(offset, inputs, |r, d| replay.handle_record(r, d));
        offset += 1;
    }
    replay
}

/// With the memory of so many outputs: the outcome, and whether it took a second pass.
fn replayed(recent_max: usize, rows: &[Row]) -> (Outcome, bool) {
    let inputs = inputs();
    let with = |recalled| {
        let replay = Replay::new(TOPIC, 0, 0, &[]).with_ownership(ownership());
        pass(replay.with_memory(recent_max, recalled), 0, &inputs, rows)
    };
    let first = with(Recalled::default());
    match first.recalled() {
        None => (first.finish(), false),
        Some(recalled) => {
            let second = with(recalled);
            assert_eq!(second.recalled(), None);
            (second.finish(), true)
        }
    }
}

#[test]
fn a_row_that_comes_back_to_a_forgotten_output_is_compared_in_a_second_pass() {
    let mut rows = rows(&inputs());
    let (honest, again) = replayed(2, &rows);
    assert_eq!((honest.differences, honest.repeated, again), (0, 0, false));
    let mut copy = rows.first().unwrap().clone();
    copy.at = i64::try_from(rows.len()).unwrap();
    rows.push(copy.clone());
    let (copied, again) = replayed(2, &rows);
    assert_eq!((copied.differences, copied.repeated, again), (0, 1, true));
    assert!(!replayed(usize::MAX, &rows).1, "with enough memory, one pass is enough");

    copy.event.set(column::AGENT_ID, "another".into());
    let mut invented = copy.clone();
    let ordinal = copy.event.int(column::origin::ORDINAL).unwrap() + 1_000;
    invented.event.set(column::origin::ORDINAL, ordinal.into());
    for forged in [copy, invented] {
        *rows.last_mut().unwrap() = forged;
        let (outcome, again) = replayed(2, &rows);
        assert_eq!((outcome.differences, outcome.repeated, again), (1, 0, true));
        assert_eq!(outcome, replayed(usize::MAX, &rows).0);
    }
}

#[test]
fn only_the_last_outputs_that_were_found_are_remembered() {
    let (inputs, rows) = (inputs(), rows(&inputs()));
    let replay = Replay::new(TOPIC, 0, 0, &[]).with_ownership(ownership());
    let replay = pass(replay.with_memory(5, Recalled::default()), 0, &inputs, &rows);
    assert_eq!((replay.remembered(), replay.recalled()), (10, None), "five of each destination");
    assert!(rows.len() > 200, "{}", rows.len());
}
