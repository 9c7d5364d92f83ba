//! How large a part of the picture the network sees: asked for by key and wheel, in steps.

use super::model::Model;
use super::notices::Tone;
use super::state::{Action, State};
use crate::pipeline::{EngineCommand, Report};
use crate::preprocess::{MOST_ZOOM, WHOLE_SQUARE, zoomed_crop};
use egui::{Event, MouseWheelUnit};

/// Steps in which the square becomes half as wide.
const A_HALVING: f32 = 4.0;
/// Points that a touchpad scrolls for a step; a wheel's line is one.
const A_STEP: f32 = 40.0;

/// The zoom in percent that lies so many steps from `percent`.
fn moved(percent: u16, steps: i32) -> u16 {
    let whole = f32::from(WHOLE_SQUARE);
    let step = (A_HALVING * (f32::from(percent) / whole).log2()).round() + steps as f32;
    let moved = (whole * (step / A_HALVING).exp2()).round();
    moved.clamp(whole, f32::from(MOST_ZOOM)) as u16
}

/// As [`change`], for a key: says why nothing changed, where nothing did.
pub(super) fn press(model: &Model, state: &mut State, steps: i32, actions: &mut Vec<Action>) {
    if let Some(why) = change(model, state, steps, actions) {
        state.toasts.push(why, Tone::Hint);
    }
}

/// Makes the square so many steps smaller, or larger where they are negative. A sentence, where it stays as it is.
pub(super) fn change(model: &Model, state: &mut State, steps: i32, actions: &mut Vec<Action>) -> Option<String> {
    let report = model.report.as_deref();
    // What was asked for may be more than this picture allows: the first step back is one from what is seen.
    let from = report.map_or(state.zoom, |report| state.zoom.min(nearest(report)));
    let zoom = moved(from, steps);
    if let Some(report) = report
        && edge(report, zoom) == edge(report, state.zoom)
    {
        return Some(why(report, edge(report, zoom), steps));
    }
    state.zoom = zoom;
    actions.push(Action::Send(EngineCommand::Zoom(zoom)));
    None
}

/// The edge of the square at a zoom.
fn edge(report: &Report, zoom: u16) -> u32 {
    zoomed_crop(report.frame.width, report.frame.height, zoom, report.edge).edge
}

/// The largest zoom that this picture allows this network, in whole percent.
fn nearest(report: &Report) -> u16 {
    let whole = report.frame.width.min(report.frame.height);
    let percent = u64::from(whole) * u64::from(WHOLE_SQUARE) / (report.edge as u64).max(1);
    u16::try_from(percent).unwrap_or(MOST_ZOOM).clamp(WHOLE_SQUARE, MOST_ZOOM)
}

/// Why the square of this edge does not become smaller, or larger.
fn why(report: &Report, edge: u32, steps: i32) -> String {
    if steps < 0 {
        return "The network sees the whole square already.".into();
    }
    if edge as usize <= report.edge {
        return format!("The square has no more pixels than the network reads, {edge}×{edge}: it becomes no smaller.");
    }
    "The square becomes no smaller than a quarter of the whole one's edge.".into()
}

/// The steps that the wheel, or a touchpad, went. As they come: smoothed over frames, lines would no longer be whole.
pub(super) fn wheel(events: &[Event]) -> f32 {
    let steps = |event: &Event| match event {
        Event::MouseWheel { unit: MouseWheelUnit::Point, delta, .. } => delta.y / A_STEP,
        Event::MouseWheel { delta, .. } => delta.y,
        _ => 0.0,
    };
    events.iter().map(steps).sum()
}

/// The whole ones of the steps that wait and those that come; what is left of one waits for the next time.
pub(super) fn whole_steps(waiting: &mut f32, coming: f32) -> i32 {
    *waiting += coming;
    let steps = waiting.trunc();
    *waiting -= steps;
    steps as i32
}

/// How many times larger than the whole square is, the network sees what it sees; `None` where that is the whole square.
pub(super) fn words(report: &Report) -> Option<String> {
    let whole = report.frame.width.min(report.frame.height);
    (report.crop.edge < whole).then(|| format!("{:.1}×", whole as f32 / report.crop.edge as f32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_steps_halve_the_square_and_eight_are_the_end() {
        let way: Vec<u16> = (0..10).scan(WHOLE_SQUARE, |at, _| Some(std::mem::replace(at, moved(*at, 1)))).collect();
        assert_eq!(way, [100, 119, 141, 168, 200, 238, 283, 336, 400, 400]);
        for pair in way.windows(2).take(8) {
            assert_eq!(moved(pair[1], -1), pair[0], "back as it came");
        }
        assert_eq!((moved(100, -1), moved(400, 9), moved(250, 1)), (100, 400, 283));
    }

    #[test]
    fn a_slow_wheel_adds_up() {
        let mut waiting = 0.0;
        let steps = [0.25, 0.25, 0.75, -0.25, 3.0, -1.0, -1.5].map(|by| whole_steps(&mut waiting, by));
        assert_eq!(steps, [0, 0, 1, 0, 3, -1, -1]);
    }
}
