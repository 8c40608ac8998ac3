//! Every reader of a partition decodes every record alike, wherever it begins, is cut off or looks ahead.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use event::{BatchBuilder, Decoder, Limits, SchemaKey, TimestampType, TopicPartition, kind};
use governance::{
    ANSWER_KEY, ASKED_MAX, Answer, Held, Look, Reader, Refusal, SCHEMAS_MAX, Schemas, sign_answer,
    take_answer,
};
use proptest::prelude::*;

use crate::keys::{TOPIC, builder, installation, key, processor, trust};

/// What a log holds at an offset: key and value.
type Stored = (Option<Vec<u8>>, Vec<u8>);

fn schema(name: u32) -> String {
    format!(
        r#"{{"type":"record","name":"F{name}","fields":[{{"name":"kind","type":"string"}},{{"name":"agent_id","type":"string"}}]}}"#
    )
}

/// A record in a frame with an id.
fn framed(id: u32) -> Stored {
    let mut value = vec![0];
    value.extend_from_slice(&id.to_be_bytes());
    value.push(26);
    value.extend_from_slice(b"run.completed\x02a");
    (None, value)
}

fn answer(answer: &Answer, signer: &merkle::note::SigningKey) -> Stored {
    let event = answer.write(builder(kind::MONITOR_SCHEMAS, "a")).build().unwrap();
    let event = sign_answer(signer, &installation(), (TOPIC, 0), event);
    let mut value = Vec::new();
    event::encode::encode(&event, &mut value);
    (Some(ANSWER_KEY.to_vec()), value)
}

fn with_record<T>(log: &[Stored], offset: usize, then: impl FnOnce(&event::Record<'_>) -> T) -> T {
    let (key, value) = &log[offset];
    let mut batch = BatchBuilder::new(TopicPartition::new(TOPIC, 0));
    let none = std::iter::empty();
    let at = i64::try_from(offset).unwrap();
    batch.push(at, 0, TimestampType::LogAppendTime, key.as_deref(), Some(value), none);
    let batch = batch.build();
    then(&batch.records().next().unwrap())
}

fn decoder() -> Decoder {
    static DECODER: LazyLock<Decoder> = LazyLock::new(|| Decoder::new(Limits::default()));
    DECODER.clone()
}

/// Where somebody reads, and what is known there: exactly what the answers before say.
#[derive(Debug, Clone, Default)]
struct Place {
    next: usize,
    schemas: Schemas,
}

/// Reads from a place to the end, in at most so many steps; returns how each record was decoded and
/// the record that waits.
fn read(log: &[Stored], place: &mut Place, steps: usize) -> (Vec<(usize, String)>, Option<Held>) {
    let mut reader = Reader::new(trust(), decoder(), place.schemas.clone());
    let (mut decoded, mut at) = (Vec::new(), place.next);
    for _ in 0..steps {
        if at >= log.len() {
            break;
        }
        match with_record(log, at, |record| reader.look(record)) {
            Look::Return(offset) => at = usize::try_from(offset).unwrap(),
            Look::Pass => at += 1,
            Look::Take => {
                let seen = with_record(log, at, |record| {
                    take_answer(&mut place.schemas, &trust(), &decoder(), record);
                    seen_by(&reader, record)
                });
                decoded.push((at, seen));
                at += 1;
                place.next = at;
            }
        }
    }
    // Whoever decodes later, as a sealer does with what it has buffered, decodes the same.
    for (at, seen) in &decoded {
        assert_eq!(with_record(log, *at, |record| seen_by(&reader, record)), *seen, "offset {at}");
    }
    (decoded, reader.held().cloned())
}

fn seen_by(reader: &Reader, record: &event::Record<'_>) -> String {
    let decoded = reader.decoder().decode(record);
    let schema_id = decoded.schema_id;
    decoded.fault.map_or_else(|| schema_id.into_owned(), |fault| fault.reason.name().to_owned())
}

/// What an owner answers about what waits; key 3 has a schema only later, key 4 another one later.
fn answer_to(held: &Held, is_on: bool, is_late: bool) -> Answer {
    let mut answer = Answer { is_on, through: held.through(), ..Answer::default() };
    for (key, _) in held.asked() {
        let SchemaKey::Id(id) = key else { unreachable!() };
        match id {
            1 | 2 => drop(answer.schemas.insert(key, schema(id))),
            3 if is_late => drop(answer.schemas.insert(key, schema(3))),
            4 => drop(answer.schemas.insert(key, schema(if is_late { 40 } else { 4 }))),
            _ => drop(answer.missing.insert(key)),
        }
    }
    answer
}

#[derive(Debug, Clone)]
enum Step {
    Record(u32),
    /// An owner reads so far, and answers if something waits at the end; meanwhile a record comes.
    Owner {
        which: usize,
        is_on: bool,
        is_late: bool,
        meanwhile: u32,
    },
    /// An owner says what it knows, and what the schema of its build is.
    Announce {
        which: usize,
        is_on: bool,
    },
    /// An owner begins again from an earlier place.
    Restart {
        which: usize,
        back: usize,
    },
    Copy(usize),
    Forge,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0_u32..7).prop_map(Step::Record),
        4 => (0..2_usize, prop::bool::weighted(0.9), any::<bool>(), 0_u32..7).prop_map(
            |(which, is_on, is_late, meanwhile)| Step::Owner { which, is_on, is_late, meanwhile }
        ),
        1 => (0..2_usize, prop::bool::weighted(0.7))
            .prop_map(|(which, is_on)| Step::Announce { which, is_on }),
        1 => (0..2_usize, 0..9_usize).prop_map(|(which, back)| Step::Restart { which, back }),
        1 => (0..40_usize).prop_map(Step::Copy),
        1 => Just(Step::Forge),
    ]
}

