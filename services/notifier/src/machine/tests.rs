//! The machine in a small world: a log, receivers, and a process that dies anywhere.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::alert::Severity;
use crate::alert::tests::alert;

mod bounds;
mod paths;

const PARTITION: i32 = 3;

fn plan(name: &str, severities: &[Severity], refresh_ms: Option<i64>) -> SinkPlan {
    SinkPlan {
        name: name.into(),
        severities: severities.to_vec(),
        environments: Vec::new(),
        refresh_ms,
        requests_max: 2,
    }
}

const ALL: [Severity; 2] = [Severity::Page, Severity::Ticket];

fn limits() -> DeliveryLimits {
    DeliveryLimits {
        attempts_max: 3,
        backoff_ms: 1_000,
        backoff_ms_max: 8_000,
        ..DeliveryLimits::default()
    }
}

fn accepted() -> Answer {
    Answer::Accepted { status: 200 }
}

fn busy() -> Answer {
    Answer::Busy { status: Some(500), retry_after_ms: None, detail: "busy".into() }
}

fn refused() -> Answer {
    Answer::Refused { status: 400, detail: "no".into() }
}

/// A record of the log.
#[derive(Debug, Clone)]
enum Entry {
    Alert(Box<Alert>),
    Outcome(Logged),
}

/// What a process does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    /// An alert arrives in the log.
    Arrive,
    Read,
    Send,
    /// A receiver answers the request that is under way longest.
    Answer,
    Write,
    /// An outcome is written, and its acknowledgement is lost with the process.
    WriteAndDie,
    SavePosition,
    Wait,
    Die,
}

const ACTS: [Act; 9] = [
    Act::Arrive,
    Act::Read,
    Act::Send,
    Act::Answer,
    Act::Write,
    Act::WriteAndDie,
    Act::SavePosition,
    Act::Wait,
    Act::Die,
];

/// A sink's name, an alert and a step.
type Told = (String, String, Step);

struct World {
    arrivals: Vec<Alert>,
    log: Vec<Entry>,
    machine: Machine,
    next: usize,
    until: usize,
    position: usize,
    now: i64,
    in_flight: Vec<Delivery>,
    /// Each step that was told, with what it said.
    told: BTreeMap<Told, Vec<Notice>>,
    answers: Box<dyn FnMut() -> Answer>,
    deaths: u32,
}

fn machine() -> Machine {
    let plans = vec![plan("all", &ALL, Some(60_000)), plan("pages", &[Severity::Page], None)];
    let mut machine = Machine::new(limits(), plans);
    machine.handle_assigned(PARTITION);
    machine
}

impl World {
    fn new(arrivals: Vec<Alert>, answers: impl FnMut() -> Answer + 'static) -> Self {
        let mut world = Self {
            arrivals,
            log: Vec::new(),
            machine: machine(),
            next: 0,
            until: 0,
            position: 0,
            now: 0,
            in_flight: Vec::new(),
            told: BTreeMap::new(),
            answers: Box::new(answers),
            deaths: 0,
        };
        world.arrivals.reverse();
        world.look_for_the_end();
        world
    }

    fn die(&mut self) {
        self.machine = machine();
        self.in_flight.clear();
        self.next = self.position;
        self.until = self.log.len();
        self.deaths += 1;
        self.look_for_the_end();
    }

    fn look_for_the_end(&mut self) {
        if self.next >= self.until {
            self.machine.handle_caught_up(PARTITION, self.now);
        }
    }

    fn name(&self, sink: usize) -> String {
        self.machine.sinks[sink].plan.name.to_string()
    }

    /// What was decided of steps.
    fn outcomes(&self) -> Vec<Told> {
        self.logged(|verdict| verdict != Verdict::Suppressed)
    }

    fn logged(&self, wanted: impl Fn(Verdict) -> bool) -> Vec<Told> {
        let outcome = |entry: &Entry| match entry {
            Entry::Outcome(logged) if wanted(logged.verdict) => {
                Some((logged.sink.clone(), logged.alert_id.to_string(), logged.step))
            }
            Entry::Alert(_) | Entry::Outcome(_) => None,
        };
        self.log.iter().filter_map(outcome).collect()
    }

