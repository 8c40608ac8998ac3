//! Single paths through the machine.

use super::*;

/// A machine that is live, with these sinks.
fn live(plans: Vec<SinkPlan>) -> Machine {
    let mut machine = Machine::new(limits(), plans);
    machine.handle_assigned(PARTITION);
    machine.handle_caught_up(PARTITION, 0);
    machine
}

fn handle(machine: &mut Machine, step: Step, id: &str, now: i64) {
    let alert = Alert { logged_ms: now, ..of(step, id, Severity::Page) };
    machine.handle_alert(PARTITION, 0, alert, now);
}

/// Takes the next request and answers it.
fn answer(machine: &mut Machine, answer: Answer, now: i64) -> Delivery {
    let delivery = machine.poll_delivery(now).expect("a request is due");
    machine.handle_answer(&delivery.key, answer, "d".into(), now);
    delivery
}

/// Writes the outcomes that are decided.
fn write(machine: &mut Machine, now: i64) -> Vec<(String, Step, Verdict, u32)> {
    let mut written = Vec::new();
    while let Some(report) = machine.poll_report() {
        machine.handle_reported(&report, now);
        let Report { sink, alert, outcome, .. } = report;
        written.push((sink.to_string(), alert.step, outcome.verdict, outcome.attempts));
    }
    written
}

fn told(step: Step) -> (String, Step, Verdict, u32) {
    ("s".to_owned(), step, Verdict::Delivered, 1)
}

#[test]
fn steps_go_in_their_order_and_the_episode_is_let_go_at_its_end() {
    let mut machine = live(vec![plan("s", &ALL, None)]);
    for step in Step::ALL {
        handle(&mut machine, step, "a", 0);
    }
    for step in Step::ALL {
        assert_eq!(answer(&mut machine, accepted(), 0).task, Task::Notify(step));
        assert_eq!(machine.poll_delivery(0), None, "the outcome is not in the log yet");
        assert_eq!(write(&mut machine, 0), [told(step)]);
    }
    assert_eq!((machine.episodes(), machine.low_water(PARTITION, 9)), (0, 9));
    handle(&mut machine, Step::Firing, "a", 0);
    assert_eq!(machine.poll_delivery(0), None, "a record that is there twice begins nothing");
}

#[test]
fn a_busy_receiver_is_asked_again_later_and_only_so_often() {
    let mut machine = live(vec![plan("s", &ALL, None)]);
    handle(&mut machine, Step::Firing, "a", 0);
    let mut now = 0;
    for attempt in 1..=3_i64 {
        answer(&mut machine, busy(), now);
        if attempt < 3 {
            assert_eq!(machine.poll_delivery(now), None);
            let due = machine.poll_timeout().unwrap();
            let whole = 1_000 << (attempt - 1);
            assert!((now + whole / 2..=now + whole).contains(&due), "{due}");
            now = due;
        }
    }
    let exhausted = Verdict::Failed(Reason::Exhausted);
    assert_eq!(write(&mut machine, now), [("s".to_owned(), Step::Firing, exhausted, 3)]);
    // The receiver may have it all the same, so it hears of the end.
    handle(&mut machine, Step::Resolved, "a", now);
    assert_eq!(answer(&mut machine, accepted(), now).task, Task::Notify(Step::Resolved));
}

#[test]
fn a_refusal_is_a_dead_letter_at_once_and_the_end_is_told_nonetheless() {
    let mut machine = live(vec![plan("s", &ALL, Some(60_000))]);
    handle(&mut machine, Step::Firing, "a", 0);
    answer(&mut machine, refused(), 0);
    let refusal = Verdict::Failed(Reason::Refused);
    assert_eq!(write(&mut machine, 0), [("s".to_owned(), Step::Firing, refusal, 1)]);
    assert_eq!(machine.poll_timeout(), None, "what was refused is not refreshed");
    handle(&mut machine, Step::Resolved, "a", 5);
    answer(&mut machine, accepted(), 5);
    assert_eq!(write(&mut machine, 5), [told(Step::Resolved)]);
    assert_eq!(machine.episodes(), 0);
}

