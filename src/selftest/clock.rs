//! The clock: not before this program was made, and steady.

use super::finding::{Finding, Tell};
use std::thread;
use web_time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long it is watched.
const WATCHED: Duration = Duration::from_millis(300);
/// What a clock that is set right bit by bit does not do in that time.
const JUMP: Duration = Duration::from_millis(100);

const NAME: &str = "clock";
const REMEDY: &str = "set date and time (timedatectl), and have them kept right over the network or by a fresh battery";

/// The date of the commit that this program was built of, or of the build, in seconds since 1970.
fn built() -> Duration {
    Duration::from_secs(env!("ERNSCOPE_BUILT").parse().expect("build.rs writes a number"))
}

pub(super) fn check(tell: Tell<'_>) {
    let (wall, steady) = (since_1970(), Instant::now());
    thread::sleep(WATCHED);
    tell(judge(built(), [wall, since_1970()], steady.elapsed()));
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Of the wall's clock before and after `watched`, by a clock that nobody sets.
fn judge(built: Duration, [before, after]: [Duration; 2], watched: Duration) -> Finding {
    if after < built {
        let days = (built - after).as_secs() / 86_400;
        return Finding::fault(NAME, format!("it says a time {days} days before this program was made"), REMEDY);
    }
    let expected = before + watched;
    let off = after.abs_diff(expected);
    if off > JUMP {
        let says = format!("it jumped by {:.1} s while it was watched", off.as_secs_f32());
        return Finding::fault(NAME, says, REMEDY);
    }
    Finding::well(NAME, "steady, and not before this program was made")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selftest::finding::FindingState;

    fn judged(now: u64, jump: i64) -> Finding {
        let before = Duration::from_secs(now);
        let after = Duration::from_millis((now as i64 * 1000 + jump + 300) as u64);
        judge(Duration::from_secs(1_000_000), [before, after], WATCHED)
    }

    #[test]
    fn a_clock_that_was_never_set_or_jumps_is_a_fault() {
        assert_eq!(judged(2_000_000, 0).state, FindingState::Well);
        assert_eq!(judged(2_000_000, -50).state, FindingState::Well);
        assert!(judged(2_000_000, 3_600_000).says.contains("jumped by 3600.0 s"));
        assert!(judged(2_000_000, -200).says.contains("jumped by 0.2 s"));
        assert!(judged(100_000, 0).says.contains("10 days before"));
    }
}
