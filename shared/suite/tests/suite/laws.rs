//! Laws: a snapshot anywhere changes nothing, memory is bounded, any text is an error or a suite.

use std::collections::{BTreeMap, BTreeSet};

use event::{Cell, Event, EventBuilder, Timestamp, column, kind};
use proptest::prelude::*;
use suite::{EntryId, Head, Limits, Suite, SuiteVerdict, Suites};

const DOCUMENTS: [&str; 4] = [
    "suite: tools\nchecks: [{type: tool_allow_list, tools: [t0, t1]}, {type: steps_max, steps: 2}]\n\
     gate: {pass_rate_min: 0.5, trials_min: 2}\n",
    "suite: tools\nenabled: false\nchecks: [{type: citation_present}]\n",
    "suite: answers\nsample: 0.7\nchecks: [{type: contains, texts: [\"1\"]}, {type: latency_max, duration_ms: 100}]\n\
     gate: {pass_rate_min: 0.7, trials_min: 1}\n",
    "suite: models\napplies_to: {kind: model.invoked, agents: [a0]}\nchecks: [{type: tokens_max, tokens: 99}]\n",
];

const LIMITS: Limits = Limits {
    suites_max: 2,
    checks_max: 256,
    patterns_max: 64,
    document_bytes_max: 512 * 1024,
    runs_max: 3,
    versions_max: 2,
};

#[derive(Debug, Clone)]
enum Step {
    Publish(usize),
    Event { kind: usize, agent: u8, version: u8, run: u8, bits: u8 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let publish = (0..DOCUMENTS.len()).prop_map(Step::Publish);
    let event = (0_usize..6, 0_u8..2, 0_u8..4, 0_u8..5, any::<u8>()).prop_map(
        |(kind, agent, version, run, bits)| Step::Event { kind, agent, version, run, bits },
    );
    prop::collection::vec(prop_oneof![1 => publish, 9 => event], 1..150)
}

fn event(number: usize, step: &Step) -> Option<Event<'static>> {
    let Step::Event { kind, agent, version, run, bits } = step else { return None };
    let kinds = [
        kind::RUN_STARTED,
        kind::RUN_COMPLETED,
        kind::TOOL_CALLED,
        kind::TOOL_COMPLETED,
        kind::MODEL_INVOKED,
        kind::EVAL_RESULT,
    ];
    let kind = kinds[*kind];
    let mut event = EventBuilder::new(kind)
        .set(column::EVENT_ID, format!("e{number}"))
        .set(column::EVENT_TIME, Timestamp::from_micros(0))
        .set(column::AGENT_ID, format!("a{agent}"))
        .set(column::AGENT_VERSION, format!("v{version}"))
        .set(column::RUN_ID, format!("r{run}"))
        .build()
        .unwrap();
    let mut set = |path: &str, cell: Cell<'static>| {
        event.set(event::schema().id(path).unwrap(), cell);
    };
    match kind {
        kind::RUN_COMPLETED if !bits.is_multiple_of(7) => {
            set("run.output", format!("{bits}").into());
            set("run.duration_ms", f64::from(*bits).into());
        }
        kind::TOOL_CALLED | kind::TOOL_COMPLETED => {
            set("tool.name", format!("t{}", bits % 3).into())
        }
        kind::MODEL_INVOKED => set("model.input_tokens", i64::from(*bits).into()),
        _ => {}
    }
    Some(event)
}

fn play(suites: &mut Suites, number: usize, step: &Step) -> Vec<SuiteVerdict> {
    match (step, event(number, step)) {
        (Step::Publish(document), _) => {
            let suite = Suite::parse(DOCUMENTS[*document]).unwrap();
            drop(suites.publish(suite.canonical(), i64::try_from(number).unwrap()));
            Vec::new()
        }
        (Step::Event { .. }, event) => suites.observe(&event.unwrap()),
    }
}

/// What is saved: entries by name.
type Kept = BTreeMap<Vec<u8>, Vec<u8>>;

/// Saves what has changed; the head.
fn save(suites: &mut Suites, kept: &mut Kept) -> Head {
    let mut names = BTreeSet::new();
    suites.take_changes(|id, bytes| {
        assert!(names.insert(id), "an entry is shown once");
        match bytes {
            Some(bytes) => drop(kept.insert(id.to_bytes(), bytes)),
            None => drop(kept.remove(&id.to_bytes())),
        }
    })
}

fn resume(head: &Head, kept: &Kept) -> Suites {
    let entries = kept.iter().map(|(name, bytes)| (EntryId::from_bytes(name).unwrap(), bytes));
    Suites::resume(head, entries).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_snapshot_after_any_step_changes_nothing(steps in steps(), pause in 1_usize..7) {
        let (mut plain, mut resumed) = (Suites::new(LIMITS), Suites::new(LIMITS));
        let (mut kept, mut all) = (Kept::new(), Kept::new());
        for (number, step) in steps.iter().enumerate() {
            let expected = play(&mut plain, number, step);
            prop_assert_eq!(play(&mut resumed, number, step), expected);
            if number % pause == 0 {
                let head = save(&mut resumed, &mut kept);
                resumed = resume(&head, &kept);
                // All that is remembered, and not only what the next steps ask for.
                let mut whole = Kept::new();
                save(&mut plain, &mut all);
                save(&mut resume(&head, &kept), &mut whole);
                prop_assert_eq!(&kept, &all);
                prop_assert!(whole.is_empty(), "what was just resumed has not changed");
            }
            prop_assert!(resumed.runs() <= LIMITS.runs_max);
            prop_assert!(resumed.in_force().count() <= LIMITS.suites_max);
        }
    }

    #[test]
    fn no_bytes_resume_into_a_panic(
        entries in prop::collection::vec(
            (prop::collection::vec(any::<u8>(), 0..34), prop::collection::vec(any::<u8>(), 0..300)),
            0..4,
        ),
    ) {
        let head = Suites::new(LIMITS).take_changes(|_, _| {});
        let name = |mut name: Vec<u8>, tag: u8| {
            name.resize(if tag == b't' { 33 } else { 17 }, 0);
            name[0] = tag;
            EntryId::from_bytes(&name).unwrap()
        };
        let tags = [b's', b't', b'r', b's'];
        let entries = entries.into_iter().zip(tags).map(|((id, bytes), tag)| (name(id, tag), bytes));
        drop(Suites::resume(&head, entries));
    }

    #[test]
    fn any_text_is_an_error_or_a_suite(text in "[ \n:\\-\\[\\]{},'\"|>&*!#?a-c0-9.]{0,60}") {
        prop_assert!(Suite::parse(&text).is_err());
        prop_assert!(Suite::from_canonical(&text).is_err());
    }

    #[test]
    fn a_damaged_document_is_an_error_or_a_suite(at in 0_usize..400, with in "[ \n:\\-\\[{,'\"a0]{0,3}") {
        let text = include_str!("../../../../schemas/suites/support-quality.yaml");
        let mut damaged: String = text.chars().take(at).collect();
        damaged.push_str(&with);
        damaged.extend(text.chars().skip(at + 1));
        if let Ok(suite) = Suite::parse(&damaged) {
            prop_assert!(Suite::from_canonical(suite.canonical()).is_ok());
        }
    }
}
