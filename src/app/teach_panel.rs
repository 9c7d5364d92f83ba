//! Teaching: hold a thing into the dashed square and hold its button. Asks the teacher through [`TeachState::requests`].

use super::model::Model;
use super::theme::{self, Tokens};
use super::widgets;
use crate::frame::InputImage;
use crate::network::{ModelChoice, NOTHING};
use crate::pipeline::Report;
use crate::teach::{ClassProgress, MOST_CLASSES, Progress, TAUGHT, TeachCommand};
use egui::{
    Align, Button, ColorImage, Key, Layout, Response, RichText, ScrollArea, Sense, TextEdit, TextureHandle, Ui, Vec2,
    vec2,
};
use std::collections::{HashMap, HashSet};
use web_time::{Duration, Instant};

/// Width of the panel in points.
pub(super) const WIDTH: f32 = 352.0;
/// The network whose eyes see, where no other is asked for.
const EYES: &str = "objects";
/// So many frames are enough for most things; the bar is full then.
const ENOUGH: usize = 20;
/// Hands free: so long to get ready, then so many frames.
const COUNTDOWN: Duration = Duration::from_secs(3);
const BURST: usize = ENOUGH;
/// Thumbnails of a class, and their edge in points.
const THUMBNAILS: usize = 8;
const THUMBNAIL: f32 = 34.0;
/// Frames that one press of "undo" takes out.
const UNDONE: usize = 10;

/// What the panel remembers.
#[derive(Default)]
pub(crate) struct TeachState {
    /// Whether the panel is open.
    pub(crate) open: bool,
    /// What is asked of the teacher; taken by whoever owns it.
    pub(crate) requests: Vec<TeachCommand>,
    /// The class that Space shows to.
    class: usize,
    name: String,
    renaming: Option<(usize, String)>,
    file: String,
    hands_free: Option<HandsFree>,
    /// Source and number of the frame that was shown last.
    shown: Option<(u64, u64)>,
    begun: bool,
    thumbnails: HashMap<u64, TextureHandle>,
}

/// Frames are taken without a button that is held.
struct HandsFree {
    class: usize,
    from: Instant,
    left: usize,
}

/// Shows the panel at the right of `ui`, where it is open.
pub(super) fn show(ui: &mut Ui, model: &Model, state: &mut TeachState) {
    if !state.open {
        return;
    }
    let progress = model.teaching.clone().unwrap_or_default();
    begin(model, state, &progress);
    // A name may have been refused, a class taken out.
    let class = state.class.min(progress.classes.len().saturating_sub(1));
    let gap = theme::GAP as i8;
    let frame = egui::Frame::new().inner_margin(egui::Margin { left: 0, right: gap, top: 0, bottom: gap });
    let side = egui::Panel::right("teach").exact_size(WIDTH).resizable(false).show_separator_line(false).frame(frame);
    let held = side.show(ui, |ui| content(ui, model, state, &progress)).inner;
    take_frames(ui, model, state, held.or_else(|| space(ui).then_some(class)));
}

/// Begins a lesson with the empty place, where there is none yet.
fn begin(model: &Model, state: &mut TeachState, progress: &Progress) {
    // Before its first word it may be reading what a former run left.
    if state.begun || progress.revision == 0 {
        return;
    }
    state.begun = true;
    if progress.base.is_none() {
        start(model, state, false);
    }
}

/// A lesson for the eyes that serve best: a taught network is taught on, and where classes stay they are those of the network that runs.
fn start(model: &Model, state: &mut TeachState, keeps: bool) {
    let runs_taught = model.report.as_ref().is_some_and(|report| report.network.training().contains_key(TAUGHT));
    let base = if keeps || runs_taught { model.settings.model.clone() } else { ModelChoice::Shipped(EYES) };
    state.requests.push(TeachCommand::Begin { base, keeps });
    if !runs_taught || keeps {
        state.requests.push(TeachCommand::AddClass(NOTHING.into()));
    }
    state.class = 0;
}

