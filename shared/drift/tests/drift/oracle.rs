//! Answers of numpy, scipy, statsmodels, changepoint-online and a plain restatement of the
//! recursion; see `testdata/generate.py` and its neighbours.

use drift::{
    Confidence, DdSketch, Direction, EsrBounded, Family, Finite, Focus, Null, Signal,
    StreamDetector, Unit, interval,
};
use serde_json::Value;

fn cases(document: &str) -> Vec<Value> {
    let parsed: Value = serde_json::from_str(document).unwrap();
    parsed["cases"].as_array().unwrap().clone()
}

fn floats(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

fn close(found: f64, expected: f64, what: &Value) {
    assert!((found - expected).abs() <= 1e-9 * (1.0 + expected.abs()), "{found} {expected} {what}");
}

#[test]
fn the_detector_alarms_at_exactly_the_same_values() {
    let mut alarms = 0;
    for case in cases(include_str!("../../testdata/esr_bounded.json")) {
        let null = match (case["low"].as_f64(), case["high"].as_f64()) {
            (None, Some(high)) => Null::AtMost(high),
            (Some(low), None) => Null::AtLeast(low),
            (Some(low), Some(high)) => Null::Between(low, high),
            (None, None) => panic!("{case}"),
        };
        let values: Vec<Unit> = match case["bits"].as_str() {
            Some(bits) => bits.bytes().map(|bit| (bit == b'1').into()).collect(),
            None => floats(&case["values"]).into_iter().map(|v| Unit::new(v).unwrap()).collect(),
        };
        let mut detector = EsrBounded::new(null, case["threshold"].as_f64().unwrap()).unwrap();
        let mut found = Vec::new();
        for (index, value) in (1_u64..).zip(values) {
            if detector.update(value.into()) == Signal::Drift {
                found.push(index);
                detector.reset();
            }
        }
        let expected: Vec<u64> = case["alarms"]
            .as_array()
            .unwrap()
            .iter()
            .map(|alarm| alarm.as_u64().unwrap())
            .collect();
        assert_eq!(found, expected, "{null:?}");
        alarms += found.len();
    }
    assert!(alarms > 100, "{alarms}");
}

#[test]
fn intervals_are_those_of_scipy_and_statsmodels() {
    for case in cases(include_str!("../../testdata/intervals.json")) {
        let level = case["level"].as_f64().unwrap();
        let confidence = Confidence::new(level).unwrap();
        let both = |found: drift::Interval, expected: &Value| {
            let expected = floats(expected);
            close(found.low, expected[0], &case);
            close(found.high, expected[1], &case);
        };
        match case["kind"].as_str().unwrap() {
            "rate" => {
                let counts =
                    (case["successes"].as_u64().unwrap(), case["trials"].as_u64().unwrap());
                both(interval::wilson(counts.0, counts.1, confidence).unwrap(), &case["wilson"]);
                let exact = interval::clopper_pearson(counts.0, counts.1, confidence).unwrap();
                both(exact, &case["clopper_pearson"]);
                let upper = interval::upper_bound(counts.0, counts.1, confidence).unwrap();
                close(upper, case["upper"].as_f64().unwrap(), &case);
            }
            "difference" => {
                let pair = |value: &Value| (value[0].as_u64().unwrap(), value[1].as_u64().unwrap());
                let found = interval::newcombe(pair(&case["one"]), pair(&case["two"]), confidence);
                both(found.unwrap(), &case["newcombe"]);
            }
            _ => {
                let (mean, variance) = (case["mean"].as_f64(), case["variance"].as_f64());
                let count = case["count"].as_u64().unwrap();
                let found = interval::mean_t(count, mean.unwrap(), variance.unwrap(), confidence);
                both(found.unwrap(), &case["t"]);
            }
        }
    }
}

#[test]
fn quantiles_are_within_one_percent_of_numpy() {
    for case in cases(include_str!("../../testdata/sketch.json")) {
        let mut sketch = DdSketch::default();
        for value in floats(&case["values"]) {
            assert!(sketch.insert(Finite::new(value).unwrap()));
        }
        for (quantile, exact) in floats(&case["quantiles"]).into_iter().zip(floats(&case["exact"]))
        {
            let found = sketch.quantile(quantile).unwrap();
            // What is below the resolution counts as zero.
            let allowed = 0.01 * exact + drift::sketch::ZERO_BELOW;
            assert!(
                (found - exact).abs() <= allowed,
                "{} {quantile}: {found} {exact}",
                case["name"]
            );
        }
    }
}

#[test]
fn changes_are_those_of_changepoint_online() {
    let mut compared = 0;
    for case in cases(include_str!("../../testdata/focus.json")) {
        let (family, tolerance) = match case["family"].as_str().unwrap() {
            "bernoulli" => (Family::Bernoulli, 1e-7),
            _ => (Family::Gaussian, 1e-12),
        };
        let direction = match case["side"].as_str().unwrap() {
            "right" => Direction::Rising,
            "left" => Direction::Falling,
            _ => Direction::Both,
        };
        let before = case["mean"].as_f64().and_then(Finite::new);
        let mut focus = Focus::new(family, before, direction).unwrap();
        let values = floats(&case["values"]);
        let mut taken = 0;
        for answer in case["answers"].as_array().unwrap() {
            let count = usize::try_from(answer[0].as_u64().unwrap()).unwrap();
            for (index, value) in (0_u64..).zip(&values).take(count).skip(taken) {
                focus.update(Finite::new(*value).unwrap(), index);
            }
            taken = count;
            let found = focus.estimate();
            let statistic = found.map_or(0.0, |change| change.statistic);
            let expected = answer[1].as_f64().unwrap();
            assert!(
                (statistic - expected).abs() <= tolerance * (1.0 + expected),
                "{statistic} {expected}"
            );
            if let Some(start) = answer[2].as_u64() {
                assert_eq!(found.map(|change| change.mark), Some(start));
                compared += 1;
            }
        }
    }
    assert!(compared > 200, "{compared}");
}
