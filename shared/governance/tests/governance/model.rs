//! Two processors, a gateway and an attacker, in every order.

use std::collections::{BTreeMap, BTreeSet};

use event::{Event, TopicPartition, column, kind};
use governance::{
    Act, Acts, Admission, Admitted, Frontier, Id, Ownership, Refusal, Signer, Stamp, sign_act,
};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use crate::keys::*;

const PARTITION: i32 = 3;

/// What happens next.
#[derive(Debug, Clone)]
enum Step {
    /// A processor opens the partition: it resumes from what it saved, and claims the next epoch.
    Open(usize),
    /// A processor writes a tick.
    Tick(usize),
    /// A processor reads so many records.
    Read(usize, usize),
    /// A processor saves its state, which either may resume from.
    Save(usize),
    /// A processor admits what it has read of the governance topic.
    Admit(usize),
    /// A processor reads the governance topic to its end.
    Learn(usize),
    /// A person acts.
    Act,
    /// An attacker writes a record of the partition again.
    Copy(usize),
    /// An attacker writes a changed record of the partition.
    Forge(usize, Change),
    /// An attacker writes an act again, changed or not.
    CopyAct(usize, bool),
    /// The log's retention: somebody begins at a later record, without state.
    Begin(usize),
}

#[derive(Debug, Clone, Copy)]
enum Change {
    Epoch,
    Sequence,
    Owner,
    History,
    Kind,
    Key,
    Partition,
    Content,
    Unsigned,
}

fn change() -> impl Strategy<Value = Change> {
    prop::sample::select(vec![
        Change::Epoch,
        Change::Sequence,
        Change::Owner,
        Change::History,
        Change::Kind,
        Change::Key,
        Change::Partition,
        Change::Content,
        Change::Unsigned,
    ])
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..2_usize;
    prop_oneof![
        2 => who.clone().prop_map(Step::Open),
        3 => who.clone().prop_map(Step::Tick),
        3 => (who.clone(), 1..12_usize).prop_map(|(who, count)| Step::Read(who, count)),
        1 => who.clone().prop_map(Step::Save),
        2 => who.clone().prop_map(Step::Admit),
        2 => who.prop_map(Step::Learn),
        2 => Just(Step::Act),
        3 => any::<usize>().prop_map(Step::Copy),
        3 => (any::<usize>(), change()).prop_map(|(at, change)| Step::Forge(at, change)),
        1 => (any::<usize>(), any::<bool>()).prop_map(|(at, changed)| Step::CopyAct(at, changed)),
        1 => any::<usize>().prop_map(Step::Begin),
    ]
}

/// What the records of a partition make of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct State {
    next: usize,
    ownership: Ownership,
    frontier: Frontier,
    /// Positions of the records that had their effect.
    accepted: Vec<usize>,
    /// Offsets of the acts that took effect.
    acts: Vec<i64>,
}

impl State {
    fn new() -> Self {
        let (ownership, frontier) = (Ownership::new(trust()), Frontier::default());
        Self { next: 0, ownership, frontier, accepted: Vec::new(), acts: Vec::new() }
    }

    fn read(&mut self, log: &[Event<'static>]) -> Option<Result<(), Refusal>> {
        let event = log.get(self.next)?;
        let at = self.next;
        self.next += 1;
        let taken = self.ownership.accept((TOPIC, PARTITION), i64::try_from(at).unwrap(), event);
        if taken.is_ok() {
            self.accepted.push(at);
            if event.text(column::KIND) == Some(kind::MONITOR_ADMITTED) {
                let admission = Admission::read(event).unwrap();
                let acts = self.frontier.admit(admission).unwrap_or_default();
                self.acts.extend(acts.iter().map(|act: &Admitted| act.offset));
            }
        }
        Some(taken)
    }
}

struct Processor {
    state: State,
    signer: Option<Signer>,
    acts: Acts,
}

struct World {
    log: Vec<Event<'static>>,
    /// Positions of the records that a processor wrote itself.
    genuine: BTreeSet<usize>,
    governance: Vec<Event<'static>>,
    /// Offsets of the acts that the gateway wrote.
    decided: BTreeSet<i64>,
    processors: [Processor; 2],
    saved: State,
    drawn: u64,
}

impl World {
    fn new() -> Self {
        let processor =
            || Processor { state: State::new(), signer: None, acts: Acts::new(trust()) };
        Self {
            log: Vec::new(),
            genuine: BTreeSet::new(),
            governance: Vec::new(),
            decided: BTreeSet::new(),
            processors: [processor(), processor()],
            saved: State::new(),
            drawn: 0,
        }
    }

