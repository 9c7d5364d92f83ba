//! The one place for colours, sizes and typefaces. One colour has one meaning in the whole window, in dark and in light.

use egui::epaint::text::{FontInsert, FontPriority, InsertFontFamily};
use egui::{Color32, CornerRadius, FontData, FontFamily, FontId, Margin, Shadow, Stroke, TextStyle, Theme, vec2};

/// Colours of one theme.
#[derive(Debug)]
pub(crate) struct Tokens {
    /// Behind the panels.
    pub ground: Color32,
    /// A panel.
    pub panel: Color32,
    /// A thing on a panel that can be pressed.
    pub raised: Color32,
    /// The same under the pointer.
    pub hovered: Color32,
    /// Borders and grid lines.
    pub line: Color32,
    /// The empty part of a bar.
    pub track: Color32,
    /// Text.
    pub text: Color32,
    /// Text that may be overlooked.
    pub quiet: Color32,
    /// The codes 0 to 3: lightness alone tells them apart.
    pub codes: [Color32; 4],
    /// Around bars of code 0, which hardly differ from the panel.
    pub code_edge: Color32,
    /// The chosen thing, and shares of time.
    pub chosen: Color32,
    /// Behind the chosen thing.
    pub chosen_fill: Color32,
    /// All that belongs to the network with pixel embedding.
    pub embedded: Color32,
    /// All that belongs to the network with a float first layer.
    pub float_input: Color32,
    /// What went wrong.
    pub fault: Color32,
    /// Behind text on a picture.
    pub scrim: Color32,
    /// Text and lines on a picture.
    pub on_picture: Color32,
}

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

const DARK: Tokens = Tokens {
    ground: rgb(0x0e_11_15),
    panel: rgb(0x15_1a_20),
    raised: rgb(0x1c_23_2b),
    hovered: rgb(0x26_2f_39),
    line: rgb(0x24_2b_34),
    track: rgb(0x1f_26_2f),
    text: rgb(0xe8_ed_f3),
    quiet: rgb(0x87_93_a3),
    codes: [rgb(0x26_30_3b), rgb(0x3a_6e_a8), rgb(0x5d_b4_e8), rgb(0xd9_f2_ff)],
    code_edge: rgb(0x3d_49_57),
    chosen: rgb(0x5d_b4_e8),
    chosen_fill: rgb(0x1a_29_36),
    embedded: rgb(0x35_d0_ba),
    float_input: rgb(0xf2_a9_3b),
    fault: rgb(0xe5_53_4b),
    scrim: Color32::from_black_alpha(176),
    on_picture: rgb(0xf4_f7_fa),
};

const LIGHT: Tokens = Tokens {
    ground: rgb(0xe9_ed_f1),
    panel: rgb(0xfc_fd_fe),
    raised: rgb(0xf0_f3_f6),
    hovered: rgb(0xe2_e8_ee),
    line: rgb(0xd5_dc_e4),
    track: rgb(0xe6_eb_f0),
    text: rgb(0x15_1c_24),
    quiet: rgb(0x5a_67_77),
    codes: [rgb(0xe1_e7_ee), rgb(0x93_c0_e6), rgb(0x3a_7f_bf), rgb(0x0c_31_59)],
    code_edge: rgb(0xb9_c4_d0),
    chosen: rgb(0x2f_7f_c4),
    chosen_fill: rgb(0xe4_f0_fa),
    embedded: rgb(0x0b_8a_79),
    float_input: rgb(0xb8_6a_00),
    fault: rgb(0xc2_32_2a),
    scrim: Color32::from_black_alpha(176),
    on_picture: rgb(0xf4_f7_fa),
};

/// Between panels, and between a panel and the window's border.
pub(crate) const GAP: f32 = 12.0;
/// Between a panel's border and what it holds.
pub(crate) const MARGIN: f32 = 14.0;
/// Corners of panels and pictures.
pub(crate) const ROUND: CornerRadius = CornerRadius::same(8);
/// Corners of tiles, buttons and bars.
pub(crate) const ROUND_SMALL: CornerRadius = CornerRadius::same(5);
/// Height of the toolbar.
pub(crate) const TOOLBAR: f32 = 48.0;
/// Height of a button in the toolbar.
pub(crate) const BUTTON: f32 = 30.0;
/// Text sizes in points: body, small, tiny, a figure that is looked for.
pub(crate) const BODY: f32 = 13.5;
/// See [`BODY`].
pub(crate) const SMALL: f32 = 12.0;
/// See [`BODY`].
pub(crate) const TINY: f32 = 10.5;
/// See [`BODY`].
pub(crate) const FIGURE: f32 = 23.0;

