//! What is behind the card: a room, or anything a camera might see, painted anew for every shot.
//!
//! Networks trained on nothing but these pictures must hold before real photographs, so variety counts, not beauty:
//! clouds of 1/f noise, dead leaves (overlapping shapes of all sizes, whose statistics are those of photographs),
//! patterns, rooms with windows and shelves, out-of-focus lights, writing, faces of skin colour, bright white areas.
//! Painted at half the frame's resolution, with a margin in which the camera sways.

use super::dice::Rng;
use super::drawing::{Canvas, Colour, Paint, Point, average_shifted, blob, ellipse, fill, line, rectangle};

/// Width of the painted background in pixels: half a frame and 16 pixels of margin at each side.
pub(super) const WIDTH: usize = 352;
/// Height of the painted background in pixels.
pub(super) const HEIGHT: usize = 272;

/// Paints backgrounds; holds the buffers for it.
pub(super) struct Painter {
    canvas: Canvas,
    spare: Canvas,
    clouds: Clouds,
    field: Vec<u8>,
}

impl Painter {
    pub(super) fn new() -> Self {
        Self {
            canvas: Canvas::new(WIDTH, HEIGHT),
            spare: Canvas::new(WIDTH, HEIGHT),
            clouds: Clouds::new(),
            field: vec![0; WIDTH * HEIGHT],
        }
    }

    /// Paints a background and lends it.
    pub(super) fn paint(&mut self, rng: &mut Rng) -> &Canvas {
        let palette = Palette::random(rng);
        self.clouds.grow(rng, &mut self.field);
        self.paint_ground(rng, &palette);
        match rng.below(8) {
            0 | 1 => self.paint_leaves(rng, &palette),
            2 | 3 => self.paint_room(rng, &palette),
            4 => self.paint_lights(rng, &palette),
            _ => {}
        }
        for _ in 0..rng.below(14) {
            self.paint_thing(rng, &palette);
        }
        if rng.chance(0.3) {
            self.paint_writing(rng, &palette);
        }
        if rng.chance(0.45) {
            let radius = rng.range(0.5, 7.0) * rng.unit();
            self.blur(radius);
        }
        if rng.chance(0.4) {
            self.shade(rng);
        }
        &self.canvas
    }

    /// The first layer, everywhere.
    fn paint_ground(&mut self, rng: &mut Rng, palette: &Palette) {
        match rng.below(6) {
            0 => self.paint_colour_clouds(rng, palette),
            1 => self.paint_mosaic(rng, palette),
            2 | 3 => self.paint_ramp(rng, palette),
            _ => {
                let paint = palette.paint(rng);
                self.cover(&paint);
            }
        }
    }

    fn cover(&mut self, paint: &Paint) {
        let centre = [WIDTH as f32 / 2.0, HEIGHT as f32 / 2.0];
        fill(&mut self.canvas, &self.field, &rectangle(centre, centre, 0.0), paint);
    }

    /// Three independent clouds, one a colour channel, around the palette's mean.
    fn paint_colour_clouds(&mut self, rng: &mut Rng, palette: &Palette) {
        let contrast = rng.range(60.0, 256.0) as i32;
        let base = palette.pick(rng);
        for (channel, &base) in base.iter().enumerate() {
            self.clouds.grow(rng, &mut self.field);
            for (pixel, &level) in self.canvas.rgb.as_chunks_mut::<3>().0.iter_mut().zip(&self.field) {
                pixel[channel] = (i32::from(base) + (((i32::from(level) - 128) * contrast) >> 8)).clamp(0, 255) as u8;
            }
        }
    }

    /// One cloud through a ramp of colours with soft or hard steps: marble, camouflage, foliage, clouds.
    fn paint_ramp(&mut self, rng: &mut Rng, palette: &Palette) {
        let steps = 2 + rng.below(5);
        let stops: [Colour; 8] = std::array::from_fn(|_| palette.pick(rng));
        let hardness = rng.range(1.0, 6.0);
        let turns_over = rng.range(1.0, 4.0);
        let ramp: [Colour; 256] = std::array::from_fn(|level| {
            let place = level as f32 / 256.0 * steps as f32 * turns_over;
            let (stop, part) = (place as usize, place - place.floor());
            let part = ((part - 0.5) * hardness + 0.5).clamp(0.0, 1.0);
            mix(stops[stop % steps], stops[(stop + 1) % steps], part)
        });
        for (pixel, &level) in self.canvas.rgb.as_chunks_mut::<3>().0.iter_mut().zip(&self.field) {
            *pixel = ramp[usize::from(level)];
        }
    }

