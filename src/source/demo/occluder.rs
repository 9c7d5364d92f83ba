//! What comes between the card and the camera: fingers and hands, things.

use super::background::{dim, hsv, mix, skin};
use super::dice::{Rng, cos, sin};
use super::drawing::{Canvas, Colour, Point};

/// A hand or a thing that is pushed into the picture along a direction. Lengths are in card heights; u runs with the
/// push, v across; the foremost point of the occluder is near u = 0.
pub(super) struct Occluder {
    /// Unit vector of the push, in the frame.
    direction: Point,
    limbs: Vec<Limb>,
    /// Where it lies on the card, in card heights from its centre, if it is not pushed in from outside; then its size is
    /// what makes it hide more or less.
    pub(super) lies_at: Option<Point>,
}

/// Where an occluder is: what its u = 0, v = 0 is in the frame, and how many pixels a card height is.
pub(super) struct Placement {
    pub(super) origin: Point,
    pub(super) scale: f32,
}

struct Limb {
    shape: Shape,
    colours: [Colour; 2],
    /// Stripes a card height; 0 has none.
    stripes: f32,
    /// Darkening towards the outline.
    roundness: f32,
}

enum Shape {
    /// Everything within `radius` of a line.
    Capsule { from: Point, to: Point, radius: f32 },
    /// A rectangle with round corners, half its size given, turned by (sin, cos).
    Box { centre: Point, half: Point, turn: Point, round: f32 },
}

/// How far a shadow falls beyond the outline, in pixels.
const SHADOW: f32 = 7.0;
/// Width and height of the squares of pixels that are left out together where they are far from a limb.
const BLOCK: usize = 16;

impl Occluder {
    /// A hand, a finger, or any thing.
    pub(super) fn random(rng: &mut Rng) -> Self {
        let turns = rng.unit();
        let sideways = rng.range(-0.45, 0.45);
        let mut lies_at = None;
        let limbs = match rng.below(10) {
            0..4 => hand(rng, sideways),
            4 => thumb(rng, sideways),
            5 | 6 => vec![board(rng, sideways)],
            7 => vec![ball(rng, sideways)],
            _ => {
                lies_at = Some([rng.range(-0.4, 0.4), rng.range(-0.5, 0.5)]);
                scrap(rng)
            }
        };
        Self { direction: [cos(turns), sin(turns)], limbs, lies_at }
    }

    /// A hand alone.
    pub(super) fn hand(rng: &mut Rng) -> Self {
        let turns = rng.unit();
        let limbs = hand(rng, 0.0);
        Self { direction: [cos(turns), sin(turns)], limbs, lies_at: None }
    }

    /// The frame's point in the occluder's u and v, where `origin` is 0, 0.
    pub(super) fn local(&self, point: Point, placement: &Placement) -> Point {
        let (x, y) = (point[0] - placement.origin[0], point[1] - placement.origin[1]);
        let [dx, dy] = self.direction;
        [(x * dx + y * dy) / placement.scale, (y * dx - x * dy) / placement.scale]
    }

    /// `placement`, pushed `depth` card heights on.
    pub(super) fn pushed(&self, placement: &Placement, depth: f32) -> Placement {
        let way = depth * placement.scale;
        let origin = [placement.origin[0] + self.direction[0] * way, placement.origin[1] + self.direction[1] * way];
        Placement { origin, scale: placement.scale }
    }

    /// Whether the point u, v is hidden.
    pub(super) fn hides(&self, point: Point) -> bool {
        self.limbs.iter().any(|limb| limb.shape.distance(point) < 0.0)
    }

    /// Draws it.
    pub(super) fn draw(&self, canvas: &mut Canvas, placement: &Placement) {
        for limb in &self.limbs {
            self.draw_limb(limb, canvas, placement);
        }
    }

    fn draw_limb(&self, limb: &Limb, canvas: &mut Canvas, placement: &Placement) {
        let (half, diagonal) = (BLOCK as f32 / 2.0, BLOCK as f32 * 0.71);
        let far = (diagonal + SHADOW + 1.0) / placement.scale;
        for top in (0..canvas.height).step_by(BLOCK) {
            for left in (0..canvas.width).step_by(BLOCK) {
                let middle = [left as f32 + half, top as f32 + half];
                if limb.shape.distance(self.local(middle, placement)) < far {
                    self.shade_block(limb, canvas, placement, left, top);
                }
            }
        }
    }

