//! What JPEG takes away: colours at half resolution, 8×8 cosine transforms, coarse coefficients.

use super::drawing::{Canvas, to_byte};

type DctBlock = [[f32; 8]; 8];

/// One value for each of 16 pixels side by side.
type Line = [f32; 16];

/// cos(kπ/16) / 2 for k = 1…7; the constant row of the transform is 1/√8, which is that for k = 4.
const C: [f32; 8] =
    [0.0, 0.490_392_64, 0.461_939_77, 0.415_734_8, 0.353_553_39, 0.277_785_12, 0.191_341_72, 0.097_545_16];

/// The orthonormal cosine transform of 8 numbers.
#[rustfmt::skip]
const FORWARD: DctBlock = [
    [C[4],  C[4],  C[4],  C[4],  C[4],  C[4],  C[4],  C[4]],
    [C[1],  C[3],  C[5],  C[7], -C[7], -C[5], -C[3], -C[1]],
    [C[2],  C[6], -C[6], -C[2], -C[2], -C[6],  C[6],  C[2]],
    [C[3], -C[7], -C[1], -C[5],  C[5],  C[1],  C[7], -C[3]],
    [C[4], -C[4], -C[4],  C[4],  C[4], -C[4], -C[4],  C[4]],
    [C[5], -C[1],  C[7],  C[3], -C[3], -C[7],  C[1], -C[5]],
    [C[6], -C[2],  C[2], -C[6], -C[6],  C[2], -C[2],  C[6]],
    [C[7], -C[5],  C[3], -C[1],  C[1], -C[3],  C[5], -C[7]],
];

const BACKWARD: DctBlock = transposed(&FORWARD);

const fn transposed(block: &DctBlock) -> DctBlock {
    let mut out = [[0.0; 8]; 8];
    let mut i = 0;
    while i < 64 {
        out[i / 8][i % 8] = block[i % 8][i / 8];
        i += 1;
    }
    out
}

/// Compresses and decompresses `picture` at a quality from 1 to 99, in squares of 16 pixels. What is left over at the
/// right and the bottom stays as it is.
pub(super) fn degrade(picture: &mut Canvas, quality: f32) {
    let coarseness = if quality < 50.0 { 50.0 / quality } else { 2.0 - quality / 50.0 };
    let luma = steps(coarseness, 10.0, 6.5);
    let chroma = steps(coarseness, 14.0, 11.0);
    for top in (0..picture.height / 16 * 16).step_by(16) {
        for left in (0..picture.width / 16 * 16).step_by(16) {
            degrade_square(picture, left, top, &luma, &chroma);
        }
    }
}

/// The quantizer's steps: `base` at the lowest frequency, growing by `growth` a frequency.
fn steps(coarseness: f32, base: f32, growth: f32) -> DctBlock {
    std::array::from_fn(|i| std::array::from_fn(|j| (coarseness * (base + growth * (i + j) as f32)).max(1.0)))
}

fn degrade_square(picture: &mut Canvas, left: usize, top: usize, luma_steps: &DctBlock, chroma_steps: &DctBlock) {
    let line = picture.width * 3;
    let start = top * line + left * 3;
    let mut luma = [[[0.0; 8]; 8]; 4];
    let mut blue = [[0.0; 8]; 8];
    let mut red = [[0.0; 8]; 8];
    for y in 0..16 {
        let [r, g, b] = planes(&picture.rgb[start + y * line..][..48]);
        for x in 0..16 {
            luma[y / 8 * 2 + x / 8][y % 8][x % 8] = 0.299 * r[x] + 0.587 * g[x] + 0.114 * b[x] - 128.0;
        }
        let cb: Line = std::array::from_fn(|x| 0.25 * (-0.168_736 * r[x] - 0.331_264 * g[x] + 0.5 * b[x]));
        let cr: Line = std::array::from_fn(|x| 0.25 * (0.5 * r[x] - 0.418_688 * g[x] - 0.081_312 * b[x]));
        for x in 0..16 {
            blue[y / 2][x / 2] += cb[x];
            red[y / 2][x / 2] += cr[x];
        }
    }
    let luma = luma.map(|block| quantized(&block, luma_steps));
    let blue = quantized(&blue, chroma_steps);
    let red = quantized(&red, chroma_steps);
    for y in 0..16 {
        let grey: Line = std::array::from_fn(|x| luma[y / 8 * 2 + x / 8][y % 8][x % 8] + 128.0);
        let (cb, cr) = (blue[y / 2], red[y / 2]);
        let r: [u8; 16] = std::array::from_fn(|x| to_byte(grey[x] + 1.402 * cr[x / 2]));
        let g: [u8; 16] = std::array::from_fn(|x| to_byte(grey[x] - 0.344_136 * cb[x / 2] - 0.714_136 * cr[x / 2]));
        let b: [u8; 16] = std::array::from_fn(|x| to_byte(grey[x] + 1.772 * cb[x / 2]));
        let row = &mut picture.rgb[start + y * line..][..48];
        for (x, pixel) in row.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            *pixel = [r[x], g[x], b[x]];
        }
    }
}

/// Red, green and blue of 16 pixels, each by itself.
fn planes(row: &[u8]) -> [Line; 3] {
    let mut planes = [[0.0; 16]; 3];
    for (x, pixel) in row.as_chunks::<3>().0.iter().enumerate() {
        for (plane, byte) in planes.iter_mut().zip(pixel) {
            plane[x] = f32::from(*byte);
        }
    }
    planes
}

/// The block after transform, rounding to `steps`, and back.
fn quantized(block: &DctBlock, steps: &DctBlock) -> DctBlock {
    let mut coefficients = product(&product(&FORWARD, block), &BACKWARD);
    for (row, steps) in coefficients.iter_mut().zip(steps) {
        for (value, step) in row.iter_mut().zip(steps) {
            *value = nearest(*value / step) * step;
        }
    }
    product(&product(&BACKWARD, &coefficients), &FORWARD)
}

/// The nearest integer of a number below 2²², in a way that compiles to vector code.
fn nearest(value: f32) -> f32 {
    const MAGIC: f32 = 12_582_912.0;
    (value + MAGIC) - MAGIC
}

fn product(a: &DctBlock, b: &DctBlock) -> DctBlock {
    let mut out = [[0.0; 8]; 8];
    for (row, factors) in out.iter_mut().zip(a) {
        for (factor, line) in factors.iter().zip(b) {
            for (value, x) in row.iter_mut().zip(line) {
                *value += factor * x;
            }
        }
    }
    out
}
