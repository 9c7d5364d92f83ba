//! Where a card is in the frame: its four corners, seen in perspective.

use super::dice::{cos, sin};
use super::drawing::Point;

/// Width of a card divided by its height.
pub(super) const ASPECT: f32 = 5.0 / 7.0;

/// The corners of a card in the frame: top left, top right, bottom right, bottom left.
#[derive(Clone, Copy)]
pub(super) struct Quad(pub(super) [Point; 4]);

/// How a card is held, apart from its place.
pub(super) struct Attitude {
    /// Height in pixels: the mean length of the left and the right edge as they appear.
    pub(super) height: f32,
    /// Turn in the picture plane, in turns.
    pub(super) roll: f32,
    /// Tilt about the card's horizontal and vertical axis, in turns.
    pub(super) tilt: [f32; 2],
    /// Distance of the eye in card heights: near means strong perspective.
    pub(super) distance: f32,
}

impl Quad {
    /// The card around the origin, its centre there.
    pub(super) fn new(attitude: &Attitude) -> Self {
        let [tilt_x, tilt_y] = attitude.tilt;
        let (sin_roll, cos_roll) = (sin(attitude.roll), cos(attitude.roll));
        let mut quad = Self([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]].map(|[x, y]: Point| {
            let (x, y) = (x * ASPECT / 2.0, y / 2.0);
            let (x, z) = (x * cos(tilt_y), x * sin(tilt_y));
            let (y, z) = (y * cos(tilt_x) - z * sin(tilt_x), y * sin(tilt_x) + z * cos(tilt_x));
            let near = attitude.distance / (attitude.distance + z);
            let (x, y) = (x * near, y * near);
            [x * cos_roll - y * sin_roll, x * sin_roll + y * cos_roll]
        }));
        let [a, b, c, d] = quad.0;
        let scale = 2.0 * attitude.height / (length(a, d) + length(b, c));
        quad.0 = quad.0.map(|[x, y]| [x * scale, y * scale]);
        quad
    }

    /// The same, moved.
    pub(super) fn moved(&self, by: Point) -> Self {
        Self(self.0.map(|[x, y]| [x + by[0], y + by[1]]))
    }

    /// Least and greatest x and y.
    pub(super) fn bounds(&self) -> (Point, Point) {
        self.0.iter().fold(([f32::INFINITY; 2], [f32::NEG_INFINITY; 2]), |(low, high), p| {
            ([low[0].min(p[0]), low[1].min(p[1])], [high[0].max(p[0]), high[1].max(p[1])])
        })
    }

    /// The map from a picture of `size` pixels onto this quad.
    pub(super) fn forward(&self, size: Point) -> Homography {
        let [a, b, c, d] = self.0;
        let (sum_x, sum_y) = (a[0] - b[0] + c[0] - d[0], a[1] - b[1] + c[1] - d[1]);
        let (dx1, dy1, dx2, dy2) = (b[0] - c[0], b[1] - c[1], d[0] - c[0], d[1] - c[1]);
        let area = dx1 * dy2 - dx2 * dy1;
        let (g, h) = ((sum_x * dy2 - dx2 * sum_y) / area, (dx1 * sum_y - sum_x * dy1) / area);
        let rows = [
            [b[0] - a[0] + g * b[0], d[0] - a[0] + h * d[0], a[0]],
            [b[1] - a[1] + g * b[1], d[1] - a[1] + h * d[1], a[1]],
            [g, h, 1.0],
        ];
        Homography(rows.map(|[x, y, one]| [x / size[0], y / size[1], one]))
    }

    /// The map from the frame to a picture of `size` pixels that lies on this quad.
    pub(super) fn inverse(&self, size: Point) -> Homography {
        let [[a, b, c], [d, e, f], [g, h, i]] = self.forward(size).0;
        Homography([
            [e * i - f * h, c * h - b * i, b * f - c * e],
            [f * g - d * i, a * i - c * g, c * d - a * f],
            [d * h - e * g, b * g - a * h, a * e - b * d],
        ])
    }

    /// The outline of the picture with `border` more of its pixels on each side.
    pub(super) fn grown(&self, size: Point, border: f32) -> Self {
        let forward = self.forward(size);
        let (left, right, top, bottom) = (-border, size[0] + border, -border, size[1] + border);
        Self([[left, top], [right, top], [right, bottom], [left, bottom]].map(|point| forward.apply(point)))
    }

    /// The rows of pixels inside: (y, first x, last x + 1), within a frame of `width` × `height` pixels.
    pub(super) fn spans(&self, width: usize, height: usize) -> impl Iterator<Item = (usize, usize, usize)> {
        let corners = self.0;
        let (low, high) = self.bounds();
        let rows = low[1].max(0.0) as usize..(high[1].ceil().max(0.0) as usize).min(height);
        rows.filter_map(move |y| {
            let (mut from, mut to) = (f32::INFINITY, f32::NEG_INFINITY);
            for i in 0..4 {
                let (p, q) = (corners[i], corners[(i + 1) % 4]);
                let at = y as f32 + 0.5;
                if (p[1] <= at) != (q[1] <= at) {
                    let x = p[0] + (q[0] - p[0]) * (at - p[1]) / (q[1] - p[1]);
                    (from, to) = (from.min(x), to.max(x));
                }
            }
            let (from, to) = (from.max(0.0) as usize, (to.max(0.0) as usize + 1).min(width));
            (from < to).then_some((y, from, to))
        })
    }
}

fn length(a: Point, b: Point) -> f32 {
    let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
    (dx * dx + dy * dy).sqrt()
}

/// A map of planes in perspective.
pub(super) struct Homography([[f32; 3]; 3]);

impl Homography {
    pub(super) fn apply(&self, [x, y]: Point) -> Point {
        let [u, v, w] = self.0.map(|[a, b, c]| a * x + b * y + c);
        [u / w, v / w]
    }
}
