//! Laws that every registered detector keeps.

use drift::{
    Baseline, Finite, Localiser, Null, Observation, StreamDetector, Unit, registry::AnyDetector,
    registry::every,
};
use proptest::prelude::*;

fn values() -> impl Strategy<Value = Vec<Unit>> {
    let value = prop_oneof![
        Just(Unit::ZERO),
        Just(Unit::ONE),
        (0.0_f64..=1.0).prop_map(|value| Unit::new(value).unwrap()),
    ];
    prop::collection::vec(value, 0..200)
}

/// Values of every kind that a detector may meet: rates, categories, milliseconds, differences.
fn observations() -> impl Strategy<Value = Vec<Observation>> {
    let value = prop_oneof![
        Just(0.0),
        Just(1.0),
        0.0_f64..=1.0,
        (0_u8..6).prop_map(f64::from),
        1.0_f64..1e6,
        -1.0_f64..0.0,
    ];
    let observation = (value, 0.0_f64..=1.0).prop_map(|(value, tie)| Observation {
        value: Finite::new(value).unwrap(),
        tie: Unit::new(tie).unwrap(),
    });
    prop::collection::vec(observation, 0..200)
}

/// A baseline with something for every detector.
#[derive(Debug)]
struct Known {
    null: Null,
    sorted: Vec<f64>,
    counts: Vec<u64>,
}

impl Known {
    fn baseline(&self) -> Baseline<'_> {
        Baseline { sorted: &self.sorted, counts: &self.counts, ..self.null.into() }
    }
}

fn baselines() -> impl Strategy<Value = Known> {
    let value = prop_oneof![Just(0.0), Just(1.0), 0.0_f64..=1.0, 1.0_f64..1e6];
    let counts = prop::collection::vec(1_u64..100, 2..6);
    (nulls(), prop::collection::vec(value, 40..700), counts).prop_map(
        |(null, mut sorted, counts)| {
            sorted.sort_by(f64::total_cmp);
            Known { null, sorted, counts }
        },
    )
}

fn nulls() -> impl Strategy<Value = Null> {
    (0.001_f64..0.9, 0.0_f64..0.09, 0..3_u8).prop_map(|(low, width, which)| match which {
        0 => Null::AtMost(low),
        1 => Null::AtLeast(low),
        _ => Null::Between(low, low + width),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn resuming_is_exact(
        before in observations(), after in observations(), known in baselines(),
    ) {
        for entry in every() {
            let mut whole = entry.make(&known.baseline(), 50.0).unwrap();
            let mut localiser = Localiser::rising(0.2).unwrap();
            for (index, observation) in before.iter().enumerate() {
                whole.update(*observation);
                localiser.update(Unit::nearest(observation.value), index);
            }
            let saved = postcard::to_stdvec(&(&whole, &localiser)).unwrap();
            let (mut resumed, mut localised): (AnyDetector, Localiser<usize>) =
                postcard::from_bytes(&saved).unwrap();
            for (index, observation) in after.iter().enumerate() {
                prop_assert_eq!(whole.update(*observation), resumed.update(*observation));
                prop_assert_eq!(whole.statistic().to_bits(), resumed.statistic().to_bits());
                let value = Unit::nearest(observation.value);
                localiser.update(value, before.len() + index);
                localised.update(value, before.len() + index);
            }
            prop_assert_eq!(&localiser, &localised);
            prop_assert_eq!(postcard::to_stdvec(&whole), postcard::to_stdvec(&resumed));
        }
    }

    #[test]
    fn a_reset_leaves_nothing_behind(
        before in observations(), after in observations(), known in baselines(),
    ) {
        for entry in every() {
            let mut used = entry.make(&known.baseline(), 50.0).unwrap();
            let mut fresh = entry.make(&known.baseline(), 50.0).unwrap();
            for observation in &before {
                used.update(*observation);
            }
            used.reset();
            for observation in &after {
                prop_assert_eq!(used.update(*observation), fresh.update(*observation));
            }
            prop_assert_eq!(used, fresh);
        }
    }

    #[test]
    fn the_evidence_is_a_finite_number_and_counts(
        observations in observations(), known in baselines(),
    ) {
        for entry in every() {
            let mut detector = entry.make(&known.baseline(), 50.0).unwrap();
            for observation in &observations {
                detector.update(*observation);
                prop_assert!(detector.statistic() >= 0.0 && detector.statistic().is_finite());
            }
            prop_assert_eq!(detector.observations(), observations.len() as u64);
        }
    }

    #[test]
    fn state_is_bounded(seed: u64, known in baselines()) {
        for entry in every() {
            let mut detector = entry.make(&known.baseline(), 50.0).unwrap();
            let mut numbers = crate::numbers::Numbers(seed);
            for _ in 0..3_000 {
                let value = Finite::new(numbers.uniform() * 1e6).unwrap();
                detector.update(Observation { value, tie: Unit::new(numbers.uniform()).unwrap() });
            }
            let saved = postcard::to_stdvec(&detector).unwrap();
            prop_assert!(saved.len() <= 16 * 1_024, "{}: {} bytes", entry.name(), saved.len());
        }
    }

    #[test]
    fn worse_values_are_more_evidence(values in values(), bound in 0.01_f64..0.9) {
        let mut seen = drift::EsrBounded::new(Null::AtMost(bound), 50.0).unwrap();
        let mut worse = seen.clone();
        for value in &values {
            seen.update((*value).into());
            worse.update(Unit::new(f64::midpoint(value.value(), 1.0)).unwrap().into());
            prop_assert!(worse.statistic() >= seen.statistic());
        }
    }
}
