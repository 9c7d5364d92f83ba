//! Batch norm and 2-bit quantizer as three integer thresholds a channel (ern-spec §4; Takahashi et al., arXiv
//! 2410.11553, §3).

use crate::network::Thresholds;

/// The ε of every batch norm.
const EPSILON: f64 = 1e-5;

/// A batch norm's quantities, one of each a channel.
#[derive(Clone, Debug)]
pub(super) struct Norm {
    /// γ
    pub(super) gain: Vec<f32>,
    /// β
    pub(super) shift: Vec<f32>,
    /// μ
    pub(super) mean: Vec<f32>,
    /// σ², not negative.
    pub(super) variance: Vec<f32>,
}

impl Norm {
    /// Thresholds over integers of up to `bound` in size, each worth `units[channel]`.
    ///
    /// # Errors
    /// A sentence, where a channel's thresholds do not give the float32 formula's codes.
    pub(super) fn thresholds(&self, units: &[f32], bound: i32) -> Result<Thresholds<i32>, String> {
        let channels = units.iter().enumerate().map(|(channel, &unit)| self.channel(channel, unit, bound));
        let (rows, falling): (Vec<_>, Vec<_>) = channels.map(|channel| (channel.fold(), channel.falls())).unzip();
        let thresholds = Thresholds::new(rows, falling)?;
        for (channel, &unit) in units.iter().enumerate() {
            self.channel(channel, unit, bound).prove(&thresholds, channel)?;
        }
        Ok(thresholds)
    }

    fn channel(&self, channel: usize, unit: f32, bound: i32) -> Channel {
        Channel {
            gain: self.gain[channel],
            shift: self.shift[channel],
            mean: self.mean[channel],
            variance: self.variance[channel],
            unit,
            bound,
        }
    }
}

/// One channel, and the integers that it reads.
#[derive(Clone, Copy)]
struct Channel {
    gain: f32,
    shift: f32,
    mean: f32,
    variance: f32,
    unit: f32,
    bound: i32,
}

impl Channel {
    /// The float32 formula: the code 0..=3 of the integer `n`. It never steps back while n grows (γ < 0: while n
    /// shrinks), since no rounding in it turns an order round.
    fn code(self, n: i32) -> u8 {
        let x = n as f32 * self.unit;
        let inverse = 1.0 / (self.variance + EPSILON as f32).sqrt();
        let y = ((x - self.mean) * inverse) * self.gain + self.shift;
        (y.clamp(0.0, 2.0) * 1.5 + 0.5).floor() as u8
    }

    /// S = γ/√(σ²+ε) · u, the activation's slope over integers.
    fn slope(self) -> f64 {
        self.scale() * f64::from(self.unit)
    }

    fn scale(self) -> f64 {
        f64::from(self.gain) / (f64::from(self.variance) + EPSILON).sqrt()
    }

    /// Whether the code counts n ≤ T.
    fn falls(self) -> bool {
        self.slope() < 0.0
    }

    fn fold(self) -> [i32; 3] {
        [1, 2, 3].map(|code| if self.falls() { -self.first(code) } else { self.first(code) })
    }

    /// The smallest m of −bound..=bound at which the code of m (of −m where the channel falls) has reached `code`:
    /// −(bound + 1) where all have, bound + 1 where none has.
    fn first(self, code: u8) -> i32 {
        let most = self.bound + 1;
        let reached = |m: i32| m == most || m != -most && self.code(if self.falls() { -m } else { m }) >= code;
        if reached(-self.bound) {
            return -most;
        }
        let guess = self.exact(code).ceil().clamp(f64::from(-self.bound), f64::from(most)) as i32;
        if reached(guess) && !reached(guess - 1) {
            return guess;
        }
        // Where float32 rounds a tie the other way, the formula's own step counts.
        let (mut before, mut at) = (-self.bound, most);
        while at - before > 1 {
            let middle = before + (at - before) / 2;
            if reached(middle) { at = middle } else { before = middle }
        }
        at
    }

    /// Where the activation reaches the step to `code`: t = ((2·code − 1)/3 − C)/|S|, with C = β − μ·γ/√(σ²+ε), in
    /// float64.
    fn exact(self, code: u8) -> f64 {
        let step = (2.0 * f64::from(code) - 1.0) / 3.0;
        let offset = f64::from(self.shift) - self.scale() * f64::from(self.mean);
        (step - offset) / self.slope().abs()
    }

