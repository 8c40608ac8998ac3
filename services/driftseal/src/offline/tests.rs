use suite::Decision;

use super::*;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn example() -> Suite {
    let text = std::fs::read_to_string(root().join("schemas/suites/support-quality.yaml"));
    Suite::parse(&text.unwrap()).unwrap()
}

fn run_text(suite: &Suite, name: &str, events: &str) -> Report {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    std::fs::write(&path, events).unwrap();
    run(suite, &[path], None).unwrap()
}

/// The report on the example, as text and as JSON, without the directory of the checkout.
#[test]
fn golden_reports_of_the_example() {
    let events = root().join("schemas/suites/support-quality.jsonl");
    let mut report = run(&example(), &[events], None).unwrap();
    for failed in report.versions.iter_mut().flat_map(|version| &mut version.first_failures) {
        let at = failed.place.find("support-quality").unwrap();
        failed.place.drain(..at);
    }
    assert_eq!(report.decision(), Some(Decision::Fail));
    let json = serde_json::to_string_pretty(&report).unwrap() + "\n";
    for (name, current) in [("suite-test.txt", format!("{report}\n")), ("suite-test.json", json)] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name);
        if std::env::var_os("DRIFTSEAL_BLESS").is_some() {
            std::fs::write(&path, &current).unwrap();
        }
        let golden = std::fs::read_to_string(&path).unwrap();
        assert_eq!(golden, current, "{name} is old; `make bless` rewrites it");
    }
}

#[test]
fn the_worst_version_decides_and_without_events_nothing_is_decided() {
    let suite = Suite::parse(
        "suite: s\nchecks: [{type: latency_max, duration_ms: 5}]\n\
         gate: {pass_rate_min: 0.5, trials_min: 5}\n",
    )
    .unwrap();
    let runs = |version: &str, ms: u32, count: usize| {
        format!(
            "{{\"kind\":\"run.completed\",\"agent_id\":\"a\",\"agent_version\":\"{version}\",\
             \"run\":{{\"duration_ms\":{ms}}}}}\n"
        )
        .repeat(count)
    };
    let decision = |events: &str| run_text(&suite, "x.jsonl", events).decision();
    let (good, bad, few) = (runs("1", 1, 5), runs("2", 9, 5), runs("3", 1, 4));
    assert_eq!(decision(&good), Some(Decision::Pass));
    assert_eq!(decision(&(good.clone() + &few)), Some(Decision::Undecided));
    assert_eq!(decision(&(good + &few + &bad)), Some(Decision::Fail));
    assert_eq!(decision(""), None);
}

#[test]
fn what_is_no_event_is_counted_with_its_line() {
    let report = run_text(&example(), "x.jsonl", "{\"kind\":\n\n{\"agent_id\":\"a\"}\n");
    assert_eq!((report.events, report.rejected, report.first_rejected.len()), (0, 2, 2));
    assert!(report.first_rejected[1].contains("x.jsonl:3: missing_field"), "{report:?}");
    assert!(report.to_string().contains("the suite applies to none of the events"));
}

#[test]
fn a_suite_that_is_not_enabled_is_not_run() {
    let text = "suite: s\nenabled: false\nchecks: [{type: citation_present}]\n";
    let suite = Suite::parse(text).unwrap();
    assert!(matches!(run(&suite, &[], None), Err(OfflineError::Disabled)));
}
