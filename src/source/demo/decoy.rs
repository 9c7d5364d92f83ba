//! What could be taken for one of our cards and is none: blank cards, foreign cards, white things with blobs of colour.

use resvg::tiny_skia::{Color, FillRule, Paint, Path, PathBuilder, Pixmap, PixmapPaint, Rect, Stroke, Transform};

use super::background::{hsv, mix};
use super::cards;
use super::dice::{Rng, cos, sin};
use super::drawing::{Colour, Point};
use super::photographs::Photographs;
use super::texture::Texture;

/// Width and height of a decoy's picture: half as large as a card's.
const SIZE: [f32; 2] = [240.0, 336.0];

/// A card of our shape with nothing on it, or next to nothing; one in three has the very frame of ours.
pub(super) fn blank_card(rng: &mut Rng) -> Texture {
    let mut sheet = Sheet::new();
    sheet.paper(rng);
    if rng.chance(0.33) {
        sheet.frame(cards::FRAME_COLOUR, cards::FRAME_WIDTH * SIZE[0]);
    }
    if rng.chance(0.3) {
        sheet.lines(rng);
    }
    sheet.finish()
}

/// A card of our shape with a picture that is none of ours.
pub(super) fn foreign_card(rng: &mut Rng) -> Texture {
    let mut sheet = Sheet::new();
    sheet.paper(rng);
    match rng.below(16) {
        0 | 1 => sheet.playing_card(rng),
        2 | 3 => sheet.letter(rng),
        4 => sheet.back(rng),
        5 => sheet.lines(rng),
        6..11 => sheet.object(rng),
        _ => sheet.picture(rng),
    }
    sheet.finish()
}

/// A card with a photograph on it, or with another picture, in the very frame of our cards where it is to look like `ours`.
pub(super) fn photograph_card(rng: &mut Rng, photographs: &Photographs, ours: bool) -> Texture {
    let mut sheet = Sheet::new();
    sheet.paper(rng);
    if ours {
        sheet
            .fill(rounded([0.0, 0.0], SIZE, 15.0).as_ref(), mix([255; 3], hsv(rng.unit(), 0.3, 0.8), rng.unit() * 0.1));
    }
    match rng.below(20) {
        0..12 => sheet.photograph(rng, photographs),
        12..15 => sheet.object(rng),
        15..17 => sheet.picture(rng),
        17 => sheet.letter(rng),
        18 => sheet.playing_card(rng),
        _ => sheet.back(rng),
    }
    if ours {
        let shade = mix(cards::FRAME_COLOUR, hsv(rng.unit(), 1.0, 0.8), rng.unit() * rng.unit() * 0.3);
        sheet.frame(shade, cards::FRAME_WIDTH * SIZE[0]);
    }
    sheet.finish()
}

/// Paper, a plate, a cup, a shirt: something white, with blobs of colour on it.
pub(super) fn white_thing(rng: &mut Rng) -> Texture {
    let mut sheet = Sheet::new();
    let white = mix([255; 3], hsv(rng.unit(), 0.4, 0.8), rng.unit() * 0.5);
    let (centre, radii) = ([120.0, 168.0], [rng.range(60.0, 118.0), rng.range(60.0, 166.0)]);
    let outline = match rng.below(3) {
        0 => Some(polygon(&corners(rng, centre, radii, 4, 0.25))),
        1 => rounded(
            [centre[0] - radii[0], centre[1] - radii[1]],
            [radii[0] * 2.0, radii[1] * 2.0],
            rng.range(0.0, 60.0),
        ),
        _ => {
            let roughness = rng.range(0.0, 0.3);
            Some(polygon(&corners(rng, centre, radii, 24, roughness)))
        }
    };
    sheet.fill(outline.as_ref(), white);
    for _ in 0..1 + rng.below(6) {
        let place = [centre[0] + radii[0] * rng.range(-0.6, 0.6), centre[1] + radii[1] * rng.range(-0.6, 0.6)];
        let reach = rng.range(8.0, 60.0);
        sheet.shape(rng, place, reach);
    }
    sheet.finish()
}

/// A picture in the making.
struct Sheet(Pixmap);

