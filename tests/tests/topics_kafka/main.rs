//! Topics of Apache Kafka are what they were and are set as they must be; or the roles stop with the
//! reason, before anything is sealed twice or skipped.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod another;
mod grown;
mod refused;
mod restored;
mod transactions;

use std::time::Duration;

use event::TopicPartition;
use ports::{EventLog, LogError};
use serde_json::Value;
use service::clock::now_ms;
use tests::process::Role;
use tests::receiver::Receiver;
use tests::sealed::Sealed;
use tests::send::{run, send};
use tests::world::{EVENTS, World};
use tests::{readiness, wait};

const LIMIT: Duration = Duration::from_secs(60);

/// Events of a few agents, published; names of the series do not meet.
fn publish(log: &dyn EventLog, series: &str, count: usize) {
    let now = now_ms();
    let events: Vec<Value> = (0..count)
        .map(|number| {
            let agent = format!("agent-{}", number % 17);
            run(&agent, "1", &format!("{series}-{number}"), now, number % 9 == 0)
        })
        .collect();
    send(log, &events);
}

/// Where the partitions of a topic end now.
fn ends(log: &dyn EventLog, topic: &str) -> Vec<(i32, i64)> {
    let end = |number| (number, log.offsets(&TopicPartition::new(topic, number)).unwrap().next);
    (0..log.partitions(topic).unwrap()).map(end).collect()
}

/// Changes the configuration.
fn change(world: &World, from: &str, to: &str) {
    let path = world.path("driftseal.toml");
    let config = std::fs::read_to_string(&path).unwrap();
    assert!(config.contains(from), "{config}");
    std::fs::write(path, config.replacen(from, to, 1)).unwrap();
}

/// Configuration of a notifier with that receiver.
fn sink(hook: &Receiver) -> String {
    format!(
        "[notifier]\npoll_wait_ms = 50\n[notifier.secrets]\n\
         hook = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'\n[notifier.sinks.hook]\ntype = 'webhook'\n\
         url = '{}'\ntoken_name = 'hook'\n",
        hook.url()
    )
}

/// Waits until every record of the events that there is now is sealed; the last offsets of a partition
/// may be those of a transaction's marker.
fn wait_sealed(world: &World, sealed: &mut Sealed, roles: &[&Role]) {
    let ends = ends(&*world.log(), EVENTS);
    let said = || roles.iter().map(|role| role.last_words()).collect::<Vec<_>>().join("\n");
    let what = || format!("everything to be sealed, {ends:?}: {}", said());
    wait::until_said(what, LIMIT, || {
        sealed.refresh();
        let at = sealed.ends(EVENTS);
        ends.iter()
            .all(|(number, end)| *end == 0 || at.get(number).is_some_and(|at| at + 2 > *end))
            .then_some(())
    });
}

/// Waits until the processor has saved a state of every partition up to where it ends now.
fn wait_saved(world: &World, processor: &Role) {
    let ends = ends(&*world.log(), EVENTS);
    let what = || format!("snapshots up to {ends:?}: {}", processor.last_words());
    wait::until_said(what, LIMIT, || {
        let said = processor.said();
        let saved = |number: i32| {
            let partition = format!("saved a snapshot partition={EVENTS}/{number} next_offset=");
            let last = said.lines().rev().find_map(|line| line.split_once(&partition))?.1;
            last.split(' ').next()?.parse::<i64>().ok()
        };
        let is_saved = |(number, end): &(i32, i64)| saved(*number).is_some_and(|at| at >= *end);
        ends.iter().all(is_saved).then_some(())
    });
}

/// Waits until a role ends by itself, in failure, and has said this.
fn must_end(mut role: Role, says: &[&str]) {
    assert_eq!(role.wait(LIMIT), Some(1), "{}", role.last_words());
    for says in says {
        assert!(role.said().contains(says), "`{says}` expected: {}", role.last_words());
    }
}

/// Deletes a topic, and waits until the brokers have forgotten it.
fn delete(world: &World, topic: &str) {
    world.operator().delete(topic).unwrap();
    let log = world.log();
    wait::until("the topic to be gone", LIMIT, || {
        matches!(log.partitions(topic), Err(LogError::UnknownPartition(_))).then_some(())
    });
}
