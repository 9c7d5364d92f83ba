//! Where the panels stand: two arrangements, one for working and one to be read from afar, both free to be rearranged.

use egui_tiles::{Container, Linear, LinearDir, Tile, TileId, Tiles, Tree};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// A panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Panel {
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
    pub fn title(self) -> &'static str {
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

/// Both arrangements, and which one is shown.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Layout {
    desk: Tree<Panel>,
    stage: Tree<Panel>,
    /// Whether the one with large type is shown.
    #[serde(skip)]
    pub large: bool,
}

impl Default for Layout {
    fn default() -> Self {
        Self { desk: desk(), stage: stage(), large: false }
    }
}

impl Layout {
    /// The arrangement that is shown.
    pub fn shown(&mut self) -> &mut Tree<Panel> {
        if self.large { &mut self.stage } else { &mut self.desk }
    }

    /// As at the first start.
    pub fn reset(&mut self) {
        *self = Self { large: self.large, ..Self::default() };
    }

    /// Whether every panel stands in its place once: what is read from a file may hold anything.
    pub fn is_sound(&self) -> bool {
        sound(&self.desk, &DESK) && sound(&self.stage, &STAGE)
    }
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
