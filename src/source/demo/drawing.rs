//! A small picture to draw on: polygons filled with simple patterns, shifted averages for blur.

use super::dice::{Rng, cos, sin};

/// Red, green, blue.
pub(super) type Colour = [u8; 3];

/// A point in pixels, x to the right, y down.
pub(super) type Point = [f32; 2];

/// An RGB picture in memory, three bytes a pixel.
#[derive(Clone)]
pub(super) struct Canvas {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) rgb: Vec<u8>,
}

impl Canvas {
    pub(super) fn new(width: usize, height: usize) -> Self {
        Self { width, height, rgb: vec![0; width * height * 3] }
    }
}

/// What a shape is filled with: two colours and how they share the place.
pub(super) struct Paint {
    pub(super) colours: [Colour; 2],
    pub(super) pattern: Pattern,
    /// 0 draws nothing, 256 covers.
    pub(super) opacity: i32,
}

/// How the two colours of a [`Paint`] share the place.
pub(super) enum Pattern {
    /// The first colour only.
    Solid,
    /// From the first to the second colour along a direction: weight = x·dx + y·dy + offset, 0 to 256.
    Gradient { dx: f32, dy: f32, offset: f32 },
    /// Stripes across a direction, `cut` of 256 parts the first colour.
    Stripes { dx: f32, dy: f32, cut: i32 },
    /// Squares of `size` pixels.
    Checks { size: usize },
    /// Pseudo-random grain in blocks of 2^`shift` pixels.
    Grain { shift: u32, salt: u32 },
    /// Weights from a field of the canvas's size, moved by `offset` places.
    Field { offset: usize },
}

impl Paint {
    /// Covers with one colour.
    pub(super) fn solid(colour: Colour) -> Self {
        Self { colours: [colour; 2], pattern: Pattern::Solid, opacity: 256 }
    }

    /// A random pattern of two colours.
    pub(super) fn random(rng: &mut Rng, colours: [Colour; 2]) -> Self {
        let turns = rng.unit();
        let pattern = match rng.below(12) {
            0..3 => Pattern::Solid,
            3..6 => {
                let slope = 256.0 / rng.range(30.0, 300.0);
                Pattern::Gradient { dx: cos(turns) * slope, dy: sin(turns) * slope, offset: rng.range(-256.0, 256.0) }
            }
            6 | 7 => {
                let slope = 256.0 / rng.range(3.0, 40.0);
                let turns = if rng.chance(0.5) { (turns * 4.0).floor() / 4.0 } else { turns };
                Pattern::Stripes { dx: cos(turns) * slope, dy: sin(turns) * slope, cut: rng.range(40.0, 216.0) as i32 }
            }
            8 => Pattern::Checks { size: 2 + rng.below(24) },
            9 => Pattern::Grain { shift: rng.below(4) as u32, salt: rng.next() as u32 },
            _ => Pattern::Field { offset: rng.below(1 << 16) },
        };
        Self { colours, pattern, opacity: 256 }
    }

    /// Fills the pixels `from`..`to` of row `y`.
    fn span(&self, canvas: &mut Canvas, field: &[u8], y: usize, from: usize, to: usize) {
        let row = y * canvas.width;
        let pixels = &mut canvas.rgb[(row + from) * 3..(row + to) * 3];
        let xs = from..to;
        match self.pattern {
            Pattern::Solid => self.blend(pixels, xs.map(|_| 0)),
            Pattern::Gradient { dx, dy, offset } => {
                let start = y as f32 * dy + offset;
                self.blend(pixels, xs.map(|x| ((x as f32 * dx + start) as i32).clamp(0, 256)));
            }
            Pattern::Stripes { dx, dy, cut } => {
                let start = y as f32 * dy;
                self.blend(pixels, xs.map(|x| if ((x as f32 * dx + start) as i32 & 255) < cut { 0 } else { 256 }));
            }
            Pattern::Checks { size } => {
                let odd = y / size;
                self.blend(pixels, xs.map(|x| if (x / size + odd) & 1 == 0 { 0 } else { 256 }));
            }
            Pattern::Grain { shift, salt } => {
                let start = (y as u32 >> shift).wrapping_mul(0x9e37_79b1) ^ salt;
                self.blend(pixels, xs.map(|x| grain((x as u32 >> shift) ^ start)));
            }
            Pattern::Field { offset } => {
                let start = (row + from + offset) % field.len().max(1);
                self.blend(pixels, field[start..].iter().chain(field).map(|&weight| i32::from(weight)));
            }
        }
    }

    /// Mixes the two colours by `weights` (0 the first, 256 the second) and lays them on `pixels`.
    fn blend(&self, pixels: &mut [u8], weights: impl Iterator<Item = i32>) {
        let [first, second] = self.colours;
        for (pixel, weight) in pixels.as_chunks_mut::<3>().0.iter_mut().zip(weights) {
            for c in 0..3 {
                let colour = i32::from(first[c]) + (((i32::from(second[c]) - i32::from(first[c])) * weight) >> 8);
                let old = i32::from(pixel[c]);
                pixel[c] = (old + (((colour - old) * self.opacity) >> 8)) as u8;
            }
        }
    }
}

