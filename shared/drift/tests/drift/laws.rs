//! Laws that every registered detector keeps.

use drift::{Detector, Localiser, Null, StreamDetector, Unit, registry};
use proptest::prelude::*;

fn values() -> impl Strategy<Value = Vec<Unit>> {
    let value = prop_oneof![
        Just(Unit::ZERO),
        Just(Unit::ONE),
        (0.0_f64..=1.0).prop_map(|value| Unit::new(value).unwrap()),
    ];
    prop::collection::vec(value, 0..200)
}

fn nulls() -> impl Strategy<Value = Null> {
    (0.001_f64..0.9, 0.0_f64..0.09, 0..3_u8).prop_map(|(low, width, which)| match which {
        0 => Null::AtMost(low),
        1 => Null::AtLeast(low),
        _ => Null::Between(low, low + width),
    })
}

proptest! {
    #[test]
    fn resuming_is_exact(before in values(), after in values(), null in nulls()) {
        for entry in registry::ALL {
            let mut whole = (entry.make)(&null.into(), 50.0).unwrap();
            let mut localiser = Localiser::rising(0.2).unwrap();
            for (index, value) in before.iter().enumerate() {
                whole.update((*value).into());
                localiser.update(*value, index);
            }
            let saved = postcard::to_stdvec(&(&whole, &localiser)).unwrap();
            let (mut resumed, mut localised): (Detector, Localiser<usize>) =
                postcard::from_bytes(&saved).unwrap();
            for (index, value) in after.iter().enumerate() {
                prop_assert_eq!(whole.update((*value).into()), resumed.update((*value).into()));
                prop_assert_eq!(whole.statistic().to_bits(), resumed.statistic().to_bits());
                localiser.update(*value, before.len() + index);
                localised.update(*value, before.len() + index);
            }
            prop_assert_eq!(&localiser, &localised);
            prop_assert_eq!(postcard::to_stdvec(&whole), postcard::to_stdvec(&resumed));
        }
    }

    #[test]
    fn a_reset_leaves_nothing_behind(before in values(), after in values(), null in nulls()) {
        for entry in registry::ALL {
            let mut used = (entry.make)(&null.into(), 50.0).unwrap();
            let mut fresh = (entry.make)(&null.into(), 50.0).unwrap();
            for value in &before {
                used.update((*value).into());
            }
            used.reset();
            for value in &after {
                prop_assert_eq!(used.update((*value).into()), fresh.update((*value).into()));
            }
            prop_assert_eq!(used, fresh);
        }
    }

    #[test]
    fn the_evidence_is_a_finite_number_and_counts(values in values(), null in nulls()) {
        for entry in registry::ALL {
            let mut detector = (entry.make)(&null.into(), 50.0).unwrap();
            for value in &values {
                detector.update((*value).into());
                prop_assert!(detector.statistic() >= 0.0 && detector.statistic().is_finite());
            }
            prop_assert_eq!(detector.observations(), values.len() as u64);
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
