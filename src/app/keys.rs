//! The keyboard: one table that is both acted on and shown.

use super::place;
use super::state::DialogKind;
use super::theme::{self, Tokens};
use super::why::Depth;
use egui::{Button, Key, Modifiers, RichText, Ui, Window};

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Hold the picture, or let it go on.
    Pause,
    /// One frame, then hold.
    Step,
    /// So many layers on.
    Layer(isize),
    /// So many channels on.
    Channel(isize),
    /// The first layer, or the last.
    LayerEnd(bool),
    /// The histogram of one channel or of all.
    OneChannel,
    /// The twin runs along or rests.
    Compare,
    /// The source of this place in the list.
    Source(usize),
    /// Choose something to open in the system's dialog.
    Open(DialogKind),
    /// Type or paste a path.
    TypePath,
    /// The next network of the list.
    NextNetwork,
    /// The next engine of the list.
    NextEngine,
    /// So many threads more.
    Threads(isize),
    /// A picture must be so many percent more known to be named.
    Limit(i8),
    /// The square that the network sees becomes so many steps smaller.
    Zoom(i32),
    /// Pictures of cameras are shown mirrored, or as they are.
    Mirror,
    /// Teach, or no longer.
    Teach,
    /// Open a depth, or close it.
    Why(Depth),
    /// Hold the frame, or let the held one go.
    Hold,
    /// Compute with so many threads.
    SetThreads(usize),
    /// Save the window as a picture.
    Screenshot,
    /// Save the figures.
    Figures,
    /// Save the frame and all layers.
    Frame,
    /// Fill the screen, with large type.
    Fullscreen,
    /// Large type without filling the screen.
    Large,
    /// The next theme.
    Theme,
    /// All panels back in their place.
    ResetLayout,
    /// This list.
    Help,
    /// Close what is open, dismiss messages, leave full screen.
    Escape,
}

/// A key, what must be held with it, what it does, and how the list says it (empty: the line above says it).
type KeyRow = (Key, Modifiers, Deed, &'static str, &'static str);

const NONE: Modifiers = Modifiers::NONE;
const SHIFT: Modifiers = Modifiers::SHIFT;

/// All keys.
pub(crate) const TABLE: &[KeyRow] = &[
    (Key::Space, NONE, Deed::Pause, "Space", "pause, go on"),
    (Key::Period, NONE, Deed::Step, ".", "one frame, then pause"),
    (Key::ArrowRight, SHIFT, Deed::Channel(1), "Shift ← →", "channel before, after"),
    (Key::ArrowLeft, SHIFT, Deed::Channel(-1), "", ""),
    (Key::ArrowDown, SHIFT, Deed::Channel(8), "Shift ↑ ↓", "eight channels before, after"),
    (Key::ArrowUp, SHIFT, Deed::Channel(-8), "", ""),
    (Key::ArrowRight, NONE, Deed::Layer(1), "← →", "layer before, after"),
    (Key::ArrowLeft, NONE, Deed::Layer(-1), "", ""),
    (Key::Home, NONE, Deed::LayerEnd(false), "Home End", "first layer, last layer"),
    (Key::End, NONE, Deed::LayerEnd(true), "", ""),
    (Key::H, NONE, Deed::OneChannel, "H", "histogram of one channel, of all"),
    (Key::C, NONE, Deed::Compare, "C", "comparison on, off"),
    (Key::Num1, NONE, Deed::Source(0), "1 … 9", "source: the demo, then the cameras"),
    (Key::Num2, NONE, Deed::Source(1), "", ""),
    (Key::Num3, NONE, Deed::Source(2), "", ""),
    (Key::Num4, NONE, Deed::Source(3), "", ""),
    (Key::Num5, NONE, Deed::Source(4), "", ""),
    (Key::Num6, NONE, Deed::Source(5), "", ""),
    (Key::Num7, NONE, Deed::Source(6), "", ""),
    (Key::Num8, NONE, Deed::Source(7), "", ""),
    (Key::Num9, NONE, Deed::Source(8), "", ""),
    (Key::O, SHIFT, Deed::Open(DialogKind::Folder), "Shift O", "open a folder of pictures"),
    (Key::O, NONE, Deed::Open(DialogKind::File), "O", "open a picture, video or network"),
    (Key::P, NONE, Deed::TypePath, "P", "type or paste the path of any of these"),
    (Key::N, NONE, Deed::NextNetwork, "N", "next network"),
    (Key::G, NONE, Deed::NextEngine, "G", "next engine"),
    (Key::Plus, NONE, Deed::Threads(1), "+ −", "more, fewer threads"),
    (Key::Equals, NONE, Deed::Threads(1), "", ""),
    (Key::Minus, NONE, Deed::Threads(-1), "", ""),
    (Key::OpenBracket, NONE, Deed::Limit(-5), "[ ]", "name more, fewer of the things it is not sure of"),
    (Key::CloseBracket, NONE, Deed::Limit(5), "", ""),
    (Key::Z, SHIFT, Deed::Zoom(-1), "Z, Shift Z", "smaller, larger square; also the wheel over it"),
    (Key::Z, NONE, Deed::Zoom(1), "", ""),
    (Key::V, NONE, Deed::Mirror, "V", "cameras mirrored, or as they are"),
    (Key::M, NONE, Deed::Teach, "M", "teach it new things"),
    (Key::W, SHIFT, Deed::Why(Depth::Cover), "Shift W", "why: cover the picture, patch by patch"),
    (Key::W, NONE, Deed::Why(Depth::Evidence), "W", "why: evidence for the answer, over the picture"),
    (Key::Q, NONE, Deed::Why(Depth::Neuron), "Q", "why: one neuron, term by term; also a click on a channel"),
    (Key::K, NONE, Deed::Why(Depth::Channels), "K", "the chosen layer's channels over time"),
    (Key::F, NONE, Deed::Why(Depth::Recorder), "F", "flight recorder"),
    (Key::A, SHIFT, Deed::Why(Depth::Hold), "Shift A", "compare with the held frame"),
    (Key::A, NONE, Deed::Hold, "A", "hold this frame, let it go"),
    (Key::S, NONE, Deed::Screenshot, "S", "save a screenshot"),
    (Key::E, SHIFT, Deed::Frame, "Shift E", "save the frame and all layers"),
    (Key::E, NONE, Deed::Figures, "E", "save the figures (CSV, JSON)"),
    (Key::F11, NONE, Deed::Fullscreen, "F11", "full screen with large type"),
    (Key::L, NONE, Deed::Large, "L", "large type without filling the screen"),
    (Key::T, NONE, Deed::Theme, "T", "dark, light"),
    (Key::R, NONE, Deed::ResetLayout, "R", "panels back in their place"),
    (Key::F1, NONE, Deed::Help, "F1 ?", "these keys"),
    (Key::Questionmark, NONE, Deed::Help, "", ""),
    (Key::Escape, NONE, Deed::Escape, "Esc", "close, dismiss, leave full screen"),
];

