//! The thing without its background: the empty place is known, so what differs from it is the thing. Put before other backgrounds and
//! at other places it is learned, and not the place where it was shown.

use super::vary::{Dice, THING, mapping, near_centre, relight};
use image::{GrayImage, Luma, RgbImage};
use imageproc::distance_transform::Norm;
use imageproc::filter::gaussian_blur_f32;
use imageproc::geometric_transformations::{Border, Interpolation, warp};
use imageproc::morphology::{close, open};
use imageproc::region_labelling::{Connectivity, connected_components};
use std::collections::HashSet;

/// How far the camera may have moved since the empty place was seen, as a part of the edge (2 of 64 pixels).
const SWAY: f32 = 2.0 / 64.0;
/// A thing differs from what is behind it by this much, of 255.
const CONTRAST: u8 = 22;
/// Pixels that differ by less, all three colours together, may show the same in another light.
const ALIKE: u32 = 90;
/// What is smaller is noise, what is larger another place: parts of the picture.
const SIZES: [f32; 2] = [0.015, 0.7];
/// A part of the thing has at least this part of the largest part's area.
const PART: u32 = 4;

/// A thing, cut out of its frame.
pub(super) struct Cutout {
    frame: RgbImage,
    /// 255 where the thing is; soft at its border.
    mask: GrayImage,
    centre: [f32; 2],
}

impl Cutout {
    /// What of `frame` differs from the most alike of the pictures of the empty place; `None` where that is nothing, or nearly all.
    pub(super) fn of(frame: &RgbImage, places: &[RgbImage]) -> Option<Self> {
        let behind = most_alike(frame, places)?;
        let mask = largest_parts(&difference(frame, &behind));
        let area = mask.pixels().filter(|pixel| pixel[0] > 0).count() as f32 / (mask.width() * mask.height()) as f32;
        (SIZES[0]..=SIZES[1]).contains(&area).then(|| {
            let centre = centre(&mask);
            Self { frame: frame.clone(), mask: gaussian_blur_f32(&mask, 0.7), centre }
        })
    }

    /// The thing before `background`, which has the frame's size: turned, nearer, elsewhere, in another light.
    pub(super) fn before(&self, background: &RgbImage, dice: &mut Dice) -> RgbImage {
        let to = near_centre(self.frame.width(), THING.shift, dice);
        let mapping = mapping(THING, self.centre, to, dice);
        let thing = warp(&self.frame, mapping, Interpolation::Bilinear, Border::Replicate);
        let mask = warp(&self.mask, mapping, Interpolation::Bilinear, Border::Constant(Luma([0])));
        let mut picture = background.clone();
        for ((pixel, thing), mask) in picture.pixels_mut().zip(thing.pixels()).zip(mask.pixels()) {
            let part = u32::from(mask[0]);
            for (to, from) in pixel.0.iter_mut().zip(thing.0) {
                *to = ((u32::from(*to) * (255 - part) + u32::from(from) * part + 127) / 255) as u8;
            }
        }
        relight(&mut picture, dice);
        picture
    }
}

/// How far the camera may have moved, in pixels.
fn sway(frame: &RgbImage) -> i32 {
    ((frame.width() as f32 * SWAY).round() as i32).max(1)
}

/// The picture of the empty place that lies best behind `frame`, moved as the camera has.
fn most_alike(frame: &RgbImage, places: &[RgbImage]) -> Option<RgbImage> {
    let sway = sway(frame);
    let step = (sway / 2).max(1) as usize;
    let shifts = || (-sway..=sway).step_by(step);
    let moved = places.iter().flat_map(|place| shifts().flat_map(move |x| shifts().map(move |y| (place, x, y))));
    let (place, x, y) = moved.min_by_key(|&(place, x, y)| distance(frame, place, x, y))?;
    Some(RgbImage::from_fn(frame.width(), frame.height(), |at_x, at_y| *moved_pixel(place, at_x, at_y, x, y)))
}