/// A log as it comes about: owners that race, restart and configure it on and off.
fn written(steps: &[Step]) -> Vec<Stored> {
    let mut log: Vec<Stored> = Vec::new();
    let mut owners = [vec![Place::default()], vec![Place::default()]];
    for step in steps {
        match step {
            Step::Record(id) => log.push(framed(*id)),
            Step::Announce { which, is_on } => {
                let places = &mut owners[*which];
                let mut place = places.last().unwrap().clone();
                read(&log, &mut place, usize::MAX);
                let through = i64::try_from(place.next).unwrap() - 1;
                let known = place.schemas.known().iter();
                let mut schemas: BTreeMap<_, _> =
                    known.map(|(key, known)| (*key, known.avro.to_string())).collect();
                schemas.insert(SchemaKey::Id(5), schema(5));
                places.push(place);
                let said = Answer { is_on: *is_on, through, schemas, ..Answer::default() };
                log.push(answer(&said, &processor()));
            }
            Step::Owner { which, is_on, is_late, meanwhile } => {
                let places = &mut owners[*which];
                let mut place = places.last().unwrap().clone();
                let (_, held) = read(&log, &mut place, usize::MAX);
                let through = i64::try_from(place.next).unwrap() - 1;
                let is_on_now = place.schemas.is_on();
                places.push(place);
                if let Some(held) = held {
                    log.push(framed(*meanwhile));
                    log.push(answer(&answer_to(&held, *is_on, *is_late), &processor()));
                } else if is_on_now != *is_on {
                    let change = Answer { is_on: *is_on, through, ..Answer::default() };
                    log.push(answer(&change, &processor()));
                }
            }
            Step::Restart { which, back } => {
                let places = &mut owners[*which];
                places.truncate(places.len().saturating_sub(*back).max(1));
            }
            Step::Copy(at) => {
                let answers: Vec<_> = log.iter().filter(|(key, _)| key.is_some()).collect();
                if let Some(copied) = answers.get(*at).map(|stored| (*stored).clone()) {
                    log.push(copied);
                }
            }
            Step::Forge => {
                let schemas = BTreeMap::from([(SchemaKey::Id(1), schema(99))]);
                let through = i64::try_from(log.len()).unwrap() - 1;
                let forged = Answer { is_on: true, through, schemas, ..Answer::default() };
                log.push(answer(&forged, &key("log.example.com/processor", 66)));
            }
        }
    }
    log
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn all_readers_decode_all_records_alike(
        steps in prop::collection::vec(step(), 1..40),
        cuts in prop::collection::vec(1..25_usize, 0..40),
    ) {
        let log = written(&steps);
        let mut whole = Place::default();
        let (expected, held) = read(&log, &mut whole, usize::MAX);
        let expected: BTreeMap<usize, String> = expected.into_iter().collect();
        prop_assert_eq!(expected.len(), whole.next);
        // One that is cut off after some steps again and again, and goes on from where it was.
        let (mut place, mut decoded) = (Place::default(), BTreeMap::new());
        for steps in cuts.into_iter().chain([usize::MAX]) {
            for (offset, seen) in read(&log, &mut place, steps).0 {
                let before = decoded.insert(offset, seen);
                prop_assert_eq!(before, None, "offset {} was handled twice", offset);
            }
        }
        prop_assert_eq!(&decoded, &expected);
        prop_assert_eq!((place.next, &place.schemas), (whole.next, &whole.schemas));
        // One that is cut off once, after any number of steps.
        for steps in 1..40 {
            let mut place = Place::default();
            let (decoded, _) = read(&log, &mut place, steps);
            let mut decoded: BTreeMap<_, _> = decoded.into_iter().collect();
            decoded.extend(read(&log, &mut place, usize::MAX).0);
            prop_assert_eq!(&decoded, &expected, "cut off after {} steps", steps);
        }
        // One that sees the log grow decodes what it can the same, and goes on.
        let (mut place, mut decoded) = (Place::default(), BTreeMap::new());
        for end in 0..=log.len() {
            decoded.extend(read(&log[..end], &mut place, usize::MAX).0);
        }
        prop_assert_eq!(&decoded, &expected);
        // What waits is answered, and then nothing waits any more.
        if let Some(held) = held {
            let mut log = log;
            log.push(answer(&answer_to(&held, true, false), &processor()));
            let (_, still) = read(&log, &mut whole, usize::MAX);
            prop_assert!(still.is_none_or(|still| still.at > held.at));
        }
    }
}

