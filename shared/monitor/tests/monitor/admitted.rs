//! Acts take effect where the owner of the partition admits them, and nowhere else.

use event::{Cell, CellType, ColumnId, Event, Timestamp, column, encode, kind, schema};
use governance::{Effect, Id, Installation, Refusal, has_effect, sign_act};
use merkle::note::SigningKey;
use monitor::{Output, Processor, Settings};

use crate::canary::deployed;
use crate::world::*;

/// What an attacker would like, by column; other columns get a text, number or time.
fn wish(id: ColumnId) -> Cell<'static> {
    let text = |text: &str| Cell::from(text.to_owned());
    let wishes: [(ColumnId, Cell<'static>); 9] = [
        (column::AGENT_ID.id(), text("a")),
        (column::AGENT_VERSION.id(), text("v1")),
        (column::actor::ID.id(), text("mallory")),
        (column::agent::TO_VERSION.id(), text("v2")),
        (column::agent::TRAFFIC_SHARE.id(), 0.5.into()),
        (column::eval::DOCUMENT.id(), text("{\"suite\":\"s\",\"checks\":[]}")),
        (column::drift::FROM.id(), Timestamp::from_micros(START).into()),
        (column::drift::METRIC.id(), text("run.error_rate")),
        (column::drift::SEVERITY.id(), text("page")),
    ];
    if let Some((_, wish)) = wishes.into_iter().find(|(known, _)| *known == id) {
        return wish;
    }
    match schema().column(id).cell_type {
        CellType::Int => 1.into(),
        CellType::Float => 0.5.into(),
        CellType::Bool => true.into(),
        CellType::Time => Timestamp::from_micros(START + 20 * 24 * 60 * MINUTE).into(),
        CellType::Text | CellType::Bytes | CellType::Texts | CellType::Map => text("v2"),
    }
}

/// An act of each kind of the vocabulary that has an effect, with every field that has one.
fn acts() -> Vec<Event<'static>> {
    let kinds = schema().kinds().filter(|kind| has_effect(&kind.name));
    let act = |kind: &event::Kind| {
        let bare = builder(&kind.name, &format!("act-{}", kind.name), START).build().unwrap();
        let mut all = bare.clone();
        for id in schema().ids() {
            let is_simple = !matches!(
                schema().column(id).cell_type,
                CellType::Bytes | CellType::Texts | CellType::Map
            );
            // Of the agent of the story.
            let is_other = [column::TENANT_ID.id(), column::ENVIRONMENT.id()].contains(&id);
            if bare.get(id).is_none() && is_simple && !is_other {
                all.set(id, wish(id));
            }
        }
        // Only what an effect keeps of it.
        Effect::of(&all).unwrap().unwrap().event().clone()
    };
    kinds.map(act).collect()
}