fn content(ui: &mut Ui, model: &Model, state: &mut TeachState, progress: &Progress) -> Option<usize> {
    let mut held = None;
    let mut close = false;
    let live: HashSet<u64> =
        progress.classes.iter().flat_map(|class| class.newest.iter().map(|frame| frame.0)).collect();
    state.thumbnails.retain(|id, _| live.contains(id));
    widgets::panel(ui, "Teach", |ui| {
        ui.spacing_mut().item_spacing.y = 7.0;
        head(ui, model, state, progress, &mut close);
        hint(ui, progress);
        let foot = 148.0;
        let height = (ui.available_height() - foot).max(80.0);
        ScrollArea::vertical().max_height(height).auto_shrink([false, false]).show(ui, |ui| {
            for (at, class) in progress.classes.iter().enumerate() {
                if class_row(ui, state, at, class) {
                    held = Some(at);
                }
            }
            add_class(ui, state, progress);
        });
        told(ui, progress);
        foot_buttons(ui, model, state, progress);
    });
    if close {
        state.open = false;
    }
    held
}

fn quiet(ui: &Ui, says: &str) -> RichText {
    RichText::new(says).size(theme::SMALL).color(Tokens::of(ui).quiet)
}

/// Whose eyes, whether classes stay, and the button that closes.
fn head(ui: &mut Ui, model: &Model, state: &mut TeachState, progress: &Progress, close: &mut bool) {
    ui.horizontal(|ui| {
        let base = progress.base.as_deref().unwrap_or(EYES);
        ui.label(quiet(ui, &format!("with the eyes of {base}")));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            *close = ui.button("Close").on_hover_text("Close; what is taught goes on running (M)").clicked();
        });
    });
    let mut keeps = progress.keeps;
    let can_change = progress.frames() == 0;
    let words = format!("keep the classes of {}", super::choices::network_name(model));
    let tick = ui.add_enabled(can_change, egui::Checkbox::new(&mut keeps, words));
    if tick.on_disabled_hover_text("Only before the first frame").changed() {
        start(model, state, keeps);
    }
}

/// The next step.
fn hint(ui: &mut Ui, progress: &Progress) {
    let frames = |name: &str| progress.classes.iter().find(|class| class.name == name).map_or(1, |class| class.frames);
    let things = progress.classes.iter().filter(|class| class.name != NOTHING && class.frames > 0).count();
    let says = if frames(NOTHING) == 0 {
        "1 · Leave the dashed square empty and hold the button of “nothing”."
    } else if things == 0 {
        "2 · Type a name. Hold the thing into the square, hold its button, and turn the thing slowly."
    } else {
        "3 · The next thing, or more frames where it errs. It follows every frame: see what it says. Then save it."
    };
    ui.label(RichText::new(says).font(theme::bold(theme::BODY)));
}

/// A class; whether its button is held.
fn class_row(ui: &mut Ui, state: &mut TeachState, at: usize, class: &ClassProgress) -> bool {
    let tokens = Tokens::of(ui);
    let chosen = state.class == at;
    let fill = if chosen { tokens.chosen_fill } else { tokens.raised };
    let frame = egui::Frame::new().fill(fill).corner_radius(theme::ROUND_SMALL).inner_margin(8);
    let inside = frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        name_line(ui, state, at, class);
        let held = hold_line(ui, state, at, class);
        let width = ui.available_width();
        let (bar, _) = ui.allocate_exact_size(vec2(width, 5.0), Sense::hover());
        widgets::bar(ui, bar, class.frames as f32 / ENOUGH as f32, tokens.chosen);
        thumbnails(ui, state, class);
        held
    });
    if inside.response.interact(Sense::click()).clicked() {
        state.class = at;
    }
    inside.inner
}

fn name_line(ui: &mut Ui, state: &mut TeachState, at: usize, class: &ClassProgress) {
    ui.horizontal(|ui| {
        match &mut state.renaming {
            Some((renamed, name)) if *renamed == at => {
                let edit = ui.add(TextEdit::singleline(name).desired_width(150.0));
                edit.request_focus();
                if ui.input(|input| input.key_pressed(Key::Enter)) {
                    let name = name.clone();
                    state.requests.push(TeachCommand::Rename(at, name));
                    state.renaming = None;
                } else if ui.input(|input| input.key_pressed(Key::Escape)) {
                    state.renaming = None;
                }
            }
            _ => {
                let label =
                    ui.add(egui::Label::new(RichText::new(&class.name).font(theme::bold(theme::BODY))).truncate());
                label.on_hover_text(&class.name);
            }
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let tip = format!("Take {} out, with all its frames", class.name);
            if ui.small_button("✕").on_hover_text(tip).clicked() {
                state.requests.push(TeachCommand::RemoveClass(at));
            }
            if class.name != NOTHING && ui.small_button("✎").on_hover_text(format!("Rename {}", class.name)).clicked()
            {
                state.renaming = Some((at, class.name.clone()));
            }
            let frames = if class.frames == 1 { "frame" } else { "frames" };
            ui.label(quiet(ui, &format!("{} {frames}", class.frames)));
        });
    });
}