    fn shade_block(&self, limb: &Limb, canvas: &mut Canvas, placement: &Placement, left: usize, top: usize) {
        let (width, right) = (canvas.width, (left + BLOCK).min(canvas.width));
        for y in top..(top + BLOCK).min(canvas.height) {
            let pixels = &mut canvas.rgb[(y * width + left) * 3..(y * width + right) * 3];
            for (i, pixel) in pixels.as_chunks_mut::<3>().0.iter_mut().enumerate() {
                let place = self.local([(left + i) as f32 + 0.5, y as f32 + 0.5], placement);
                limb.shade(place, placement.scale, pixel);
            }
        }
    }
}

impl Limb {
    /// Lays the limb, or its shadow, on a pixel at u, v; `scale` pixels are a card height.
    fn shade(&self, place: Point, scale: f32, pixel: &mut Colour) {
        let distance = self.shape.distance(place);
        let outside = distance * scale;
        if outside > SHADOW {
            return;
        }
        let cover = (0.5 - outside).clamp(0.0, 1.0);
        let away = 1.0 - (outside / SHADOW).clamp(0.0, 1.0);
        let shadow = 1.0 - 0.35 * away * away;
        let depth = 1.0 - (-distance / self.shape.thickness()).clamp(0.0, 1.0);
        let light = 1.05 - self.roundness * depth * depth;
        let second = self.stripes > 0.0 && (place[0] * self.stripes + 64.0).fract() > 0.5;
        let colour = self.colours[usize::from(second)];
        for (byte, colour) in pixel.iter_mut().zip(colour) {
            let under = f32::from(*byte) * shadow;
            *byte = (under + (f32::from(colour) * light - under) * cover) as u8;
        }
    }
}

impl Shape {
    /// Distance from the outline, negative inside.
    fn distance(&self, [x, y]: Point) -> f32 {
        match *self {
            Self::Capsule { from, to, radius } => {
                let (dx, dy) = (to[0] - from[0], to[1] - from[1]);
                let (px, py) = (x - from[0], y - from[1]);
                let along = ((px * dx + py * dy) / (dx * dx + dy * dy + 1e-9)).clamp(0.0, 1.0);
                let (qx, qy) = (px - along * dx, py - along * dy);
                (qx * qx + qy * qy).sqrt() - radius
            }
            Self::Box { centre, half, turn: [s, c], round } => {
                let (px, py) = (x - centre[0], y - centre[1]);
                let qx = (px * c + py * s).abs() - half[0] + round;
                let qy = (py * c - px * s).abs() - half[1] + round;
                let (ox, oy) = (qx.max(0.0), qy.max(0.0));
                (ox * ox + oy * oy).sqrt() + qx.max(qy).min(0.0) - round
            }
        }
    }

    fn thickness(&self) -> f32 {
        match *self {
            Self::Capsule { radius, .. } => radius,
            Self::Box { half, .. } => half[0].min(half[1]),
        }
    }
}

/// One to four fingers, the back of the hand, the arm.
fn hand(rng: &mut Rng, sideways: f32) -> Vec<Limb> {
    let tone = skin(rng);
    let sleeve = rng.chance(0.5).then(|| hsv(rng.unit(), rng.unit(), rng.unit()));
    let radius = rng.range(0.05, 0.085);
    let fingers = 1 + rng.below(4);
    let gap = rng.range(2.0, 2.5) * radius;
    let fan = rng.range(-0.02, 0.1);
    let reach = rng.range(0.35, 0.75);
    let palm = radius * rng.range(3.0, 4.2);
    let flesh = |from, to, radius| Limb {
        shape: Shape::Capsule { from, to, radius },
        colours: [tone; 2],
        stripes: 0.0,
        roundness: 0.4,
    };
    let wrist = [-reach - palm * 2.0, sideways];
    let mut limbs = vec![flesh(wrist, [-5.0, sideways + rng.range(-1.5, 1.5)], palm * 0.75)];
    limbs[0].colours = [sleeve.unwrap_or(tone); 2];
    limbs.push(flesh([-reach - palm * 0.6, sideways], wrist, palm));
    for finger in 0..fingers {
        let across = (finger as f32 - (fingers as f32 - 1.0) / 2.0) * gap;
        let tip = [-radius - rng.range(0.0, 0.14), sideways + across * (1.0 + fan * 4.0)];
        limbs.push(flesh(tip, [-reach - palm * 0.5, sideways + across * 0.8], radius));
        if rng.chance(0.4) {
            limbs.push(nail(tone, tip, radius));
        }
    }
    limbs
}