#[test]
fn a_pause_that_one_alert_was_asked_for_holds_for_all_of_the_receiver() {
    let mut machine = live(vec![plan("s", &ALL, None), plan("t", &ALL, None)]);
    handle(&mut machine, Step::Firing, "a", 0);
    handle(&mut machine, Step::Firing, "b", 0);
    let paused =
        Answer::Busy { status: Some(429), retry_after_ms: Some(30_000), detail: "".into() };
    assert_eq!(answer(&mut machine, paused, 0).key.sink, 0);
    assert_eq!(answer(&mut machine, accepted(), 0).key.sink, 1);
    assert_eq!(answer(&mut machine, accepted(), 0).key.sink, 1, "the other one goes on");
    assert_eq!(machine.poll_delivery(29_999), None);
    assert_eq!(machine.poll_timeout(), Some(30_000));
    assert!(machine.poll_delivery(30_000).is_some());
    assert!(machine.poll_delivery(30_000).is_some());
    let day = Answer::Busy { status: Some(503), retry_after_ms: Some(i64::MAX), detail: "".into() };
    let key = |id: &str| Key { partition: PARTITION, alert_id: id.into(), sink: 0 };
    machine.handle_answer(&key("a"), day, "d".into(), 30_000);
    machine.handle_answer(&key("b"), busy(), "d".into(), 30_000);
    assert_eq!(machine.poll_timeout(), Some(30_000 + limits().retry_after_ms_max));
}

#[test]
fn a_receiver_that_forgets_is_told_again_until_the_end() {
    let mut machine = live(vec![plan("s", &ALL, Some(60_000))]);
    handle(&mut machine, Step::Firing, "a", 0);
    answer(&mut machine, accepted(), 0);
    write(&mut machine, 10);
    assert_eq!(machine.poll_delivery(60_009), None);
    let refresh = answer(&mut machine, busy(), 60_010);
    assert_eq!((refresh.task, refresh.notice.acknowledged), (Task::Refresh, None));
    assert_eq!(write(&mut machine, 60_010), []);
    handle(&mut machine, Step::Acknowledged, "a", 70_000);
    assert_eq!(answer(&mut machine, accepted(), 70_000).task, Task::Notify(Step::Acknowledged));
    write(&mut machine, 70_000);
    let refresh = machine.poll_delivery(120_010).unwrap();
    assert!(refresh.task == Task::Refresh && refresh.notice.acknowledged.is_some());
    // The end comes while it is under way, and goes after it.
    handle(&mut machine, Step::Resolved, "a", 120_020);
    assert_eq!(machine.poll_delivery(120_020), None);
    machine.handle_answer(&refresh.key, accepted(), "d".into(), 120_030);
    assert_eq!(answer(&mut machine, accepted(), 120_030).task, Task::Notify(Step::Resolved));
    write(&mut machine, 120_030);
    assert_eq!((machine.poll_timeout(), machine.episodes()), (None, 0));
}

#[test]
fn a_restart_refreshes_at_once_what_was_told() {
    let mut machine = Machine::new(limits(), vec![plan("s", &ALL, Some(60_000))]);
    machine.handle_assigned(PARTITION);
    handle(&mut machine, Step::Firing, "a", 0);
    let (alert_id, sink) = ("a".into(), "s".to_owned());
    let logged = Logged { alert_id, sink, step: Step::Firing, verdict: Verdict::Delivered };
    machine.handle_logged(PARTITION, 1, &logged, 5);
    assert_eq!(machine.poll_delivery(9), None, "not before the log is read");
    machine.handle_caught_up(PARTITION, 9);
    assert_eq!(machine.poll_delivery(9).unwrap().task, Task::Refresh);
}