impl Sheet {
    fn new() -> Self {
        Self(Pixmap::new(SIZE[0] as u32, SIZE[1] as u32).expect("neither side is zero"))
    }

    fn finish(self) -> Texture {
        Texture::from_pixmap(&self.0)
    }

    fn fill(&mut self, path: Option<&Path>, colour: Colour) {
        if let Some(path) = path {
            self.0.fill_path(path, &paint(colour), FillRule::EvenOdd, Transform::identity(), None);
        }
    }

    fn stroke(&mut self, path: Option<&Path>, colour: Colour, width: f32) {
        // The renderer complains of a stroke without length.
        if let Some(path) = path.filter(|path| path.bounds().width().max(path.bounds().height()) > 0.0) {
            let stroke = Stroke { width, ..Stroke::default() };
            self.0.stroke_path(path, &paint(colour), &stroke, Transform::identity(), None);
        }
    }

    /// The bare card: mostly white, now and then of any colour, with a frame, an outline or neither.
    fn paper(&mut self, rng: &mut Rng) {
        let white = mix([255; 3], hsv(rng.unit(), 0.3, 0.8), rng.unit() * 0.3);
        let colour = if rng.chance(0.85) { white } else { hsv(rng.unit(), rng.unit(), rng.unit()) };
        let path = rounded([1.5, 1.5], [SIZE[0] - 3.0, SIZE[1] - 3.0], rng.range(0.0, 24.0));
        self.fill(path.as_ref(), colour);
        match rng.below(5) {
            0 | 1 => self.frame(hsv(rng.unit(), 1.0 - rng.unit() * rng.unit(), rng.unit()), rng.range(5.0, 24.0)),
            2 | 3 => {
                let ink = mix([40; 3], hsv(rng.unit(), 1.0, 0.8), rng.unit() * rng.unit());
                self.stroke(path.as_ref(), ink, rng.range(1.0, 4.0));
            }
            _ => {}
        }
    }

    /// A frame of `width` along the edges of the card.
    fn frame(&mut self, colour: Colour, width: f32) {
        let middle = rounded([width / 2.0; 2], [SIZE[0] - width, SIZE[1] - width], 14.0 - width / 4.0);
        self.stroke(middle.as_ref(), colour, width);
    }

    /// Pips, or a court card's clutter, with the corner marks.
    fn playing_card(&mut self, rng: &mut Rng) {
        let colour = if rng.chance(0.5) { [200, 20, 30] } else { [25, 25, 30] };
        let kind = rng.below(4);
        let (columns, rows) = (1 + rng.below(3), 2 + rng.below(3));
        let reach = rng.range(12.0, 26.0);
        for row in 0..rows {
            for column in 0..columns {
                let x = SIZE[0] * (column as f32 + 1.0) / (columns as f32 + 1.0);
                let y = 50.0 + (SIZE[1] - 100.0) * row as f32 / (rows as f32 - 1.0);
                self.pip([x, y], reach, kind, colour);
            }
        }
        for [x, y] in [[20.0, 26.0], [SIZE[0] - 20.0, SIZE[1] - 26.0]] {
            self.pip([x, y], 9.0, kind, colour);
        }
    }

    fn pip(&mut self, [x, y]: Point, reach: f32, kind: usize, colour: Colour) {
        let mut path = PathBuilder::new();
        let up = if kind == 1 { -reach } else { reach };
        match kind {
            0 => {
                let diamond = [[x, y - reach], [x + reach * 0.7, y], [x, y + reach], [x - reach * 0.7, y]];
                return self.fill(Some(&polygon(&diamond)), colour);
            }
            1 | 2 => {
                path.move_to(x, y + up);
                path.cubic_to(x + reach * 2.0, y - up * 0.4, x + reach * 0.6, y - up * 1.4, x, y - up * 0.4);
                path.cubic_to(x - reach * 0.6, y - up * 1.4, x - reach * 2.0, y - up * 0.4, x, y + up);
            }
            _ => {
                for [dx, dy] in [[0.0, -0.5], [-0.5, 0.25], [0.5, 0.25]] {
                    path.push_circle(x + dx * reach, y + dy * reach, reach * 0.42);
                }
            }
        }
        self.fill(path.finish().as_ref(), colour);
    }

