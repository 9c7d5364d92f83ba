//! One shot set up: its room, its subject, how both move, what comes between.

use super::background::{self, Painter};
use super::camera_model::{CameraModel, Glare};
use super::cards;
use super::decoy;
use super::dice::Rng;
use super::drawing::{Canvas, Point};
use super::occluder::{Occluder, Placement};
use super::photographs::Photographs;
use super::pose::{Attitude, Quad};
use super::shot::{Shot, Subject, Sway};
use super::shown::{Decoy, HEIGHT, Shown, WIDTH};
use super::texture::{Texture, Tint};

/// Greatest hidden part of a card.
const MOST_HIDDEN: f32 = 0.2;
/// Below this nothing is put before the card.
const LEAST_HIDDEN: f32 = 0.01;
/// Places across and down a card at which hidden parts are measured.
const GRID: [usize; 2] = [20, 28];
/// Left and right edge of the centre square in the frame.
const SQUARE: [f32; 2] = [(WIDTH - HEIGHT) as f32 / 2.0, (WIDTH + HEIGHT) as f32 / 2.0];

/// A shot, ready to be seen at any of its frames.
pub(super) struct Scene {
    pub(super) shot: Shot,
    pub(super) props: Props,
    pub(super) occluder: Option<Occluder>,
    pub(super) camera: CameraModel,
    pub(super) tint: Tint,
    pub(super) shadow_shift: Point,
    pub(super) shadow_opacity: i32,
    pub(super) decoy: Decoy,
    pub(super) backdrop: Canvas,
    pan: [Sway; 2],
    pub(super) size: Sway,
    pub(super) roll: Sway,
    tilt: [Sway; 2],
    distance: f32,
    bend: [Point; 4],
    place: [Sway; 2],
    hidden: Sway,
    /// Where the card leaves the centre square, if that is what hides it: direction as (x, y).
    leaves: Option<Point>,
    glare: Option<[Sway; 4]>,
}

/// What is shown to the camera.
pub(super) enum Props {
    None,
    Card(usize),
    Picture(Texture),
}

/// A scene at one moment.
pub(super) struct View {
    pub(super) quad: Quad,
    /// Height of the card in pixels.
    pub(super) height: f32,
    pub(super) occluder: Option<Placement>,
    pub(super) occlusion: f32,
    pub(super) glare: Option<Glare>,
    roll: f32,
}

impl Scene {
    /// Sets up a shot of the demo, or of a wide film: everything follows from the seed, the shot's number and the photographs.
    pub(super) fn set(seed: u64, shot: Shot, painter: &mut Painter, photographs: Option<&Photographs>) -> Self {
        let mut scene = Self::of_demo(seed, shot, painter);
        if let Some(photographs) = photographs {
            scene.widen(&mut Rng::keyed(&[seed, 0x77, shot.number]), photographs);
        }
        scene
    }

    fn of_demo(seed: u64, shot: Shot, painter: &mut Painter) -> Self {
        let mut rng = Rng::keyed(&[seed, 0x73, shot.number]);
        let rng = &mut rng;
        let (props, decoy) = props(rng, shot.subject);
        let (occluder, leaves) = hiding(rng, decoy);
        let bend = rng.range(0.0, 0.025);
        let glare = rng.chance(0.35);
        Self {
            shot,
            props,
            occluder,
            decoy,
            leaves,
            camera: CameraModel::random(rng),
            tint: tint(rng),
            shadow_shift: [rng.range(-24.0, 24.0), rng.range(-10.0, 24.0)],
            shadow_opacity: rng.range(-90.0, 130.0).max(0.0) as i32,
            backdrop: painter.paint(rng).clone(),
            pan: [Sway::new(rng, 0.0, 63.0), Sway::new(rng, 0.0, 63.0)],
            size: Sway::new(rng, 0.40, 0.95),
            roll: Sway::new(rng, -35.0 / 360.0, 35.0 / 360.0),
            tilt: [Sway::new(rng, -0.1, 0.1), Sway::new(rng, -0.1, 0.1)],
            distance: rng.range(1.4, 5.0),
            bend: std::array::from_fn(|_| [rng.range(-bend, bend), rng.range(-bend, bend)]),
            place: [Sway::new(rng, 0.0, 1.0), Sway::new(rng, 0.0, 1.0)],
            hidden: Sway::new(rng, 0.0, MOST_HIDDEN),
            glare: glare.then(|| {
                [
                    Sway::new(rng, -0.5, 0.5),
                    Sway::new(rng, -0.6, 0.6),
                    Sway::new(rng, 0.15, 0.5),
                    Sway::new(rng, 20.0, 150.0),
                ]
            }),
        }
    }

