//! The machine in a small world: a log that others write heartbeats into, and processes that die.

use super::*;
use event::TypedColumn;
use event::column;
use event::typed::Text;

const PARTITION: i32 = 2;
const LIMIT: i64 = 300_000;

/// What the log holds, each with when it was written.
#[derive(Debug, Default)]
struct World {
    log: Vec<(i64, Event<'static>)>,
    now: i64,
}

struct Process {
    watchdog: Watchdog,
    next: usize,
    until: usize,
}

impl World {
    fn heartbeat(&mut self) {
        let event = EventBuilder::new(kind::MONITOR_ALIVE)
            .set(column::EVENT_ID, format!("beat-{}", self.log.len()))
            .set(column::EVENT_TIME, Timestamp::from_millis(self.now))
            .set(column::monitor::NEXT_OFFSET, 100 + self.now)
            .build()
            .unwrap();
        self.log.push((self.now, event));
    }

    /// A process that begins at an offset.
    fn start(&self, from: i64) -> Process {
        let mut watchdog = Watchdog::new(LIMIT);
        watchdog.handle_assigned(PARTITION);
        let next = usize::try_from(from).unwrap();
        Process { watchdog, next, until: self.log.len() }
    }

    fn kinds(&self) -> Vec<&str> {
        self.log.iter().map(|(_, event)| event.text(column::KIND).unwrap()).collect()
    }
}

impl Process {
    fn read(&mut self, world: &World) {
        for (offset, (at, event)) in (0_i64..).zip(&world.log).skip(self.next) {
            if let Some(observation) = Observation::from_event(event, offset, *at) {
                self.watchdog.handle_observation(PARTITION, observation, world.now);
            }
        }
        self.next = world.log.len();
        if self.next >= self.until {
            self.watchdog.handle_caught_up(PARTITION, world.now);
        }
    }