    /// A photograph, over all the card within a frame like ours or over a part of it.
    fn photograph(&mut self, rng: &mut Rng, photographs: &Photographs) {
        let border = cards::FRAME_WIDTH * SIZE[0] - 1.0;
        let [most_width, most_height] = SIZE.map(|side| side - 2.0 * border);
        let part = if rng.chance(0.5) { [1.0, 1.0] } else { [rng.range(0.45, 1.0), rng.range(0.45, 1.0)] };
        let [width, height] = [most_width * part[0], most_height * part[1]].map(|side| side as usize);
        let left = border + rng.unit() * (most_width - width as f32);
        let top = border + rng.unit() * (most_height - height as f32);
        let canvas = photographs.cut(rng, width, height);
        let mut pixmap = Pixmap::new(width as u32, height as u32).expect("neither side is zero");
        for (to, from) in pixmap.data_mut().as_chunks_mut::<4>().0.iter_mut().zip(canvas.rgb.as_chunks::<3>().0) {
            *to = [from[0], from[1], from[2], 255];
        }
        let place = Transform::identity();
        self.0.draw_pixmap(left as i32, top as i32, pixmap.as_ref(), &PixmapPaint::default(), place, None);
    }

    /// Strokes that look like a letter or a figure.
    fn letter(&mut self, rng: &mut Rng) {
        let colour = hsv(rng.unit(), rng.unit(), rng.range(0.0, 0.9));
        let width = rng.range(10.0, 50.0);
        let knots: [Point; 9] = std::array::from_fn(|i| [50.0 + 70.0 * (i % 3) as f32, 60.0 + 108.0 * (i / 3) as f32]);
        let mut path = PathBuilder::new();
        for _ in 0..2 + rng.below(4) {
            let [from, by, to] = [(); 3].map(|()| knots[rng.below(9)]);
            path.move_to(from[0], from[1]);
            if rng.chance(0.5) {
                path.line_to(to[0], to[1]);
            } else {
                path.quad_to(by[0], by[1], to[0], to[1]);
            }
        }
        self.stroke(path.finish().as_ref(), colour, width);
    }

    /// The back of a card: a pattern all over.
    fn back(&mut self, rng: &mut Rng) {
        let colours = [hsv(rng.unit(), rng.unit(), rng.unit()), hsv(rng.unit(), rng.unit(), rng.unit())];
        let margin = rng.range(0.0, 30.0);
        let inside = rounded([margin, margin], [SIZE[0] - 2.0 * margin, SIZE[1] - 2.0 * margin], 8.0);
        self.fill(inside.as_ref(), colours[0]);
        let step = rng.range(10.0, 50.0);
        let (kind, reach) = (rng.below(3), step * rng.range(0.2, 0.5));
        let mut y = margin + step / 2.0;
        while y < SIZE[1] - margin - reach {
            let mut x = margin + step / 2.0;
            while x < SIZE[0] - margin - reach {
                match kind {
                    0 => self.fill(PathBuilder::from_circle(x, y, reach).as_ref(), colours[1]),
                    1 => self.pip([x, y], reach, 0, colours[1]),
                    _ => self.fill(rounded([x - reach, y - reach], [reach * 2.0; 2], 0.0).as_ref(), colours[1]),
                }
                x += step;
            }
            y += step;
        }
    }

    /// Rows of print, or ruled lines.
    fn lines(&mut self, rng: &mut Rng) {
        let colour = mix(hsv(rng.unit(), 0.8, 0.6), [30; 3], rng.unit());
        let (step, thickness) = (rng.range(10.0, 40.0), rng.range(0.1, 0.5));
        let ragged = rng.chance(0.6);
        let mut y = 24.0;
        while y < SIZE[1] - 30.0 {
            let end = if ragged { rng.range(80.0, 216.0) } else { 216.0 };
            self.fill(rounded([24.0, y], [end - 24.0, step * thickness], 0.0).as_ref(), colour);
            y += step;
        }
    }