    /// Where everything is `time` frames into the shot.
    pub(super) fn view(&self, time: f32) -> View {
        let size = self.size.at(time);
        let height = size * HEIGHT as f32;
        let roll = self.roll.at(time);
        let attitude =
            Attitude { height, roll, tilt: [self.tilt[0].at(time), self.tilt[1].at(time)], distance: self.distance };
        let mut quad = Quad::new(&attitude);
        for (corner, bend) in quad.0.iter_mut().zip(self.bend) {
            *corner = [corner[0] + bend[0] * height, corner[1] + bend[1] * height];
        }
        let wanted = self.hidden.at(time);
        let quad = self.placed(&quad, time, wanted);
        let points = grid_points(&quad);
        let occluder = self.push(&quad, height, &points, wanted);
        let occlusion = hidden_part(&points, self.occluder.as_ref().zip(occluder.as_ref()));
        let glare = self.glare.as_ref().map(|[across, down, radius, strength]| {
            let centre = centre(&quad);
            Glare {
                place: [centre[0] + across.at(time) * height, centre[1] + down.at(time) * height],
                radius: radius.at(time) * height,
                strength: strength.at(time),
            }
        });
        View { quad, height, occluder, occlusion, glare, roll }
    }

    /// Moves the card to its place: within the centre square, or out of it as far as `wanted` of it is hidden.
    fn placed(&self, quad: &Quad, time: f32, wanted: f32) -> Quad {
        let (low, high) = quad.bounds();
        let within = |near: f32, far: f32, low: f32, high: f32, part: f32| {
            let (first, last) = (near - low, far - high);
            if first < last { first + (last - first) * part } else { (first + last) / 2.0 }
        };
        let x = within(SQUARE[0], SQUARE[1], low[0], high[0], self.place[0].at(time));
        let y = within(0.0, HEIGHT as f32, low[1], high[1], self.place[1].at(time));
        let at_home = quad.moved([x, y]);
        let Some([dx, dy]) = self.leaves else { return at_home };
        let (mut least, mut most) = (0.0, HEIGHT as f32);
        for _ in 0..12 {
            let way = (least + most) / 2.0;
            let hidden = hidden_part(&grid_points(&at_home.moved([dx * way, dy * way])), None);
            *(if hidden < wanted { &mut least } else { &mut most }) = way;
        }
        at_home.moved([dx * least, dy * least])
    }

    /// Pushes the occluder in as far as `wanted` of the card is hidden; `None` where it stays away.
    fn push(&self, quad: &Quad, height: f32, points: &[Point], wanted: f32) -> Option<Placement> {
        let occluder = self.occluder.as_ref()?;
        let home = Placement { origin: centre(quad), scale: height };
        if matches!(self.decoy, Decoy::Hand) {
            return Some(occluder.pushed(&home, wanted * 4.0 - 0.4));
        }
        if wanted < LEAST_HIDDEN {
            return None;
        }
        if let Some([x, y]) = occluder.lies_at {
            let origin = [home.origin[0] + x * height, home.origin[1] + y * height];
            return Some(enlarge(occluder, origin, height, points, wanted));
        }
        let local: Vec<(Point, bool)> =
            points.iter().map(|&point| (occluder.local(point, &home), out_of_square(point))).collect();
        let (mut least, mut most) = (-1.2, 1.2);
        for _ in 0..11 {
            let depth = (least + most) / 2.0;
            let hidden = local.iter().filter(|([u, v], out)| *out || occluder.hides([u - depth, *v])).count();
            *(if (hidden as f32) < wanted * points.len() as f32 { &mut least } else { &mut most }) = depth;
        }
        Some(occluder.pushed(&home, least))
    }

    /// Copies the part of the background that the camera sees, at twice its resolution.
    pub(super) fn show_background(&self, canvas: &mut Canvas, time: f32) {
        let (left, top) = (self.pan[0].at(time) as usize, self.pan[1].at(time) as usize);
        let line = canvas.width * 3;
        for (y, out) in canvas.rgb.chunks_exact_mut(line).enumerate() {
            let [row, below] = [(y + top) / 2, (y + top).div_ceil(2)].map(|y| {
                let start = (y * background::WIDTH + left / 2) * 3;
                &self.backdrop.rgb[start..start + line / 2 + 3]
            });
            double_row(row, below, left % 2, out);
        }
    }

