//! Random numbers that everybody can repeat, and streams of them.

use drift::Unit;

/// splitmix64 (Steele, Lea, Flood 2014).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// Uniform in `[0, 1)`.
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn bernoulli(&mut self, mean: f64) -> Unit {
        (self.uniform() < mean).into()
    }

    /// Standard normal (Box, Muller 1958).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Latency in milliseconds: log-normal with median 900 times `scale` and sigma 0.5.
    pub(crate) fn latency(&mut self, scale: f64) -> f64 {
        900.0 * scale * (0.5 * self.normal()).exp()
    }

    /// Beta(1, 1/mean - 1) by inversion: continuous on `[0, 1]`, with that mean.
    pub(crate) fn beta(&mut self, mean: f64) -> Unit {
        let b = 1.0 / mean - 1.0;
        Unit::new(1.0 - (1.0 - self.uniform()).powf(1.0 / b)).unwrap()
    }
}