    /// Blocks of random colours: tiles, pavement, a very small photograph enlarged.
    fn paint_mosaic(&mut self, rng: &mut Rng, palette: &Palette) {
        let (width, height) = (rng.range(6.0, 60.0), rng.range(6.0, 60.0));
        let gap = if rng.chance(0.5) { rng.range(0.5, 3.0) } else { 0.0 };
        let shift = if rng.chance(0.5) { width / 2.0 } else { 0.0 };
        self.cover(&Paint::solid(palette.pick(rng)));
        let few = [palette.pick(rng), palette.pick(rng)];
        let few = rng.chance(0.5).then_some(few);
        let (columns, rows) = ((WIDTH as f32 / width) as usize + 2, (HEIGHT as f32 / height) as usize + 1);
        for row in 0..rows {
            for column in 0..columns {
                let x = column as f32 * width - shift * (row % 2) as f32;
                let colour = match few {
                    Some(few) => palette.vary(rng, few[(row + column) % 2]),
                    None => palette.pick(rng),
                };
                let corners = rectangle(
                    [x + width / 2.0, (row as f32 + 0.5) * height],
                    [(width - gap) / 2.0, (height - gap) / 2.0],
                    0.0,
                );
                fill(&mut self.canvas, &[], &corners, &Paint::solid(colour));
            }
        }
    }

    /// Shapes of all sizes, many small, few large, each before the one before.
    fn paint_leaves(&mut self, rng: &mut Rng, palette: &Palette) {
        let count = 30 + rng.below(130);
        let angular = rng.unit();
        let plain = rng.chance(0.5);
        for _ in 0..count {
            let reach = 5.0 / (rng.unit() * 0.98 + 0.02).sqrt() + 100.0 * (rng.unit() - 0.93).max(0.0) * 10.0;
            let centre = self.somewhere(rng);
            let radii = [reach, reach * rng.range(0.4, 1.0)];
            let colours = [palette.pick(rng), palette.pick(rng)];
            let paint = if plain { Paint::solid(colours[0]) } else { Paint::random(rng, colours) };
            if rng.chance(angular) {
                let outline = blob::<5>(rng, centre, radii, 0.5);
                fill(&mut self.canvas, &self.field, &outline, &paint);
            } else {
                fill(&mut self.canvas, &self.field, &ellipse(centre, radii, rng.unit()), &paint);
            }
        }
    }

    /// A wall, a floor, perhaps a window, shelves, a picture, a person.
    fn paint_room(&mut self, rng: &mut Rng, palette: &Palette) {
        let (width, height) = (WIDTH as f32, HEIGHT as f32);
        if rng.chance(0.7) {
            let horizon = rng.range(0.4, 1.0) * height;
            let slope = rng.range(-30.0, 30.0);
            let floor = [[0.0, horizon - slope], [width, horizon + slope], [width, height], [0.0, height]];
            let paint = palette.paint(rng);
            fill(&mut self.canvas, &self.field, &floor, &paint);
        }
        if rng.chance(0.4) {
            self.paint_window(rng);
        }
        for _ in 0..rng.below(3) {
            self.paint_shelf(rng, palette);
        }
        if rng.chance(0.35) {
            self.paint_person(rng, palette);
        }
    }

    /// A bright rectangle with a cross in it.
    fn paint_window(&mut self, rng: &mut Rng) {
        let centre = self.somewhere(rng);
        let half = [rng.range(20.0, 90.0), rng.range(25.0, 100.0)];
        let level = rng.range(200.0, 255.0);
        let glass = [[level as u8, (level - rng.range(0.0, 20.0)) as u8, 255], [255, 250, level as u8]];
        let paint = Paint::random(rng, glass);
        fill(&mut self.canvas, &self.field, &rectangle(centre, half, 0.0), &paint);
        let frame = Paint::solid([rng.below(256) as u8; 3]);
        let bar = rng.range(1.0, 4.0);
        for at in [-1.0, 0.0, 1.0] {
            let upright = rectangle([centre[0] + at * half[0], centre[1]], [bar, half[1]], 0.0);
            let across = rectangle([centre[0], centre[1] + at * half[1]], [half[0], bar], 0.0);
            fill(&mut self.canvas, &[], &upright, &frame);
            fill(&mut self.canvas, &[], &across, &frame);
        }
    }