impl Tokens {
    /// The colours that `ui` is drawn in.
    pub(crate) fn of(ui: &egui::Ui) -> &'static Self {
        Self::of_theme(if ui.visuals().dark_mode { Theme::Dark } else { Theme::Light })
    }

    /// The colours of `theme`.
    pub(crate) fn of_theme(theme: Theme) -> &'static Self {
        match theme {
            Theme::Dark => &DARK,
            Theme::Light => &LIGHT,
        }
    }

    /// The colour of a network, by how it starts.
    pub(crate) fn twin(&self, has_pixel_embedding: bool) -> Color32 {
        if has_pixel_embedding { self.embedded } else { self.float_input }
    }

    /// The line around panels and tiles.
    pub(crate) fn border(&self) -> Stroke {
        Stroke::new(1.0, self.line)
    }

    /// A colour between those of the codes, for values that are no codes: `at` from 0 to 1.
    pub(crate) fn ramp(&self, at: f32) -> Color32 {
        let place = at.clamp(0.0, 1.0) * 3.0;
        let lower = (place as usize).min(2);
        self.codes[lower].lerp_to_gamma(self.codes[lower + 1], place - lower as f32)
    }
}

pub(crate) fn bold_family() -> FontFamily {
    FontFamily::Name("bold".into())
}

/// The typeface of names and titles.
pub(crate) fn bold(size: f32) -> FontId {
    FontId::new(size, bold_family())
}

/// The typeface of sentences.
pub(crate) fn plain(size: f32) -> FontId {
    FontId::proportional(size)
}

/// The typeface of numbers: all digits equally wide, nothing jumps.
pub(crate) fn mono(size: f32) -> FontId {
    FontId::monospace(size)
}

/// Gives `ctx` typefaces and both themes.
pub fn apply(ctx: &egui::Context) {
    let family = |family, priority| InsertFontFamily { family, priority };
    ctx.add_font(FontInsert::new(
        "DejaVu Sans Condensed",
        FontData::from_static(dejavu::sans_condensed::regular()),
        vec![
            family(FontFamily::Proportional, FontPriority::Highest),
            family(FontFamily::Monospace, FontPriority::Lowest),
        ],
    ));
    ctx.add_font(FontInsert::new(
        "DejaVu Sans Condensed Bold",
        FontData::from_static(dejavu::sans_condensed::bold()),
        vec![family(bold_family(), FontPriority::Highest)],
    ));
    for theme in [Theme::Dark, Theme::Light] {
        ctx.style_mut_of(theme, |style| restyle(style, Tokens::of_theme(theme)));
    }
}

fn restyle(style: &mut egui::Style, tokens: &Tokens) {
    style.text_styles = [
        (TextStyle::Heading, bold(17.0)),
        (TextStyle::Body, plain(BODY)),
        (TextStyle::Button, plain(BODY)),
        (TextStyle::Small, plain(SMALL)),
        (TextStyle::Monospace, mono(SMALL)),
    ]
    .into();
    // Nothing fades: motion only where data moves.
    style.animation_time = 0.0;
    let spacing = &mut style.spacing;
    spacing.item_spacing = vec2(8.0, 6.0);
    spacing.button_padding = vec2(10.0, 5.0);
    spacing.menu_margin = Margin::same(8);
    spacing.scroll = egui::style::ScrollStyle::thin();
    recolour(&mut style.visuals, tokens);
}

fn recolour(visuals: &mut egui::Visuals, tokens: &Tokens) {
    visuals.override_text_color = Some(tokens.text);
    visuals.weak_text_color = Some(tokens.quiet);
    visuals.panel_fill = tokens.ground;
    visuals.window_fill = tokens.panel;
    visuals.window_stroke = tokens.border();
    visuals.window_corner_radius = ROUND;
    visuals.menu_corner_radius = ROUND;
    let shadow = Shadow { offset: [0, 6], blur: 24, spread: 0, color: Color32::from_black_alpha(70) };
    visuals.window_shadow = shadow;
    visuals.popup_shadow = shadow;
    visuals.extreme_bg_color = tokens.ground;
    visuals.faint_bg_color = tokens.raised;
    visuals.selection.bg_fill = tokens.chosen.gamma_multiply(0.35);
    visuals.selection.stroke = Stroke::new(1.0, tokens.chosen);
    visuals.error_fg_color = tokens.fault;
    visuals.warn_fg_color = tokens.float_input;
    visuals.hyperlink_color = tokens.chosen;
    let widgets = &mut visuals.widgets;
    let looks = [
        (&mut widgets.noninteractive, tokens.panel, tokens.line, tokens.text),
        (&mut widgets.inactive, tokens.raised, tokens.line, tokens.text),
        (&mut widgets.hovered, tokens.hovered, tokens.code_edge, tokens.text),
        (&mut widgets.active, tokens.hovered, tokens.chosen, tokens.text),
        (&mut widgets.open, tokens.hovered, tokens.code_edge, tokens.text),
    ];
    for (widget, fill, border, text) in looks {
        widget.bg_fill = fill;
        widget.weak_bg_fill = fill;
        widget.bg_stroke = Stroke::new(1.0, border);
        widget.fg_stroke = Stroke::new(1.0, text);
        widget.corner_radius = ROUND_SMALL;
        widget.expansion = 0.0;
    }
}
