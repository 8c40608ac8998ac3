//! Windows: what closes when, what is late, what is ignored, what is bounded.

use crate::world::*;
use event::{Decoded, Fault, Reason, Timestamp, column, kind};
use monitor::{Output, Settings, Span};

#[test]
fn a_window_closes_when_the_watermark_passes_its_end() {
    let mut processor = processor();
    let early: Vec<_> =
        (0..5).map(|i| run(&format!("{i}"), "v1", START + i * MINUTE, i == 0)).collect();
    assert_eq!(windows(&feed_all(&mut processor, &early), "run.count").len(), 0);
    // Two minutes of lateness: the window ends at 5, and closes at 7.
    let before = feed(&mut processor, &run("b", "v1", START + 7 * MINUTE - 1, false));
    assert_eq!(windows(&before, "run.count").len(), 0);
    let outputs = feed(&mut processor, &run("c", "v1", START + 7 * MINUTE, false));
    let count = windows(&outputs, "run.count")[0];
    assert_eq!(number(count, column::metric::VALUE), Some(5.0));
    assert_eq!(count.event.time(column::EVENT_TIME).unwrap().micros(), START + 5 * MINUTE);
    let rate = windows(&outputs, "run.error_rate")[0];
    assert_eq!(number(rate, column::metric::VALUE), Some(0.2));
    assert!(
        number(rate, column::metric::LOW) > Some(0.03)
            && number(rate, column::metric::HIGH) < Some(0.63)
    );
    assert_eq!(text(rate, column::AGENT_VERSION), Some("v1"));
    assert_eq!(number(rate, column::metric::REVISION), Some(0.0));
    let origin = (number(rate, column::origin::OFFSET), number(rate, column::origin::ORDINAL));
    assert_eq!(origin, (Some(6.0), Some(rate.ordinal as f64)));
}

#[test]
fn late_events_revise_their_window_once_a_minute() {
    let mut processor = processor();
    let first: Vec<_> =
        (0..10).map(|i| run(&format!("{i}"), "v1", START + i * MINUTE, false)).collect();
    let outputs = feed_all(&mut processor, &first);
    assert_eq!(windows(&outputs, "run.count").len(), 1);
    let late: Vec<_> = (0..3).map(|i| run(&format!("l{i}"), "v1", START + i, true)).collect();
    assert_eq!(windows(&feed_all(&mut processor, &late), "run.count").len(), 0);
    let outputs = feed(&mut processor, &run("x", "v1", START + 10 * MINUTE, false));
    let revised = windows(&outputs, "run.count");
    assert_eq!(revised.len(), 1);
    assert_eq!(number(revised[0], column::metric::REVISION), Some(1.0));
    assert_eq!(number(revised[0], column::metric::VALUE), Some(8.0));
    assert_eq!(processor.counters().late, 3);
}

#[test]
fn an_hour_and_a_day_are_what_their_five_minutes_were_late_events_included() {
    let mut processor = processor();
    let mut outputs = Vec::new();
    for hour in 0..26_i64 {
        for third in 0..3 {
            let time = START + (hour * 60 + third * 20) * MINUTE;
            let id = format!("{hour}.{third}");
            outputs.extend(feed(&mut processor, &run(&id, "v1", time, third == 0)));
        }
        // In the hour before, and not too late for it.
        if hour == 4 {
            let late = START + (hour * 60 - 10) * MINUTE;
            outputs.extend(feed(&mut processor, &run("late", "v1", late, true)));
        }
    }
    let counts = |span| -> Vec<(f64, f64)> {
        let both = |output: &&Output| {
            (
                number(output, column::metric::REVISION).unwrap(),
                number(output, column::metric::VALUE).unwrap(),
            )
        };
        windows_of(span, &outputs, "run.count").iter().map(both).collect()
    };
    let hours = counts(Span::Hour);
    assert_eq!(hours.len(), 26);
    assert_eq!(hours.iter().filter(|hour| **hour == (0.0, 3.0)).count(), 25);
    assert!(hours.contains(&(1.0, 4.0)), "the late run revised its hour");
    assert_eq!(counts(Span::Day), [(0.0, 73.0)]);
    let day = windows_of(Span::Day, &outputs, "run.error_rate")[0];
    assert!((number(day, column::metric::VALUE).unwrap() - 25.0 / 73.0).abs() < 1e-12);
}