    /// A row of book backs or boxes.
    fn paint_shelf(&mut self, rng: &mut Rng, palette: &Palette) {
        let [mut x, base] = self.somewhere(rng);
        x -= 90.0;
        let tallest = rng.range(15.0, 70.0);
        let end = x + rng.range(60.0, 240.0);
        fill(&mut self.canvas, &[], &line([x, base + 3.0], [end, base + 3.0], 6.0), &Paint::solid(palette.pick(rng)));
        while x < end {
            let half = [rng.range(1.5, 9.0), tallest * rng.range(0.35, 0.5)];
            let paint = palette.paint(rng);
            fill(&mut self.canvas, &self.field, &rectangle([x + half[0], base - half[1]], half, 0.0), &paint);
            x += half[0] * 2.0 + 0.5;
        }
    }

    /// A head and shoulders, out of the way or large.
    fn paint_person(&mut self, rng: &mut Rng, palette: &Palette) {
        let [x, y] = self.somewhere(rng);
        let head = rng.range(15.0, 60.0);
        let tone = skin(rng);
        let clothes = palette.paint(rng);
        let shoulders = ellipse([x, y + head * 2.6], [head * 1.9, head * 1.5], 0.0);
        fill(&mut self.canvas, &self.field, &shoulders, &clothes);
        let hair = Paint::solid(mix([20, 14, 10], [190, 150, 90], rng.unit() * rng.unit()));
        fill(&mut self.canvas, &[], &ellipse([x, y - head * 0.2], [head * 0.85, head * 1.1], 0.0), &hair);
        fill(&mut self.canvas, &[], &line([x, y], [x, y + head * 1.4], head * 0.6), &Paint::solid(dim(tone, 0.85)));
        fill(&mut self.canvas, &[], &ellipse([x, y + head * 0.1], [head * 0.7, head * 0.95], 0.0), &Paint::solid(tone));
        for side in [-0.3, 0.3] {
            let eye = ellipse([x + head * side, y], [head * 0.1, head * 0.07], 0.0);
            fill(&mut self.canvas, &[], &eye, &Paint::solid([40, 30, 28]));
        }
        let mouth = ellipse([x, y + head * 0.55], [head * 0.25, head * 0.08], 0.0);
        fill(&mut self.canvas, &[], &mouth, &Paint::solid([150, 60, 60]));
    }

    /// Lights far out of focus.
    fn paint_lights(&mut self, rng: &mut Rng, palette: &Palette) {
        let reach = rng.range(5.0, 36.0);
        for _ in 0..10 + rng.below(50) {
            let centre = self.somewhere(rng);
            let radius = reach * rng.range(0.6, 1.2);
            let mut paint = Paint::solid(mix(palette.any(rng), [255; 3], rng.unit()));
            paint.opacity = rng.range(40.0, 220.0) as i32;
            fill(&mut self.canvas, &[], &ellipse(centre, [radius; 2], 0.0), &paint);
        }
    }

    /// One thing of any shape and colour.
    fn paint_thing(&mut self, rng: &mut Rng, palette: &Palette) {
        let centre = self.somewhere(rng);
        let reach = rng.range(6.0, 25.0) + 90.0 * rng.unit() * rng.unit() * rng.unit();
        let radii = [reach, reach * rng.range(0.2, 1.0)];
        let colours = [palette.pick(rng), palette.any(rng)];
        let paint = match rng.below(8) {
            0 => Paint::solid([rng.range(215.0, 255.0) as u8; 3]),
            1 => Paint::solid(skin(rng)),
            _ => Paint::random(rng, colours),
        };
        let upright = rng.chance(0.5);
        let turns = if upright { 0.0 } else { rng.unit() };
        match rng.below(6) {
            0 => fill(&mut self.canvas, &self.field, &ellipse(centre, radii, turns), &paint),
            1 | 2 => fill(&mut self.canvas, &self.field, &rectangle(centre, radii, turns), &paint),
            3 => fill(&mut self.canvas, &self.field, &blob::<3>(rng, centre, radii, 0.3), &paint),
            4 => fill(&mut self.canvas, &self.field, &blob::<14>(rng, centre, radii, 0.6), &paint),
            _ => {
                let end = self.somewhere(rng);
                let width = rng.range(1.0, 14.0);
                fill(&mut self.canvas, &self.field, &line(centre, end, width), &paint);
            }
        }
    }

