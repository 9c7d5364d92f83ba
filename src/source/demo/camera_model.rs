//! What light, lens and sensor do to a scene: exposure, colour temperature, shadow, glare, blur, noise, JPEG.

use super::compression;
use super::dice::{Rng, cos, sin};
use super::drawing::{Canvas, Point, average_shifted, to_byte};
use super::shot::Sway;

/// Pixels from one node of the light's grid to the next.
const CELL: usize = 16;
/// How many different noise values there are.
const NOISE: usize = 1 << 16;

/// How a shot is lit and taken.
pub(super) struct CameraModel {
    gain: Sway,
    /// Colour temperature: red up and blue down, or the other way round.
    warmth: f32,
    green: f32,
    /// Lifts (or lowers) the middle tones.
    gamma: f32,
    slope_turns: f32,
    slope: Sway,
    shadow_turns: f32,
    shadow_place: Sway,
    shadow_depth: f32,
    shadow_softness: f32,
    vignette: f32,
    defocus: Sway,
    motion: Sway,
    motion_turns: f32,
    read_noise: f32,
    shot_noise: f32,
    jpeg_quality: Option<f32>,
}

/// A reflection of a lamp.
pub(super) struct Glare {
    pub(super) place: Point,
    /// In pixels.
    pub(super) radius: f32,
    /// Brightness added in the middle, 0 to 255.
    pub(super) strength: f32,
}

/// Buffers of the camera model.
pub(super) struct Workspace {
    spare: Canvas,
    noise: Vec<i8>,
    above: LightRow,
    below: LightRow,
}

/// The light along a row of the frame, for every byte of it.
struct LightRow {
    factor: Vec<f32>,
    added: Vec<f32>,
}

impl CameraModel {
    pub(super) fn random(rng: &mut Rng) -> Self {
        let jpeg = rng.chance(0.35);
        Self {
            gain: Sway::new(rng, 0.65, 1.4),
            warmth: rng.range(-0.2, 0.2),
            green: rng.range(-0.06, 0.06),
            gamma: rng.range(-0.4, 0.4),
            slope_turns: rng.unit(),
            slope: Sway::new(rng, 0.0, 0.45),
            shadow_turns: rng.unit(),
            shadow_place: Sway::new(rng, -260.0, 260.0),
            shadow_depth: rng.range(-0.45, 0.45).max(0.0),
            shadow_softness: rng.range(6.0, 120.0),
            vignette: rng.range(0.0, 0.3),
            defocus: Sway::new(rng, 0.0, 5.0),
            motion: Sway::new(rng, 0.0, 16.0),
            motion_turns: rng.unit(),
            read_noise: rng.range(0.0, 9.0),
            shot_noise: rng.range(0.0, 9.0),
            jpeg_quality: jpeg.then_some(rng.range(12.0, 90.0)),
        }
    }

    /// Blurs less: `part` of what it did.
    pub(super) fn steady(&mut self, part: f32) {
        self.defocus.scale(part);
        self.motion.scale(part);
    }

    /// Takes the picture of `scene`, `time` frames into the shot.
    pub(super) fn take(
        &self,
        scene: &mut Canvas,
        time: f32,
        glare: Option<&Glare>,
        rng: &mut Rng,
        workspace: &mut Workspace,
    ) {
        self.blur(scene, time, &mut workspace.spare);
        self.expose(scene, time, glare, rng, workspace);
        if let Some(quality) = self.jpeg_quality {
            compression::degrade(scene, quality);
        }
    }

    /// Out of focus and moved while the shutter was open: means of shifted pictures.
    fn blur(&self, scene: &mut Canvas, time: f32, spare: &mut Canvas) {
        let radius = self.defocus.at(time);
        if radius > 0.7 {
            let (r, d) = ((radius * 0.8).round() as i32, (radius * 0.45).round() as i32);
            average_shifted(scene, spare, [(r, 0), (-r, 0), (0, r), (0, -r)]);
            average_shifted(spare, scene, [(d, d), (-d, d), (d, -d), (-d, -d)]);
        }
        let length = self.motion.at(time);
        if length > 1.5 {
            let (dx, dy) = (cos(self.motion_turns) * length, sin(self.motion_turns) * length);
            let along = |part: f32| ((dx * part).round() as i32, (dy * part).round() as i32);
            average_shifted(scene, spare, [-0.375, -0.125, 0.125, 0.375].map(along));
            average_shifted(spare, scene, [-0.094, -0.031, 0.031, 0.094].map(along));
        }
    }