#[test]
fn an_alert_that_is_over_and_old_is_not_told_but_one_that_still_fires_is() {
    let hour = limits().age_ms_max;
    for (age, is_over, is_told) in
        [(hour, true, true), (hour + 1, true, false), (100 * hour, false, true)]
    {
        let mut machine = Machine::new(limits(), vec![plan("s", &ALL, None)]);
        machine.handle_assigned(PARTITION);
        handle(&mut machine, Step::Firing, "a", 0);
        if is_over {
            handle(&mut machine, Step::Resolved, "a", 0);
        }
        machine.handle_caught_up(PARTITION, age);
        let delivery = machine.poll_delivery(age);
        assert_eq!(delivery.is_some(), is_told, "{age} {is_over}");
        if !is_told {
            let expired = Verdict::Failed(Reason::Expired);
            assert_eq!(write(&mut machine, age), [("s".to_owned(), Step::Firing, expired, 0)]);
            assert_eq!(machine.episodes(), 0, "there is nothing to resolve");
        }
    }
}

#[test]
fn the_end_of_an_alert_whose_beginning_the_log_has_lost_is_told_to_whom_it_was_told() {
    let mut machine =
        Machine::new(limits(), vec![plan("s", &ALL, Some(60_000)), plan("t", &ALL, None)]);
    machine.handle_assigned(PARTITION);
    let (alert_id, sink) = ("a".into(), "s".to_owned());
    let logged = Logged { alert_id, sink, step: Step::Firing, verdict: Verdict::Delivered };
    machine.handle_logged(PARTITION, 7, &logged, 0);
    machine.handle_caught_up(PARTITION, 0);
    assert_eq!(machine.poll_delivery(0), None, "what is not known cannot be refreshed");
    handle(&mut machine, Step::Resolved, "a", 5);
    let delivery = answer(&mut machine, accepted(), 5);
    assert_eq!((delivery.key.sink, delivery.task), (0, Task::Notify(Step::Resolved)));
    write(&mut machine, 5);
    assert_eq!(machine.poll_delivery(5), None);
    assert_eq!(machine.episodes(), 0);
}

#[test]
fn what_never_fired_or_is_of_no_sink_is_not_told() {
    let mut machine = live(vec![plan("tickets", &[Severity::Ticket], None)]);
    handle(&mut machine, Step::Resolved, "pending", 0);
    handle(&mut machine, Step::Acknowledged, "pending", 0);
    handle(&mut machine, Step::Firing, "page", 0);
    assert_eq!((machine.poll_delivery(0), machine.episodes()), (None, 0));
    let stranger = Logged {
        alert_id: "page".into(),
        sink: "of another configuration".into(),
        step: Step::Firing,
        verdict: Verdict::Delivered,
    };
    machine.handle_logged(PARTITION, 0, &stranger, 0);
    assert_eq!(machine.episodes(), 0);
}

#[test]
fn an_alert_that_becomes_a_page_goes_to_the_pager_too() {
    let mut machine = live(vec![
        plan("tickets", &[Severity::Ticket], None),
        plan("pager", &[Severity::Page], None),
    ]);
    machine.handle_alert(PARTITION, 0, of(Step::Firing, "a", Severity::Ticket), 0);
    assert_eq!(answer(&mut machine, accepted(), 0).key.sink, 0);
    write(&mut machine, 0);
    handle(&mut machine, Step::Firing, "a", 1);
    let delivery = answer(&mut machine, accepted(), 1);
    assert_eq!(delivery.key.sink, 1);
    assert_eq!(delivery.notice.opened.severity, Severity::Page);
    write(&mut machine, 1);
    assert_eq!(machine.poll_delivery(1), None);
}

#[test]
fn a_partition_that_was_given_back_is_overflowed_and_late_answers_free_the_sink() {
    let mut machine = live(vec![SinkPlan { requests_max: 1, ..plan("s", &ALL, None) }]);
    handle(&mut machine, Step::Firing, "a", 0);
    handle(&mut machine, Step::Firing, "b", 0);
    let under_way = machine.poll_delivery(0).unwrap();
    machine.handle_revoked(PARTITION);
    assert_eq!((machine.episodes(), machine.in_flight()), (0, 1));
    machine.handle_answer(&under_way.key, accepted(), "d".into(), 1);
    assert_eq!((machine.in_flight(), machine.poll_report()), (0, None));
    machine.handle_assigned(PARTITION);
    machine.handle_caught_up(PARTITION, 2);
    handle(&mut machine, Step::Firing, "c", 2);
    assert_eq!(&*machine.poll_delivery(2).unwrap().key.alert_id, "c");
}

