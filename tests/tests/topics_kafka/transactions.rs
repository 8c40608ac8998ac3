//! Transactions of other applications: markers at the end of a partition are no lag and delay nothing;
//! one that stays open is named.

use ports::Outgoing;
use service::clock::Stopwatch;
use tests::world::ALERTS;

use super::*;

fn record(series: &str, partition: i32) -> Outgoing {
    let event = run("somebody", "1", &format!("{series}-{partition}"), now_ms(), false);
    Outgoing {
        topic: EVENTS.into(),
        partition: Some(partition),
        value: Some(event.to_string().into_bytes()),
        ..Outgoing::default()
    }
}

/// The value of a series that a role shows.
fn shown(role: &Role, series: &str) -> Option<f64> {
    let said = role.said();
    let address = said
        .lines()
        .rfind(|line| line.contains("health and metrics listening"))?
        .rsplit_once("address=")?
        .1
        .split_whitespace()
        .next()?
        .to_owned();
    let mut answer = ureq::get(format!("http://{address}/metrics")).call().ok()?;
    let text = answer.body_mut().read_to_string().ok()?;
    let line = text.lines().find(|line| line.starts_with(series))?;
    line.rsplit_once(' ')?.1.parse().ok()
}

#[test]
fn ended_transactions_are_no_lag_and_an_open_one_is_named() {
    let hook = Receiver::start();
    let Some(world) = World::start_with("topics_kafka", &sink(&hook)) else { return };
    let (log, operator, mut sealed) = (world.log(), world.operator(), world.sealed());
    let (committed, aborted) = (operator.begin("one").unwrap(), operator.begin("two").unwrap());
    committed.write(&[record("committed", 0), record("committed", 1)]).unwrap();
    committed.commit().unwrap();
    publish(&*log, "plain", 100);
    aborted.write(&[record("aborted", 0), record("aborted", 2)]).unwrap();
    aborted.abort().unwrap();

    let mut sealer = world.role("sealer");
    let lag = "driftseal_sealer_lag_records{topic=\"agent.events\"}";
    wait::until_said(
        || format!("no lag: {}", sealer.last_words()),
        LIMIT,
        || (shown(&sealer, lag) == Some(0.0)).then_some(()),
    );
    let watch = Stopwatch::start();
    assert_eq!(sealer.stop(), Some(0), "{}", sealer.last_words());
    assert!(!watch.has_passed(Duration::from_millis(2_500)), "{} s", watch.elapsed_secs());
    assert!(!sealer.said().contains("leaves published records"), "{}", sealer.last_words());

    // Whoever reads a partition behind an open one says so: the notifier of alerts, the others of events.
    let mut others = ["processor", "notifier"].map(|role| world.role(role));
    for (role, name) in others.iter().zip(["processor", "notifier"]) {
        readiness::wait_for(role, name, LIMIT);
    }
    let open = operator.begin("three").unwrap();
    let end = |topic, number| log.offsets(&TopicPartition::new(topic, number)).unwrap().next;
    let at = end(EVENTS, 3);
    let alert = Outgoing { topic: ALERTS.into(), ..record("alert", 2) };
    open.write(&[record("open", 3), alert]).unwrap();
    publish(&*log, "behind", 100);
    let mut sealer = world.role("sealer");
    let blocked = "a transaction of some application is open";
    let series = |topic: &str, number: i32| {
        format!("driftseal_log_blocked_seconds{{topic=\"{topic}\",partition=\"{number}\"}}")
    };
    let [processor, notifier] = &others;
    let places = [(&sealer, EVENTS, 3), (processor, EVENTS, 3), (notifier, ALERTS, 2)];
    for (role, topic, number) in places {
        let series = series(topic, number);
        wait::until_said(
            || format!("the gauge {series}: {}", role.last_words()),
            LIMIT,
            || shown(role, &series).filter(|seconds| *seconds > 0.0),
        );
        let partition = format!("partition={topic}/{number} ");
        let line = wait::until("the warning", LIMIT, || {
            let said = role.said();
            let is_it = |line: &&str| line.contains(blocked) && line.contains(&partition);
            said.lines().find(is_it).map(str::to_owned)
        });
        let is_named = topic != EVENTS || line.contains(&format!("offset={at}"));
        assert!(is_named && line.contains("offset="), "{line}");
    }
    open.commit().unwrap();
    wait_sealed(&world, &mut sealed, &[&sealer]);
    for (role, topic, number) in places {
        let series = series(topic, number);
        wait::until("the gauge to fall", LIMIT, || {
            (shown(role, &series) == Some(0.0)).then_some(())
        });
    }
    for role in &mut others {
        assert_eq!(role.stop(), Some(0), "{}", role.last_words());
    }
    assert_eq!(sealer.stop(), Some(0), "{}", sealer.last_words());
    world.fsck();
}
