//! The mix of tools: calm when nothing changes, found and named when something does.

use crate::world::*;
use event::{Cell, column, kind};
use monitor::{Output, Settings, Span};

/// A completed call.
fn call(id: &str, version: &str, run: &str, tool: &str, time: i64) -> Input {
    let event = builder(kind::TOOL_COMPLETED, id, time)
        .set(column::AGENT_ID, "a")
        .set(column::AGENT_VERSION, version)
        .set(column::RUN_ID, run)
        .set(column::tool::NAME, tool)
        .set(column::tool::STATUS, "ok")
        .build()
        .unwrap();
    Input { broker: time, event }
}

const TOOLS: [(&str, f64); 4] = [("search", 0.5), ("read", 0.3), ("write", 0.15), ("refund", 0.05)];

fn draw<'t>(numbers: &mut Numbers, tools: &[(&'t str, f64)]) -> &'t str {
    let mut left = (numbers.next() >> 11) as f64 / (1_u64 << 53) as f64;
    let found = tools.iter().find(|(_, share)| {
        left -= share;
        left < 0.0
    });
    found.or_else(|| tools.last()).unwrap().0
}

/// Runs of a version, ten seconds apart. Each makes from one to five calls and likes its first
/// tool: three of four of the other calls are of it too.
fn runs(
    version: &str,
    from: i64,
    count: i64,
    tools: &[(&str, f64)],
    numbers: &mut Numbers,
) -> Vec<Input> {
    let mut inputs = Vec::new();
    for i in 0..count {
        let time = from + i * 10 * SECOND;
        let run = format!("{version}-{time}");
        let first = draw(numbers, tools);
        let calls = 1 + numbers.next() % 5;
        for n in 0..calls {
            let again = n == 0 || numbers.chance(0.75);
            let tool = if again { first } else { draw(numbers, tools) };
            inputs.push(call(&format!("{run}-{n}"), version, &run, tool, time));
        }
    }
    inputs
}

fn of_mix(outputs: &[Output]) -> Vec<&Output> {
    let is = |output: &&Output| text(output, column::drift::METRIC) == Some("tool.mix");
    outputs.iter().filter(is).collect()
}

fn steps(outputs: &[Output]) -> Vec<&str> {
    of_mix(outputs).into_iter().map(kind).collect()
}

const FOUND: [&str; 3] =
    [kind::DRIFT_BASELINE_SET, kind::DRIFT_ALERT_PENDING, kind::DRIFT_ALERT_FIRING];

#[test]
fn a_swap_and_a_new_tool_are_found_and_named_and_a_return_resolves_it() {
    let swapped = [("search", 0.3), ("read", 0.5), ("write", 0.15), ("refund", 0.05)];
    let new = [("search", 0.35), ("read", 0.3), ("write", 0.15), ("refund", 0.05), ("shell", 0.15)];
    for (tools, category, before, after) in
        [(&swapped[..], ["read", "search"], 0.4, 0.4), (&new[..], ["shell", "search"], 0.25, 0.25)]
    {
        let mut numbers = Numbers(7);
        let mut processor = processor();
        feed_all(&mut processor, &runs("v1", START, 800, &TOOLS, &mut numbers));
        let mut now = START + 8_000 * SECOND;
        let outputs = feed_all(&mut processor, &runs("v2", now, 600, tools, &mut numbers));
        assert_eq!(steps(&outputs), FOUND);
        let set = of_mix(&outputs)[0];
        assert_eq!(text(set, column::drift::DETECTOR), Some("esr-conformal-mix"));
        assert_eq!(
            (text(set, column::drift::DIRECTION), number(set, column::drift::BOUND)),
            (Some("both"), None)
        );
        assert!(number(set, column::drift::BASELINE_COUNT) > Some(400.0));

        let firing = of_mix(&outputs)[2];
        assert_eq!(text(firing, column::drift::EFFECT_UNIT), Some("jensen_shannon"));
        assert_eq!(text(firing, column::drift::SEVERITY), Some("ticket"));
        let effect = number(firing, column::drift::EFFECT).unwrap();
        assert!(effect >= 0.1 && number(firing, column::drift::JENSEN_SHANNON) == Some(effect));
        assert!(number(firing, column::drift::PSI) > Some(0.0), "{firing:?}");
        assert!(category.contains(&text(firing, column::drift::CATEGORY).unwrap()), "{firing:?}");
        let was = number(firing, column::drift::CATEGORY_BEFORE).unwrap();
        let is = number(firing, column::drift::CATEGORY_AFTER).unwrap();
        assert!((was - before).abs() < 0.3 && (is - after).abs() < 0.25, "{was} {is}");
        assert!((was - is).abs() > 0.1, "{was} {is}");
        assert!(matches!(firing.event.get(column::drift::EXAMPLE_RUNS), Some(Cell::Texts(_))));

        now += 6_000 * SECOND;
        let back = feed_all(&mut processor, &runs("v2", now, 1_500, &TOOLS, &mut numbers));
        assert_eq!(steps(&back), [kind::DRIFT_ALERT_RESOLVED]);
        assert_eq!(text(of_mix(&back)[0], column::drift::REASON), Some("the effect is gone"));
    }
}