#[test]
fn a_record_waits_for_an_answer_and_is_then_what_the_answer_says() {
    let plain = framed(0);
    let first = Answer { is_on: true, through: 0, ..Answer::default() };
    let mut log = vec![plain, answer(&first, &processor()), framed(1), framed(9), framed(1)];
    let mut place = Place::default();
    let (decoded, held) = read(&log, &mut place, usize::MAX);
    assert_eq!(decoded.len(), 2, "before it is on, nothing waits");
    assert_eq!(decoded[0].1, "unknown_schema");
    let held = held.unwrap();
    assert_eq!((held.at, held.key, held.through()), (2, SchemaKey::Id(1), 4));
    assert_eq!(held.asked(), [(SchemaKey::Id(1), 2), (SchemaKey::Id(9), 3)]);
    log.push(answer(&answer_to(&held, true, false), &processor()));
    let (decoded, held) = read(&log, &mut place, usize::MAX);
    let seen: Vec<_> = decoded.iter().map(|(_, seen)| seen.as_str()).collect();
    assert!(seen[0].starts_with("avro:") && seen[2] == seen[0], "{seen:?}");
    assert_eq!((seen[1], held), ("unknown_schema", None));
    assert_eq!(Schemas::parse(&place.schemas.to_bytes()), Some(place.schemas));
}

#[test]
fn a_sender_cannot_make_more_than_so_many_be_asked_for_and_loses_nobody_elses_records() {
    let on = Answer { is_on: true, through: 0, ..Answer::default() };
    let mut log = vec![framed(0), answer(&on, &processor())];
    log.extend((100..300).map(framed));
    log.push(framed(1));
    let mut place = Place::default();
    let mut rounds = 0;
    while let (_, Some(held)) = read(&log, &mut place, usize::MAX) {
        assert!(held.asked().len() <= ASKED_MAX);
        log.push(answer(&answer_to(&held, true, false), &processor()));
        rounds += 1;
    }
    assert_eq!(rounds, 4, "200 keys, 64 at once");
    let mut place = Place::default();
    let (decoded, _) = read(&log, &mut place, usize::MAX);
    assert!(decoded[202].1.starts_with("avro:"), "{:?}", decoded[202]);
}

#[test]
fn what_is_not_an_answer_changes_nothing_and_what_is_known_stays() {
    let mut schemas = Schemas::default();
    let mut take = |stored: Stored, offset: usize| {
        let mut log = vec![framed(0); offset];
        log.push(stored);
        with_record(&log, offset, |record| {
            take_answer(&mut schemas, &trust(), &decoder(), record).unwrap()
        })
    };
    let known = |text: &str| BTreeMap::from([(SchemaKey::Id(1), text.to_owned())]);
    let of = |through, schemas| Answer { is_on: true, through, schemas, ..Answer::default() };
    let signed = |of: &Answer| answer(of, &processor());
    let stranger = answer(&of(3, known("x")), &key("log.example.com/processor", 66));
    assert_eq!(take(stranger, 5), Err(Refusal::UnknownKey));
    assert_eq!(take(signed(&of(5, known("x"))), 5), Err(Refusal::Answer), "about itself");
    assert_eq!(take(signed(&of(-2, known("x"))), 5), Err(Refusal::Answer));
    assert_eq!(take(signed(&of(3, known("x"))), 5).unwrap().unwrap().added, [SchemaKey::Id(1)]);
    assert_eq!(take(signed(&of(2, known("y"))), 6), Ok(None), "an old one");
    let later = take(signed(&of(4, known("y"))), 7).unwrap().unwrap();
    assert_eq!((later.added, later.conflicts), (vec![], vec![SchemaKey::Id(1)]));
    let many = (0..300).map(|id| (SchemaKey::Id(1000 + id), "z".to_owned())).collect();
    let taken = take(signed(&of(5, many)), 8).unwrap().unwrap();
    assert_eq!((taken.added.len(), taken.refused.len()), (SCHEMAS_MAX - 1, 300 - 255));
    let known = &schemas.known()[&SchemaKey::Id(1)];
    assert_eq!((known.from, &*known.avro, schemas.through()), (6, "x", 5), "it was off before");
}