    fn draw(&mut self) -> Id {
        self.drawn += 1;
        id(self.drawn)
    }

    fn write(&mut self, who: usize, event: Event<'static>) {
        if let Some(signer) = &mut self.processors[who].signer {
            self.genuine.insert(self.log.len());
            self.log.push(read_back(&signer.sign(event)));
        }
    }

    fn own(&mut self, kind: &str) -> event::EventBuilder {
        self.drawn += 1;
        builder(kind, &self.drawn.to_string())
    }

    /// `first` is the first record that is read without state.
    fn open(&mut self, who: usize, state: State, first: Option<usize>) {
        let current = state.ownership.current().copied();
        let (history, epoch) = match current {
            Some(current) => (current.history, current.epoch + 1),
            None => (self.draw(), 1),
        };
        let owner = self.draw();
        let partition = TopicPartition::new(TOPIC, PARTITION);
        let signer = Signer::new(processor(), installation(), partition, (history, epoch), owner);
        self.processors[who].state = state;
        self.processors[who].signer = Some(signer);
        let first = first.map(|first| i64::try_from(first).unwrap());
        let started = self.own(kind::MONITOR_STARTED);
        let started = started.set_some(column::monitor::FIRST_OFFSET, first).build().unwrap();
        self.write(who, started);
    }

    fn learn(&mut self, who: usize) {
        let acts = &mut self.processors[who].acts;
        for (offset, event) in (0..).zip(&self.governance) {
            if offset >= acts.next() {
                let act: Result<Act, Refusal> = acts.handle(offset, offset, Some(event));
                assert_eq!(act.is_ok(), self.decided.contains(&offset), "{act:?}");
            }
        }
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Open(who) => self.open(who, self.saved.clone(), None),
            Step::Begin(at) => {
                let mut state = State::new();
                state.next = at % (self.log.len() + 1);
                let first = state.next;
                self.open(at % 2, state, Some(first));
            }
            Step::Tick(who) => {
                let tick = self.own(kind::MONITOR_TICK).build().unwrap();
                self.write(who, tick);
            }
            Step::Read(who, count) => {
                for _ in 0..count {
                    self.processors[who].state.read(&self.log);
                }
            }
            Step::Save(who) => self.saved = self.processors[who].state.clone(),
            Step::Learn(who) => self.learn(who),
            Step::Admit(who) => self.admit(who),
            Step::Act => {
                let nonce = self.draw();
                let act = self.own(kind::AGENT_VERSION_DEPLOYED).set(column::AGENT_ID, "a");
                let act = sign_act(&gateway(), &installation(), nonce, act.build().unwrap());
                self.decided.insert(i64::try_from(self.governance.len()).unwrap());
                self.governance.push(read_back(&act.unwrap()));
            }
            Step::Copy(at) if !self.log.is_empty() => {
                self.log.push(self.log[at % self.log.len()].clone());
            }
            Step::Forge(at, change) if !self.log.is_empty() => {
                let event = self.log[at % self.log.len()].clone();
                self.log.push(forge(event, change));
            }
            Step::CopyAct(at, is_changed) if !self.governance.is_empty() => {
                let mut act = self.governance[at % self.governance.len()].clone();
                if is_changed {
                    act.set(column::AGENT_ID, "b".into());
                    act.set(column::governance::NONCE, self.draw().to_string().into());
                }
                self.governance.push(act);
            }
            Step::Copy(_) | Step::Forge(..) | Step::CopyAct(..) => {}
        }
    }

    fn admit(&mut self, who: usize) {
        let Processor { state, acts, .. } = &self.processors[who];
        let place = (None, TOPIC, PARTITION);
        let Some(admission) = acts.admission("g", place, state.frontier.next(), 1 << 20) else {
            return;
        };
        let event = self.own(kind::MONITOR_ADMITTED);
        self.write(who, admission.write(event).build().unwrap());
    }
}