/// A pseudo-random weight, 0 to 255.
fn grain(key: u32) -> i32 {
    let mixed = key.wrapping_mul(0x85eb_ca6b);
    ((mixed ^ (mixed >> 15)).wrapping_mul(0xc2b2_ae35) >> 24) as i32
}

/// Fills a polygon (even-odd). `field` holds the weights of [`Pattern::Field`]; where it is empty such a pattern draws
/// nothing.
pub(super) fn fill(canvas: &mut Canvas, field: &[u8], points: &[Point], paint: &Paint) {
    let top = points.iter().fold(f32::INFINITY, |low, p| low.min(p[1])).max(0.0) as usize;
    let bottom = points.iter().fold(0.0f32, |high, p| high.max(p[1])).ceil() as usize;
    let mut crossings = [0.0f32; 16];
    for y in top..bottom.min(canvas.height) {
        let count = crossings_of(points, y as f32 + 0.5, &mut crossings);
        for pair in crossings[..count].as_chunks::<2>().0 {
            let from = (pair[0] + 0.5).max(0.0) as usize;
            let to = ((pair[1] + 0.5).max(0.0) as usize).min(canvas.width);
            if from < to {
                paint.span(canvas, field, y, from, to);
            }
        }
    }
}

/// Where the polygon's outline crosses the height `y`, sorted; at most as many as fit.
fn crossings_of(points: &[Point], y: f32, crossings: &mut [f32]) -> usize {
    let mut count = 0;
    let mut previous = points[points.len() - 1];
    for &point in points {
        if (previous[1] <= y) != (point[1] <= y) && count < crossings.len() {
            crossings[count] = previous[0] + (point[0] - previous[0]) * (y - previous[1]) / (point[1] - previous[1]);
            count += 1;
        }
        previous = point;
    }
    crossings[..count].sort_unstable_by(f32::total_cmp);
    count
}

/// The outline of an ellipse turned by `turns`.
pub(super) fn ellipse(centre: Point, radii: Point, turns: f32) -> [Point; 24] {
    let (s, c) = (sin(turns), cos(turns));
    std::array::from_fn(|i| {
        let (x, y) = (radii[0] * cos(i as f32 / 24.0), radii[1] * sin(i as f32 / 24.0));
        [centre[0] + x * c - y * s, centre[1] + x * s + y * c]
    })
}

/// The outline of a rectangle turned by `turns`, from its half width and half height.
pub(super) fn rectangle(centre: Point, half: Point, turns: f32) -> [Point; 4] {
    let (s, c) = (sin(turns), cos(turns));
    [[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]].map(|[x, y]: Point| {
        [centre[0] + x * half[0] * c - y * half[1] * s, centre[1] + x * half[0] * s + y * half[1] * c]
    })
}

/// A line of a given width as a polygon.
pub(super) fn line(from: Point, to: Point, width: f32) -> [Point; 4] {
    let (dx, dy) = (to[0] - from[0], to[1] - from[1]);
    let scale = width / 2.0 / (dx * dx + dy * dy).sqrt().max(1e-3);
    let (nx, ny) = (-dy * scale, dx * scale);
    [[from[0] + nx, from[1] + ny], [to[0] + nx, to[1] + ny], [to[0] - nx, to[1] - ny], [from[0] - nx, from[1] - ny]]
}

/// A closed wobbly outline of `N` corners, `roughness` 0 (an ellipse) to 1 (wild).
pub(super) fn blob<const N: usize>(rng: &mut Rng, centre: Point, radii: Point, roughness: f32) -> [Point; N] {
    let start = rng.unit();
    std::array::from_fn(|i| {
        let turns = start + i as f32 / N as f32;
        let reach = 1.0 - roughness * rng.unit();
        [centre[0] + radii[0] * reach * cos(turns), centre[1] + radii[1] * reach * sin(turns)]
    })
}

/// Each pixel of `to` becomes the mean of four pixels of `from`, at `shifts` (x, y) from it; beyond the border the
/// border's row and the neighbouring row's pixels stand in.
pub(super) fn average_shifted(from: &Canvas, to: &mut Canvas, shifts: [(i32, i32); 4]) {
    let (width, height) = (from.width, from.height);
    let line = width * 3;
    for y in 0..height {
        let rows = shifts.map(|(dx, dy)| {
            let row = (y as i32 + dy).clamp(0, height as i32 - 1) as usize * line;
            let start = (row as i32 + dx * 3).clamp(0, (from.rgb.len() - line) as i32) as usize;
            &from.rgb[start..start + line]
        });
        let out = &mut to.rgb[y * line..(y + 1) * line];
        for (i, byte) in out.iter_mut().enumerate() {
            let sum = rows.iter().fold(2u16, |sum, row| sum + u16::from(row[i]));
            *byte = (sum >> 2) as u8;
        }
    }
}

/// Rounds to 0 … 255. Adding 2²³ leaves the integer in the lowest bits, in a way that compiles to vector code.
pub(super) fn to_byte(value: f32) -> u8 {
    (value.clamp(0.0, 255.0) + 8_388_608.0).to_bits() as u8
}
