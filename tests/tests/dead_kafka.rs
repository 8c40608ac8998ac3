//! A dead processor on Apache Kafka: a webhook hears of `monitor.dead` for each partition once, and
//! of its end once, though the notifier is killed too.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::Duration;

use event::{TopicPartition, kind};
use tests::receiver::Receiver;
use tests::wait;
use tests::world::{ALERTS, PARTITIONS, World};

const LIMIT: Duration = Duration::from_secs(120);

/// Messages of a type about the monitor: bodies by identifier.
fn messages(receiver: &Receiver, kind: &str) -> BTreeMap<String, BTreeSet<Vec<u8>>> {
    let mut messages: BTreeMap<String, BTreeSet<Vec<u8>>> = BTreeMap::new();
    for request in receiver.requests() {
        let text = String::from_utf8_lossy(&request.body).into_owned();
        if text.contains(kind::MONITOR_DEAD) && text.contains(kind) {
            messages.entry(request.webhook_id.unwrap()).or_default().insert(request.body);
        }
    }
    messages
}

#[test]
fn a_dead_processor_is_told_once_for_each_partition_and_so_is_its_return() {
    let hook = Receiver::start();
    let configuration = format!(
        "[notifier]\npoll_wait_ms = 50\nretry_pause_ms = 100\ndead_after_secs = 15\n\
         [notifier.secrets]\nhook = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'\n\
         [notifier.sinks.hook]\ntype = 'webhook'\nurl = '{}'\ntoken_name = 'hook'\n",
        hook.url()
    );
    let Some(world) = World::start_with("dead_kafka", &configuration) else { return };
    let (mut processor, mut notifier) = (world.role("processor"), world.role("notifier"));
    let log = world.log();
    let partitions = usize::try_from(PARTITIONS).unwrap();
    wait::until("a heartbeat in every partition", LIMIT, || {
        let ends = (0..PARTITIONS).map(|n| log.offsets(&TopicPartition::new(ALERTS, n)));
        ends.into_iter().all(|end| end.is_ok_and(|end| end.next > 0)).then_some(())
    });
    thread::sleep(Duration::from_secs(20));
    assert_eq!(messages(&hook, "alert.firing").len(), 0, "{}", processor.last_words());

    processor.kill();
    wait::until("the death to be told", LIMIT, || {
        (messages(&hook, "alert.firing").len() >= partitions / 2).then_some(())
    });
    notifier.kill_and_restart();
    wait::until("the death to be told of every partition", LIMIT, || {
        (messages(&hook, "alert.firing").len() >= partitions).then_some(())
    });
    processor.kill_and_restart();
    notifier.kill_and_restart();
    wait::until("the return to be told of every partition", LIMIT, || {
        (messages(&hook, "alert.resolved").len() >= partitions).then_some(())
    });
    // Two more intervals in which there is nothing to tell.
    thread::sleep(Duration::from_secs(10));
    for kind in ["alert.firing", "alert.resolved"] {
        let messages = messages(&hook, kind);
        assert_eq!(messages.len(), partitions, "{kind}: {}", notifier.last_words());
        for (id, bodies) in messages {
            assert_eq!(bodies.len(), 1, "{id} was told in two ways");
        }
    }
    println!("{} requests for {partitions} partitions", hook.requests().len());
}
