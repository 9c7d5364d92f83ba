//! The camera, or another source: whether pictures come, show something, and move.

use super::finding::{Finding, Tell};
use crate::frame::Frame;
use crate::source::reader::cameras;
use crate::source::{Delivery, SourceChoice, SourceState, SourceStatus, Supervisor};
use crossbeam_channel::RecvTimeoutError;
use std::sync::Arc;
use web_time::{Duration, Instant};

/// How long pictures are waited for.
const WATCHED: Duration = Duration::from_secs(3);
/// A second picture that does not come within this time after the first one is not awaited from files.
const STILL: Duration = Duration::from_secs(1);
/// Pictures in which nothing has a contrast of so much, of 255, show nothing: a covered lens, a camera's own blue screen. The noise of
/// a covered lens stays below, a white wall with its shadows above.
const LEAST_SPREAD: f64 = 4.0;
/// Below this brightness they are dark, and noise has more spread.
const DARK: f64 = 10.0;
/// Of two pictures of a camera no two are the same to the byte, for their noise; so many that are tell that it hangs.
const MOST_EQUAL: usize = 3;
/// Every pixel of so many is looked at.
const PIXEL_STRIDE: usize = 7;

const NAME: &str = "camera";

/// The source that was asked for, else the first camera.
pub(super) fn check(asked: Option<SourceChoice>, until: Instant, tell: Tell<'_>) {
    if asked.is_none() && cameras().is_empty() {
        return tell(Finding::absent(NAME, "none is connected"));
    }
    let choice = asked.unwrap_or(SourceChoice::Camera { index: None });
    let is_camera = matches!(choice, SourceChoice::Camera { .. });
    let begun = Instant::now();
    tell(match Supervisor::start(Some(choice), Delivery::Window, || ()) {
        Err(error) => Finding::of_error(NAME, &error),
        Ok(source) => {
            let seen = watch(&source, is_camera, until.min(begun + WATCHED));
            judge(&seen, is_camera, begun.elapsed(), &source.status())
        }
    });
}

/// What was seen of a source.
#[derive(Default)]
struct Footage {
    /// Pictures; one that is shown again counts once.
    pictures: usize,
    /// Whether two of them differed.
    moved: bool,
    /// The brightness of the one with the greatest spread, and that.
    brightness: f64,
    spread: f64,
    size: [u32; 2],
    /// How long the first one took.
    first_after: Duration,
}

impl Footage {
    fn shows_something(&self) -> bool {
        self.spread >= LEAST_SPREAD && (self.brightness >= DARK || self.spread >= DARK)
    }
}

