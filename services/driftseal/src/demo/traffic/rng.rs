//! A seeded random number generator, SplitMix64 (Steele, Lea, Flood 2014), and the distributions that
//! the traffic needs.

use service::metrics::count;

/// A random number generator; equal seeds give equal sequences.
#[derive(Debug, Clone)]
pub(super) struct Rng(u64);

impl Rng {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = self.0;
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in `[0, 1)`.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
    pub(super) fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// Uniform in `[0, width)`.
    fn below(&mut self, width: u64) -> u64 {
        assert!(width > 0, "a choice among nothing");
        self.next() % width
    }

    /// Uniform in `[low, high)`.
    pub(super) fn between(&mut self, low: u32, high: u32) -> i64 {
        assert!(low < high, "the range {low} to {high} is empty");
        i64::from(low) + self.below(u64::from(high - low)).cast_signed()
    }

    /// One of the choices.
    pub(super) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        let index = self.below(count(choices.len()));
        let chosen = usize::try_from(index).ok().and_then(|index| choices.get(index));
        let Some(chosen) = chosen else { unreachable!("the index is below the number of choices") };
        *chosen
    }

    /// Log-normal, as durations are, with this median and standard deviation of the logarithm.
    pub(super) fn log_normal(&mut self, median: f64, sigma: f64) -> f64 {
        // Box-Muller; 1 - u is never 0.
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        let normal = radius * (2.0 * std::f64::consts::PI * self.uniform()).cos();
        median * (sigma * normal).exp()
    }

    pub(super) fn bytes(&mut self) -> [u8; 10] {
        let mut bytes = [0; 10];
        let words = [self.next().to_le_bytes(), self.next().to_le_bytes()];
        for (to, from) in bytes.iter_mut().zip(words.into_iter().flatten()) {
            *to = from;
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_the_published_one() {
        // First output for seed 0, as in the reference implementation.
        assert_eq!(Rng::new(0).next(), 0xe220_a839_7b1d_cdaf);
    }

    #[test]
    fn distributions_are_where_they_should_be() {
        let mut rng = Rng::new(1);
        let n = 20_000;
        let below = (0..n).filter(|_| rng.log_normal(100.0, 0.5) < 100.0).count();
        assert!((9_700..10_300).contains(&below), "{below}");
        let hits = (0..n).filter(|_| rng.chance(0.22)).count();
        assert!((4_200..4_600).contains(&hits), "{hits}");
        assert!((0..n).all(|_| (3..5).contains(&rng.between(3, 5))));
    }
}
