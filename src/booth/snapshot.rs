//! What the camera sees, small, for the status page of a booth whose people want it there.

use crate::frame::Frame;
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageBuffer, Rgb, imageops};

/// The longer side, in pixels.
const EDGE: u32 = 320;
const QUALITY: u8 = 75;

/// A JPEG of a frame; `None` of one without pixels.
pub(super) fn snapshot(frame: &Frame) -> Option<Vec<u8>> {
    let whole: ImageBuffer<Rgb<u8>, &[u8]> = ImageBuffer::from_raw(frame.width, frame.height, &frame.rgb[..])?;
    let longer = frame.width.max(frame.height);
    let [width, height] = [frame.width, frame.height].map(|side| (side * EDGE.min(longer)).checked_div(longer));
    let small = imageops::thumbnail(&whole, width?.max(1), height?.max(1));
    let mut jpeg = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut jpeg, QUALITY);
    encoder.encode(&small, small.width(), small.height(), ExtendedColorType::Rgb8).ok()?;
    Some(jpeg)
}

#[cfg(test)]
mod tests {
    use super::*;
    use web_time::{Duration, Instant};

    fn frame(width: u32, height: u32) -> Frame {
        let rgb = (0..3 * width * height).map(|i| (i % 251) as u8).collect();
        let (captured, took) = (Instant::now(), Duration::ZERO);
        Frame { source: 1, index: 0, dropped: 0, width, height, rgb, captured, took, truth: None }
    }

    #[test]
    fn it_is_small_and_keeps_its_shape() {
        for (width, height, wanted) in
            [(1920, 1080, (320, 180)), (480, 640, (240, 320)), (64, 48, (64, 48)), (4000, 3, (320, 1))]
        {
            let jpeg = snapshot(&frame(width, height)).expect("a picture");
            let picture = image::load_from_memory(&jpeg).expect("a JPEG");
            assert_eq!((picture.width(), picture.height()), wanted);
            assert!(jpeg.len() < 48 << 10, "{} bytes", jpeg.len());
        }
        assert_eq!(snapshot(&frame(0, 0)), None);
    }
}