#[test]
fn events_older_than_the_retention_are_counted_and_left_out() {
    let mut processor = processor();
    feed(&mut processor, &run("1", "v1", START + 3 * 60 * MINUTE, false));
    feed(&mut processor, &run("2", "v1", START, false));
    let outputs = feed(&mut processor, &run("3", "v1", START + 4 * 60 * MINUTE, false));
    assert_eq!(windows(&outputs, "run.count").len(), 1);
    assert_eq!(processor.counters().too_late, 1);
}

#[test]
fn the_years_1_and_9999_cost_one_pane_and_move_nothing() {
    let mut processor = processor();
    let mut outputs = Vec::new();
    let with_time = |id: &str, time: Timestamp, broker: i64| Input {
        broker,
        event: run(id, "v1", time.micros(), false).event,
    };
    outputs.extend(feed(&mut processor, &with_time("1", Timestamp::EARLIEST, START)));
    for id in 2..50 {
        let id = id.to_string();
        outputs.extend(feed(&mut processor, &with_time(&id, Timestamp::LATEST, START)));
        outputs.extend(feed(
            &mut processor,
            &with_time(&format!("{id}e"), Timestamp::EARLIEST, START),
        ));
    }
    assert_eq!(processor.watermark(), Some(Timestamp::from_micros(START - 2 * MINUTE)));
    // The year 1 had a window of its own while nothing else was known.
    assert_eq!(windows(&outputs, "run.count").len(), 1);
    outputs = feed(&mut processor, &run("end", "v1", START + 20 * MINUTE, false));
    assert_eq!(windows(&outputs, "run.count").len(), 1);
    assert_eq!(number(windows(&outputs, "run.count")[0], column::metric::VALUE), Some(48.0));
    let counters = processor.counters();
    assert_eq!((counters.future_skew, counters.too_late), (48, 48));
}

#[test]
fn a_tick_closes_the_windows_of_an_idle_partition() {
    let mut processor = processor();
    feed(&mut processor, &run("1", "v1", START, false));
    assert!(feed(&mut processor, &tick(START + 8 * MINUTE - 1)).is_empty());
    let outputs = feed(&mut processor, &tick(START + 8 * MINUTE));
    assert_eq!(windows(&outputs, "run.count").len(), 1);
    assert!(feed(&mut processor, &tick(START + 9 * MINUTE)).is_empty());
}

#[test]
fn a_repeated_event_id_counts_once_per_agent() {
    let mut processor = processor();
    let one = run("same", "v1", START, true);
    let mut other = one.clone();
    other.event.set(column::AGENT_ID, "b".into());
    feed_all(&mut processor, [&one, &one, &other, &one]);
    let outputs = feed(&mut processor, &tick(START + 60 * MINUTE));
    let counts: Vec<_> =
        windows(&outputs, "run.count").iter().map(|o| number(o, column::metric::VALUE)).collect();
    assert_eq!(counts, [Some(1.0), Some(1.0)]);
    assert_eq!(processor.counters().duplicates, 2);
}

#[test]
fn what_is_no_number_is_counted_and_left_out() {
    let mut processor = processor();
    for (id, score) in [f64::NAN, f64::INFINITY, 0.5, 0.7].into_iter().enumerate() {
        let event = builder(kind::EVAL_RESULT, &id.to_string(), START)
            .set(column::AGENT_ID, "a")
            .set(column::eval::SUITE, "s")
            .set(column::eval::SCORE, score)
            .build()
            .unwrap();
        feed(&mut processor, &Input { broker: START, event });
    }
    let outputs = feed(&mut processor, &tick(START + 60 * MINUTE));
    let score = windows(&outputs, "eval.score")[0];
    assert_eq!(
        (number(score, column::metric::COUNT), text(score, column::metric::SUITE)),
        (Some(2.0), Some("s"))
    );
    assert!((number(score, column::metric::VALUE).unwrap() - 0.6).abs() < 1e-9);
    assert_eq!(processor.counters().invalid_values, 2);
}