fn signed(act: Event<'static>) -> Event<'static> {
    let key = SigningKey::from_seed("governance", [2; 32]).unwrap();
    let installation = Installation { origin: "log".to_owned(), topic_prefix: String::new() };
    sign_act(&key, &installation, Id::from_bytes([7; 16]), act).unwrap()
}

fn encoded(outputs: &[Output]) -> Vec<Vec<u8>> {
    let bytes = |output: &Output| {
        let mut bytes = Vec::new();
        encode::encode(&output.event, &mut bytes);
        bytes
    };
    outputs.iter().map(bytes).collect()
}

fn feed_all_as_they_are<const N: usize>(
    processor: &mut Processor,
    inputs: [Input; N],
) -> Vec<Output> {
    inputs.iter().flat_map(|input| feed_as_it_is(processor, input)).collect()
}

/// A version that is replaced by a worse one, and what comes in between; the outputs.
fn story(between: impl Fn(&mut Processor) -> Vec<Output>) -> (Vec<Output>, Processor) {
    let mut numbers = Numbers(11);
    let mut processor = processor();
    let mut outputs = feed_all(&mut processor, &runs("v1", START, 500, 0.1, &mut numbers));
    outputs.extend(between(&mut processor));
    let now = START + 1_000 * SECOND;
    outputs.extend(feed_all(&mut processor, &runs("v2", now, 200, 0.5, &mut numbers)));
    outputs.extend(feed(&mut processor, &tick(now + 60 * MINUTE)));
    (outputs, processor)
}

#[test]
fn what_anybody_writes_of_each_kind_has_no_effect_signed_or_not() {
    let nobody = || {
        let event = builder(kind::SOURCE_REGISTERED, "nobody", START).build().unwrap();
        Input { broker: START + 999 * SECOND, event }
    };
    let (expected, without) =
        story(|processor| feed_all_as_they_are(processor, [nobody(), nobody()]));
    assert!(kinds(&expected).contains(&kind::DRIFT_ALERT_FIRING));
    let acts = acts();
    assert!(acts.len() >= 17, "{}", acts.len());
    for act in acts {
        let name = act.text(column::KIND).unwrap().to_owned();
        // As an agent may say it, and a copy of what the gateway signed.
        let written = [act.clone(), signed(act)];
        let written = written.map(|event| Input { broker: START + 999 * SECOND, event });
        let (found, with) = story(|processor| feed_all_as_they_are(processor, written.clone()));
        assert!(encoded(&found) == encoded(&expected), "{name} has an effect");
        assert_eq!(with.counters().self_reported, 2, "{name}");
        assert_eq!((with.frontier(), with.keys()), (without.frontier(), without.keys()));
    }
}

#[test]
fn what_the_owner_admits_of_each_kind_has_its_effect() {
    let found = |(outputs, processor): (Vec<Output>, Processor)| {
        let changes =
            outputs.iter().map(|o| text(o, column::drift::LAST_CHANGE).map(str::to_owned));
        let changes: Vec<_> = changes.collect();
        let kinds: Vec<_> = outputs.iter().map(|output| kind(output).to_owned()).collect();
        (kinds, changes, processor.counters(), processor.frontier().next())
    };
    let nothing = found(story(|processor| {
        let event = admits(processor.next_offset(), "g", (0, 1), Vec::new());
        feed_as_it_is(processor, &Input { broker: START + 999 * SECOND, event })
    }));
    for act in acts() {
        let with = found(story(|processor| {
            feed(processor, &Input { broker: START + 999 * SECOND, event: act.clone() })
        }));
        assert_eq!((with.2.self_reported, with.3), (0, 1));
        assert_ne!(with, nothing, "{:?}", act.text(column::KIND));
    }
}

/// A record of the owner that claims to be an admission.
fn admits(offset: i64, governance: &str, range: (i64, i64), acts: Vec<String>) -> Event<'static> {
    let event = builder(kind::MONITOR_ADMITTED, &format!("admits-{offset}"), START)
        .set(column::monitor::GOVERNANCE, governance)
        .set(column::monitor::ADMITTED_FROM, range.0)
        .set(column::monitor::ADMITTED_NEXT, range.1)
        .set(column::monitor::ADMITTED_OF, range.1)
        .set(column::monitor::ACTS, acts)
        .build()
        .unwrap();
    signer().at(offset + 1).sign(event)
}

fn suppression(id: &str) -> Input {
    let until = Timestamp::from_micros(START + 60 * MINUTE);
    let event = builder(kind::DRIFT_SUPPRESSION_STARTED, id, START)
        .set(column::AGENT_ID, "a")
        .set(column::actor::ID, "ana")
        .set(column::drift::UNTIL, until)
        .build()
        .unwrap();
    Input { broker: START, event }
}

