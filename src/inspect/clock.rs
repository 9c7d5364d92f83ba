//! How fast the processor's clock runs, found by counting.

use std::hint::black_box;
use web_time::Instant;

/// Steps of one count: about half a millisecond.
const STEPS: u32 = 1 << 19;
/// Counts; what interrupts one of them does not spoil all.
const COUNTS: usize = 5;
/// What a step takes: a multiplication, three cycles on all processors of the last ten years that this program knows a bound
/// for. No addition beside it: some processors add a constant while they rename registers, in no time at all.
const CYCLES_A_STEP: f64 = 3.0;

/// The clock of the core that this runs on, in GHz, under light load.
pub(crate) fn measured_ghz() -> f64 {
    let best = (0..COUNTS).map(|_| seconds_of_steps()).fold(f64::INFINITY, f64::min);
    f64::from(STEPS) * CYCLES_A_STEP / best / 1e9
}

/// How long a chain of steps takes, each of which waits for the one before it.
fn seconds_of_steps() -> f64 {
    let start = Instant::now();
    let mut x = black_box(3_u64);
    for _ in 0..STEPS {
        x = x.wrapping_mul(x);
    }
    black_box(x);
    start.elapsed().as_secs_f64()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_clock_is_that_of_a_processor() {
        let ghz = super::measured_ghz();
        assert!((0.2..8.0).contains(&ghz), "{ghz} GHz");
    }
}