/// The pixel that stands at a place once the picture has moved; at the borders the nearest one.
fn moved_pixel(place: &RgbImage, x: u32, y: u32, by_x: i32, by_y: i32) -> &image::Rgb<u8> {
    let within = |at: u32, by: i32, end: u32| at.saturating_add_signed(-by).min(end - 1);
    place.get_pixel(within(x, by_x, place.width()), within(y, by_y, place.height()))
}

/// How much both differ, on a grid of at most 32 by 32 pixels. Beyond [`ALIKE`] all differences are the same, so that the thing, whatever
/// its colours, has no part in it.
fn distance(frame: &RgbImage, place: &RgbImage, by_x: i32, by_y: i32) -> u32 {
    let step = frame.width().div_ceil(32).max(1) as usize;
    let grid = || (step as u32 / 2..frame.width()).step_by(step);
    let pixels = grid().flat_map(|y| grid().map(move |x| (x, y)));
    pixels.map(|(x, y)| apart(frame.get_pixel(x, y), moved_pixel(place, x, y, by_x, by_y)).min(ALIKE)).sum()
}

/// How much two colours differ.
fn apart(one: &image::Rgb<u8>, other: &image::Rgb<u8>) -> u32 {
    one.0.iter().zip(other.0).map(|(one, other)| u32::from(one.abs_diff(other))).sum()
}

/// The largest difference of a colour at each pixel, smoothed. Where the light has changed, colours are compared as if it had not.
fn difference(frame: &RgbImage, behind: &RgbImage) -> GrayImage {
    let gains = gains(frame, behind);
    let (edge, margin) = (frame.width(), sway(frame) as u32);
    let inner = margin..edge - margin;
    let difference = GrayImage::from_fn(edge, frame.height(), |x, y| {
        // What a camera that moved a little did not see before is no thing.
        if !inner.contains(&x) || !inner.contains(&y) {
            return Luma([0]);
        }
        let (one, other) = (frame.get_pixel(x, y), behind.get_pixel(x, y));
        let colours = (0..3).map(|colour| (f32::from(one[colour]) - f32::from(other[colour]) * gains[colour]).abs());
        Luma([colours.fold(0.0, f32::max).min(255.0) as u8])
    });
    gaussian_blur_f32(&difference, 1.0)
}

/// How much brighter each colour is where both show the same.
fn gains(frame: &RgbImage, behind: &RgbImage) -> [f32; 3] {
    let mut sums = [[0_u64; 3]; 2];
    for (one, other) in frame.pixels().zip(behind.pixels()) {
        if apart(one, other) < ALIKE {
            for colour in 0..3 {
                sums[0][colour] += u64::from(one[colour]);
                sums[1][colour] += u64::from(other[colour]);
            }
        }
    }
    [0, 1, 2].map(|colour| if sums[1][colour] == 0 { 1.0 } else { sums[0][colour] as f32 / sums[1][colour] as f32 })
}

/// 255 where much differs, without specks: the largest part, and others of some size.
fn largest_parts(difference: &GrayImage) -> GrayImage {
    let mut mask = difference.clone();
    mask.pixels_mut().for_each(|pixel| pixel[0] = if pixel[0] > CONTRAST { 255 } else { 0 });
    let mask = filled(close(&open(&mask, Norm::L1, 1), Norm::L1, 2));
    let parts = connected_components(&mask, Connectivity::Eight, Luma([0]));
    let count = parts.pixels().map(|part| part[0]).max().unwrap_or(0) as usize;
    let mut areas = vec![0_u32; count + 1];
    parts.pixels().filter(|part| part[0] > 0).for_each(|part| areas[part[0] as usize] += 1);
    let largest = areas.iter().copied().max().unwrap_or(0);
    GrayImage::from_fn(mask.width(), mask.height(), |x, y| {
        let area = areas[parts.get_pixel(x, y)[0] as usize];
        Luma([if area > 0 && area * PART >= largest { 255 } else { 0 }])
    })
}