#[test]
fn what_another_process_wrote_down_is_not_told() {
    let mut machine = live(vec![plan("s", &ALL, None)]);
    handle(&mut machine, Step::Firing, "a", 0);
    let logged =
        |step| Logged { alert_id: "a".into(), sink: "s".into(), step, verdict: Verdict::Delivered };
    machine.handle_logged(PARTITION, 1, &logged(Step::Firing), 0);
    assert_eq!(machine.poll_delivery(0), None, "it was queued, and is not any more");
    handle(&mut machine, Step::Resolved, "a", 0);
    let under_way = machine.poll_delivery(0).unwrap();
    machine.handle_logged(PARTITION, 2, &logged(Step::Resolved), 0);
    machine.handle_answer(&under_way.key, accepted(), "d".into(), 0);
    assert_eq!(machine.poll_report(), None, "it was under way, and is not written again");
    assert_eq!(machine.episodes(), 0);
}

#[test]
fn an_alert_under_a_suppression_is_noted_and_told_when_it_fires_without_one() {
    let mut machine =
        live(vec![plan("s", &ALL, Some(60_000)), plan("t", &[Severity::Ticket], None)]);
    let handle = |machine: &mut Machine, alert: Alert| machine.handle_alert(PARTITION, 0, alert, 0);
    handle(&mut machine, quiet(Step::Firing, "a", Severity::Page));
    assert_eq!(machine.poll_delivery(0), None);
    let noted = ("s".to_owned(), Step::Firing, Verdict::Suppressed, 0);
    assert_eq!(write(&mut machine, 0), [noted]);
    // Again, as a record that is there twice, and taken by a person: still nobody is told.
    handle(&mut machine, quiet(Step::Firing, "a", Severity::Page));
    handle(&mut machine, of(Step::Acknowledged, "a", Severity::Page));
    assert_eq!((machine.poll_delivery(0), write(&mut machine, 0)), (None, Vec::new()));
    assert_eq!(machine.low_water(PARTITION, 9), 0, "a restart reads it again");

    handle(&mut machine, of(Step::Firing, "a", Severity::Page));
    for step in [Step::Firing, Step::Acknowledged] {
        assert_eq!(answer(&mut machine, accepted(), 0).task, Task::Notify(step));
        assert_eq!(write(&mut machine, 0), [told(step)]);
    }
    handle(&mut machine, of(Step::Resolved, "a", Severity::Page));
    assert_eq!(answer(&mut machine, accepted(), 0).task, Task::Notify(Step::Resolved));
    assert_eq!(write(&mut machine, 0), [told(Step::Resolved)]);
    assert_eq!(machine.episodes(), 0);
}

#[test]
fn an_alert_that_is_over_or_dismissed_under_its_suppression_is_let_go() {
    for end in [
        quiet(Step::Resolved, "a", Severity::Page),
        Alert { is_dismissed: true, ..of(Step::Resolved, "a", Severity::Page) },
    ] {
        let mut machine = live(vec![plan("s", &ALL, None)]);
        machine.handle_alert(PARTITION, 0, quiet(Step::Firing, "a", Severity::Page), 0);
        machine.handle_alert(PARTITION, 1, end, 0);
        assert_eq!(machine.episodes(), 1, "not before the log says that nobody was told");
        assert_eq!(write(&mut machine, 0).len(), 1);
        assert_eq!((machine.episodes(), machine.poll_delivery(0)), (0, None));
        // A dismissed alert that outlasts the suppression stays dismissed.
        machine.handle_alert(PARTITION, 2, of(Step::Firing, "a", Severity::Page), 0);
        assert_eq!((machine.episodes(), machine.poll_delivery(0)), (0, None));
    }
}
