//! Channels of a layer as pictures.

use super::theme::Tokens;
use crate::inspect::LayerValues;
use crate::network::{CodeTable, LayerShape};
use egui::{Color32, ColorImage, Pos2, Rect, Vec2, vec2};

/// Longest side of a texture in pixels: of larger layers every n-th pixel is shown.
const MOST: usize = 1024;

/// All channels of a layer in rows and columns, a line of one pixel between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grid {
    shape: LayerShape,
    /// Channels side by side.
    pub(super) columns: usize,
    /// Every n-th pixel is drawn.
    skip: usize,
}

impl Grid {
    /// As many columns as make the channels largest in `room`.
    pub(super) fn fitting(shape: LayerShape, room: Vec2) -> Self {
        let channels = shape.channels.max(1);
        let scale = |columns: &usize| {
            let rows = channels.div_ceil(*columns);
            (room.x / *columns as f32).min(room.y / rows as f32)
        };
        let columns = (1..=channels).max_by(|a, b| scale(a).total_cmp(&scale(b))).unwrap_or(1);
        let longest = columns.max(channels.div_ceil(columns));
        let skip = (longest * (shape.edge + 1)).div_ceil(MOST).max(1);
        Self { shape, columns, skip }
    }

    fn rows(&self) -> usize {
        self.shape.channels.div_ceil(self.columns)
    }

    /// Pixels of a channel's side as drawn.
    fn side(&self) -> usize {
        self.shape.edge.div_ceil(self.skip)
    }

    fn pixels(&self) -> [usize; 2] {
        [self.columns, self.rows()].map(|count| count * (self.side() + 1) - 1)
    }

    /// The largest place in `rect` that keeps pixels square, at its upper left.
    pub(super) fn place(&self, rect: Rect) -> Rect {
        let [width, height] = self.pixels().map(|n| n as f32);
        let scale = (rect.width() / width).min(rect.height() / height);
        Rect::from_min_size(rect.min, vec2(width, height) * scale)
    }

    /// Where a channel stands in `place`.
    pub(super) fn cell(&self, place: Rect, channel: usize) -> Rect {
        let pixel = place.width() / self.pixels()[0] as f32;
        let step = (self.side() + 1) as f32 * pixel;
        let at = vec2((channel % self.columns) as f32, (channel / self.columns) as f32) * step;
        Rect::from_min_size(place.min + at, Vec2::splat(self.side() as f32 * pixel))
    }

    /// The channel at a point of `place`.
    pub(super) fn channel_at(&self, place: Rect, point: Pos2) -> Option<usize> {
        let step = place.width() / self.pixels()[0] as f32 * (self.side() + 1) as f32;
        let at = (point - place.min) / step;
        let channel = at.y.max(0.0) as usize * self.columns + (at.x.max(0.0) as usize).min(self.columns - 1);
        (channel < self.shape.channels).then_some(channel)
    }

    /// The picture.
    pub(super) fn draw(&self, values: &LayerValues, range: (f64, f64), tokens: &Tokens) -> ColorImage {
        let [width, height] = self.pixels();
        let mut image = ColorImage::filled([width, height], tokens.panel);
        let painter = CellColours { values, range, tokens };
        let (side, edge) = (self.side(), self.shape.edge);
        for channel in 0..self.shape.channels {
            let left = channel % self.columns * (side + 1);
            let top = channel / self.columns * (side + 1);
            for y in 0..side {
                let row = &mut image.pixels[(top + y) * width + left..][..side];
                let start = (channel * edge + y * self.skip) * edge;
                for (x, pixel) in row.iter_mut().enumerate() {
                    *pixel = painter.color(start + x * self.skip);
                }
            }
        }
        image
    }
}

/// One channel, a pixel a value.
pub(super) fn channel(
    values: &LayerValues,
    shape: LayerShape,
    channel: usize,
    range: (f64, f64),
    tokens: &Tokens,
) -> ColorImage {
    let plane = shape.edge * shape.edge;
    let painter = CellColours { values, range, tokens };
    let pixels = (channel * plane..(channel + 1) * plane).map(|index| painter.color(index)).collect();
    ColorImage::new([shape.edge, shape.edge], pixels)
}

/// The codes of every byte: 256 columns; the codes of red above those of green and blue.
pub(super) fn table(table: &CodeTable, tokens: &Tokens) -> ColorImage {
    let depth = table.depth();
    let height = 3 * depth + 2;
    let mut image = ColorImage::filled([256, height], tokens.panel);
    for colour in 0..3 {
        for byte in 0..=255_u8 {
            for (place, &code) in table.row(colour, byte).iter().enumerate() {
                let y = colour * (depth + 1) + place;
                image.pixels[y * 256 + usize::from(byte)] = tokens.codes[usize::from(code).min(3)];
            }
        }
    }
    image
}

/// The colour of a value: its code's, or for layers without codes one of a ramp.
struct CellColours<'a> {
    values: &'a LayerValues,
    range: (f64, f64),
    tokens: &'a Tokens,
}

impl CellColours<'_> {
    fn color(&self, index: usize) -> Color32 {
        if let Some(&code) = self.values.codes.get(index) {
            return self.tokens.codes[usize::from(code).min(3)];
        }
        let (low, high) = self.range;
        let place = |value: f64| ((value - low) / (high - low).max(1e-9)) as f32;
        self.values.sums.get(index).map_or(self.tokens.panel, |value| self.tokens.ramp(place(value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::pos2;

    #[test]
    fn every_channel_has_its_place() {
        for (channels, edge) in [(1, 64), (30, 64), (64, 32), (128, 8), (512, 2), (64, 128), (2048, 8)] {
            let shape = LayerShape { channels, edge, macs: 0 };
            let grid = Grid::fitting(shape, vec2(270.0, 170.0));
            assert!(grid.pixels().into_iter().all(|side| side <= MOST + grid.columns + 2), "{grid:?}");
            let place = grid.place(Rect::from_min_size(pos2(10.0, 20.0), vec2(270.0, 170.0)));
            for channel in 0..channels {
                assert_eq!(grid.channel_at(place, grid.cell(place, channel).center()), Some(channel));
            }
        }
    }
}