    /// Rows of dashes, on paper or on nothing: print, handwriting, a screen.
    fn paint_writing(&mut self, rng: &mut Rng, palette: &Palette) {
        let [left, top] = self.somewhere(rng);
        let (left, top) = (left - 70.0, top - 50.0);
        let (wide, rows) = (rng.range(40.0, 200.0), 2 + rng.below(12));
        let step = rng.range(4.0, 14.0);
        if rng.chance(0.5) {
            let half = [wide / 2.0 + 8.0, rows as f32 * step / 2.0 + 6.0];
            let paper = rectangle([left + half[0] - 8.0, top + half[1] - 6.0], half, 0.0);
            let level = rng.range(190.0, 255.0) as u8;
            fill(&mut self.canvas, &[], &paper, &Paint::solid(palette.vary(rng, [level; 3])));
        }
        let ink = Paint::solid(if rng.chance(0.6) { [rng.below(80) as u8; 3] } else { palette.any(rng) });
        for row in 0..rows {
            let (mut x, y) = (left, top + row as f32 * step);
            while x < left + wide {
                let next = x + rng.range(1.0, 2.5 * step);
                let lean = rng.range(-1.0, 1.0);
                fill(&mut self.canvas, &[], &line([x, y + lean], [next, y - lean], step * 0.4), &ink);
                x = next + rng.range(1.0, step);
            }
        }
    }

    /// Throws the picture out of focus by `radius` pixels.
    fn blur(&mut self, radius: f32) {
        for reach in [radius, radius * 0.7, radius * 0.5] {
            let r = reach.round() as i32;
            if r > 0 {
                average_shifted(&self.canvas, &mut self.spare, [(r, 0), (-r, 0), (0, r), (0, -r)]);
                let half = (r + 1) / 2;
                average_shifted(
                    &self.spare,
                    &mut self.canvas,
                    [(half, half), (-half, half), (half, -half), (-half, -half)],
                );
            }
        }
    }

    /// Light and dark places.
    fn shade(&mut self, rng: &mut Rng) {
        self.clouds.grow(rng, &mut self.field);
        let depth = rng.range(40.0, 240.0) as i32;
        for (pixel, &level) in self.canvas.rgb.as_chunks_mut::<3>().0.iter_mut().zip(&self.field) {
            let gain = 256 + (((i32::from(level) - 150) * depth) >> 7);
            *pixel = pixel.map(|byte| ((i32::from(byte) * gain) >> 8).clamp(0, 255) as u8);
        }
    }

    fn somewhere(&self, rng: &mut Rng) -> Point {
        [rng.range(0.0, WIDTH as f32), rng.range(0.0, HEIGHT as f32)]
    }
}

/// A few colours that belong together.
struct Palette {
    colours: [Colour; 5],
    spread: f32,
}

impl Palette {
    fn random(rng: &mut Rng) -> Self {
        let style = rng.below(10);
        let hue = rng.unit();
        let colours = std::array::from_fn(|_| match style {
            0 => hsv(rng.unit(), rng.range(0.5, 1.0), rng.range(0.3, 1.0)),
            1 => hsv(hue + rng.range(-0.08, 0.08), rng.range(0.1, 0.9), rng.range(0.1, 1.0)),
            2 => hsv(rng.range(0.03, 0.14), rng.range(0.2, 0.8), rng.range(0.15, 0.95)),
            3 => hsv(rng.range(0.17, 0.42), rng.range(0.2, 0.9), rng.range(0.1, 0.8)),
            4 => hsv(rng.range(0.5, 0.68), rng.range(0.1, 0.8), rng.range(0.3, 1.0)),
            5 => hsv(rng.unit(), rng.range(0.0, 0.15), rng.range(0.7, 1.0)),
            6 => hsv(rng.unit(), rng.range(0.0, 0.5), rng.range(0.02, 0.35)),
            7 => skin(rng),
            8 => hsv(rng.unit(), rng.range(0.0, 0.1), rng.range(0.0, 1.0)),
            _ => hsv(rng.unit(), rng.range(0.0, 0.6), rng.range(0.1, 1.0)),
        });
        Self { colours, spread: rng.range(4.0, 60.0) }
    }

    /// One of the palette's colours, a little different each time.
    fn pick(&self, rng: &mut Rng) -> Colour {
        let colour = self.colours[rng.below(self.colours.len())];
        self.vary(rng, colour)
    }

    /// A pattern of one of the palette's colours and, mostly, another.
    fn paint(&self, rng: &mut Rng) -> Paint {
        let colours = [self.pick(rng), self.any(rng)];
        Paint::random(rng, colours)
    }

    /// Mostly one of the palette's, now and then any colour at all.
    fn any(&self, rng: &mut Rng) -> Colour {
        if rng.chance(0.35) { hsv(rng.unit(), rng.unit(), rng.unit()) } else { self.pick(rng) }
    }

    /// `colour`, a little different.
    fn vary(&self, rng: &mut Rng, colour: Colour) -> Colour {
        let all = rng.range(-self.spread, self.spread);
        colour.map(|byte| (f32::from(byte) + all + 0.4 * rng.range(-self.spread, self.spread)) as u8)
    }
}

