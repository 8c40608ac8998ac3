//! Somebody may write to the topics: nobody is paged, nothing is resolved and nothing is hidden by it.

use std::sync::Arc;
use std::time::Duration;

use event::{EventBuilder, Timestamp, column, kind};
use notifier::Notifier;
use ports::{EventLog as _, Outgoing, publish_and_wait};
use service::Role as _;
use service::clock::now_ms;
use sim::MemoryLog;

use crate::common::{
    GOVERNANCE, Receiver, WAIT, config, create_topics, credentials, outcomes, partition_of,
    publish, publish_act, publish_event, signed, status, step_of, until, webhook,
};

const AGENT: &str = "support";

fn steps_of(receiver: &Receiver) -> Vec<String> {
    let ids = receiver.received();
    ids.iter().map(|request| request.header("webhook-id").to_owned()).collect()
}

struct World {
    log: MemoryLog,
    receiver: Receiver,
    role: Notifier,
}

impl World {
    fn start() -> Self {
        let log = MemoryLog::new();
        log.set_now_ms(now_ms());
        create_topics(&log);
        let receiver = Receiver::start(|_, _| status(200));
        let role = Self::notifier(&log, &receiver);
        Self { log, receiver, role }
    }

    fn notifier(log: &MemoryLog, receiver: &Receiver) -> Notifier {
        let config = config(&webhook("hook", &receiver.url));
        Notifier::start(config, credentials(), Arc::new(log.clone())).unwrap()
    }

    fn run_until(&mut self, count: usize) {
        until(&format!("{count} outcomes"), || {
            self.role.step(Duration::from_millis(5)).unwrap();
            outcomes(&self.log).len() >= count
        });
    }

    /// Gives it time to do what it should not.
    fn run_on(&mut self) {
        for _ in 0..30 {
            self.role.step(Duration::from_millis(5)).unwrap();
        }
    }
}

#[test]
fn forged_pages_resolutions_answers_and_outcomes_change_nothing() {
    let mut world = World::start();
    let partition = partition_of(AGENT);
    for step in ["firing", "resolved", "acknowledged", "dismissed"] {
        publish_event(&world.log, partition, &step_of(AGENT, "forged", step));
    }
    // A delivery that nobody signed would hide the page to come.
    let mut delivered = EventBuilder::new(kind::NOTIFICATION_DELIVERED)
        .set(column::EVENT_ID, "d")
        .set(column::EVENT_TIME, Timestamp::from_millis(now_ms()))
        .set(column::notification::ALERT_ID, "real")
        .set(column::notification::SINK, "hook")
        .set(column::notification::STEP, "firing")
        .build()
        .unwrap();
    publish_event(&world.log, partition, &delivered);
    delivered.set(column::notification::STEP.id(), "resolved".into());
    publish_event(&world.log, partition, &delivered);
    // What the processor signed for the other partition.
    let elsewhere = signed(step_of(AGENT, "moved", "firing"), 1 - partition);
    publish_event(&world.log, partition, &elsewhere);
    publish(&world.log, AGENT, "real", "firing");
    until("the page", || {
        world.role.step(Duration::from_millis(5)).unwrap();
        !world.receiver.received().is_empty()
    });
    for step in ["resolved", "acknowledged", "dismissed"] {
        publish_event(&world.log, partition, &step_of(AGENT, "real", step));
    }
    // Answers in the governance topic that the gateway did not sign.
    for step in ["acknowledged", "dismissed"] {
        let forged = step_of(AGENT, "real", step);
        let record = Outgoing::event(GOVERNANCE, &forged).in_partition(0);
        publish_and_wait(&*world.log.producer(), vec![record], WAIT).unwrap();
    }
    world.run_on();
    assert_eq!(steps_of(&world.receiver), ["real_firing"]);
    // The gateway's own are heeded, and so is the processor's end.
    publish(&world.log, AGENT, "real", "acknowledged");
    until("the answer", || {
        world.role.step(Duration::from_millis(5)).unwrap();
        world.receiver.received().len() >= 2
    });
    publish(&world.log, AGENT, "real", "resolved");
    until("the end", || {
        world.role.step(Duration::from_millis(5)).unwrap();
        world.receiver.received().len() >= 3
    });
    world.run_on();
    let all = ["real_firing", "real_acknowledged", "real_resolved"];
    assert_eq!(steps_of(&world.receiver), all);
}