/// Looks at pictures until all is clear, or the time is up.
fn watch(source: &Supervisor, is_camera: bool, until: Instant) -> Footage {
    let begun = Instant::now();
    let mut seen = Footage::default();
    let mut last: Option<Frame> = None;
    loop {
        let is_still = last.is_some() && seen.pictures == 1 && begun.elapsed() > seen.first_after + STILL;
        let is_clear = seen.shows_something() && (seen.moved && seen.pictures >= MOST_EQUAL || is_still && !is_camera);
        if is_clear {
            return seen;
        }
        match source.frames().recv_deadline(until) {
            Ok(frame) => {
                if seen.pictures == 0 {
                    seen.first_after = begun.elapsed();
                }
                look(&frame, last.as_ref(), &mut seen);
                last = Some(frame);
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return seen,
        }
    }
}

fn look(frame: &Frame, last: Option<&Frame>, seen: &mut Footage) {
    if last.is_some_and(|last| Arc::ptr_eq(&last.rgb, &frame.rgb)) {
        return;
    }
    seen.pictures += 1;
    seen.moved |= last.is_some_and(|last| last.rgb != frame.rgb);
    seen.size = [frame.width, frame.height];
    let (brightness, spread) = brightness(&frame.rgb);
    if spread >= seen.spread {
        (seen.brightness, seen.spread) = (brightness, spread);
    }
}

/// The mean brightness and how far pixels are from it: the standard deviation.
fn brightness(rgb: &[u8]) -> (f64, f64) {
    let (mut count, mut sum, mut squares) = (0_u64, 0_u64, 0_u64);
    for &[red, green, blue] in rgb.as_chunks::<3>().0.iter().step_by(PIXEL_STRIDE) {
        let value = (77 * u64::from(red) + 150 * u64::from(green) + 29 * u64::from(blue)) >> 8;
        (count, sum, squares) = (count + 1, sum + value, squares + value * value);
    }
    let mean = sum as f64 / count.max(1) as f64;
    (mean, (squares as f64 / count.max(1) as f64 - mean * mean).max(0.0).sqrt())
}

fn judge(seen: &Footage, is_camera: bool, took: Duration, status: &SourceStatus) -> Finding {
    let Footage { pictures, moved, brightness, spread, size: [width, height], first_after } = seen;
    let seconds = took.as_secs_f32();
    if is_camera && *pictures < MOST_EQUAL || *pictures == 0 {
        return nothing_comes(*pictures, seconds, status);
    }
    let light = format!("brightness {brightness:.0}, spread {spread:.0} of 255");
    if !seen.shows_something() {
        let what = if *brightness < DARK { "nothing but black" } else { "nothing but one colour" };
        let remedy = "take the cap off the lens, switch the light on, or choose another source with --source";
        return Finding::fault(NAME, format!("it shows {what} ({light})"), remedy);
    }
    if !moved && *pictures >= MOST_EQUAL {
        let says = format!("the picture stands still: {pictures} in {seconds:.1} s, all the same");
        return Finding::fault(
            NAME,
            says,
            "unplug the camera and plug it in again, or choose another source with --source",
        );
    }
    let name = match &status.state {
        SourceState::Live { name, .. } => name.as_str(),
        _ => NAME,
    };
    Finding::well(NAME, format!("{name}: {width}×{height} after {:.1} s, {light}", first_after.as_secs_f32()))
}

/// Why no pictures come, or too few.
fn nothing_comes(pictures: usize, seconds: f32, status: &SourceStatus) -> Finding {
    match &status.state {
        SourceState::Waiting { error, .. } | SourceState::Lost { error, .. } | SourceState::Failed { error } => {
            Finding::of_error(NAME, error)
        }
        _ => {
            let says = format!("{pictures} pictures came in {seconds:.1} s");
            Finding::fault(NAME, says, "unplug the camera and plug it in again, or choose another source with --source")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selftest::finding::FindingState;

    fn judged(pictures: usize, moved: bool, [brightness, spread]: [f64; 2]) -> Finding {
        let seen = Footage { pictures, moved, brightness, spread, ..Footage::default() };
        judge(&seen, true, WATCHED, &SourceStatus::default())
    }

    #[test]
    fn noise_under_a_covered_lens_is_black_and_a_dim_room_is_not() {
        assert!(judged(9, true, [3.0, 2.0]).says.contains("black"));
        assert!(judged(9, true, [8.0, 6.0]).says.contains("black"));
        assert!(judged(9, true, [90.0, 1.0]).says.contains("one colour"));
        assert_eq!(judged(9, true, [8.0, 14.0]).state, FindingState::Well);
        assert_eq!(judged(9, true, [200.0, 5.0]).state, FindingState::Well);
    }

    #[test]
    fn a_camera_that_gives_a_picture_and_no_more_is_a_fault() {
        assert!(judged(1, false, [90.0, 40.0]).says.contains("1 pictures came in 3.0 s"));
        assert!(judged(9, false, [90.0, 40.0]).says.contains("stands still: 9 in 3.0 s"));
    }

    #[test]
    fn brightness_is_that_of_the_pixels() {
        let half = [[0; 3].repeat(700), [254; 3].repeat(700)].concat();
        let (mean, spread) = brightness(&half);
        assert!((mean - 127.0).abs() < 1.0 && (spread - 127.0).abs() < 1.0, "{mean} {spread}");
        assert_eq!(brightness(&[]), (0.0, 0.0));
    }
}
