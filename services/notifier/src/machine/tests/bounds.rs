//! What happens at the bounds.

use super::*;

fn fire(machine: &mut Machine, id: &str) {
    machine.handle_alert(PARTITION, 0, of(Step::Firing, id, Severity::Page), 0);
}

fn dead_letters(machine: &mut Machine) -> Vec<(String, String)> {
    let mut found = Vec::new();
    while let Some(report) = machine.poll_report() {
        assert_eq!(report.outcome.verdict, Verdict::Failed(Reason::Overflow));
        found.push((report.sink.to_string(), report.alert.alert_id.to_string()));
        machine.handle_reported(&report, 0);
    }
    found
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(sink, alert)| ((*sink).to_owned(), (*alert).to_owned())).collect()
}

#[test]
fn a_further_alert_is_a_dead_letter_for_every_sink() {
    let limits = DeliveryLimits { alerts_max: 2, ..limits() };
    let mut machine = Machine::new(limits, vec![plan("s", &ALL, None), plan("t", &ALL, None)]);
    machine.handle_assigned(PARTITION);
    machine.handle_caught_up(PARTITION, 0);
    for id in ["a", "b", "c"] {
        fire(&mut machine, id);
    }
    assert_eq!(dead_letters(&mut machine), pairs(&[("s", "c"), ("t", "c")]));
    assert_eq!((machine.episodes(), machine.overflowed()), (2, 0));
    fire(&mut machine, "c");
    machine.handle_alert(PARTITION, 0, of(Step::Resolved, "c", Severity::Page), 0);
    assert_eq!(dead_letters(&mut machine), pairs(&[]), "it is said once");
}

#[test]
fn while_the_log_is_read_a_further_alert_is_only_counted() {
    let mut machine =
        Machine::new(DeliveryLimits { alerts_max: 1, ..limits() }, vec![plan("s", &ALL, None)]);
    machine.handle_assigned(PARTITION);
    for id in ["a", "b"] {
        fire(&mut machine, id);
    }
    machine.handle_caught_up(PARTITION, 0);
    assert_eq!(dead_letters(&mut machine), pairs(&[]));
    assert_eq!((machine.episodes(), machine.overflowed()), (1, 1));
}

#[test]
fn a_sink_for_which_too_much_waits_misses_new_alerts_and_the_others_do_not() {
    let plans = vec![
        SinkPlan { requests_max: 1, ..plan("slow", &ALL, None) },
        SinkPlan { requests_max: 9, ..plan("quick", &ALL, None) },
    ];
    let mut machine = Machine::new(DeliveryLimits { queue_max: 2, ..limits() }, plans);
    machine.handle_assigned(PARTITION);
    machine.handle_caught_up(PARTITION, 0);
    for id in ["a", "b", "c"] {
        fire(&mut machine, id);
        while let Some(delivery) = machine.poll_delivery(0) {
            if delivery.key.sink == 1 {
                machine.handle_answer(&delivery.key, accepted(), "d".into(), 0);
                let report = machine.poll_report().unwrap();
                if &*report.sink == "quick" {
                    assert_eq!(report.outcome.verdict, Verdict::Delivered);
                    machine.handle_reported(&report, 0);
                } else {
                    machine.reports.push_back(report);
                    let report = machine.poll_report().unwrap();
                    machine.handle_reported(&report, 0);
                }
            }
        }
        let expected = if id == "c" { pairs(&[("slow", "c")]) } else { pairs(&[]) };
        let slow: Vec<_> = dead_letters_of(&mut machine, "slow").into_iter().collect();
        assert_eq!(slow, expected);
    }
    // The end of an alert that waits still gets its place.
    machine.handle_alert(PARTITION, 1, of(Step::Resolved, "a", Severity::Page), 0);
    assert_eq!(machine.poll_report(), None);
}

fn dead_letters_of(machine: &mut Machine, sink: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    while let Some(report) = machine.poll_report() {
        if &*report.sink == sink {
            found.push((report.sink.to_string(), report.alert.alert_id.to_string()));
        }
        machine.handle_reported(&report, 0);
    }
    found
}

#[test]
fn the_memory_of_what_is_over_is_bounded() {
    let mut closed = Closed::default();
    for number in 0..Closed::MAX + 10 {
        closed.insert(number.to_string().into());
        closed.insert(number.to_string().into());
    }
    assert!(!closed.contains("9") && closed.contains("10"));
    assert!(closed.contains(&(Closed::MAX + 9).to_string()));
}