    /// A picture of one to several shapes, bold like ours, but nothing in particular.
    fn picture(&mut self, rng: &mut Rng) {
        let count = 1 + rng.below(6);
        let reach = 120.0 / (count as f32).sqrt().min(1.7);
        for _ in 0..count {
            let spread = if count == 1 { 0.1 } else { 0.75 };
            let place = [120.0 + 80.0 * rng.range(-spread, spread), 168.0 + 120.0 * rng.range(-spread, spread)];
            let reach = reach * rng.range(0.6, 1.1);
            self.shape(rng, place, reach);
        }
    }

    /// A thing that does not exist: a large body, parts on its axis, parts to the left and right, bold like our pictures.
    fn object(&mut self, rng: &mut Rng) {
        let centre = [120.0, rng.range(140.0, 200.0)];
        let body = rng.range(70.0, 120.0);
        if rng.chance(0.5) {
            self.twins(rng, centre, body);
        }
        self.shape(rng, centre, body);
        for _ in 0..rng.below(3) {
            let place = [centre[0], centre[1] + rng.range(-1.1, 1.1) * body];
            let reach = body * rng.range(0.25, 0.75);
            self.shape(rng, place, reach);
        }
        if rng.chance(0.5) {
            self.twins(rng, centre, body * 0.6);
        }
    }

    /// The same shape left and right of `centre`.
    fn twins(&mut self, rng: &mut Rng, centre: Point, reach: f32) {
        let (dx, dy) = (rng.range(0.3, 0.9) * reach, rng.range(-1.0, 1.0) * reach);
        let (look, part) = (rng.next(), rng.range(0.25, 0.6));
        for side in [-1.0, 1.0] {
            self.shape(&mut Rng::keyed(&[look]), [centre[0] + side * dx, centre[1] + dy], reach * part);
        }
    }

    /// A shape of any kind in any colour, with or without an outline.
    fn shape(&mut self, rng: &mut Rng, centre: Point, reach: f32) {
        let radii = [reach * rng.range(0.5, 1.05), reach * rng.range(0.5, 1.05)];
        let path = match rng.below(11) {
            0 => PathBuilder::from_circle(centre[0], centre[1], radii[0]),
            1 => rounded([centre[0] - radii[0], centre[1] - radii[1]], [radii[0] * 2.0, radii[1] * 2.0], reach * 0.3),
            2 => Some(polygon(&corners(rng, centre, radii, 3, 0.1))),
            3 => Some(polygon(&corners(rng, centre, radii, 4, 0.4))),
            4 => Some(polygon(&corners(rng, centre, radii, 6, 0.6))),
            5 => ring(centre, radii[0], rng.range(0.3, 0.8)),
            6 => Some(cross(centre, radii, rng.range(0.2, 0.5))),
            7 => {
                let (points, depth) = (4 + rng.below(7), rng.range(0.25, 0.85));
                Some(rays(centre, radii, points, depth))
            }
            8 => crescent(centre, radii[0], rng.range(-0.5, 0.5)),
            9 => cloud(rng, centre, radii),
            _ => smooth(&corners(rng, centre, radii, 9, 0.6)),
        };
        let colour = hsv(rng.unit(), 1.0 - rng.unit() * rng.unit(), 1.0 - rng.unit() * rng.unit());
        if rng.chance(0.85) {
            self.fill(path.as_ref(), colour);
        }
        if rng.chance(0.6) {
            let ink = if rng.chance(0.7) { [38, 38, 46] } else { hsv(rng.unit(), 1.0, 0.7) };
            self.stroke(path.as_ref(), ink, rng.range(3.0, 12.0));
        }
    }
}

fn paint(colour: Colour) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color(Color::from_rgba8(colour[0], colour[1], colour[2], 255));
    paint
}

/// `count` corners around `centre`, each drawn in by up to `roughness`.
fn corners(rng: &mut Rng, centre: Point, radii: Point, count: usize, roughness: f32) -> Vec<Point> {
    let start = rng.unit();
    (0..count)
        .map(|i| {
            let (turns, reach) = (start + i as f32 / count as f32, 1.0 - roughness * rng.unit());
            [centre[0] + radii[0] * reach * cos(turns), centre[1] + radii[1] * reach * sin(turns)]
        })
        .collect()
}