/// The button that is held, and the one for whom has no hand free. Whether it is held.
fn hold_line(ui: &mut Ui, state: &mut TeachState, at: usize, class: &ClassProgress) -> bool {
    ui.horizontal(|ui| {
        let label = if class.frames == 0 {
            format!("Hold to show {}", class.name)
        } else {
            format!("Hold for more of {}", class.name)
        };
        let button = ui.add(
            Button::new(label)
                .truncate()
                .min_size(vec2(ui.available_width() - 92.0, theme::BUTTON))
                .sense(Sense::click_and_drag()),
        );
        let held = button.is_pointer_button_down_on();
        if held {
            state.class = at;
        }
        let counting = state.hands_free.as_ref().filter(|free| free.class == at);
        let words = match counting {
            Some(free) if free.from > Instant::now() => {
                format!("in {} …", free.from.duration_since(Instant::now()).as_secs() + 1)
            }
            Some(free) => format!("{} left", free.left),
            None => "hands free".into(),
        };
        let tip = format!("Hands free: after three seconds, {BURST} frames of {}", class.name);
        if ui.add(Button::new(words).min_size(vec2(84.0, theme::BUTTON))).on_hover_text(tip).clicked() {
            state.class = at;
            state.hands_free = match counting {
                Some(_) => None,
                None => Some(HandsFree { class: at, from: Instant::now() + COUNTDOWN, left: BURST }),
            };
        }
        held
    })
    .inner
}

/// The newest frames; a click takes one out.
fn thumbnails(ui: &mut Ui, state: &mut TeachState, class: &ClassProgress) {
    let newest = class.newest.iter().rev().take(THUMBNAILS).rev();
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 3.0;
        for (id, square) in newest {
            let texture = state.thumbnails.entry(*id).or_insert_with(|| thumbnail(ui, *id, square));
            let image = egui::Image::new((texture.id(), Vec2::splat(THUMBNAIL))).corner_radius(3.0);
            let tip = format!("Take this frame of {} out", class.name);
            let button = ui.add(egui::Button::image(image).frame(false));
            button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &tip));
            if button.on_hover_text(&tip).clicked() {
                state.requests.push(TeachCommand::RemoveFrame(*id));
            }
        }
    });
}

fn thumbnail(ui: &Ui, id: u64, square: &InputImage) -> TextureHandle {
    let picture = ColorImage::from_rgb([square.edge(); 2], square.rgb());
    ui.ctx().load_texture(format!("taught {id}"), picture, egui::TextureOptions::LINEAR)
}

/// A line to type in, beside a button.
fn field(ui: &mut Ui, text: &mut String, what: &str) -> Response {
    let edit = TextEdit::singleline(text).hint_text(what).desired_width(ui.available_width() - 64.0);
    let response = ui.add(edit.margin(egui::Margin::symmetric(8, 6)));
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::TextInput, true, what));
    response
}

fn add_class(ui: &mut Ui, state: &mut TeachState, progress: &Progress) {
    if progress.classes.len() >= MOST_CLASSES {
        return;
    }
    ui.horizontal(|ui| {
        let edit = field(ui, &mut state.name, "name of the next thing");
        let entered = edit.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        let pressed = ui.add(Button::new("Add").min_size(vec2(52.0, theme::BUTTON))).clicked();
        if (entered || pressed) && !state.name.trim().is_empty() {
            state.class = progress.classes.len();
            state.requests.push(TeachCommand::AddClass(std::mem::take(&mut state.name)));
        }
    });
}

/// How well it knows what it was taught, what would help, what was refused.
fn told(ui: &mut Ui, progress: &Progress) {
    let tokens = Tokens::of(ui);
    if let Some(problem) = &progress.problem {
        let label = ui.label(RichText::new(sentence(problem)).size(theme::SMALL).color(tokens.fault));
        label.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Alert, true, problem));
    }
    if let Some(share) = progress.recognised {
        let waiting =
            if progress.waiting > 0 { format!(" · {} frames wait", progress.waiting) } else { String::new() };
        ui.label(quiet(ui, &format!("knows {:.0} % of held-out frames{waiting}", share * 100.0)));
    }
    for advice in progress.advice.iter().take(2) {
        ui.label(RichText::new(sentence(advice)).size(theme::SMALL).color(tokens.float_input));
    }
}

