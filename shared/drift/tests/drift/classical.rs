//! Alarms of the comparison detectors, value by value those of river and scipy; see
//! `testdata/generate_classical.py`. And what no other implementation has to tell: that a change
//! of scale, of direction or of the platform changes nothing.

use drift::detector::adwin::{Adwin, AdwinSettings};
use drift::detector::ddm::{Ddm, DdmSettings};
use drift::detector::eddm::{Eddm, EddmSettings};
use drift::detector::kswin::{Kswin, KswinSettings};
use drift::detector::page_hinkley::{PageHinkley, PageHinkleySettings};
use drift::registry::Candidate;
use drift::{Direction, Finite, Observation, Signal, StreamDetector};
use serde_json::Value;

fn numbers(stream: &Value) -> Vec<f64> {
    match stream["bits"].as_str() {
        Some(bits) => bits.bytes().map(|bit| f64::from(bit - b'0')).collect(),
        None => {
            let scale = stream["scale"].as_f64().unwrap();
            let values = stream["values"].as_array().unwrap();
            values.iter().map(|value| value.as_f64().unwrap() / scale).collect()
        }
    }
}

fn detector(case: &Value) -> Candidate {
    let float = |name: &str| case[name].as_f64().unwrap();
    let whole = |name: &str, otherwise| case[name].as_u64().unwrap_or(otherwise);
    let size = |name: &str, otherwise| usize::try_from(whole(name, otherwise)).unwrap();
    match case["detector"].as_str().unwrap() {
        "adwin" => {
            let settings = AdwinSettings {
                clock: whole("clock", 32),
                buckets_max: size("buckets_max", 5),
                side_min: whole("side_min", 5),
                grace: whole("grace", 10),
            };
            Candidate::Adwin(Adwin::new(settings, Direction::Both, 1.0 / float("delta")).unwrap())
        }
        "page-hinkley" => {
            let settings = PageHinkleySettings {
                observations_min: whole("minimum", 0),
                tolerance: float("delta"),
                forgetting: float("alpha"),
            };
            let direction = match case["mode"].as_str().unwrap() {
                "up" => Direction::Rising,
                "down" => Direction::Falling,
                _ => Direction::Both,
            };
            let made = PageHinkley::new(settings, direction, float("threshold"));
            Candidate::PageHinkley(made.unwrap())
        }
        "kswin" => {
            let settings = KswinSettings { window: size("window", 0), recent: size("recent", 0) };
            Candidate::Kswin(Kswin::new(settings, 1.0 / float("alpha")).unwrap())
        }
        "ddm" => {
            let settings = DdmSettings { warm_up: whole("warm_up", 0), ..Default::default() };
            Candidate::Ddm(Ddm::new(settings, Direction::Rising, float("threshold")).unwrap())
        }
        "eddm" => {
            let settings = EddmSettings { warm_up: whole("warm_up", 0), ..Default::default() };
            let threshold = 1.0 / float("beta");
            Candidate::Eddm(Eddm::new(settings, Direction::Rising, threshold).unwrap())
        }
        other => unreachable!("{other}"),
    }
}

/// Numbers of the values that alarm, counted from 1; it is reset after each.
fn alarms(mut detector: Candidate, values: &[f64]) -> Vec<u64> {
    let mut found = Vec::new();
    for (index, value) in (1_u64..).zip(values) {
        let signal = detector.update(Observation::of(Finite::new(*value).unwrap()));
        assert!(detector.statistic() >= 0.0 && detector.statistic().is_finite());
        if signal == Signal::Drift {
            found.push(index);
            detector.reset();
        }
    }
    found
}

#[test]
fn alarms_are_those_of_river_and_scipy() {
    let document: Value =
        serde_json::from_str(include_str!("../../testdata/classical.json")).unwrap();
    let streams: Vec<Vec<f64>> =
        document["streams"].as_array().unwrap().iter().map(numbers).collect();
    let mut seen = std::collections::BTreeMap::<&str, usize>::new();
    for case in document["cases"].as_array().unwrap() {
        let stream = usize::try_from(case["stream"].as_u64().unwrap()).unwrap();
        let expected = case["alarms"].as_array().unwrap();
        let expected: Vec<u64> = expected.iter().map(|alarm| alarm.as_u64().unwrap()).collect();
        assert_eq!(alarms(detector(case), &streams[stream]), expected, "{case}");
        *seen.entry(case["detector"].as_str().unwrap()).or_default() += expected.len();
    }
    assert_eq!(seen.len(), 5);
    assert!(seen.values().all(|alarms| *alarms >= 20), "{seen:?}");
}

