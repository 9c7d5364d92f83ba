//! Random numbers and sines that are the same on every machine.

use crate::splitmix64::SplitMix64;

/// Everything random in the demo comes from one of these, keyed by what it decides.
pub(super) struct Rng(SplitMix64);

impl Rng {
    /// A generator for the thing that `keys` name: equal keys, equal numbers.
    pub(super) fn keyed(keys: &[u64]) -> Self {
        let mut rng = Self(SplitMix64(0x0052_4e53_434f_5045));
        for &key in keys {
            rng.0 = SplitMix64(rng.next() ^ key);
        }
        rng.next();
        rng
    }

    /// 64 random bits.
    pub(super) fn next(&mut self) -> u64 {
        self.0.next()
    }

    /// Uniform in [0, 1).
    pub(super) fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u32 << 24) as f32
    }

    /// Uniform between `low` and `high`.
    pub(super) fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// Uniform in 0..`count`.
    pub(super) fn below(&mut self, count: usize) -> usize {
        (((self.next() >> 32) * count as u64) >> 32) as usize
    }

    /// True with probability `p`.
    pub(super) fn chance(&mut self, p: f32) -> bool {
        self.unit() < p
    }

    /// Puts `items` in random order.
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

/// Sine of an angle in turns, within 0.001: the system's mathematics library may differ between machines, this not.
pub(super) fn sin(turns: f32) -> f32 {
    let x = turns - turns.round();
    let y = x * (8.0 - 16.0 * x.abs());
    0.225 * (y * y.abs() - y) + y
}

/// Cosine of an angle in turns.
pub(super) fn cos(turns: f32) -> f32 {
    sin(turns + 0.25)
}
