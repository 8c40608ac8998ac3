//! Transactions of other applications: markers at the end of a partition are no lag and delay nothing;
//! one that stays open is named.

use ports::Outgoing;
use service::clock::Stopwatch;

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
    let Some(world) = World::start("topics_kafka") else { return };
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

    let open = operator.begin("three").unwrap();
    let at = log.offsets(&TopicPartition::new(EVENTS, 3)).unwrap().next;
    open.write(&[record("open", 3)]).unwrap();
    publish(&*log, "behind", 100);
    let mut sealer = world.role("sealer");
    let series = "driftseal_log_blocked_seconds{";
    wait::until_said(
        || format!("the gauge: {}", sealer.last_words()),
        LIMIT,
        || shown(&sealer, series).filter(|seconds| *seconds > 0.0),
    );
    wait::until("the warning", LIMIT, || {
        sealer.said().contains("a transaction of some application is open").then_some(())
    });
    let said = sealer.said();
    let line = said.lines().find(|line| line.contains("of some application is open")).unwrap();
    let is_named =
        line.contains("partition=agent.events/3") && line.contains(&format!("offset={at}"));
    assert!(is_named, "{line}");
    open.commit().unwrap();
    wait_sealed(&world, &mut sealed, &[&sealer]);
    wait::until("the gauge to fall", LIMIT, || (shown(&sealer, series) == Some(0.0)).then_some(()));
    assert_eq!(sealer.stop(), Some(0), "{}", sealer.last_words());
    world.fsck();
}
