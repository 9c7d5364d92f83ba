//! The window as text: what a screen reader is told, what is painted, and whether both agree.

use egui::epaint::{ClippedShape, Shape};
use egui::{Pos2, Rect, Vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::NodeT;
use std::fmt::Write as _;
use std::path::Path;

/// All nodes of the accessibility tree in their order, a line each: role, name, value, whether it is chosen.
pub(crate) fn told<S>(harness: &Harness<'_, S>) -> String {
    fn tell<'a, N: NodeT<'a> + 'a>(node: &N, depth: usize, text: &mut String) {
        let told = node.accesskit_node();
        let name = told.label().map(|name| format!(" \"{name}\"")).unwrap_or_default();
        let value = told.value().map(|value| format!(" = \"{value}\"")).unwrap_or_default();
        let chosen = told.toggled().map(|chosen| format!(" ({chosen:?})")).unwrap_or_default();
        // What neither has a name nor a value only groups others.
        let groups = name.is_empty() && value.is_empty();
        // A label's text comes once more as its run of letters.
        if !groups && told.role() != egui::accesskit::Role::TextRun {
            let indent = "  ".repeat(depth);
            writeln!(text, "{indent}{:?}{name}{value}{chosen}", told.role()).expect("strings take all");
        }
        let depth = if groups { depth } else { depth + 1 };
        node.children().for_each(|child| tell(&child, depth, text));
    }
    let mut text = String::new();
    tell(&harness.root(), 0, &mut text);
    text
}

/// Compares with `tests/snapshots/NAME.txt`, exactly. As for the pictures, `UPDATE_SNAPSHOTS=1` writes it anew instead.
///
/// # Panics
/// Where they differ; the new text lies beside the old one, as `NAME.new.txt`.
pub(crate) fn compare_text(name: &str, text: &str) {
    let folder = Path::new("tests/snapshots");
    let (known, new) = (folder.join(format!("{name}.txt")), folder.join(format!("{name}.new.txt")));
    let old = std::fs::read_to_string(&known).unwrap_or_default();
    let _ = std::fs::remove_file(&new);
    if old == text {
        return;
    }
    if std::env::var("UPDATE_SNAPSHOTS").is_ok_and(|update| !["", "0", "false", "no", "off"].contains(&&*update)) {
        std::fs::write(&known, text).expect("written");
        return;
    }
    std::fs::write(&new, text).expect("written");
    let differs = |(old, new): &(&str, &str)| old != new;
    let ends = ("(ends here)", "(ends here)");
    let first = old.lines().zip(text.lines()).find(differs).unwrap_or(ends);
    panic!(
        "'{name}': the window says something else than {}.\n  before: {}\n  now:    {}\nUPDATE_SNAPSHOTS=1 writes it anew.",
        known.display(),
        first.0.trim(),
        first.1.trim()
    );
}

/// A text as painted.
#[derive(Clone, Debug)]
pub(crate) struct Painted {
    pub(crate) text: String,
    /// Around its ink.
    pub(crate) ink: Rect,
    /// Outside of this nothing is seen.
    pub(crate) clip: Rect,
}

/// Every text that can be seen, at least in part.
pub(crate) fn painted<S>(harness: &Harness<'_, S>) -> Vec<Painted> {
    fn collect(shape: &Shape, clip: Rect, all: &mut Vec<Painted>) {
        match shape {
            Shape::Vec(shapes) => shapes.iter().for_each(|shape| collect(shape, clip, all)),
            Shape::Text(text) => {
                let ink = text.galley.mesh_bounds.translate(text.pos.to_vec2());
                let shows = !text.galley.text().trim().is_empty() && ink.intersect(clip).is_positive();
                if shows {
                    // An elided text shows less than it holds.
                    let glyphs =
                        text.galley.rows.iter().map(|row| row.glyphs.iter().map(|g| g.chr).collect::<String>());
                    let text = glyphs.collect::<Vec<_>>().join("\n").trim().to_owned();
                    all.push(Painted { text, ink, clip });
                }
            }
            _ => {}
        }
    }
    let mut all = Vec::new();
    harness
        .output()
        .shapes
        .iter()
        .for_each(|ClippedShape { clip_rect, shape, .. }| collect(shape, *clip_rect, &mut all));
    all
}

/// What is wrong with the places of texts: those that meet, come closer than `gap` in a line, or are cut off. Texts of what
/// scrolls sideways, at heights of `scrolling`, may be cut off at its ends.
pub(crate) fn misplaced(texts: &[Painted], gap: f32, scrolling: Option<egui::Rangef>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (place, one) in texts.iter().enumerate() {
        let scrolls = scrolling.is_some_and(|range| range.contains(one.ink.center().y));
        let room = if scrolls { one.clip.expand2(Vec2::new(f32::INFINITY, 0.0)) } else { one.clip };
        if !room.expand(1.0).contains_rect(one.ink) {
            wrong.push(format!("{:?} at {:?} is cut off at {:?}", one.text, one.ink, one.clip));
        }
        for other in &texts[place + 1..] {
            let [a, b] = [one, other].map(|text| text.ink.intersect(text.clip));
            // Ink of one line overlaps in height by more than commas and accents do.
            let same_line = a.y_range().intersection(b.y_range()).span() > 2.0;
            let apart = (b.left() - a.right()).max(a.left() - b.right());
            if same_line && apart < gap {
                wrong.push(format!("{:?} at {a:?} and {:?} at {b:?} are {apart:.1} apart", one.text, other.text));
            }
        }
    }
    wrong
}

/// The painted figures of which nothing is told where they stand: every text with a digit must be part of the name or the value
/// of a node around it.
pub(crate) fn untold<S>(harness: &Harness<'_, S>) -> Vec<String> {
    let nodes: Vec<(Rect, String)> = harness
        .root()
        .children_recursive()
        .filter_map(|node| {
            let told = node.accesskit_node();
            let words = [told.label(), told.value()].into_iter().flatten().collect::<Vec<_>>().join(" ");
            told.bounding_box().is_some().then(|| (node.rect(), plain(&words)))
        })
        .collect();
    let heard =
        |at: Pos2, words: &str| nodes.iter().any(|(rect, told)| rect.expand(1.0).contains(at) && told.contains(words));
    painted(harness)
        .iter()
        .filter(|text| text.text.chars().any(|letter| letter.is_ascii_digit()))
        .filter(|text| {
            let at = text.ink.intersect(text.clip).center();
            !text.text.split(['…', '\n']).all(|part| heard(at, &plain(part)))
        })
        .map(|text| format!("{:?} at {:?}", text.text, text.ink))
        .collect()
}

/// Without what differs between a name in a tile and in words: capitals, spaces, abbreviations.
fn plain(text: &str) -> String {
    let text = text.to_lowercase().replace("layer", "l").replace(" /", " stride ").replace("f32", "in floats");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