    /// Reads, and writes the transitions.
    fn step(&mut self, world: &mut World) {
        self.read(world);
        while let Some(transition) = self.watchdog.poll_transition(world.now) {
            world.log.push((world.now, transition.to_event("notifier", world.now).unwrap()));
            self.read(world);
        }
    }
}

fn text<'e>(event: &'e Event<'_>, column: TypedColumn<Text>) -> &'e str {
    event.text(column).unwrap()
}

#[test]
fn a_silence_is_said_once_and_so_is_its_end() {
    let mut world = World::default();
    let mut process = world.start(0);
    process.step(&mut world);
    world.now = 10 * LIMIT;
    process.step(&mut world);
    assert_eq!(world.log, [], "no heartbeat ever came");
    world.heartbeat();
    process.step(&mut world);
    assert_eq!(process.watchdog.poll_timeout(), Some(world.now + LIMIT));
    world.now += LIMIT - 1;
    process.step(&mut world);
    assert_eq!(world.kinds(), [kind::MONITOR_ALIVE]);
    for _ in 0..3 {
        world.now += 1;
        process.step(&mut world);
    }
    assert_eq!(world.kinds(), [kind::MONITOR_ALIVE, kind::MONITOR_DEAD]);
    assert_eq!(process.watchdog.low_water(PARTITION, 9), 0);
    for _ in 0..3 {
        world.heartbeat();
        process.step(&mut world);
    }
    assert_eq!(
        world.kinds(),
        [
            kind::MONITOR_ALIVE,
            kind::MONITOR_DEAD,
            kind::MONITOR_ALIVE,
            kind::MONITOR_RECOVERED,
            kind::MONITOR_ALIVE,
            kind::MONITOR_ALIVE
        ]
    );
    let (dead, recovered) = (world.log[1].1.clone(), world.log[3].1.clone());
    assert_eq!(text(&dead, column::drift::ALERT_ID), text(&recovered, column::drift::ALERT_ID));
    assert_ne!(text(&dead, column::EVENT_ID), text(&recovered, column::EVENT_ID));
    assert_eq!(text(&dead, column::links::CAUSATION), "beat-0");
    assert_eq!(
        text(&dead, column::drift::REASON),
        "no heartbeat since 1970-01-01T00:50:00.000000Z; it had read up to offset 3000100"
    );
    // The next silence is another one.
    world.now += LIMIT;
    process.step(&mut world);
    let again = &world.log.last().unwrap().1;
    assert_eq!(text(again, column::KIND), kind::MONITOR_DEAD);
    assert_ne!(text(again, column::drift::ALERT_ID), text(&dead, column::drift::ALERT_ID));
}

#[test]
fn who_was_cut_off_from_the_log_does_not_blame_the_monitor() {
    let mut world = World::default();
    let mut process = world.start(0);
    world.heartbeat();
    process.step(&mut world);
    // Cut off for longer than the limit; neither side can write.
    world.now += 3 * LIMIT;
    process.watchdog.handle_cut_off(world.now);
    process.step(&mut world);
    assert_eq!(world.kinds(), [kind::MONITOR_ALIVE]);
    world.now += LIMIT / GRACE_SHARE - 1;
    process.step(&mut world);
    assert_eq!(world.kinds(), [kind::MONITOR_ALIVE], "it is given as long as after a start");
    world.now += 1;
    process.step(&mut world);
    assert_eq!(world.kinds(), [kind::MONITOR_ALIVE, kind::MONITOR_DEAD], "and no longer");
}

#[test]
fn whenever_the_process_dies_each_transition_has_one_identifier() {
    // Heartbeats every 100 s, but for two silences; a step every 50 s.
    let beats = |step: i64| step % 2 == 0 && !(20..40).contains(&step) && !(50..62).contains(&step);
    let expected = {
        let mut world = World::default();
        let mut process = world.start(0);
        for step in 0..80 {
            world.now = step * 50_000;
            if beats(step) {
                world.heartbeat();
            }
            process.step(&mut world);
        }
        world
            .kinds()
            .iter()
            .filter(|kind| **kind != kind::MONITOR_ALIVE)
            .map(|k| (*k).to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        expected,
        [kind::MONITOR_DEAD, kind::MONITOR_RECOVERED, kind::MONITOR_DEAD, kind::MONITOR_RECOVERED]
    );
    for death in 0..80 {
        for lost in [false, true] {
            let mut world = World::default();
            let mut process = world.start(0);
            let mut position = 0;
            for step in 0..80 {
                world.now = step * 50_000;
                if beats(step) {
                    world.heartbeat();
                }
                if step == death {
                    // It wrote a transition and did not live to know it, or another process writes it too.
                    process.read(&world);
                    if lost && let Some(transition) = process.watchdog.poll_transition(world.now) {
                        for _ in 0..2 {
                            world.log.push((
                                world.now,
                                transition.to_event("notifier", world.now).unwrap(),
                            ));
                        }
                    }
                    process = world.start(position);
                }
                process.step(&mut world);
                let next = i64::try_from(process.next).unwrap();
                position = process.watchdog.low_water(PARTITION, next).max(position);
            }
            let mut said: Vec<(String, String)> = Vec::new();
            for (_, event) in &world.log {
                let word = (
                    text(event, column::KIND).to_owned(),
                    text(event, column::EVENT_ID).to_owned(),
                );
                if word.0 != kind::MONITOR_ALIVE && !said.contains(&word) {
                    said.push(word);
                }
            }
            let kinds: Vec<&str> = said.iter().map(|(kind, _)| kind.as_str()).collect();
            assert_eq!(kinds, expected, "death at {death}, lost {lost}");
            if !lost {
                let words =
                    world.kinds().iter().filter(|kind| **kind != kind::MONITOR_ALIVE).count();
                assert_eq!(words, expected.len(), "death at {death}");
            }
        }
    }
}

#[test]
fn after_a_start_there_is_time_for_a_heartbeat() {
    let mut world = World::default();
    world.heartbeat();
    world.now = 100 * LIMIT;
    let mut process = world.start(0);
    process.step(&mut world);
    assert_eq!(world.kinds(), [kind::MONITOR_ALIVE]);
    assert_eq!(process.watchdog.poll_timeout(), Some(world.now + LIMIT / 2));
    world.now += LIMIT / 2;
    process.step(&mut world);
    assert_eq!(world.kinds(), [kind::MONITOR_ALIVE, kind::MONITOR_DEAD]);
}

#[test]
fn nothing_is_said_before_the_log_is_read_nor_of_what_is_not_ours() {
    let mut world = World::default();
    world.heartbeat();
    world.now = 100 * LIMIT;
    let mut process = world.start(0);
    process.until = 2;
    process.step(&mut world);
    world.now += LIMIT;
    assert_eq!(
        (process.watchdog.poll_transition(world.now), process.watchdog.poll_timeout()),
        (None, None)
    );
    process.watchdog.handle_caught_up(PARTITION, 0);
    process.watchdog.handle_revoked(PARTITION);
    assert_eq!(process.watchdog.poll_transition(world.now), None);
    let mut never = Watchdog::new(0);
    never.handle_assigned(PARTITION);
    never.handle_observation(PARTITION, Observation::from_event(&world.log[0].1, 0, 0).unwrap(), 0);
    never.handle_caught_up(PARTITION, 0);
    assert_eq!((never.poll_transition(i64::MAX), never.poll_timeout()), (None, None));
}

#[test]
fn what_could_not_be_written_is_tried_again_and_a_copy_is_no_sign_of_life() {
    let mut world = World::default();
    world.heartbeat();
    let mut process = world.start(0);
    process.step(&mut world);
    world.now += LIMIT;
    let copy = world.log[0].1.clone();
    world.log.push((world.now, copy));
    process.read(&world);
    let transition = process.watchdog.poll_transition(world.now).unwrap();
    assert_eq!(
        (transition.verdict, process.watchdog.poll_transition(world.now)),
        (Verdict::Dead, None)
    );
    process.watchdog.handle_unwritten(PARTITION);
    assert_eq!(process.watchdog.poll_transition(world.now), Some(transition));
}