/// With a capital and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}

/// Undo, save, throw away.
fn foot_buttons(ui: &mut Ui, model: &Model, state: &mut TeachState, progress: &Progress) {
    let has_frames = progress.frames() > 0;
    ui.horizontal(|ui| {
        let undo = ui.add_enabled(has_frames, Button::new(format!("Undo {UNDONE} frames")));
        if undo.on_hover_text("Takes the last frames out again").clicked() {
            state.requests.push(TeachCommand::Undo(UNDONE));
        }
        let discard = ui.add_enabled(has_frames, Button::new("Throw away"));
        if discard.on_hover_text("All that was taught and is not saved goes, and its file with it").clicked() {
            state.requests.push(TeachCommand::Discard);
            start(model, state, false);
        }
    });
    ui.horizontal(|ui| {
        field(ui, &mut state.file, "name of the file");
        let can_save = progress.network.is_some();
        let save = ui.add_enabled(can_save, Button::new("Save").min_size(vec2(52.0, theme::BUTTON)));
        if save.on_disabled_hover_text("Show at least two things first").clicked() {
            let path = super::export::folder().join(file_name(&state.file));
            state.requests.push(TeachCommand::Save(path));
        }
    });
    let says = match (&progress.saved, &progress.kept_in) {
        (Some(path), _) if progress.is_saved => format!("Saved in {}", path.display()),
        (_, Some(path)) if has_frames => format!("Not saved yet; kept in {}, for you alone", path.display()),
        _ => "No picture goes into the file that is saved".into(),
    };
    ui.add(egui::Label::new(quiet(ui, &says)).truncate()).on_hover_text(&says);
}

/// A file's name from what was typed: no folder of another place.
fn file_name(typed: &str) -> String {
    let kept: String = typed.trim().chars().filter(|&c| c != '/' && c != '\0' && !c.is_control()).take(80).collect();
    let stem = kept.trim_start_matches('.').trim_end_matches(".safetensors");
    format!("{}.safetensors", if stem.is_empty() { "taught" } else { stem })
}

/// Whether Space is held, and not as a part of a name.
fn space(ui: &Ui) -> bool {
    !ui.ctx().text_edit_focused() && ui.input(|input| input.key_down(Key::Space))
}

/// Shows the newest frame to the class that is `held`, or that is shown hands free.
fn take_frames(ui: &Ui, model: &Model, state: &mut TeachState, held: Option<usize>) {
    let free = state.hands_free.as_ref();
    if free.is_some() {
        ui.ctx().request_repaint_after(Duration::from_millis(100));
    }
    let free = free.filter(|free| free.from <= Instant::now()).map(|free| free.class);
    let Some(class) = held.or(free) else { return };
    let Some(Report { frame, crop, .. }) = new_report(model, state.shown) else { return };
    state.shown = Some((frame.source, frame.index));
    state.requests.push(TeachCommand::Show(class, frame.clone(), *crop));
    if let Some(free) = state.hands_free.as_mut().filter(|free| free.class == class) {
        free.left -= 1;
        if free.left == 0 {
            state.hands_free = None;
        }
    }
}

/// The newest report, where it is of another frame than before and not of the past.
fn new_report(model: &Model, shown: Option<(u64, u64)>) -> Option<&Report> {
    let report = model.report.as_deref().filter(|_| !model.is_past())?;
    (shown != Some((report.frame.source, report.frame.index))).then_some(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_typed_name_leads_elsewhere() {
        assert_eq!(file_name("fruit at noon"), "fruit at noon.safetensors");
        assert_eq!(file_name("../../etc/passwd"), "etcpasswd.safetensors");
        assert_eq!(file_name(" x.safetensors "), "x.safetensors");
        assert_eq!(file_name("..."), "taught.safetensors");
        assert_eq!(file_name(""), "taught.safetensors");
    }

    #[test]
    fn refusals_are_sentences() {
        assert_eq!(sentence("a class needs a name: type one"), "A class needs a name: type one.");
    }
}