/// What was asked by keys since the last frame. While text is typed only Esc counts; a focused
/// button keeps Space, and so does teaching.
pub(crate) fn pressed(ctx: &egui::Context, teaching: bool) -> Vec<Deed> {
    let typing = ctx.text_edit_focused();
    let focused = ctx.memory(|memory| memory.focused().is_some());
    let free = |row: &&KeyRow| match row.2 {
        Deed::Escape => true,
        Deed::Pause => !typing && !focused && !teaching,
        _ => !typing,
    };
    ctx.input_mut(|input| {
        let hit = |row: &&KeyRow| input.consume_key(row.1, row.0);
        TABLE.iter().filter(free).filter(hit).map(|row| row.2).collect()
    })
}

/// Height of the window around the list of keys: its title, what stands below the list, and air.
const AROUND_KEYS: f32 = 160.0;

/// The list of keys; `open` becomes false when it is closed. A line that is clicked does what its key does, for who has none.
pub(crate) fn help(ui: &Ui, open: &mut bool) -> Option<Deed> {
    let mut chosen = None;
    let frame = egui::Frame::window(&ui.ctx().global_style()).inner_margin(theme::MARGIN);
    let window = Window::new("Keys").open(open).collapsible(false).resizable(false).frame(frame);
    window.anchor(egui::Align2::CENTER_CENTER, egui::Vec2::ZERO).show(ui.ctx(), |ui| {
        let tokens = Tokens::of(ui);
        let room = (ui.ctx().content_rect().height() - AROUND_KEYS).max(60.0);
        egui::ScrollArea::vertical().max_height(room).show(ui, |ui| {
            egui::Grid::new("keys").num_columns(2).spacing([24.0, 6.0]).show(ui, |ui| {
                for &(_, _, deed, keys, says) in shown_rows() {
                    let key = RichText::new(keys).font(theme::mono(theme::BODY)).color(tokens.chosen);
                    let clicked = ui.add(Button::new(key).frame(false)).clicked();
                    if ui.add(Button::new(says).frame(false)).clicked() || clicked {
                        chosen = Some(deed);
                    }
                    ui.end_row();
                }
            });
        });
        ui.add_space(6.0);
        let drop = "Drop a picture, a folder, a video or a network's file anywhere. Drag panels by their titles.";
        ui.label(RichText::new(drop).size(theme::SMALL).color(tokens.quiet));
    });
    chosen
}

/// The lines of the list: what cannot be done here is left out.
fn shown_rows() -> impl Iterator<Item = &'static KeyRow> {
    let is_here =
        |row: &&KeyRow| place::HAS_FOLDERS || !matches!(row.2, Deed::Open(DialogKind::Folder) | Deed::TypePath);
    TABLE.iter().filter(|row| !row.4.is_empty()).filter(is_here)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_is_given_twice() {
        for (place, row) in TABLE.iter().enumerate() {
            let twin = TABLE[..place].iter().find(|other| (other.0, other.1) == (row.0, row.1));
            assert!(twin.is_none(), "{:?} does {:?} and {:?}", row.0, row.2, twin.map(|other| other.2));
        }
        assert!(TABLE.iter().any(|row| row.2 == Deed::Help));
    }
}