    /// Compares the folded code with the formula's at every threshold and its two neighbours.
    fn prove(self, thresholds: &Thresholds<i32>, channel: usize) -> Result<(), String> {
        let around = thresholds.rows()[channel].into_iter().flat_map(|t| [t - 1, t, t + 1]);
        let inside = around.map(|n| n.clamp(-self.bound, self.bound));
        match inside.into_iter().find(|&n| thresholds.code(channel, n) != self.code(n)) {
            Some(n) => Err(format!("is too large in channel {channel}: folded and float32 codes differ at {n}")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn norm(gain: f32, shift: f32, mean: f32, variance: f32) -> Norm {
        Norm { gain: vec![gain], shift: vec![shift], mean: vec![mean], variance: vec![variance] }
    }

    fn same_everywhere(norm: &Norm, unit: f32, bound: i32) {
        let thresholds = norm.thresholds(&[unit], bound).expect("folds");
        let row = thresholds.rows()[0];
        assert!(row.iter().all(|t| t.abs() <= bound + 1), "{row:?}");
        for n in -bound..=bound {
            assert_eq!(thresholds.code(0, n), norm.channel(0, unit, bound).code(n), "n = {n}, {row:?}");
        }
    }

    fn gains() -> impl Strategy<Value = f32> {
        prop_oneof![8 => -3.0_f32..3.0, 1 => Just(0.0), 1 => Just(-0.0), 1 => -1e-3_f32..1e-3, 1 => Just(1e-42_f32)]
    }

    fn variances() -> impl Strategy<Value = f32> {
        prop_oneof![6 => 0.0_f32..10.0, 1 => Just(0.0), 1 => Just(1e-30_f32), 1 => 1e3_f32..1e9]
    }

    fn units() -> impl Strategy<Value = f32> {
        prop_oneof![6 => 0.0_f32..0.1, 2 => Just(1.0 / 32.0), 1 => Just(0.0), 1 => Just(2.0 / 3.0), 1 => Just(1e-40_f32)]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn folded_codes_are_the_formulas(
            gain in gains(),
            shift in prop_oneof![-3.0_f32..3.0, Just(0.0), Just(1.0)],
            mean in prop_oneof![-5.0_f32..5.0, Just(0.0)],
            variance in variances(),
            unit in units(),
            bound in 1_i32..900,
        ) {
            same_everywhere(&norm(gain, shift, mean, variance), unit, bound);
        }
    }

    #[test]
    fn ties_are_settled_as_float32_does() {
        // Steps that fall on integers, or on their halves and thirds, up to float32's rounding.
        for gain in [1.0, -1.0, 1.0 / 3.0, 2.0 / 3.0, -1.0 / 3.0] {
            for quarter in -8_i16..8 {
                let norm = norm(gain, f32::from(quarter) / 6.0, f32::from(quarter) / 4.0, 1.0 - EPSILON as f32);
                for unit in [1.0 / 3.0, 1.0 / 32.0, 2.0 / 3.0 * 0.5, 1.0] {
                    same_everywhere(&norm, unit, 300);
                }
            }
        }
    }

    #[test]
    fn a_constant_is_expressed_by_saturation() {
        for (shift, row) in [(0.0, [28, 28, 28]), (0.5, [-28, 28, 28]), (1.0, [-28, -28, 28]), (9.0, [-28; 3])] {
            let thresholds = norm(0.0, shift, 0.7, 2.0).thresholds(&[0.1], 27).expect("folds");
            assert_eq!((thresholds.rows(), thresholds.falling()), (&[row][..], &[false][..]));
            // A filter of zeros: γ·(0 − μ)/√(σ²+ε) + β.
            let thresholds = norm(-1.0, shift, 0.0, 2.0).thresholds(&[0.0], 27).expect("folds");
            assert_eq!((thresholds.rows(), thresholds.falling()), (&[row][..], &[false][..]));
        }
    }

    #[test]
    fn a_negative_gain_falls() {
        // y = 1 − n/8 reaches 1/3 up to 5.3, 1 up to 0, 5/3 up to −5.3.
        let thresholds = norm(-1.0, 1.0, 0.0, 1.0 - EPSILON as f32).thresholds(&[0.125], 27).expect("folds");
        assert_eq!((thresholds.rows(), thresholds.falling()), (&[[5, 0, -6]][..], &[true][..]));
    }

    #[test]
    fn numbers_beyond_float32_are_an_error_or_folded_never_a_panic() {
        for gain in [f32::MAX, -f32::MAX, 0.0, 1e-45] {
            for mean in [f32::MAX, -f32::MAX, 0.0] {
                for unit in [f32::MAX, 1e30, 1e-45, 0.0] {
                    let _ = norm(gain, f32::MIN, mean, 0.0).thresholds(&[unit], 27);
                    let _ = norm(gain, 1.0, mean, f32::MAX).thresholds(&[unit], 27);
                }
            }
        }
    }
}
