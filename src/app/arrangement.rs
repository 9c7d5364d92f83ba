//! Where the panels stand: arrangements for working, to be read from afar, and for windows that are higher than wide, all free to be
//! rearranged.

use egui::{Vec2, vec2};
use egui_tiles::{Container, Linear, LinearDir, Tile, TileId, Tiles, Tree};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// A panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Panel {
    /// The live picture.
    Picture,
    /// What the network says.
    Prediction,
    /// The chosen layer.
    Detail,
    /// All layers.
    Strip,
    /// The twins.
    Comparison,
    /// Frames and latency over time.
    Timeline,
}

impl Panel {
    /// As its title says.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Picture => "Picture",
            Self::Prediction => "Prediction",
            Self::Detail => "Layer",
            Self::Strip => "The network, layer by layer · 2-bit codes",
            Self::Comparison => "Pixel embedding against a float first layer · same frames, same engine",
            Self::Timeline => "Over time",
        }
    }
}

const DESK: [Panel; 6] =
    [Panel::Picture, Panel::Prediction, Panel::Detail, Panel::Strip, Panel::Comparison, Panel::Timeline];
const STAGE: [Panel; 3] = [Panel::Picture, Panel::Prediction, Panel::Strip];
const TALL: [Panel; 4] = [Panel::Picture, Panel::Prediction, Panel::Strip, Panel::Comparison];

/// The arrangements, and which of the wide ones is shown.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Layout {
    desk: Tree<Panel>,
    stage: Tree<Panel>,
    #[serde(default = "tall")]
    tall: Tree<Panel>,
    /// Whether the one with large type is shown.
    #[serde(skip)]
    pub large: bool,
}

impl Default for Layout {
    fn default() -> Self {
        Self { desk: desk(), stage: stage(), tall: tall(), large: false }
    }
}

impl Layout {
    /// The arrangement that is shown in a window of this size.
    pub(crate) fn shown(&mut self, size: Vec2) -> &mut Tree<Panel> {
        match self.large {
            _ if is_tall(size) => &mut self.tall,
            true => &mut self.stage,
            false => &mut self.desk,
        }
    }

    /// As at the first start.
    pub(crate) fn reset(&mut self) {
        *self = Self { large: self.large, ..Self::default() };
    }

    /// Whether every panel stands in its place once: what is read from a file may hold anything.
    pub(crate) fn is_sound(&self) -> bool {
        sound(&self.desk, &DESK) && sound(&self.stage, &STAGE) && sound(&self.tall, &TALL)
    }
}

/// The size in points that the working arrangement is drawn for.
const DRAWN_FOR: Vec2 = vec2(1360.0, 850.0);
/// The same of the one for windows that are higher than wide.
const TALL_DRAWN_FOR: Vec2 = vec2(480.0, 960.0);
/// A window is higher than wide where its width is less than this part of its height.
const TALLER_THAN: f32 = 0.8;
/// The smallest and the largest zoom, and the largest of the arrangement with large type.
const ZOOM: [f32; 3] = [0.5, 1.0, 4.0];
/// Smaller type than this one's, in pixels of the screen for each of its points, cannot be read.
const LEAST_PIXELS: f32 = 0.7;

/// How type is scaled in a window of `size` points of the system's, each of so many pixels: a small window keeps its arrangement
/// as long as it can be read, one to be read from afar gets large letters.
pub fn zoom(size: Vec2, pixels_per_point: f32, large: bool) -> f32 {
    let [least, small, most] = ZOOM;
    let least = (LEAST_PIXELS / pixels_per_point.max(0.1)).clamp(least, LEAST_PIXELS);
    let drawn_for = if is_tall(size) { TALL_DRAWN_FOR } else { DRAWN_FOR };
    (size / drawn_for).min_elem().clamp(least, if large { most } else { small })
}

/// Whether a window of this size is higher than wide, as a phone is held.
pub(super) fn is_tall(size: Vec2) -> bool {
    size.x < size.y * TALLER_THAN
}

fn row(tiles: &mut Tiles<Panel>, panels: &[(Panel, f32)]) -> TileId {
    let ids: Vec<(TileId, f32)> = panels.iter().map(|&(panel, share)| (tiles.insert_pane(panel), share)).collect();
    split(tiles, LinearDir::Horizontal, &ids)
}