    /// What the frame shows, in figures.
    pub(super) fn shown(&self, view: &View, occlusion: f32) -> Shown {
        match self.props {
            Props::Card(label) => Shown {
                label,
                size: view.height / HEIGHT as f32,
                roll: view.roll * 360.0,
                occlusion,
                decoy: Decoy::None,
            },
            _ => Shown { label: cards::COUNT, size: 0.0, roll: 0.0, occlusion: 0.0, decoy: self.decoy },
        }
    }
}

/// The mean of two rows at twice their resolution; `odd` (0 or 1) is where between the first two pixels to start.
fn double_row(row: &[u8], below: &[u8], odd: usize, out: &mut [u8]) {
    let mut sums = [0u16; (WIDTH as usize / 2 + 1) * 3];
    for ((sum, above), below) in sums.iter_mut().zip(row).zip(below) {
        *sum = u16::from(*above) + u16::from(*below);
    }
    let (here, right) = (sums.as_chunks::<3>().0, sums[3..].as_chunks::<3>().0);
    for ((pair, here), right) in out.as_chunks_mut::<6>().0.iter_mut().zip(here).zip(right) {
        for c in 0..3 {
            let between = ((here[c] + right[c]) / 4) as u8;
            let [first, second] =
                if odd == 0 { [(here[c] / 2) as u8, between] } else { [between, (right[c] / 2) as u8] };
            (pair[c], pair[c + 3]) = (first, second);
        }
    }
}

/// The subject's picture, and what kind of decoy it is.
fn props(rng: &mut Rng, subject: Subject) -> (Props, Decoy) {
    match subject {
        Subject::Card(card) => (Props::Card(card), Decoy::None),
        Subject::Empty => (Props::None, Decoy::EmptyRoom),
        Subject::Decoy => match rng.below(20) {
            0..2 => (Props::Picture(decoy::blank_card(rng)), Decoy::BlankCard),
            2..14 => (Props::Picture(decoy::foreign_card(rng)), Decoy::ForeignCard),
            14..18 => (Props::Picture(decoy::white_thing(rng)), Decoy::WhiteThing),
            _ => (Props::None, Decoy::Hand),
        },
    }
}

/// What hides the subject: something before it, or the edge of the centre square in a direction.
fn hiding(rng: &mut Rng, decoy: Decoy) -> (Option<Occluder>, Option<Point>) {
    match decoy {
        Decoy::EmptyRoom => (None, None),
        Decoy::Hand => (Some(Occluder::hand(rng)), None),
        _ if rng.chance(0.3) => (None, Some([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]][rng.below(4)])),
        _ => (Some(Occluder::random(rng)), None),
    }
}

/// How print, paper and light colour the card itself.
fn tint(rng: &mut Rng) -> Tint {
    let gain = rng.range(190.0, 275.0);
    Tint {
        gain: std::array::from_fn(|_| (gain + rng.range(-12.0, 12.0)) as i32),
        saturation: rng.range(170.0, 300.0) as i32,
        ink: [256; 3],
    }
}

fn centre(quad: &Quad) -> Point {
    let [a, b, c, d] = quad.0;
    [(a[0] + b[0] + c[0] + d[0]) / 4.0, (a[1] + b[1] + c[1] + d[1]) / 4.0]
}

fn out_of_square([x, y]: Point) -> bool {
    !(SQUARE[0]..SQUARE[1]).contains(&x) || !(0.0..HEIGHT as f32).contains(&y)
}

/// Makes an occluder that lies on the card as large as it must be to hide `wanted` of it.
fn enlarge(occluder: &Occluder, origin: Point, height: f32, points: &[Point], wanted: f32) -> Placement {
    let (mut least, mut most) = (0.01 * height, 1.5 * height);
    for _ in 0..11 {
        let scale = (least + most) / 2.0;
        let hidden = hidden_part(points, Some((occluder, &Placement { origin, scale })));
        *(if hidden < wanted { &mut least } else { &mut most }) = scale;
    }
    Placement { origin, scale: least }
}

/// Places spread evenly over the card, in the frame.
fn grid_points(quad: &Quad) -> [Point; GRID[0] * GRID[1]] {
    let forward = quad.forward([GRID[0] as f32, GRID[1] as f32]);
    std::array::from_fn(|i| forward.apply([(i % GRID[0]) as f32 + 0.5, (i / GRID[0]) as f32 + 0.5]))
}

/// The part of `points` that lies outside the centre square or behind the occluder.
fn hidden_part(points: &[Point], occluder: Option<(&Occluder, &Placement)>) -> f32 {
    let hidden = |&&point: &&Point| {
        out_of_square(point)
            || occluder.is_some_and(|(occluder, placement)| occluder.hides(occluder.local(point, placement)))
    };
    points.iter().filter(hidden).count() as f32 / points.len() as f32
}
