//! Tickets of many streams that move together (e-d-BH): sooner than each by itself, calm while
//! nothing moves, and escalated where one of them becomes a page.

use crate::world::*;
use event::{column, kind};
use monitor::{Output, Processor, Settings};

const AGENTS: usize = 24;

fn run_of(agent: usize, version: &str, number: usize, failed: bool) -> Input {
    let time = START + i64::try_from(number).unwrap() * SECOND;
    let mut input = run(&format!("{agent}-{number}"), version, time, failed);
    let id = column::AGENT_ID;
    input.event.set(id, format!("agent-{agent}").into());
    input
}

/// All agents with 300 runs of `v1` that fail in one of ten, then, one after the other, as many
/// runs of `v2` that fail at that share as `rounds`. Alerts that fire, with their round.
fn play(share: f64, rounds: usize, settings: Settings, seed: u64) -> Vec<(usize, Output)> {
    let mut numbers = Numbers(seed);
    let mut processor = processor_with(settings);
    let mut fired = Vec::new();
    for round in 0..300 + rounds {
        for agent in 0..AGENTS {
            let (version, share) = if round < 300 { ("v1", 0.1) } else { ("v2", share) };
            let input = run_of(agent, version, round * AGENTS + agent, numbers.chance(share));
            let outputs = feed(&mut processor, &input);
            let firing =
                outputs.into_iter().filter(|output| kind(output) == kind::DRIFT_ALERT_FIRING);
            fired.extend(firing.map(|output| (round.saturating_sub(300), output)));
        }
    }
    fired
}

fn settings(ticket_share: f64) -> Settings {
    Settings { ticket_share, ..Settings::default() }
}

/// The round in which half of the agents have an alert.
fn half(fired: &[(usize, Output)]) -> Option<usize> {
    let mut agents: Vec<&str> = Vec::new();
    for (round, output) in fired {
        let agent = text(output, column::AGENT_ID).unwrap();
        if !agents.contains(&agent) {
            agents.push(agent);
        }
        if 2 * agents.len() >= AGENTS {
            return Some(*round);
        }
    }
    None
}

#[test]
fn streams_that_move_together_have_tickets_sooner() {
    let (mut together, mut alone) = (0, 0);
    for seed in 0..4 {
        let fired = play(0.2, 400, settings(1.0), seed);
        let early: Vec<&Output> = fired
            .iter()
            .map(|(_, output)| output)
            .filter(|output| {
                text(output, column::drift::REASON).is_some_and(|reason| reason.contains("e-d-BH"))
            })
            .collect();
        assert!(!early.is_empty());
        for ticket in early {
            assert_eq!(text(ticket, column::drift::SEVERITY), Some("ticket"));
            let (e_value, threshold) =
                (number(ticket, column::drift::E_VALUE), number(ticket, column::drift::THRESHOLD));
            assert!(e_value >= threshold && threshold >= Some(20_000.0 / 16.0), "{e_value:?}");
            assert!(
                e_value < Some(20_000.0) && number(ticket, column::drift::EFFECT) >= Some(0.02)
            );
            let reason = text(ticket, column::drift::REASON).unwrap();
            assert!(reason.contains(&format!("of {AGENTS} tested streams")), "{reason}");
        }
        together += half(&fired).unwrap_or(400);
        alone += half(&play(0.2, 400, settings(0.0), seed)).unwrap_or(400);
    }
    println!("rounds until half of the agents have an alert: {together} together, {alone} alone");
    assert!(10 * together < 8 * alone, "{together} {alone}");
}

#[test]
fn streams_that_do_not_move_stay_calm_together() {
    let (mut with, mut without, mut streams) = (0, 0, 0);
    for seed in 100..112 {
        with += play(0.1, 300, settings(1.0), seed).len();
        without += play(0.1, 300, settings(0.0), seed).len();
        streams += AGENTS;
    }
    println!("{with} of {streams} unchanged streams alarm, {without} of them by themselves");
    // The promise: at most (values of all streams + head starts) / A false alarms on average.
    let promised = streams as f64 * (300.0 + 200.0) / 20_000.0;
    assert!(with as f64 <= promised, "{with} of {streams}, {without} by themselves");
}

#[test]
fn a_ticket_whose_stream_becomes_a_page_is_escalated() {
    let mut numbers = Numbers(5);
    let mut processor = processor_with(settings(0.05));
    let mut outputs = Vec::new();
    for number in 0..900 {
        let (version, share) = if number < 400 { ("v1", 0.1) } else { ("v2", 0.25) };
        outputs.extend(feed(&mut processor, &run_of(0, version, number, numbers.chance(share))));
    }
    let steps = alerts(&outputs);
    let kinds: Vec<&str> = steps.iter().map(|output| kind(output)).skip(2).collect();
    assert_eq!(
        kinds,
        [
            kind::DRIFT_ALERT_PENDING,
            kind::DRIFT_ALERT_FIRING,
            kind::DRIFT_ALERT_RESOLVED,
            kind::DRIFT_ALERT_PENDING,
            kind::DRIFT_ALERT_FIRING
        ]
    );
    let severities: Vec<_> =
        steps.iter().skip(3).map(|output| text(output, column::drift::SEVERITY).unwrap()).collect();
    assert_eq!(severities, ["ticket", "ticket", "page", "page"]);
    assert_eq!(text(steps[4], column::drift::REASON), Some("escalated"));
    let ids: Vec<_> =
        steps.iter().skip(2).map(|output| text(output, column::drift::ALERT_ID)).collect();
    assert!(ids[0] == ids[1] && ids[1] == ids[2] && ids[2] != ids[3] && ids[3] == ids[4]);
    assert_eq!(ids[3], text(steps[5], column::EVENT_ID));
}

/// Whether the `index`-th run of a slowly worse version fails.
fn fails(index: usize) -> bool {
    index.is_multiple_of(if index < 200 { 10 } else { 4 })
}

/// Plays `v2` of an agent from one run to another; whether an alert fires.
fn worse(processor: &mut Processor, agent: usize, runs: std::ops::Range<usize>) -> bool {
    runs.into_iter().any(|index| {
        let number = 10_000 * (agent + 1) + index;
        let outputs = feed(processor, &run_of(agent, "v2", number, fails(index)));
        outputs.iter().any(|output| kind(output) == kind::DRIFT_ALERT_FIRING)
    })
}

#[test]
fn who_is_evicted_stands_no_more() {
    let start = || {
        let mut processor = processor_with(settings(1.0));
        for agent in 0..2 {
            for index in 0..200 {
                let number = 1_000 * agent + index;
                feed(&mut processor, &run_of(agent, "v1", number, fails(index)));
            }
        }
        processor
    };
    let mut processor = start();
    let both = |index: &usize| {
        let run = *index..*index + 1;
        worse(&mut processor, 0, run.clone()) | worse(&mut processor, 1, run)
    };
    let first = (0..2_000).find(both).unwrap();
    for is_evicted in [false, true] {
        let mut processor = start();
        assert!(!worse(&mut processor, 0, 0..first + 1), "it has a ticket by itself");
        assert!(!worse(&mut processor, 1, 0..first - 1));
        if is_evicted {
            feed(&mut processor, &configured(r#"{"keys_max":1}"#, START));
        }
        assert!(!worse(&mut processor, 1, first - 1..first));
        assert_eq!(processor.keys(), if is_evicted { 2 } else { 4 }, "both versions of the one");
        assert_eq!(worse(&mut processor, 1, first..first + 1), !is_evicted);
    }
}