fn split(tiles: &mut Tiles<Panel>, dir: LinearDir, parts: &[(TileId, f32)]) -> TileId {
    let mut linear = Linear::new(dir, parts.iter().map(|part| part.0).collect());
    parts.iter().for_each(|&(id, share)| linear.shares.set_share(id, share));
    tiles.insert_container(Container::Linear(linear))
}

fn desk() -> Tree<Panel> {
    let mut tiles = Tiles::default();
    let top = row(&mut tiles, &[(Panel::Picture, 540.0), (Panel::Prediction, 408.0), (Panel::Detail, 444.0)]);
    let strip = tiles.insert_pane(Panel::Strip);
    let bottom = row(&mut tiles, &[(Panel::Comparison, 1010.0), (Panel::Timeline, 394.0)]);
    let root = split(&mut tiles, LinearDir::Vertical, &[(top, 402.0), (strip, 216.0), (bottom, 198.0)]);
    Tree::new(egui::Id::unique("desk"), root, tiles)
}

fn stage() -> Tree<Panel> {
    let mut tiles = Tiles::default();
    let top = row(&mut tiles, &[(Panel::Picture, 1.0), (Panel::Prediction, 1.0)]);
    let strip = tiles.insert_pane(Panel::Strip);
    let root = split(&mut tiles, LinearDir::Vertical, &[(top, 2.7), (strip, 1.0)]);
    Tree::new(egui::Id::unique("stage"), root, tiles)
}

fn tall() -> Tree<Panel> {
    let mut tiles = Tiles::default();
    let parts = [(Panel::Picture, 3.0), (Panel::Prediction, 2.8), (Panel::Strip, 1.5), (Panel::Comparison, 1.6)];
    let parts = parts.map(|(panel, share)| (tiles.insert_pane(panel), share));
    let root = split(&mut tiles, LinearDir::Vertical, &parts);
    Tree::new(egui::Id::unique("tall"), root, tiles)
}

/// Whether the tree hangs together without circles and holds `panels`, each once.
fn sound(tree: &Tree<Panel>, panels: &[Panel]) -> bool {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    let mut open: Vec<TileId> = tree.root().into_iter().collect();
    while let Some(id) = open.pop() {
        match tree.tiles.get(id) {
            Some(Tile::Pane(panel)) if seen.insert(id) => found.push(*panel),
            Some(Tile::Container(container)) if seen.insert(id) => open.extend(container.children()),
            _ => return false,
        }
    }
    found.len() == panels.len() && panels.iter().all(|panel| found.contains(panel))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_windows_keep_their_arrangement_as_long_as_letters_can_be_read() {
        let zoomed = |width, height, scaling, large| zoom(vec2(width, height), scaling, large);
        assert_eq!(zoomed(1440.0, 900.0, 1.0, false), 1.0);
        assert_eq!(zoomed(3840.0, 2160.0, 1.0, false), 1.0);
        assert_eq!(zoomed(2720.0, 1700.0, 1.0, true), 2.0);
        assert_eq!(zoomed(680.0, 850.0, 1.0, false), 0.7);
        assert_eq!(zoomed(680.0, 425.0, 2.0, false), 0.5);
        assert_eq!(zoomed(480.0, 960.0, 3.0, false), 1.0);
        assert_eq!(zoomed(100.0, 100.0, 2.0, true), 0.5);
    }

    #[test]
    fn a_layout_survives_its_file() {
        let text = serde_json::to_string(&Layout::default()).expect("serializes");
        let read: Layout = serde_json::from_str(&text).expect("deserializes");
        assert!(read.is_sound());
    }

    #[test]
    fn a_layout_without_a_panel_or_with_a_circle_is_not_sound() {
        let mut lost = Layout::default();
        let picture = lost.desk.tiles.find_pane(&Panel::Picture).expect("there");
        lost.desk.remove_recursively(picture);
        assert!(!lost.is_sound());

        let mut circle = Layout::default();
        let root = circle.desk.root().expect("there");
        let Some(Tile::Container(container)) = circle.desk.tiles.get_mut(root) else { panic!("a container") };
        container.add_child(root);
        assert!(!circle.is_sound());
    }
}