    /// Does it, if it can be done; says whether it could.
    fn act(&mut self, act: Act) -> bool {
        match act {
            Act::Arrive => {
                let Some(alert) = self.arrivals.pop() else { return false };
                self.log.push(Entry::Alert(Box::new(alert)));
            }
            Act::Read => {
                let Some(entry) = self.log.get(self.next).cloned() else { return false };
                let offset = i64::try_from(self.next).unwrap();
                match entry {
                    Entry::Alert(alert) => {
                        self.machine.handle_alert(PARTITION, offset, *alert, self.now);
                    }
                    Entry::Outcome(logged) => {
                        self.machine.handle_logged(PARTITION, offset, &logged, self.now);
                    }
                }
                self.next += 1;
                self.look_for_the_end();
            }
            Act::Send => {
                let Some(delivery) = self.machine.poll_delivery(self.now) else { return false };
                self.send(delivery);
            }
            Act::Answer => {
                if self.in_flight.is_empty() {
                    return false;
                }
                let delivery = self.in_flight.remove(0);
                let answer = (self.answers)();
                self.machine.handle_answer(&delivery.key, answer, "digest".into(), self.now);
            }
            Act::Write | Act::WriteAndDie => {
                let Some(report) = self.machine.poll_report() else { return false };
                let event = report.outcome.to_event(&report.sink, &report.alert, 0).unwrap();
                self.log.push(Entry::Outcome(Logged::from_event(&event).unwrap()));
                if act == Act::WriteAndDie {
                    self.die();
                } else {
                    self.machine.handle_reported(&report, self.now);
                }
            }
            Act::SavePosition => {
                let next = i64::try_from(self.next).unwrap();
                let low_water = self.machine.low_water(PARTITION, next);
                let is_live = self.machine.partitions[&PARTITION].is_live;
                if is_live {
                    self.position = self.position.max(usize::try_from(low_water).unwrap());
                }
            }
            Act::Wait => self.now += 700,
            Act::Die => self.die(),
        }
        true
    }

    fn send(&mut self, delivery: Delivery) {
        let Delivery { key, task, notice } = &delivery;
        let sink = self.name(key.sink);
        let same = |other: &&Delivery| other.key == delivery.key;
        assert_eq!(self.in_flight.iter().filter(same).count(), 0, "one at a time");
        if let Task::Notify(step) = task {
            let told = (sink, key.alert_id.to_string(), *step);
            assert!(!self.outcomes().contains(&told), "{told:?} was decided already");
            self.told.entry(told).or_default().push(notice.clone());
        }
        self.in_flight.push(delivery);
    }

    /// Goes on without deaths until nothing is left to do but to wait for a refresh.
    fn finish(&mut self) {
        for _ in 0..100_000 {
            let mut any = false;
            for act in [Act::Arrive, Act::Read, Act::Send, Act::Answer, Act::Write] {
                while self.act(act) {
                    any = true;
                    if self.machine.sinks.iter().all(|sink| sink.steps.is_empty())
                        && self.in_flight.iter().all(|d| d.task == Task::Refresh)
                        && act == Act::Send
                    {
                        break;
                    }
                }
            }
            let idle = self.machine.sinks.iter().all(|sink| sink.steps.is_empty());
            if !any && idle && self.in_flight.is_empty() {
                return;
            }
            self.now += 500;
            if idle
                && self.in_flight.is_empty()
                && self.machine.reports.is_empty()
                && self.next == self.log.len()
                && self.arrivals.is_empty()
            {
                return;
            }
        }
        panic!("it does not come to rest");
    }

    /// Every step of every alert has one outcome for every sink it goes to, in order; what was
    /// told more than once said the same. Of an alert that fired under a suppression the log says
    /// so once; if it did not fire again, it says no more, and nobody was told.
    fn check(&self, expected: &[Alert]) {
        let (mut wanted, mut hushed) = (BTreeSet::new(), BTreeSet::new());
        let fires = |id: &str| {
            expected
                .iter()
                .any(|a| *a.alert_id == *id && a.suppressed_by.is_none() && a.step == Step::Firing)
        };
        for alert in expected {
            for sink in ["all", "pages"] {
                if sink == "all" || alert.severity == Severity::Page {
                    let told = (sink.to_owned(), alert.alert_id.to_string(), alert.step);
                    if alert.step == Step::Firing && alert.suppressed_by.is_some() {
                        hushed.insert(told);
                    } else if fires(&alert.alert_id) {
                        wanted.insert(told);
                    }
                }
            }
        }
        let said = self.logged(|verdict| verdict == Verdict::Suppressed);
        assert_eq!(said.len(), hushed.len(), "said twice: {said:?}");
        assert_eq!(said.into_iter().collect::<BTreeSet<Told>>(), hushed);
        let outcomes = self.outcomes();
        let found: BTreeSet<Told> = outcomes.iter().cloned().collect();
        assert_eq!(found.len(), outcomes.len(), "an outcome twice: {outcomes:?}");
        assert_eq!(found, wanted);
        let mut last: BTreeMap<(&str, &str), Step> = BTreeMap::new();
        for (sink, alert, step) in &outcomes {
            let before = last.insert((sink, alert), *step);
            assert!(before.is_none_or(|before| before < *step), "out of order: {outcomes:?}");
        }
        for (told, notices) in &self.told {
            assert!(notices.windows(2).all(|pair| pair[0] == pair[1]), "{told:?} said two things");
        }
        for told in &wanted {
            assert!(self.told.contains_key(told), "{told:?} has an outcome and was never told");
        }
    }
}

fn of(step: Step, id: &str, severity: Severity) -> Alert {
    Alert { severity, logged_ms: 0, ..alert(step, id) }
}