/// A thumb.
fn thumb(rng: &mut Rng, sideways: f32) -> Vec<Limb> {
    let tone = skin(rng);
    let radius = rng.range(0.07, 0.11);
    let tip = [-radius, sideways];
    let knuckle = [-radius - rng.range(0.25, 0.4), sideways + rng.range(-0.15, 0.15)];
    let end = [knuckle[0] - 3.0, knuckle[1] + rng.range(-1.0, 1.0)];
    let flesh = |from, to, radius| Limb {
        shape: Shape::Capsule { from, to, radius },
        colours: [tone; 2],
        stripes: 0.0,
        roundness: 0.4,
    };
    vec![flesh(knuckle, end, radius * 1.7), flesh(tip, knuckle, radius), nail(tone, tip, radius)]
}

fn nail(tone: Colour, tip: Point, radius: f32) -> Limb {
    let (from, to) = ([tip[0] + radius * 0.2, tip[1]], [tip[0] - radius * 0.4, tip[1]]);
    let colour = mix(tone, [255, 205, 200], 0.5);
    Limb {
        shape: Shape::Capsule { from, to, radius: radius * 0.55 },
        colours: [colour; 2],
        stripes: 0.0,
        roundness: 0.15,
    }
}

/// Something with straight edges: a book, a box, a ruler.
fn board(rng: &mut Rng, sideways: f32) -> Limb {
    let turns = rng.range(-0.08, 0.08);
    let half = [2.0, rng.range(0.12, 0.7)];
    let shape = Shape::Box {
        centre: [-2.0, sideways],
        half,
        turn: [sin(turns), cos(turns)],
        round: half[1] * rng.unit() * rng.unit(),
    };
    coloured(rng, shape)
}

/// Something round: a ball, a plate, a mug from above.
fn ball(rng: &mut Rng, sideways: f32) -> Limb {
    let radius = rng.range(0.3, 0.9);
    coloured(rng, Shape::Capsule { from: [-radius, sideways], to: [-radius - 0.01, sideways], radius })
}

/// Something small that lies on the card, as large as a card is high: a leaf, a coin, a strip of paper.
fn scrap(rng: &mut Rng) -> Vec<Limb> {
    let (half, turns) = ([0.5, rng.range(0.08, 0.5)], rng.unit());
    let whole = match rng.below(3) {
        0 => Shape::Capsule { from: [-0.5 + half[1], 0.0], to: [0.5 - half[1], 0.0], radius: half[1] },
        _ => Shape::Box {
            centre: [0.0, 0.0],
            half,
            turn: [sin(turns), cos(turns)],
            round: half[1] * rng.unit() * rng.unit(),
        },
    };
    let mut limbs = vec![coloured(rng, whole)];
    for _ in 0..rng.below(3) {
        let [from, to] = [(); 2].map(|()| [rng.range(-0.5, 0.5), rng.range(-0.5, 0.5)]);
        let radius = rng.range(0.04, 0.2);
        limbs.push(coloured(rng, Shape::Capsule { from, to, radius }));
    }
    limbs
}

fn coloured(rng: &mut Rng, shape: Shape) -> Limb {
    let colour = hsv(rng.unit(), rng.unit(), rng.range(0.1, 1.0));
    let second = if rng.chance(0.5) { dim(colour, 0.7) } else { hsv(rng.unit(), rng.unit(), rng.unit()) };
    let stripes = if rng.chance(0.4) { rng.range(1.0, 12.0) } else { 0.0 };
    Limb { shape, colours: [colour, second], stripes, roundness: rng.range(0.0, 0.5) }
}