/// With its holes filled: a light on a thing may look like what is behind it.
fn filled(mut mask: GrayImage) -> GrayImage {
    let mut around = mask.clone();
    image::imageops::invert(&mut around);
    let parts = connected_components(&around, Connectivity::Four, Luma([0]));
    let (right, bottom) = (mask.width() - 1, mask.height() - 1);
    let at_border = parts.enumerate_pixels().filter(|(x, y, _)| *x == 0 || *y == 0 || *x == right || *y == bottom);
    let outside: HashSet<u32> = at_border.map(|(.., part)| part[0]).collect();
    for (pixel, part) in mask.pixels_mut().zip(parts.pixels()) {
        if !outside.contains(&part[0]) {
            pixel[0] = 255;
        }
    }
    mask
}

/// The middle of a mask, in pixels.
fn centre(mask: &GrayImage) -> [f32; 2] {
    let mut sums = [0_u64; 3];
    for (x, y, _) in mask.enumerate_pixels().filter(|pixel| pixel.2[0] > 0) {
        sums[0] += u64::from(x);
        sums[1] += u64::from(y);
        sums[2] += 1;
    }
    [sums[0], sums[1]].map(|sum| sum as f32 / sums[2].max(1) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(moved: u32) -> RgbImage {
        RgbImage::from_fn(64, 64, |x, y| {
            let bright = ((x + moved) / 8 + y / 8).is_multiple_of(2);
            image::Rgb(if bright { [150, 140, 120] } else { [90, 95, 100] })
        })
    }

    /// A red disc at (40, 24) with a radius of 10.
    fn with_disc(mut place: RgbImage) -> RgbImage {
        for (x, y, pixel) in place.enumerate_pixels_mut() {
            if (x as f32 - 40.0).hypot(y as f32 - 24.0) <= 10.0 {
                *pixel = image::Rgb([220, 30, 30]);
            }
        }
        place
    }

    #[test]
    fn what_differs_from_the_empty_place_is_the_thing() {
        let cutout = Cutout::of(&with_disc(place(1)), &[place(0)]).expect("a thing");
        assert!((cutout.centre[0] - 40.0).abs() < 1.5 && (cutout.centre[1] - 24.0).abs() < 1.5, "{:?}", cutout.centre);
        let area = cutout.mask.pixels().filter(|pixel| pixel[0] > 127).count() as f32;
        let disc = std::f32::consts::PI * 100.0;
        assert!((0.8..1.4).contains(&(area / disc)), "{area} of {disc}");
        let green = RgbImage::from_pixel(64, 64, image::Rgb([20, 200, 20]));
        let composed = cutout.before(&green, &mut Dice::new(3));
        let red = composed.pixels().filter(|pixel| pixel[0] > pixel[1]).count() as f32;
        assert!((0.4..2.5).contains(&(red / disc)), "{red}");
    }

    #[test]
    fn holes_are_filled_and_bays_are_not() {
        let ring = GrayImage::from_fn(9, 9, |x, y| {
            let at = x.abs_diff(4).max(y.abs_diff(4));
            Luma([if at == 2 || (at == 3 && x != 4) { 255 } else { 0 }])
        });
        let filled = filled(ring);
        assert_eq!((filled.get_pixel(4, 4)[0], filled.get_pixel(4, 1)[0], filled.get_pixel(0, 0)[0]), (255, 0, 0));
    }

    #[test]
    fn an_empty_place_and_another_one_have_no_thing() {
        assert!(Cutout::of(&place(2), &[place(0)]).is_none());
        let elsewhere = RgbImage::from_pixel(64, 64, image::Rgb([250, 250, 10]));
        assert!(Cutout::of(&elsewhere, &[place(0)]).is_none());
        assert!(Cutout::of(&place(0), &[]).is_none());
    }
}