/// A colour of skin, from light to dark.
pub(super) fn skin(rng: &mut Rng) -> Colour {
    let tone = mix([250, 212, 186], [74, 46, 32], rng.unit());
    mix(tone, [225, 130, 105], rng.range(0.0, 0.3))
}

/// The colour of a hue (in turns), saturation and value.
pub(super) fn hsv(hue: f32, saturation: f32, value: f32) -> Colour {
    [0.0f32, 2.0 / 3.0, 1.0 / 3.0].map(|phase| {
        let place = hue + phase;
        let distance = ((place - place.floor()) * 6.0 - 3.0).abs() - 1.0;
        (value * 255.0 * (1.0 - saturation * (1.0 - distance.clamp(0.0, 1.0)))) as u8
    })
}

/// Between two colours: `part` 0 the first, 1 the second.
pub(super) fn mix(first: Colour, second: Colour, part: f32) -> Colour {
    std::array::from_fn(|c| (f32::from(first[c]) + (f32::from(second[c]) - f32::from(first[c])) * part) as u8)
}

/// A darker (or lighter) colour.
pub(super) fn dim(colour: Colour, gain: f32) -> Colour {
    colour.map(|byte| (f32::from(byte) * gain) as u8)
}

/// Grows fields of 1/f noise: random numbers on a coarse grid, doubled in resolution again and again, with smaller random
/// numbers added each time.
struct Clouds {
    coarse: Vec<i16>,
    fine: Vec<i16>,
}

impl Clouds {
    /// How often the coarsest grid is doubled to reach the canvas.
    const DOUBLINGS: usize = 6;

    fn new() -> Self {
        Self { coarse: Vec::new(), fine: Vec::new() }
    }

    /// Fills `field` with values around 128, 0 to 255, of a random roughness.
    fn grow(&mut self, rng: &mut Rng, field: &mut [u8]) {
        let decay = rng.range(0.3, 0.85);
        let finest = rng.below(Self::DOUBLINGS - 1);
        let (mut width, mut height) = level_size(Self::DOUBLINGS);
        self.coarse.clear();
        self.coarse.resize(width * height, 0);
        let mut amplitude = 6500.0;
        add_noise(rng, &mut self.coarse, amplitude);
        for level in (0..Self::DOUBLINGS).rev() {
            let (wide, tall) = level_size(level);
            self.fine.clear();
            self.fine.resize(wide * tall, 0);
            double(&self.coarse, width, height, &mut self.fine, wide);
            (width, height) = (wide, tall);
            amplitude *= decay;
            if level >= finest {
                add_noise(rng, &mut self.fine, amplitude);
            }
            std::mem::swap(&mut self.coarse, &mut self.fine);
        }
        for (byte, &value) in field.iter_mut().zip(&self.coarse) {
            *byte = (128 + (i32::from(value) >> 6)).clamp(0, 255) as u8;
        }
    }
}

/// Width and height of the grid `level` halvings below the canvas.
fn level_size(level: usize) -> (usize, usize) {
    (WIDTH.div_ceil(1 << level), HEIGHT.div_ceil(1 << level))
}

/// Adds noise of at most ±`amplitude`, four values from each random number.
fn add_noise(rng: &mut Rng, grid: &mut [i16], amplitude: f32) {
    let amplitude = amplitude as i32;
    for values in grid.chunks_mut(4) {
        let bits = rng.next();
        for (i, value) in values.iter_mut().enumerate() {
            let noise = i32::from((bits >> (16 * i)) as i16);
            *value = (i32::from(*value) + ((noise * amplitude) >> 15)) as i16;
        }
    }
}

/// Doubles a grid's resolution, linearly. `fine` may be one row or column short of the double.
fn double(coarse: &[i16], width: usize, height: usize, fine: &mut [i16], wide: usize) {
    for (y, row) in fine.chunks_exact_mut(wide).enumerate() {
        let above = &coarse[y / 2 * width..][..width];
        let below = &coarse[(y / 2 + y % 2).min(height - 1) * width..][..width];
        for (x, pair) in row.chunks_mut(2).enumerate() {
            let right = (x + 1).min(width - 1);
            let here = i32::from(above[x]) + i32::from(below[x]);
            let there = i32::from(above[right]) + i32::from(below[right]);
            pair[0] = (here >> 1) as i16;
            if let Some(odd) = pair.get_mut(1) {
                *odd = ((here + there) >> 2) as i16;
            }
        }
    }
}