#[test]
fn a_copy_of_an_old_alert_pages_nobody_neither_at_once_nor_after_a_restart() {
    let mut world = World::start();
    let partition = partition_of(AGENT);
    let old = signed(step_of(AGENT, "old", "firing"), partition);
    publish_event(&world.log, partition, &old);
    publish(&world.log, AGENT, "old", "resolved");
    world.run_until(2);
    publish(&world.log, AGENT, "newer", "firing");
    publish(&world.log, AGENT, "newer", "resolved");
    world.run_until(4);
    // Under another identifier it is not what was signed.
    let mut renamed = old.clone();
    renamed.set(column::drift::ALERT_ID.id(), "renamed".into());
    publish_event(&world.log, partition, &renamed);
    publish_event(&world.log, partition, &old);
    world.run_on();
    let World { log, receiver, role } = world;
    role.finish().unwrap();
    publish_event(&log, partition, &old);
    let mut world = World { role: World::notifier(&log, &receiver), log, receiver };
    world.run_on();
    assert_eq!(steps_of(&world.receiver).len(), 4, "{:?}", steps_of(&world.receiver));
}

#[test]
fn an_answer_that_came_before_its_alert_and_one_before_a_restart_are_told() {
    let mut world = World::start();
    publish(&world.log, AGENT, "a-1", "acknowledged");
    world.run_on();
    publish(&world.log, AGENT, "a-1", "firing");
    world.run_until(2);
    publish(&world.log, AGENT, "a-2", "firing");
    world.run_until(3);
    let World { log, receiver, role } = world;
    drop(role);
    publish(&log, AGENT, "a-2", "dismissed");
    let mut world = World { role: World::notifier(&log, &receiver), log, receiver };
    world.run_until(4);
    let told = steps_of(&world.receiver);
    assert_eq!(told, ["a-1_firing", "a-1_acknowledged", "a-2_firing", "a-2_resolved"]);
}

fn suppression(kind: &str, column_of_id: event::TypedColumn<event::typed::Text>) -> EventBuilder {
    let now = now_ms();
    EventBuilder::new(kind)
        .set(column::EVENT_ID, format!("mute-{kind}"))
        .set(column::EVENT_TIME, Timestamp::from_millis(now))
        .set(column::AGENT_ID, AGENT)
        .set(column_of_id, "mute")
        .set(column::drift::FROM, Timestamp::from_millis(now - 1_000))
        .set(column::drift::UNTIL, Timestamp::from_millis(now + 3_600_000))
}

#[test]
fn what_a_person_mutes_is_told_only_when_the_mute_ends_however_far_its_partition_lags() {
    let mut world = World::start();
    // Nobody's word mutes nothing.
    let forged = suppression(kind::DRIFT_SUPPRESSION_STARTED, column::EVENT_ID).build().unwrap();
    let record = Outgoing::event(GOVERNANCE, &forged).in_partition(0);
    publish_and_wait(&*world.log.producer(), vec![record], WAIT).unwrap();
    publish(&world.log, AGENT, "before", "firing");
    world.run_until(1);
    world.log.set_now_ms(now_ms());
    publish_act(&world.log, forged);
    world.run_on();
    // The processor has not heard of it yet: it does not say that the alert is muted.
    world.log.set_now_ms(now_ms());
    for alert in ["open", "over"] {
        publish(&world.log, AGENT, alert, "firing");
    }
    publish(&world.log, AGENT, "over", "resolved");
    // An outcome of each says that it was held back.
    world.run_until(3);
    let World { log, receiver, role } = world;
    role.finish().unwrap();
    let mut world = World { role: World::notifier(&log, &receiver), log, receiver };
    world.run_on();
    assert_eq!(steps_of(&world.receiver), ["before_firing"]);
    let end = suppression(kind::DRIFT_SUPPRESSION_ENDED, column::drift::SUPPRESSION_ID);
    publish_act(&world.log, end.build().unwrap());
    until("the alert that is still open", || {
        world.role.step(Duration::from_millis(5)).unwrap();
        world.receiver.received().len() >= 2
    });
    world.run_on();
    assert_eq!(steps_of(&world.receiver), ["before_firing", "open_firing"]);
}
