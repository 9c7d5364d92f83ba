//! What several panels draw with.

use super::theme::{self, Tokens};
use egui::text::{LayoutJob, TextFormat, TextWrapping};
use egui::{
    Align, Align2, Color32, CornerRadius, CursorIcon, FontId, Galley, Id, Layout, Mesh, Pos2, Rect, Response, Role,
    Sense, StrokeKind, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};
use std::sync::Arc;

/// Smaller type cannot be read.
const LEAST_SIZE: f32 = 6.0;
/// Height of a panel's title with the room below it.
const TITLE: f32 = 26.0;

/// A panel with a title, filling `ui`. Returns whether the person starts dragging it by its title.
pub(super) fn panel(ui: &mut Ui, title: &str, content: impl FnOnce(&mut Ui)) -> bool {
    let rect = panel_ground(ui);
    let inside = rect.shrink(theme::MARGIN);
    let bar = Rect::from_min_size(inside.min, vec2(inside.width(), TITLE));
    let handle = handle(ui, bar, title);
    ui.painter().galley(bar.min, title_text(ui, title, bar.width()), Color32::PLACEHOLDER);
    let body = Rect::from_min_max(pos2(inside.left(), bar.bottom()), inside.max);
    if body.is_positive() {
        inner(ui, body, content);
    }
    handle.drag_started()
}

/// A panel's ground and border; returns its rectangle.
pub(super) fn panel_ground(ui: &Ui) -> Rect {
    let (rect, tokens) = (ui.max_rect(), Tokens::of(ui));
    ui.painter().rect(rect, theme::ROUND, tokens.panel, tokens.border(), StrokeKind::Inside);
    rect
}

/// The part of a panel by which it is dragged to another place.
pub(super) fn handle(ui: &Ui, rect: Rect, title: &str) -> Response {
    let response = ui.interact(rect, ui.scope_id().with("handle"), Sense::drag()).on_hover_cursor(CursorIcon::Grab);
    response.widget_info(|| WidgetInfo::labeled(Role::Heading, true, title));
    response
}

/// Lets `content` draw in `rect` and nowhere else.
pub(super) fn inner<R>(ui: &mut Ui, rect: Rect, content: impl FnOnce(&mut Ui) -> R) -> R {
    let mut child = ui.new_child(UiBuilder::new().max_rect(rect).layout(Layout::top_down(Align::Min)));
    child.shrink_clip_rect(rect.expand(1.0));
    content(&mut child)
}

/// A title in spaced capitals; a long one gives up the spaces, then its end.
fn title_text(ui: &Ui, title: &str, width: f32) -> Arc<Galley> {
    let color = Tokens::of(ui).quiet;
    let layout = |extra_letter_spacing| {
        let format =
            TextFormat { font_id: theme::bold(theme::TINY), extra_letter_spacing, color, ..TextFormat::default() };
        let mut job = LayoutJob::single_section(title.to_uppercase(), format);
        job.wrap = TextWrapping { max_rows: 1, break_anywhere: true, max_width: width, ..TextWrapping::default() };
        ui.painter().layout_job(job)
    };
    let spaced = layout(1.0);
    if spaced.elided { layout(0.0) } else { spaced }
}

/// Text in one line, to be measured before it is painted.
pub(super) fn layout(ui: &Ui, text: impl ToString, font: FontId, color: Color32) -> Arc<Galley> {
    ui.painter().layout_no_wrap(text.to_string(), font, color)
}

/// Text at a place; returns where it stands.
pub(super) fn text(ui: &Ui, at: Pos2, anchor: Align2, text: impl ToString, font: FontId, color: Color32) -> Rect {
    ui.painter().text(at, anchor, text, font, color)
}

/// Text that gives way at `width` with an ellipsis.
pub(super) fn elided(ui: &Ui, at: Pos2, text: &str, font: FontId, color: Color32, width: f32) -> Rect {
    let mut job = LayoutJob::simple_singleline(text.into(), font, color);
    job.wrap = TextWrapping::truncate_at_width(width);
    let galley = ui.painter().layout_job(job);
    let rect = Rect::from_min_size(at, galley.size());
    ui.painter().galley(at, galley, color);
    rect
}

/// The largest font size up to `size` at which `text` is not wider than `width`, as long as it can be read.
pub(super) fn fitting(ui: &Ui, text: &str, font: fn(f32) -> FontId, size: f32, width: f32) -> f32 {
    let full = layout(ui, text, font(size), Color32::PLACEHOLDER).size().x;
    // Whole sizes keep the number of glyphs in the atlas small.
    if full <= width { size } else { (size * width / full).floor().max(LEAST_SIZE) }
}

/// Makes painted text known to screen readers, and gives it a tip.
pub(super) fn say(ui: &Ui, rect: Rect, id: impl std::hash::Hash + std::fmt::Debug, text: &str) -> Response {
    let response = ui.interact(rect, ui.scope_id().with(id), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
    response
}

/// A track with a bar of `fraction` of it.
pub(super) fn bar(ui: &Ui, rect: Rect, fraction: f32, color: Color32) {
    let tokens = Tokens::of(ui);
    let round = CornerRadius::same((rect.height() / 2.0).min(4.0) as u8);
    ui.painter().rect_filled(rect, round, tokens.track);
    let width = (rect.width() * fraction.clamp(0.0, 1.0)).max(rect.height().min(2.5));
    ui.painter().rect_filled(Rect::from_min_size(rect.min, vec2(width, rect.height())), round, color);
}

/// Bars side by side as one mesh: `heights` from 0 to 1, each with its colour, in `rect`.
pub(super) fn bars(ui: &Ui, rect: Rect, heights: impl ExactSizeIterator<Item = (f32, Color32)>) {
    let mut mesh = Mesh::default();
    let step = rect.width() / heights.len().max(1) as f32;
    let gap = if step > 4.0 { 1.0 } else { 0.0 };
    for (place, (height, color)) in heights.enumerate() {
        let left = rect.left() + place as f32 * step;
        let top = rect.bottom() - (rect.height() * height.clamp(0.0, 1.0)).max(1.0);
        mesh.add_colored_rect(Rect::from_min_max(pos2(left, top), pos2(left + step - gap, rect.bottom())), color);
    }
    ui.painter().add(mesh);
}

/// A texture that is written anew only when what it shows has changed.
#[derive(Default)]
pub(super) struct CachedTexture {
    handle: Option<egui::TextureHandle>,
    key: Option<Id>,
}

impl CachedTexture {
    /// The texture as it was last.
    pub(super) fn id(&self) -> Option<egui::TextureId> {
        self.handle.as_ref().map(egui::TextureHandle::id)
    }

    /// The texture; `make` draws it where `key` is not the one of the last call.
    pub(super) fn get(
        &mut self,
        ctx: &egui::Context,
        name: &str,
        key: Id,
        options: egui::TextureOptions,
        make: impl FnOnce() -> egui::ColorImage,
    ) -> egui::TextureId {
        let stale = self.key != Some(key);
        self.key = Some(key);
        match &mut self.handle {
            Some(handle) => {
                if stale {
                    handle.set(make(), options);
                }
                handle.id()
            }
            None => self.handle.insert(ctx.load_texture(name, make(), options)).id(),
        }
    }
}
