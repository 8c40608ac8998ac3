//! Laws: order within lateness does not matter, a snapshot anywhere changes nothing, the same
//! records give the same bytes.

use std::collections::BTreeMap;

use crate::canary::deployed;
use crate::world::*;
use event::{column, encode, kind};
use monitor::{Output, Processor, Settings};
use proptest::prelude::*;

/// Something that can happen: which kind, which version, seconds and bits that choose the rest.
#[derive(Debug, Clone)]
struct Step {
    what: u8,
    version: u8,
    second: i64,
    bits: u8,
}

fn steps(versions: u8, seconds: i64) -> impl Strategy<Value = Vec<Step>> {
    let step = (0_u8..12, 0..versions, 0..seconds, any::<u8>())
        .prop_map(|(what, version, second, bits)| Step { what, version, second, bits });
    prop::collection::vec(step, 1..120)
}

fn input(number: usize, step: &Step) -> Input {
    let (id, version) = (format!("e{number}"), format!("v{}", step.version));
    let time = START + step.second * SECOND;
    match step.what {
        0..=4 => {
            let mut input = run(&id, &version, time, step.bits.is_multiple_of(3));
            let mut set = |path: &str, cell: event::Cell<'static>| {
                input.event.set(event::schema().id(path).unwrap(), cell);
            };
            set("run.duration_ms", (f64::from(step.bits) * 1.7).into());
            set("run.cost_usd", (f64::from(step.bits) / 3_000.0).into());
            set("run.input_tokens", i64::from(step.bits).into());
            input
        }
        5..=7 => {
            let suite = if step.bits.is_multiple_of(2) { "s" } else { "t" };
            let mut input = eval(&id, &version, suite, time, step.bits % 5 < 3);
            let score = f64::from(step.bits) / 255.0;
            input.event.set(column::eval::SCORE, score.into());
            input
        }
        8 => {
            let event = builder(kind::TOOL_COMPLETED, &id, time)
                .set(column::AGENT_ID, "a")
                .set(column::AGENT_VERSION, version)
                .set(column::tool::NAME, format!("tool-{}", step.bits % 7))
                .set(column::RUN_ID, format!("run-{}", step.bits % 16))
                .set(column::tool::STATUS, if step.bits.is_multiple_of(4) { "error" } else { "ok" })
                .build()
                .unwrap();
            Input { broker: time, event }
        }
        9 | 10 => {
            let name = if step.what == 9 { "deployed" } else { "rolled_back" };
            let share = f64::from(step.bits % 4) / 2.0;
            let share = Some(share).filter(|share| *share <= 1.0);
            let kind = format!("agent.version.{name}");
            deployed(&kind, &id, time, (None, &version), share)
        }
        _ => tick(time),
    }
}

fn encoded(outputs: &[Output]) -> Vec<Vec<u8>> {
    let bytes = |output: &Output| {
        let mut bytes = output.key.clone();
        encode::encode(&output.event, &mut bytes);
        bytes
    };
    outputs.iter().map(bytes).collect()
}

/// The windows, without what depends on the record that closed them.
fn contents(outputs: &[Output]) -> Vec<String> {
    let mut all: Vec<String> = outputs
        .iter()
        .filter(|output| kind(output) == kind::METRIC_WINDOW)
        .map(|output| {
            let cells = output.event.cells().iter().filter(|(id, _)| {
                let path = &event::schema().column(*id).path;
                path != "event_id" && !path.starts_with("origin.")
            });
            format!("{:?}", cells.collect::<Vec<_>>())
        })
        .collect();
    all.sort();
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn order_of_arrival_within_lateness_does_not_matter(
        steps in steps(2, 120), seed in any::<u64>(),
    ) {
        let mut inputs: Vec<Input> = steps
            .iter()
            .filter(|step| step.what < 9)
            .enumerate()
            .map(|(number, step)| Input { broker: START + 120 * SECOND, ..input(number, step) })
            .collect();
        let close = tick(START + 60 * MINUTE);
        let play = |inputs: &[Input]| {
            let mut processor = processor();
            contents(&feed_all(&mut processor, inputs.iter().chain([&close])))
        };
        let first = play(&inputs);
        let mut numbers = Numbers(seed);
        for last in (1..inputs.len()).rev() {
            let other = usize::try_from(numbers.next() % (last as u64 + 1)).unwrap();
            inputs.swap(last, other);
        }
        prop_assert_eq!(first, play(&inputs));
    }

    #[test]
    fn a_snapshot_after_any_record_changes_nothing(steps in steps(3, 3_000)) {
        let inputs: Vec<Input> = steps.iter().enumerate().map(|(n, s)| input(n, s)).collect();
        // A low threshold, so that alerts come and go.
        let settings = Settings {
            average_run_length: 20.0,
            ticket_share: 0.5,
            baseline_observations_min: 5,
            observations_min: 3,
            canary_alpha: 0.5,
            keys_max: 2,
            event_ids_max: 10,
            ..Settings::default()
        };
        let mut undisturbed = processor_with(settings.clone());
        let mut resumed = processor_with(settings);
        let mut kept = Kept::default();
        for input in &inputs {
            let expected = encoded(&feed(&mut undisturbed, input));
            prop_assert_eq!(encoded(&feed(&mut resumed, input)), expected);
            kept.keep(&mut resumed);
            resumed = kept.resume();
            let mut again = Kept::default();
            prop_assert_eq!(again.keep(&mut resumed), 0);
            prop_assert_eq!(&again.head, &kept.head);
        }
        prop_assert_eq!(Kept::of(&mut undisturbed), kept);
        prop_assert_eq!(undisturbed.counters(), resumed.counters());
    }

    #[test]
    fn the_same_records_give_the_same_bytes(steps in steps(3, 2_000)) {
        let inputs: Vec<Input> = steps.iter().enumerate().map(|(n, s)| input(n, s)).collect();
        let play = || {
            let mut processor = processor();
            (encoded(&feed_all(&mut processor, &inputs)), Kept::of(&mut processor))
        };
        prop_assert_eq!(play(), play());
    }

    #[test]
    fn no_bytes_resume_into_a_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let none = || std::iter::empty::<(monitor::EntryId, Vec<u8>)>();
        prop_assert!(Processor::resume(TOPIC, 0, &bytes, none()).is_err());
        let mut processor = processor();
        feed(&mut processor, &run("1", "v1", START, true));
        let kept = Kept::of(&mut processor);
        for entry in kept.entries.keys() {
            let mut broken = kept.clone();
            broken.entries.insert(*entry, bytes.clone());
            drop(broken.resume_as(0));
        }
        let mut head = kept.head.clone();
        head.truncate(60);
        head.append(&mut bytes);
        drop(Kept { head, ..kept }.resume_as(0));
    }
}