/// The same event, of an alert that began under a suppression.
fn quiet(step: Step, id: &str, severity: Severity) -> Alert {
    Alert { suppressed_by: Some("s".into()), ..of(step, id, severity) }
}

/// An alert that outlasts its suppression, and one that does not.
fn quiet_story() -> Vec<Alert> {
    vec![
        quiet(Step::Firing, "a", Severity::Page),
        quiet(Step::Firing, "b", Severity::Page),
        of(Step::Acknowledged, "a", Severity::Page),
        quiet(Step::Resolved, "b", Severity::Page),
        of(Step::Firing, "a", Severity::Page),
        of(Step::Resolved, "a", Severity::Page),
    ]
}

/// Two alerts, one of them taken by a person, the other only for the first sink.
fn story() -> Vec<Alert> {
    vec![
        of(Step::Firing, "a", Severity::Page),
        of(Step::Firing, "b", Severity::Ticket),
        of(Step::Acknowledged, "a", Severity::Page),
        of(Step::Resolved, "b", Severity::Ticket),
        of(Step::Resolved, "a", Severity::Page),
    ]
}

/// The order in which an undisturbed process works, with some slack.
fn steady() -> impl Iterator<Item = Act> {
    let round = [
        Act::Arrive,
        Act::Read,
        Act::Send,
        Act::Send,
        Act::Answer,
        Act::Write,
        Act::SavePosition,
        Act::Read,
        Act::Wait,
    ];
    round.into_iter().cycle().take(120)
}

#[test]
fn whenever_the_process_dies_each_step_has_one_outcome() {
    let stories = [story(), quiet_story()].into_iter();
    for (story, answer) in stories.flat_map(|story| {
        [accepted, refused, busy].map(|answer: fn() -> Answer| (story.clone(), answer))
    }) {
        let undisturbed = steady().count();
        for death in 0..undisturbed {
            for second in [None, Some(death + 1), Some(death + 5), Some(death + 40)] {
                let mut world = World::new(story.clone(), answer);
                for (number, act) in steady().enumerate() {
                    let dies = number == death || Some(number) == second;
                    match (dies, act) {
                        (true, Act::Write) => world.act(Act::WriteAndDie),
                        (true, _) => world.act(Act::Die),
                        (false, act) => world.act(act),
                    };
                }
                world.finish();
                world.check(&story);
            }
        }
    }
}

/// Alerts of a few episodes, in an order that respects each; some records twice in a row.
fn stories() -> impl Strategy<Value = (Vec<Alert>, Vec<Alert>)> {
    let episode = (any::<bool>(), any::<bool>(), any::<bool>(), 0_u8..6);
    (
        prop::collection::vec(episode, 1..6),
        prop::collection::vec((0_usize..6, any::<bool>()), 0..40),
    )
        .prop_map(|(episodes, order)| {
            let mut queues: Vec<Vec<Alert>> = Vec::new();
            for (number, (is_page, is_taken, is_over, quiet_until)) in
                episodes.into_iter().enumerate()
            {
                let severity = if is_page { Severity::Page } else { Severity::Ticket };
                let id = format!("alert-{number}");
                let mut steps = vec![of(Step::Firing, &id, severity)];
                if is_taken {
                    steps.push(of(Step::Acknowledged, &id, severity));
                }
                if is_over {
                    steps.push(of(Step::Resolved, &id, severity));
                }
                // So many steps are under a suppression; if it ends before the last, it fires again.
                let quiet_steps = usize::from(quiet_until).min(steps.len());
                for step in steps.iter_mut().take(quiet_steps) {
                    step.suppressed_by = Some("s".into());
                }
                if quiet_steps > 0 && quiet_steps < steps.len() {
                    steps.insert(quiet_steps, of(Step::Firing, &id, severity));
                }
                steps.reverse();
                queues.push(steps);
            }
            let (mut once, mut with_doubles) = (Vec::new(), Vec::new());
            let rest: Vec<(usize, bool)> = (0..30).map(|number| (number, false)).collect();
            for (pick, doubled) in order.into_iter().chain(rest) {
                let count = queues.len();
                if let Some(alert) = queues[pick % count].pop() {
                    with_doubles.push(alert.clone());
                    if doubled {
                        with_doubles.push(alert.clone());
                    }
                    once.push(alert);
                }
            }
            (once, with_doubles)
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn in_any_order_of_anything_each_step_has_one_outcome(
        (once, with_doubles) in stories(),
        acts in prop::collection::vec(0_usize..ACTS.len(), 0..300),
        answers in prop::collection::vec(0_u8..6, 1..20),
    ) {
        let mut number = 0;
        let answer = move || {
            number += 1;
            match answers[number % answers.len()] {
                0..=2 => accepted(),
                3 => refused(),
                4 => Answer::Busy { status: Some(429), retry_after_ms: Some(5_000), detail: String::new() },
                _ => busy(),
            }
        };
        let mut world = World::new(with_doubles, answer);
        for act in acts {
            world.act(ACTS[act]);
        }
        world.finish();
        world.check(&once);
    }
}