#[test]
fn an_admission_takes_effect_once_and_what_does_not_continue_the_frontier_is_refused() {
    let mut processor = processor();
    let write = |processor: &mut Processor, governance: &str, range, acts| {
        let event = admits(processor.next_offset(), governance, range, acts);
        feed_as_it_is(processor, &Input { broker: START, event })
    };
    let applied = feed(&mut processor, &suppression("s"));
    assert_eq!(kinds(&applied), [kind::DRIFT_SUPPRESSION_APPLIED]);
    // The same again, by the owner: it was written from an older state.
    let again =
        signer().at(processor.next_offset() + 1).sign(admission(0, &suppression("s").event));
    assert_eq!(feed_as_it_is(&mut processor, &Input { broker: START, event: again }), []);
    assert_eq!(processor.forged().len(), 0);
    let frontier = processor.frontier().clone();
    write(&mut processor, "g", (2, 3), Vec::new());
    write(&mut processor, "h", (1, 2), Vec::new());
    write(&mut processor, "g", (1, 1), Vec::new());
    write(&mut processor, "g", (1, 2), vec!["{}".to_owned()]);
    assert_eq!(processor.frontier(), &frontier);
    assert_eq!(processor.forged().get(&Refusal::Admission), Some(&4));
    let found = feed(&mut processor, &tick(START + MINUTE));
    assert_eq!(find(&found, kind::MONITOR_FORGED).event.int(column::monitor::FORGED), Some(4));
    // Whoever else writes one does not even sign it.
    let event = admission(1, &suppression("t").event);
    feed_as_it_is(&mut processor, &Input { broker: START, event });
    assert_eq!(processor.forged().get(&Refusal::Unsigned), Some(&1));
    assert_eq!(kinds(&feed(&mut processor, &suppression("t"))), [kind::DRIFT_SUPPRESSION_APPLIED]);
}

#[test]
fn a_state_that_began_late_takes_the_first_admission_from_the_beginning() {
    let mut processor = processor();
    let event = admits(processor.next_offset(), "g", (5, 6), Vec::new());
    feed_as_it_is(&mut processor, &Input { broker: START, event });
    assert_eq!(processor.forged().get(&Refusal::Admission), Some(&1));
    let said = feed(&mut processor, &tick(START + MINUTE));
    assert_eq!(of_kind(&said, kind::MONITOR_FORGED), 0, "nobody forged anything");
    assert_eq!(kinds(&feed(&mut processor, &suppression("s"))), [kind::DRIFT_SUPPRESSION_APPLIED]);
}

fn of_kind(outputs: &[Output], wanted: &str) -> usize {
    outputs.iter().filter(|output| kind(output) == wanted).count()
}

fn deploy(id: &str, to: &str, share: Option<f64>) -> Input {
    deployed(kind::AGENT_VERSION_DEPLOYED, id, START, (None, to), share)
}

#[test]
fn acts_come_before_their_agent_and_telemetry_evicts_none_of_them() {
    let settings = Settings { keys_max: 4, ..Settings::default() };
    let mut processor = processor_with(settings);
    for act in [deploy("d1", "v1", None), deploy("d2", "v2", None), deploy("d3", "v3", Some(0.1))] {
        assert_eq!(feed(&mut processor, &act), [], "there is no agent yet");
    }
    assert_eq!(processor.keys(), 0);
    let canary = |outputs: &[Output]| {
        let start = find(outputs, kind::DRIFT_CANARY_STARTED);
        (
            text(start, column::AGENT_VERSION).unwrap().to_owned(),
            text(start, column::drift::BASELINE_VERSION).unwrap().to_owned(),
            text(start, column::drift::LAST_CHANGE)
                .unwrap()
                .starts_with("agent.version.deployed v3"),
        )
    };
    let mut kept = Kept::default();
    let expected = ("v3".to_owned(), "v2".to_owned(), true);
    let first = feed(&mut processor, &run("1", "v3", START, false));
    assert_eq!(canary(&first), expected);
    for round in 0..3 {
        for number in 0..20 {
            let mut other = run(&format!("o{round}.{number}"), "v1", START + 1, false);
            other.event.set(column::AGENT_ID, format!("other-{number}").into());
            feed(&mut processor, &other);
        }
        kept.keep(&mut processor);
        let mut resumed = kept.resume();
        let back = run(&format!("back-{round}"), "v2", START + 2, false);
        let again = feed(&mut processor, &back);
        assert_eq!(canary(&again), expected, "it was evicted, and what was decided was not");
        assert!(
            encoded(&feed(&mut resumed, &back)) == encoded(&again),
            "a snapshot changes nothing"
        );
    }
    // None of the versions counts as one that nobody announced.
    let said = feed(&mut processor, &tick(START + 5 * MINUTE));
    assert_eq!(of_kind(&said, kind::DRIFT_VERSION_UNPLANNED), 0);
}