#[test]
fn quantiles_tokens_and_cost_are_those_of_the_runs() {
    let mut processor = processor();
    for id in 1..=100_u32 {
        let mut input = run(&id.to_string(), "v1", START, false);
        let mut set = |path: &str, cell: event::Cell<'static>| {
            input.event.set(event::schema().id(path).unwrap(), cell);
        };
        set("run.duration_ms", f64::from(id).into());
        set("run.input_tokens", 10_i64.into());
        set("run.output_tokens", 5_i64.into());
        set("run.cost_usd", 0.01.into());
        feed(&mut processor, &input);
    }
    let outputs = feed(&mut processor, &tick(START + 60 * MINUTE));
    let duration = windows(&outputs, "run.duration_ms")[0];
    for (column, exact) in
        [(column::metric::P50, 50.0), (column::metric::P95, 95.0), (column::metric::VALUE, 50.5)]
    {
        let found = number(duration, column).unwrap();
        assert!((found / exact - 1.0).abs() <= 0.01, "{column:?} {found}");
    }
    let tokens = windows(&outputs, "run.tokens")[0];
    assert_eq!(
        (number(tokens, column::metric::SUM), number(tokens, column::metric::VALUE)),
        (Some(1_500.0), Some(15.0))
    );
    let cost = number(windows(&outputs, "run.cost_usd")[0], column::metric::SUM).unwrap();
    assert!((cost - 1.0).abs() < 1e-9);
}

/// The first run of 200 versions of one agent, or of as many agents.
fn newcomer(number: usize, agents: bool) -> Input {
    let mut input = run(&number.to_string(), &format!("v{number}"), START, false);
    if agents {
        let agent = format!("a{number}");
        input.event.set(column::AGENT_ID, agent.into());
    }
    input
}

#[test]
fn too_many_keys_evict_the_most_silent_and_close_their_windows() {
    let settings = Settings { keys_max: 32, versions_per_agent_max: 12, ..Settings::default() };
    for (agents, keys_max) in [(true, 32), (false, 12)] {
        let mut processor = processor_with(settings.clone());
        let mut outputs = Vec::new();
        let mut kept = Kept::default();
        for number in 0..200 {
            outputs.extend(feed(&mut processor, &newcomer(number, agents)));
            assert!(processor.keys() <= keys_max);
            kept.keep(&mut processor);
            assert!(kept.size_bytes() < 100_000, "{}", kept.size_bytes());
        }
        let evicted = processor.counters().keys_evicted;
        assert_eq!(evicted + processor.keys(), 200);
        assert_eq!(windows(&outputs, "run.count").len() as u64, evicted);
        assert_eq!(text(windows(&outputs, "run.count")[0], column::AGENT_VERSION), Some("v0"));
        let rest = feed(&mut processor, &tick(START + 60 * MINUTE));
        assert_eq!(windows(&rest, "run.count").len() as u64, processor.keys());
    }
}

#[test]
fn a_record_that_does_not_decode_or_was_seen_changes_nothing_else() {
    let mut processor = processor();
    feed(&mut processor, &run("1", "v1", START, false));
    let mut batch = event::BatchBuilder::new(event::TopicPartition::new(TOPIC, 0));
    let far = (START + 600 * MINUTE) / 1_000;
    let kind = event::TimestampType::LogAppendTime;
    batch.push(1, far, kind, None, Some(b"{"), std::iter::empty());
    let fault =
        Fault { reason: Reason::InvalidJson, pointer: String::new(), detail: String::new() };
    let event = run("2", "v1", START + 600 * MINUTE, false).event;
    let decoded = Decoded { event, schema_id: "none".into(), fault: Some(fault) };
    let batch = batch.build();
    let record = batch.records().next().unwrap();
    assert!(processor.handle_record(&record, &decoded).is_empty());
    let decoded = Decoded { fault: None, ..decoded };
    assert!(processor.handle_record(&record, &decoded).is_empty());
    assert_eq!((processor.counters().records, processor.counters().quarantined), (2, 1));
    assert_eq!(processor.next_offset(), 2);
}