#[test]
fn a_mirrored_stream_alarms_in_the_other_direction() {
    let mut random = crate::numbers::Numbers(11);
    let values: Vec<f64> =
        (0..6_000).map(|index| random.bernoulli([0.1, 0.3, 0.15][index / 2_000]).value()).collect();
    let mirrored: Vec<f64> = values.iter().map(|value| 1.0 - value).collect();
    let make: [fn(Direction) -> Candidate; 4] = [
        |way| Candidate::Adwin(Adwin::new(AdwinSettings::default(), way, 20.0).unwrap()),
        |way| {
            let settings = PageHinkleySettings { tolerance: 0.02, ..Default::default() };
            Candidate::PageHinkley(PageHinkley::new(settings, way, 12.0).unwrap())
        },
        |way| Candidate::Ddm(Ddm::new(DdmSettings::default(), way, 3.0).unwrap()),
        |way| Candidate::Eddm(Eddm::new(EddmSettings::default(), way, 1.25).unwrap()),
    ];
    for make in make {
        for (way, other) in [
            (Direction::Rising, Direction::Falling),
            (Direction::Falling, Direction::Rising),
            (Direction::Both, Direction::Both),
        ] {
            let found = alarms(make(way), &values);
            assert_eq!(found, alarms(make(other), &mirrored), "{:?}", make(way));
            assert!(way == Direction::Falling || !found.is_empty(), "{:?}", make(way));
        }
    }
}

#[test]
fn adwin_and_kswin_do_not_depend_on_the_unit() {
    let mut random = crate::numbers::Numbers(12);
    let values: Vec<f64> =
        (0..3_000).map(|index| random.uniform() + f64::from(index / 1_000)).collect();
    // A power of two is exact.
    let scaled: Vec<f64> = values.iter().map(|value| value * 1_024.0).collect();
    let kswin = || Candidate::Kswin(Kswin::new(KswinSettings::default(), 1e4).unwrap());
    assert_eq!(alarms(kswin(), &values), alarms(kswin(), &scaled));
    // The last term of ADWIN's bound is for values in [0, 1]; the others scale.
    let adwin = || {
        let settings = AdwinSettings::default();
        Candidate::Adwin(Adwin::new(settings, Direction::Both, 500.0).unwrap())
    };
    let (found, larger) = (alarms(adwin(), &values), alarms(adwin(), &scaled));
    assert!(found.len() >= 2 && larger.len() >= 2, "{found:?} {larger:?}");
    assert!(larger[0] <= found[0]);
}

#[test]
fn absurd_values_leave_every_statistic_finite() {
    let values = [f64::MAX, f64::MIN, 0.0, 1e-300, f64::MAX].repeat(60);
    let mut entries = drift::registry::every();
    let null = drift::Null::Between(0.4, 0.6);
    assert!(entries.all(|entry| {
        let Ok(mut detector) = entry.make(&null.into(), 10.0) else { return true };
        values.iter().all(|value| {
            let signal = detector.update(Observation::of(Finite::new(*value).unwrap()));
            let statistic = detector.statistic();
            statistic >= 0.0
                && statistic.is_finite()
                && (signal == Signal::Drift) == (statistic >= 10.0)
        })
    }));
}

/// Mean of values until the first alarm on a stream that does not change, cut at `length`, and
/// its standard error.
fn run_length(
    make: impl Fn() -> Candidate,
    runs: u64,
    length: usize,
    value: impl Fn(&mut crate::numbers::Numbers) -> f64,
) -> (f64, f64) {
    let lengths: Vec<f64> = (0..runs)
        .map(|seed| {
            let (mut random, mut detector) = (crate::numbers::Numbers(seed * 7_919 + 5), make());
            let alarm = (1..=length).find(|_| {
                let value = Finite::new(value(&mut random)).unwrap();
                detector.update(Observation::of(value)) == Signal::Drift
            });
            alarm.unwrap_or(length) as f64
        })
        .collect();
    let mean = lengths.iter().sum::<f64>() / runs as f64;
    let variance = lengths.iter().map(|length| (length - mean).powi(2)).sum::<f64>();
    (mean, variance.sqrt() / runs as f64)
}

#[test]
fn false_alarms_are_as_frequent_as_the_heads_say() {
    let (mean, error) = run_length(
        || Candidate::Kswin(Kswin::new(KswinSettings::default(), 200.0).unwrap()),
        400,
        20_000,
        crate::numbers::Numbers::uniform,
    );
    assert!((mean - 970.0).abs() < 3.3 * error, "kswin: {mean} +- {error}");

    let rate = |random: &mut crate::numbers::Numbers| random.bernoulli(0.1).value();
    let adwin = || {
        let made = Adwin::new(AdwinSettings::default(), Direction::Both, 500.0);
        Candidate::Adwin(made.unwrap())
    };
    assert_eq!(run_length(adwin, 30, 20_000, rate), (20_000.0, 0.0));

    let eddm = || {
        Candidate::Eddm(Eddm::new(EddmSettings::default(), Direction::Rising, 1.0 / 0.9).unwrap())
    };
    let ddm = || Candidate::Ddm(Ddm::new(DdmSettings::default(), Direction::Rising, 3.0).unwrap());
    let (eddm, ddm) = (run_length(eddm, 200, 20_000, rate), run_length(ddm, 200, 20_000, rate));
    assert!((eddm.0 - 1_200.0).abs() < 3.3 * eddm.1, "{eddm:?}");
    assert!((ddm.0 - 11_000.0).abs() < 3.3 * ddm.1, "{ddm:?}");
}
