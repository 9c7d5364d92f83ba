//! Letters that our typeface lacks come from the system's fonts: names in any script can be read.

use crate::app::theme;
use crossbeam_channel::{Receiver, Sender, unbounded};
use egui::epaint::text::{FontInsert, FontPriority, InsertFontFamily};
use egui::{FontData, FontFamily};
use std::collections::HashSet;

/// Fonts whose names begin so are taken before others: they look alike in all scripts.
const PREFERRED: &str = "Noto Sans";
/// Of a family for Chinese, Japanese and Korean there is one with each region's forms. The first of its collections, and the one in which
/// the stage of a booth speaks, is Japan's.
const REGIONAL: &str = " CJK ";
const REGION: &str = " CJK JP";
/// A font that is larger is not read.
const MOST_BYTES: usize = 64 << 20;

/// Looks for fonts on a thread of its own.
#[derive(Default)]
pub(crate) struct SystemFonts {
    /// Letters that were looked at, whether our typeface has them or not.
    seen: HashSet<char>,
    search: Option<FontSearch>,
}

struct FontSearch {
    letters: Sender<char>,
    found: Receiver<Found>,
}

/// A font that has a letter.
struct Found {
    name: String,
    bytes: Vec<u8>,
    index: u32,
}

impl SystemFonts {
    /// Has fonts found for the letters of `texts` that nothing here can draw, and takes into `ctx` what was found.
    pub(crate) fn follow<'a>(&mut self, ctx: &egui::Context, texts: impl Iterator<Item = &'a str>) {
        let new: Vec<char> =
            texts.flat_map(str::chars).filter(|letter| !letter.is_ascii() && self.seen.insert(*letter)).collect();
        for letter in new {
            if !ctx.fonts_mut(|fonts| fonts.has_glyph(&theme::plain(theme::BODY), letter)) {
                let search = self.search.get_or_insert_with(|| FontSearch::start(ctx.clone()));
                // A thread that is gone found no fonts at all.
                let _ = search.letters.send(letter);
            }
        }
        for found in self.search.iter().flat_map(|search| search.found.try_iter()) {
            ctx.add_font(insert(found));
        }
    }
}

fn insert(found: Found) -> FontInsert {
    let mut data = FontData::from_owned(found.bytes);
    data.index = found.index;
    let family = |family| InsertFontFamily { family, priority: FontPriority::Lowest };
    let families = [FontFamily::Proportional, FontFamily::Monospace, theme::bold_family()];
    FontInsert::new(&found.name, data, families.map(family).into())
}

impl FontSearch {
    fn start(context: egui::Context) -> Self {
        let (letters, asked) = unbounded();
        let (sender, found) = unbounded();
        // Without a thread no letter is found, and boxes stand for them.
        let _ = std::thread::Builder::new().name("fonts".into()).spawn(move || search(&asked, &sender, &context));
        Self { letters, found }
    }
}

/// Answers each letter with a font that has it, and no font twice.
fn search(asked: &Receiver<char>, sender: &Sender<Found>, context: &egui::Context) {
    let mut fonts = fontdb::Database::new();
    fonts.load_system_fonts();
    let mut given: Vec<fontdb::ID> = Vec::new();
    for letter in asked {
        if given.iter().any(|&id| has(&fonts, id, letter)) {
            continue;
        }
        let Some(id) = best(&fonts, letter) else { continue };
        given.push(id);
        let name = fonts.face(id).map(|face| face.post_script_name.clone()).unwrap_or_default();
        let read = fonts.with_face_data(id, |bytes, index| Found { name, bytes: bytes.to_vec(), index });
        if let Some(found) = read.filter(|found| found.bytes.len() <= MOST_BYTES) {
            // The window may be gone by now.
            let _ = sender.send(found);
            context.request_repaint();
        }
    }
}

/// The font for a letter: upright and regular, of the preferred family where that has it.
fn best(fonts: &fontdb::Database, letter: char) -> Option<fontdb::ID> {
    let plain = |face: &&fontdb::FaceInfo| face.style == fontdb::Style::Normal && face.weight == fontdb::Weight::NORMAL;
    let mut faces: Vec<&fontdb::FaceInfo> = fonts.faces().filter(plain).collect();
    let is_preferred = |face: &fontdb::FaceInfo| face.families.iter().any(|family| family.0.starts_with(PREFERRED));
    let is_foreign = |face: &fontdb::FaceInfo| {
        face.families.iter().any(|(name, _)| name.contains(REGIONAL) && !name.contains(REGION))
    };
    faces.sort_by_key(|face| (!is_preferred(face), is_foreign(face), face.post_script_name.clone()));
    faces.into_iter().map(|face| face.id).find(|&id| has(fonts, id, letter))
}

fn has(fonts: &fontdb::Database, id: fontdb::ID, letter: char) -> bool {
    let glyph = |bytes: &[u8], index| ttf_parser::Face::parse(bytes, index).ok()?.glyph_index(letter);
    fonts.with_face_data(id, glyph).flatten().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_font_is_found_for_a_letter_that_one_has() {
        let mut fonts = fontdb::Database::new();
        fonts.load_font_data(dejavu::sans_condensed::bold().to_vec());
        assert_eq!(best(&fonts, 'a'), None, "a bold one is not for plain text");
        fonts.load_font_data(dejavu::sans_condensed::regular().to_vec());
        let id = best(&fonts, 'ж').expect("it has Cyrillic letters");
        assert!(has(&fonts, id, 'a') && !has(&fonts, id, '猫'));
        assert_eq!(best(&fonts, '猫'), None);
    }
}