    /// Light, tone curve and noise.
    fn expose(&self, scene: &mut Canvas, time: f32, glare: Option<&Glare>, rng: &mut Rng, workspace: &mut Workspace) {
        let Workspace { noise, above, below, .. } = workspace;
        let (width, height, line) = (scene.width, scene.height, scene.width * 3);
        let (read, shot) = (self.read_noise / 50.0, self.shot_noise / 50.0 / 255.0);
        let gamma = self.gamma / 255.0;
        self.light_row(below, width, height, 0.0, time, glare);
        for y in 0..height {
            if y % CELL == 0 {
                std::mem::swap(above, below);
                self.light_row(below, width, height, (y + CELL) as f32, time, glare);
            }
            let part = (y % CELL) as f32 / CELL as f32;
            let start = rng.below(NOISE - line);
            let light = above.factor.iter().zip(&below.factor).map(|(a, b)| a + (b - a) * part);
            let added = above.added.iter().zip(&below.added).map(|(a, b)| a + (b - a) * part);
            let row = scene.rgb[y * line..(y + 1) * line].iter_mut();
            for (((byte, light), added), &noise) in row.zip(light).zip(added).zip(&noise[start..start + line]) {
                let value = (f32::from(*byte) * light + added).min(255.0);
                let value = value + gamma * value * (255.0 - value);
                let value = value + f32::from(noise) * (read + shot * value);
                *byte = to_byte(value);
            }
        }
    }

    /// Computes the light at row `y` of the frame.
    fn light_row(&self, row: &mut LightRow, width: usize, height: usize, y: f32, time: f32, glare: Option<&Glare>) {
        let (half_width, half_height) = (width as f32 / 2.0, height as f32 / 2.0);
        let (slope_x, slope_y) = (cos(self.slope_turns), sin(self.slope_turns));
        let (shadow_x, shadow_y) = (cos(self.shadow_turns), sin(self.shadow_turns));
        let (slope, place, gain) = (self.slope.at(time), self.shadow_place.at(time), self.gain.at(time));
        let tints = [1.0 + self.warmth, 1.0 + self.green, 1.0 - self.warmth];
        let mut last: Option<([f32; 3], f32)> = None;
        for node in 0..=width / CELL {
            let (dx, dy) = ((node * CELL) as f32 - half_width, y - half_height);
            let away = (dx * dx + dy * dy) / (half_width * half_width + half_height * half_height);
            let tilt = 1.0 + slope * (dx * slope_x + dy * slope_y) / half_height;
            let side = (dx * shadow_x + dy * shadow_y - place) / self.shadow_softness;
            let shadow = 1.0 - self.shadow_depth * (side + 0.5).clamp(0.0, 1.0);
            let light = gain * tilt.max(0.2) * shadow * (1.0 - self.vignette * away);
            let next = (tints.map(|tint| light * tint), glare.map_or(0.0, |glare| glare.at(dx + half_width, y)));
            if let Some(previous) = last {
                row.interpolate(node - 1, previous, next);
            }
            last = Some(next);
        }
    }
}

impl Glare {
    fn at(&self, x: f32, y: f32) -> f32 {
        let (dx, dy) = ((x - self.place[0]) / self.radius, (y - self.place[1]) / self.radius);
        let fall = (1.0 - dx * dx - dy * dy).max(0.0);
        self.strength * fall * fall
    }
}

impl LightRow {
    fn new(width: usize) -> Self {
        Self { factor: vec![1.0; width * 3], added: vec![0.0; width * 3] }
    }

    /// Fills one cell between its two nodes.
    fn interpolate(&mut self, cell: usize, (from, from_added): ([f32; 3], f32), (to, to_added): ([f32; 3], f32)) {
        for i in 0..CELL {
            let part = i as f32 / CELL as f32;
            for c in 0..3 {
                let byte = (cell * CELL + i) * 3 + c;
                self.factor[byte] = from[c] + (to[c] - from[c]) * part;
                self.added[byte] = from_added + (to_added - from_added) * part;
            }
        }
    }
}

impl Workspace {
    pub(super) fn new(width: usize, height: usize) -> Self {
        let mut rng = Rng::keyed(&[0x6e]);
        let noise = (0..NOISE).map(|_| bell(&mut rng)).collect();
        Self { spare: Canvas::new(width, height), noise, above: LightRow::new(width), below: LightRow::new(width) }
    }
}

/// A nearly normal random number of standard deviation 50/3 or so, within an i8.
fn bell(rng: &mut Rng) -> i8 {
    let sum: f32 = (0..4).map(|_| rng.unit() - 0.5).sum();
    (sum * 63.0) as i8
}
