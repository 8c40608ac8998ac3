//! Heartbeats: alive, lag, gaps, and that a busy partition's ticks move no event time.

use crate::world::*;
use event::{column, kind};
use monitor::{Processor, Settings};

/// A heartbeat that lands so many records behind what its writer had read.
fn beat(processor: &Processor, time: i64, lag: i64, idle: bool) -> Input {
    let event = builder(kind::MONITOR_TICK, &format!("beat-{time}"), time)
        .set(column::monitor::ID, "processor")
        .set(column::monitor::NEXT_OFFSET, processor.next_offset() - lag)
        .set(column::monitor::READ_UNTIL, event::Timestamp::from_micros(time - 90 * SECOND))
        .set(column::monitor::IDLE, idle)
        .build()
        .unwrap();
    Input { broker: time, event }
}

/// A processor that has read so many runs, one a second from the start.
fn after(runs: i64, settings: Settings) -> Processor {
    let mut processor = processor_with(settings);
    for i in 0..runs {
        feed(&mut processor, &run(&i.to_string(), "v1", START + i * SECOND, false));
    }
    processor
}

fn settings() -> Settings {
    Settings { lag_records_max: 10, lag_ticks_min: 3, ..Settings::default() }
}

#[test]
fn a_heartbeat_says_how_far_the_monitor_is() {
    let mut processor = after(100, settings());
    let beat = beat(&processor, START + 100 * SECOND, 7, false);
    let outputs = feed(&mut processor, &beat);
    let [alive] = outputs.as_slice() else { panic!("{outputs:?}") };
    assert_eq!((kind(alive), alive.key.as_slice()), (kind::MONITOR_ALIVE, b"0".as_slice()));
    assert_eq!(
        (text(alive, column::AGENT_ID), text(alive, column::monitor::ID)),
        (None, Some("processor"))
    );
    let numbers = [column::monitor::NEXT_OFFSET, column::monitor::LAG, column::monitor::LAG_SECS]
        .map(|column| number(alive, column));
    assert_eq!(numbers, [Some(93.0), Some(7.0), Some(90.0)]);
    let watermark = alive.event.time(column::monitor::WATERMARK);
    assert_eq!(watermark, processor.watermark());
    // One that says nothing of its writer, as those of earlier versions, is none.
    assert_eq!(feed(&mut processor, &tick(START + 110 * SECOND)), []);
}

#[test]
fn a_tick_into_a_busy_partition_moves_no_event_time() {
    // Played back with the timestamps of a year ago; the ticks carry those of today.
    let today = START + 365 * 86_400 * SECOND;
    let mut with_ticks = after(0, settings());
    let mut without = after(0, settings());
    let (mut windows, mut expected) = (Vec::new(), Vec::new());
    for i in 0..2_000_i64 {
        let run = run(&i.to_string(), "v1", START + i * SECOND, false);
        windows.extend(feed(&mut with_ticks, &run));
        expected.extend(feed(&mut without, &run));
        if i % 10 == 0 {
            let beat = beat(&with_ticks, today + i * SECOND, 0, false);
            windows.extend(feed(&mut with_ticks, &beat));
        }
    }
    assert_eq!(with_ticks.watermark(), without.watermark());
    assert_eq!((with_ticks.counters().late, with_ticks.counters().too_late), (0, 0));
    let values = |outputs: &[monitor::Output]| -> Vec<Option<f64>> {
        crate::world::windows(outputs, "run.count")
            .iter()
            .map(|w| number(w, column::metric::VALUE))
            .collect()
    };
    assert!(values(&expected).len() > 3);
    assert_eq!(values(&windows), values(&expected));
    // An idle one's move it as they always did.
    let idle = beat(&with_ticks, START + 3_600 * SECOND, 0, true);
    feed(&mut with_ticks, &idle);
    feed(&mut without, &tick(START + 3_600 * SECOND));
    assert_eq!(with_ticks.watermark(), without.watermark());
    assert_eq!(without.watermark().unwrap().micros(), START + (3_600 - 180) * SECOND);
}

#[test]
fn lag_is_an_alert_after_some_heartbeats_in_a_row_and_ends_after_as_many() {
    let mut processor = after(500, settings());
    let lags = [11, 11, 10, 11, 11, 200, 300, 10, 10, 11, 0, 0, 5, 0, 0, 0];
    let mut said = Vec::new();
    for (i, lag) in (0..).zip(lags) {
        let beat = beat(&processor, START + (600 + i * 60) * SECOND, lag, false);
        for output in feed(&mut processor, &beat) {
            if kind(&output) != kind::MONITOR_ALIVE {
                let text = |column| text(&output, column).unwrap().to_owned();
                assert_eq!(text(column::drift::METRIC), "monitor.lag");
                said.push((
                    i,
                    kind(&output).to_owned(),
                    text(column::drift::SEVERITY),
                    text(column::drift::ALERT_ID),
                ));
            }
        }
    }
    let [fired, resolved] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!(
        (fired.0, fired.1.as_str(), fired.2.as_str()),
        (5, kind::DRIFT_ALERT_FIRING, "page")
    );
    assert_eq!((resolved.0, resolved.1.as_str()), (12, kind::DRIFT_ALERT_RESOLVED));
    assert_eq!(fired.3, resolved.3);

    let never = Settings { lag_records_max: 0, ..settings() };
    let mut processor = after(500, never);
    for i in 0..10 {
        let beat = beat(&processor, START + (600 + i * 60) * SECOND, 400, false);
        assert_eq!(feed(&mut processor, &beat).len(), 1);
    }
}

#[test]
fn a_time_without_heartbeats_is_a_finding_on_return() {
    let mut processor = after(50, settings());
    let mut said = Vec::new();
    for (minute, lag) in [(1, 0), (2, 0), (12, 0), (25, 9), (26, 0)] {
        let beat = beat(&processor, START + minute * MINUTE, lag, false);
        let outputs = feed(&mut processor, &beat);
        said.extend(outputs.into_iter().filter(|output| kind(output) == kind::MONITOR_GAP));
    }
    let [gap] = said.as_slice() else { panic!("{said:?}") };
    let instant = |column| gap.event.time(column).unwrap().micros();
    assert_eq!(instant(column::monitor::SINCE_TIME), START + 12 * MINUTE);
    assert_eq!(instant(column::monitor::UNTIL_TIME), START + 25 * MINUTE);
    assert_eq!(number(gap, column::monitor::LAG), Some(9.0));
}

#[test]
fn what_a_monitor_says_of_its_start_changes_nothing() {
    let mut processor = after(10, settings());
    let before = (processor.watermark(), processor.counters().unattributed);
    let event = builder(kind::MONITOR_STARTED, "s", START + 999 * SECOND).build().unwrap();
    assert_eq!(feed(&mut processor, &Input { broker: START + 999 * SECOND, event }), []);
    assert_eq!((processor.watermark(), processor.counters().unattributed), before);
}

#[test]
fn a_snapshot_keeps_the_episode_and_the_last_heartbeat() {
    let mut whole = after(500, settings());
    let (mut parts, mut kept) = (after(500, settings()), Kept::default());
    for (i, lag) in (0..).zip([20, 20, 20, 20, 0, 0, 0, 0]) {
        let time = START + (600 + i * 700) * SECOND;
        let input = beat(&whole, time, lag, false);
        kept.keep(&mut parts);
        parts = kept.resume();
        assert_eq!(feed(&mut parts, &input), feed(&mut whole, &input), "{i}");
    }
}