#[test]
fn a_snapshot_of_something_else_is_refused() {
    let mut processor = processor();
    feed(&mut processor, &run("1", "v1", START, true));
    let kept = Kept::of(&mut processor);
    let refused = |kept: &Kept, partition| kept.resume_as(partition).map(|_| ()).unwrap_err();
    let topic = TOPIC.to_owned();
    assert_eq!(refused(&kept, 1), monitor::ResumeError::Partition { topic, partition: 0 });
    assert_eq!(refused(&Kept::default(), 0), monitor::ResumeError::Format);
    let mut trailing = kept.clone();
    trailing.head.push(0);
    let expected = monitor::ResumeError::Corrupt("1 trailing bytes".to_owned());
    assert_eq!(refused(&trailing, 0), expected);
    let without = Kept { entries: BTreeMap::new(), ..kept };
    let expected = monitor::ResumeError::Corrupt("event ids end at 0, not at 1".to_owned());
    assert_eq!(refused(&without, 0), expected);
}

#[test]
fn a_snapshot_costs_what_has_changed() {
    let mut processor = processor();
    let mut kept = Kept::default();
    let agent = |number: i64| {
        let mut input = run(&format!("{number}"), "v1", START + number * SECOND, false);
        let agent = format!("agent-{}", number % 10_000);
        input.event.set(column::AGENT_ID, agent.into());
        input
    };
    // More agents than are kept open, twice, so that the packed ones are opened and packed again.
    for number in 0..20_000 {
        feed(&mut processor, &agent(number));
    }
    assert!(kept.keep(&mut processor) >= 10_000);
    for number in 20_000..20_007 {
        feed(&mut processor, &agent(number));
    }
    // Seven agents and a page of event ids.
    assert_eq!(kept.keep(&mut processor), 8);
    let mut resumed = kept.resume();
    let next = tick(START + 200_000 * SECOND);
    let outputs = encoded(&feed(&mut processor, &next));
    assert!(outputs.len() > 10_000);
    assert_eq!(encoded(&feed(&mut resumed, &next)), outputs);
}

#[test]
fn a_repeated_event_is_heard_and_a_snapshot_knows() {
    let settings = Settings { keys_max: 2, ..Settings::default() };
    let mut processor = processor_with(settings);
    let of = |agent: &str, id: &str| {
        let mut input = run(id, "v1", START, false);
        input.event.set(column::AGENT_ID, agent.to_owned().into());
        input
    };
    feed_all(&mut processor, [&of("a", "1"), &of("b", "2")]);
    let mut kept = Kept::of(&mut processor);
    assert!(feed(&mut processor, &of("a", "1")).is_empty());
    kept.keep(&mut processor);
    // The one that was silent for longest makes room: `b`, for `a` was heard again.
    for mut processor in [kept.resume(), processor] {
        let outputs = feed(&mut processor, &of("c", "3"));
        let evicted = windows(&outputs, "run.count");
        assert_eq!(
            evicted.iter().map(|o| text(o, column::AGENT_ID)).collect::<Vec<_>>(),
            [Some("b")]
        );
    }
}
