//! Sums that do not depend on the order of the values.
//!
//! With floating-point addition the last bits of a window would depend on the order of arrival. So
//! each value is rounded to a multiple of 2^-40 (about 1e-12) and added as an integer.

use serde::{Deserialize, Serialize};

use crate::finite::Finite;

/// Units per 1.
const SCALE: f64 = 1_099_511_627_776.0; // 2^40

/// Sum of numbers, exact above 2^-40. It saturates at about ±1.5e26, as senders may report any
/// number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ExactSum(i128);

impl ExactSum {
    /// Adds a number.
    pub fn add(&mut self, value: Finite) {
        #[expect(clippy::cast_possible_truncation, reason = "the cast saturates, as documented")]
        let units = (value.value() * SCALE).round() as i128;
        self.0 = self.0.saturating_add(units);
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: &Self) {
        self.0 = self.0.saturating_add(other.0);
    }

    /// The sum, as the nearest float.
    #[must_use]
    pub fn value(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "the nearest float is intended")]
        let units = self.0 as f64;
        units / SCALE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_order_and_any_split_give_the_same_sum(
            values in prop::collection::vec(-1e9_f64..1e9, 0..50), cut in 0_usize..50,
        ) {
            let sum = |values: &mut dyn Iterator<Item = &f64>| {
                let mut sum = ExactSum::default();
                values.for_each(|value| sum.add(Finite::new(*value).unwrap()));
                sum
            };
            let cut = cut.min(values.len());
            let mut merged = sum(&mut values[cut..].iter());
            merged.merge(&sum(&mut values[..cut].iter()));
            prop_assert_eq!(sum(&mut values.iter().rev()), merged);
            let error = merged.value() - values.iter().sum::<f64>();
            prop_assert!(error.abs() < 1e-4);
        }
    }

    #[test]
    fn absurd_values_saturate() {
        let mut sum = ExactSum::default();
        sum.add(Finite::new(f64::MAX).unwrap());
        sum.add(Finite::new(f64::MAX).unwrap());
        assert!(sum.value() > 1e26 && sum.value().is_finite());
    }
}
