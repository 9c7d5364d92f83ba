//! A flat picture in space: sampled, and laid on the frame in perspective.

use resvg::tiny_skia::Pixmap;

use super::drawing::Canvas;
use super::pose::Quad;

/// A picture with transparency, premultiplied, with a transparent border of [`Texture::BORDER`] pixels around it.
pub(super) struct Texture {
    width: usize,
    height: usize,
    /// 0xAABBGGRR
    pixels: Vec<u32>,
}

/// How the light changes a texture's colours.
pub(super) struct Tint {
    /// Factors for red, green and blue, 256 is 1.
    pub(super) gain: [i32; 3],
    /// Colourfulness, 256 is that of the picture.
    pub(super) saturation: i32,
    /// How much ink of the colours that take away red, green and blue, 256 is that of the picture.
    pub(super) ink: [i32; 3],
}

/// How many pixels share one exact perspective division; between them it is linear.
const STEP: usize = 16;

impl Texture {
    /// Transparent pixels on each side, so that edges come out smooth.
    const BORDER: usize = 2;

    pub(super) fn from_pixmap(pixmap: &Pixmap) -> Self {
        let (inner_width, inner_height) = (pixmap.width() as usize, pixmap.height() as usize);
        let (width, height) = (inner_width + 2 * Self::BORDER, inner_height + 2 * Self::BORDER);
        let mut pixels = vec![0; width * height];
        for (y, row) in pixmap.pixels().chunks_exact(inner_width).enumerate() {
            let start = (y + Self::BORDER) * width + Self::BORDER;
            for (to, from) in pixels[start..start + inner_width].iter_mut().zip(row) {
                *to = u32::from_le_bytes([from.red(), from.green(), from.blue(), from.alpha()]);
            }
        }
        Self { width, height, pixels }
    }

    /// Lays the picture on `canvas` so that its corners meet those of `quad`.
    pub(super) fn lay(&self, canvas: &mut Canvas, quad: &Quad, tint: &Tint) {
        let border = Self::BORDER as f32;
        let inner = [self.width as f32 - 2.0 * border, self.height as f32 - 2.0 * border];
        let to_texture = quad.inverse(inner);
        let outline = quad.grown(inner, border);
        let mut places = [(0i32, 0i32); STEP];
        for (y, from, to) in outline.spans(canvas.width, canvas.height) {
            let row = &mut canvas.rgb[(y * canvas.width + from) * 3..(y * canvas.width + to) * 3];
            for (block, pixels) in row.chunks_mut(STEP * 3).enumerate() {
                let x = (from + block * STEP) as f32 + 0.5;
                let start = to_texture.apply([x, y as f32 + 0.5]);
                let end = to_texture.apply([x + STEP as f32, y as f32 + 0.5]);
                let fixed = |value: f32| ((value + border - 0.5) * 65536.0) as i32;
                let (u, v) = (fixed(start[0]), fixed(start[1]));
                let (du, dv) = ((fixed(end[0]) - u) / STEP as i32, (fixed(end[1]) - v) / STEP as i32);
                for (i, place) in places.iter_mut().enumerate() {
                    *place = (u + du * i as i32, v + dv * i as i32);
                }
                for (pixel, &(u, v)) in pixels.as_chunks_mut::<3>().0.iter_mut().zip(&places) {
                    tint.lay(self.sample(u, v), pixel);
                }
            }
        }
    }

    /// The colour at a place in 65536ths of a pixel, linear between the pixels; transparent outside.
    fn sample(&self, u: i32, v: i32) -> u32 {
        let (x, y) = ((u >> 16) as usize, (v >> 16) as usize);
        if x >= self.width - 1 || y >= self.height - 1 {
            return 0;
        }
        let (right, down) = ((u >> 8 & 255) as u32, (v >> 8 & 255) as u32);
        let start = y * self.width + x;
        let above = lerp(self.pixels[start], self.pixels[start + 1], right);
        let below = lerp(self.pixels[start + self.width], self.pixels[start + self.width + 1], right);
        lerp(above, below, down)
    }
}

/// Four bytes at once: `part` 0 is `a`, 256 would be `b`.
fn lerp(a: u32, b: u32, part: u32) -> u32 {
    const EVEN: u32 = 0x00ff_00ff;
    let even = ((a & EVEN) * (256 - part) + (b & EVEN) * part) >> 8 & EVEN;
    let odd = ((a >> 8 & EVEN) * (256 - part) + (b >> 8 & EVEN) * part) & !EVEN;
    even | odd
}

impl Tint {
    /// Lays a premultiplied colour on a pixel.
    fn lay(&self, colour: u32, pixel: &mut [u8; 3]) {
        let [red, green, blue, alpha] = colour.to_le_bytes().map(i32::from);
        if alpha == 0 {
            return;
        }
        let grey = (red * 77 + green * 150 + blue * 29) >> 8;
        for (c, value) in [red, green, blue].into_iter().enumerate() {
            let value = grey + (((value - grey) * self.saturation) >> 8);
            let value = alpha - (((alpha - value) * self.ink[c]) >> 8);
            let value = (value * self.gain[c]) >> 8;
            let under = if alpha == 255 { 0 } else { (i32::from(pixel[c]) * (256 - alpha - (alpha >> 7))) >> 8 };
            pixel[c] = (value + under).clamp(0, 255) as u8;
        }
    }
}