#[test]
fn the_same_mix_rarely_alerts_though_the_calls_of_a_run_are_alike() {
    // A run length of 500, and some 400 of 500 runs are seen: by the guarantee at most four of
    // five may alarm. Who takes every call for a fresh one alarms nearly always.
    let settings =
        Settings { average_run_length: 500.0, effect_mix_min: 0.0, ..Settings::default() };
    let alarms = |has_runs: bool| {
        let is_alarm = |seed: &u64| {
            let mut numbers = Numbers(*seed);
            let mut processor = processor_with(settings.clone());
            let now = START + 3_000 * SECOND;
            let mut inputs = runs("v1", START, 300, &TOOLS, &mut numbers);
            inputs.extend(runs("v2", now, 500, &TOOLS, &mut numbers));
            if !has_runs {
                let run = column::RUN_ID;
                inputs.iter_mut().for_each(|input| input.event.set(run, "".into()));
            }
            let outputs = feed_all(&mut processor, &inputs);
            steps(&outputs).contains(&kind::DRIFT_ALERT_FIRING)
        };
        (0..40_u64).filter(is_alarm).count()
    };
    let (of_runs, of_calls) = (alarms(true), alarms(false));
    println!("{of_runs} of 40 alarm at a run length of 500, {of_calls} if every call counts");
    assert!(of_runs <= 24, "{of_runs} of 40");
    assert!(of_calls >= 32, "{of_calls} of 40");
}

#[test]
fn with_the_default_settings_the_same_mix_is_calm() {
    let mut alarms = 0;
    for seed in 0..40 {
        let mut numbers = Numbers(1_000 + seed);
        let mut processor = processor();
        feed_all(&mut processor, &runs("v1", START, 400, &TOOLS, &mut numbers));
        let now = START + 4_000 * SECOND;
        let outputs = feed_all(&mut processor, &runs("v2", now, 600, &TOOLS, &mut numbers));
        alarms += u32::from(steps(&outputs).contains(&kind::DRIFT_ALERT_FIRING));
    }
    println!("{alarms} of 40 alarm with the default settings");
    assert!(alarms <= 3, "{alarms} of 40");
}

#[test]
fn a_window_counts_every_call_by_its_tool() {
    let mut processor = processor();
    let mut inputs = Vec::new();
    for (n, tool) in ["search", "read", "search", "read", "", "_other"].into_iter().enumerate() {
        inputs.push(call(&n.to_string(), "v1", "r", tool, START));
    }
    for n in 0..100 {
        inputs.push(call(&format!("rare-{n}"), "v1", "r", &format!("rare-{n}"), START));
    }
    inputs.push(tick(START + 60 * MINUTE));
    let outputs = feed_all(&mut processor, &inputs);
    let window = windows_of(Span::Minutes, &outputs, "tool.mix")[0];
    assert_eq!(
        (number(window, column::metric::COUNT), number(window, column::metric::VALUE)),
        (Some(105.0), Some(103.0))
    );
    let Some(Cell::Map(pairs)) = window.event.get(column::metric::CATEGORIES) else {
        panic!("no map")
    };
    let of = |name: &str| pairs.iter().find(|(known, _)| known == name).map(|(_, count)| &**count);
    assert_eq!((of("search"), of("read"), pairs.len()), (Some("2"), Some("2"), 65));
    let sum: u64 = pairs.iter().map(|(_, count)| count.parse::<u64>().unwrap()).sum();
    assert_eq!(sum, 105);
    // 102 names, of which 64 are shown; and one call whose tool has the name of the rest.
    assert_eq!(of("_other"), Some("39"));
}

#[test]
fn sizes_have_distances_beside_them() {
    let mut processor = processor();
    let mut numbers = Numbers(3);
    let mut outputs = Vec::new();
    for i in 0..900_i64 {
        let (version, scale) = if i < 600 { ("v1", 1.0) } else { ("v2", 2.0) };
        let time = START + i * SECOND;
        let spread = 100.0 + (numbers.next() % 900) as f64;
        let mut input = run(&format!("r{i}"), version, time, false);
        let column = column::run::DURATION_MS;
        input.event.set(column, (spread * scale).into());
        outputs.extend(feed(&mut processor, &input));
    }
    let firing = outputs.iter().find(|output| kind(output) == kind::DRIFT_ALERT_FIRING).unwrap();
    assert_eq!(text(firing, column::drift::METRIC), Some("run.duration_ms"));
    assert!(number(firing, column::drift::PSI) > Some(0.1));
    let distance = number(firing, column::drift::KOLMOGOROV_SMIRNOV).unwrap();
    assert!((0.2..0.9).contains(&distance), "{distance}");
    // The mean went from 550 to 1100.
    let moved = number(firing, column::drift::WASSERSTEIN).unwrap();
    assert!((250.0..800.0).contains(&moved), "{moved}");
    assert_eq!(number(firing, column::drift::JENSEN_SHANNON), None);
    let resolved = feed(&mut processor, &run("next", "v3", START + 1_000 * SECOND, false));
    assert_eq!(kind(alerts(&resolved)[0]), kind::DRIFT_ALERT_RESOLVED);
}