fn polygon(points: &[Point]) -> Path {
    let mut path = PathBuilder::new();
    path.move_to(points[0][0], points[0][1]);
    for &[x, y] in &points[1..] {
        path.line_to(x, y);
    }
    path.close();
    path.finish().expect("finite points that differ")
}

/// A closed curve that rounds the corners of a polygon.
fn smooth(points: &[Point]) -> Option<Path> {
    let middle = |a: Point, b: Point| [(a[0] + b[0]) / 2.0, (a[1] + b[1]) / 2.0];
    let mut path = PathBuilder::new();
    let [x, y] = middle(points[points.len() - 1], points[0]);
    path.move_to(x, y);
    for (i, &corner) in points.iter().enumerate() {
        let [x, y] = middle(corner, points[(i + 1) % points.len()]);
        path.quad_to(corner[0], corner[1], x, y);
    }
    path.close();
    path.finish()
}

fn ring(centre: Point, radius: f32, hole: f32) -> Option<Path> {
    let mut path = PathBuilder::new();
    path.push_circle(centre[0], centre[1], radius);
    path.push_circle(centre[0], centre[1], radius * hole);
    path.finish()
}

/// A star of any number of points but five.
fn rays(centre: Point, radii: Point, points: usize, depth: f32) -> Path {
    let count = if points == 5 { 12 } else { points } * 2;
    let corner = |i: usize| {
        let (turns, reach) = (i as f32 / count as f32, if i.is_multiple_of(2) { 1.0 } else { depth });
        [centre[0] + radii[0] * reach * sin(turns), centre[1] - radii[1] * reach * cos(turns)]
    };
    polygon(&(0..count).map(corner).collect::<Vec<_>>())
}

/// A moon, its horns up to the right or the left by `lean`.
fn crescent([x, y]: Point, radius: f32, lean: f32) -> Option<Path> {
    let (dx, dy) = (radius * lean, radius);
    let mut path = PathBuilder::new();
    path.move_to(x - dx, y - dy);
    path.cubic_to(x - radius * 1.6, y - radius, x - radius * 1.6, y + radius, x - dx, y + dy);
    path.cubic_to(x - radius * 0.5, y + radius * 0.5, x - radius * 0.5, y - radius * 0.5, x - dx, y - dy);
    path.close();
    path.finish()
}

/// Circles that overlap.
fn cloud(rng: &mut Rng, centre: Point, radii: Point) -> Option<Path> {
    let mut path = PathBuilder::new();
    for [x, y] in corners(rng, centre, [radii[0] * 0.6, radii[1] * 0.4], 5, 0.4) {
        path.push_circle(x, y, radii[0].min(radii[1]) * rng.range(0.3, 0.6));
    }
    path.finish()
}

fn cross([x, y]: Point, [rx, ry]: Point, part: f32) -> Path {
    let (tx, ty) = (rx * part, ry * part);
    let quarter = [[tx, -ry], [tx, -ty], [rx, -ty]];
    let mut points = Vec::with_capacity(12);
    for (sx, sy, backwards) in [(1.0, 1.0, false), (1.0, -1.0, true), (-1.0, -1.0, false), (-1.0, 1.0, true)] {
        let order: [usize; 3] = if backwards { [2, 1, 0] } else { [0, 1, 2] };
        points.extend(order.map(|i| [x + quarter[i][0] * sx, y + quarter[i][1] * sy]));
    }
    polygon(&points)
}

fn rounded([x, y]: Point, [width, height]: Point, radius: f32) -> Option<Path> {
    let radius = radius.min(width / 2.0).min(height / 2.0);
    if radius < 1.0 {
        return Some(PathBuilder::from_rect(Rect::from_xywh(x, y, width, height)?));
    }
    let (right, bottom) = (x + width, y + height);
    let mut path = PathBuilder::new();
    path.move_to(x + radius, y);
    path.line_to(right - radius, y);
    path.quad_to(right, y, right, y + radius);
    path.line_to(right, bottom - radius);
    path.quad_to(right, bottom, right - radius, bottom);
    path.line_to(x + radius, bottom);
    path.quad_to(x, bottom, x, bottom - radius);
    path.line_to(x, y + radius);
    path.quad_to(x, y, x + radius, y);
    path.close();
    path.finish()
}