/// A record that no processor wrote.
fn forge(mut event: Event<'static>, change: Change) -> Event<'static> {
    let stamp = Stamp::of(&event).filter(|stamp| stamp.sequence.is_some());
    let Some(stamp) = stamp else { return event };
    let more = |value: Option<i64>| (value.unwrap_or_default() + 1).into();
    match change {
        Change::Epoch => event.set(column::monitor::EPOCH, more(Some(stamp.epoch))),
        Change::Sequence => event.set(column::monitor::SEQUENCE, more(stamp.sequence)),
        Change::Owner => event.set(column::monitor::OWNER, id(999_999).to_string().into()),
        Change::History => event.set(column::monitor::HISTORY, id(999_998).to_string().into()),
        Change::Kind => {
            let started = event.text(column::KIND) == Some(kind::MONITOR_STARTED);
            let other = if started { kind::MONITOR_TICK } else { kind::MONITOR_STARTED };
            event.set(column::KIND, other.into());
        }
        Change::Content => event.set(column::EVENT_ID, "another".into()),
        Change::Unsigned => event.set(column::monitor::SIGNATURE, vec![0_u8; 64].into()),
        Change::Key | Change::Partition => {
            let is_key = matches!(change, Change::Key);
            let key = if is_key { key("log.example.com/processor", 9) } else { processor() };
            let number = if is_key { PARTITION } else { PARTITION + 1 };
            let partition = TopicPartition::new(TOPIC, number);
            let claim = (stamp.history, stamp.epoch + 1);
            return Signer::new(key, installation(), partition, claim, stamp.owner).sign(event);
        }
    }
    event
}

fn check(world: &World) {
    // The states of every prefix, as somebody computes them who reads everything.
    let mut state = State::new();
    let mut prefixes = vec![state.clone()];
    let mut owners: BTreeMap<(Id, i64), Id> = BTreeMap::new();
    let mut claims: BTreeMap<(Id, i64), Id> = BTreeMap::new();
    let mut seen: BTreeSet<Vec<u8>> = BTreeSet::new();
    for (at, event) in world.log.iter().enumerate() {
        let before = state.clone();
        let taken = state.read(&world.log).unwrap();
        let mut bytes = Vec::new();
        event::encode::encode(event, &mut bytes);
        let is_new = seen.insert(bytes);
        if taken.is_ok() {
            let stamp = Stamp::of(event).unwrap();
            assert!(world.genuine.contains(&at) && is_new, "record {at} is forged or a copy");
            let place = (stamp.history, stamp.epoch);
            let owner = *owners.entry(place).or_insert(stamp.owner);
            assert_eq!(owner, stamp.owner, "two owners at epoch {}", stamp.epoch);
        } else {
            assert_eq!((&before.ownership, &before.frontier), (&state.ownership, &state.frontier));
        }
        // The first that started at an epoch of the history in force, unless a later epoch was.
        let started = event.text(column::KIND) == Some(kind::MONITOR_STARTED);
        if started && world.genuine.contains(&at) {
            let stamp = Stamp::of(event).unwrap();
            let current = before.ownership.current();
            let first = event.int(column::monitor::FIRST_OFFSET);
            let may = current.is_none_or(|current| {
                if current.history == stamp.history {
                    stamp.epoch > current.epoch
                } else {
                    first.is_some_and(|first| first > current.at)
                }
            });
            assert_eq!(taken.is_ok(), may);
            if may {
                claims.entry((stamp.history, stamp.epoch)).or_insert(stamp.owner);
            }
        }
        prefixes.push(state.clone());
    }
    assert_eq!(owners, claims);
    let mut ordered = state.acts.clone();
    ordered.sort_unstable();
    ordered.dedup();
    assert_eq!(state.acts, ordered, "each act at most once, in governance order");
    assert!(state.acts.iter().all(|act| world.decided.contains(act)));
    // Resuming anywhere, from what was saved, gives the same.
    for prefix in prefixes.iter().step_by(5) {
        let saved = serde_json::to_string(prefix).unwrap();
        let mut resumed: State = serde_json::from_str(&saved).unwrap();
        assert_eq!(resumed, *prefix);
        while resumed.read(&world.log).is_some() {}
        assert_eq!(resumed, state);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn nobody_is_obeyed_but_the_owner_and_the_gateway(
        steps in prop::collection::vec(step(), 1..60)
    ) {
        let mut world = World::new();
        for step in &steps {
            world.take(step);
        }
        check(&world);
        // In the end one of them reads everything and admits everything, whatever happened before.
        let mut state = State::new();
        while state.read(&world.log).is_some() {}
        world.open(0, state, None);
        world.learn(0);
        while world.processors[0].state.read(&world.log).is_some() {}
        world.admit(0);
        while world.processors[0].state.read(&world.log).is_some() {}
        check(&world);
        let processor = &world.processors[0];
        let owner = processor.signer.as_ref().unwrap().claim().2;
        prop_assert!(processor.state.ownership.is_owned_by(owner));
        let from = processor.state.frontier.next();
        prop_assert_eq!(processor.acts.admission("g", (None, TOPIC, PARTITION), from, 1), None);
        let missing: Vec<&i64> =
            world.decided.iter().filter(|act| !processor.state.acts.contains(act)).collect();
        // The fold keeps the last 32 of the agent.
        prop_assert!(world.decided.len() > 32 || missing.is_empty(), "{missing:?}");
    }
}
