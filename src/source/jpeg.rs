//! The outer form of JPEG data: where a picture ends. The decoders do not tell: they pad a picture that is cut short with
//! grey, and cameras hand over buffers longer than the picture in them.

/// Start of image.
const SOI: [u8; 2] = [0xff, 0xd8];

/// Why the end of a picture was not found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoEnd {
    /// The bytes are over before the picture is.
    Unfinished,
    /// What follows belongs to no picture, or to the next one.
    Broken,
}

/// The number of bytes from the start of the picture at the start of `bytes` to the end of its end marker.
pub(crate) fn length(bytes: &[u8]) -> Result<usize, NoEnd> {
    if !bytes.starts_with(&SOI) {
        return Err(NoEnd::Broken);
    }
    let mut at = SOI.len();
    loop {
        let (marker, after) = next_marker(bytes, at).ok_or(NoEnd::Unfinished)?;
        at = match marker {
            0xd9 => return Ok(after),
            0xd8 => return Err(NoEnd::Broken),
            // Without a length: restart markers, TEM.
            0x01 | 0xd0..=0xd7 => after,
            _ => after + segment_length(bytes, after)?,
        };
    }
}

/// Where the first picture at or after `from` starts.
pub(crate) fn find_start(bytes: &[u8], from: usize) -> Option<usize> {
    let tail = bytes.get(from..)?;
    tail.windows(3).position(|w| w == [SOI[0], SOI[1], 0xff]).map(|offset| from + offset)
}

/// Whether the picture is stored in several passes over its pixels, which takes more memory to decode.
pub(crate) fn has_several_passes(bytes: &[u8]) -> bool {
    let mut at = SOI.len();
    let mut components = 0;
    while let Some((marker, after)) = next_marker(bytes, at) {
        let Ok(length) = segment_length(bytes, after) else { return false };
        let segment = &bytes[after..bytes.len().min(after + length)];
        match marker {
            0xc2 | 0xc6 | 0xca | 0xce => return true,
            // Start of frame: length 2, depth 1, height 2, width 2, then the number of colour components.
            0xc0 | 0xc1 | 0xc3 | 0xc5 | 0xc7 | 0xc9 | 0xcb | 0xcd | 0xcf => components = *segment.get(7).unwrap_or(&0),
            // Start of scan: length 2, then the number of components in this pass.
            0xda => return segment.get(2).is_some_and(|&here| here < components),
            _ => {}
        }
        at = after + length;
    }
    false
}

/// The next marker at or after `at` and where its segment starts. Coded data is passed over: there `ff` stands before `00`
/// only, or before a marker.
fn next_marker(bytes: &[u8], at: usize) -> Option<(u8, usize)> {
    let tail = bytes.get(at..)?;
    let offset = tail.windows(2).position(|w| w[0] == 0xff && w[1] != 0x00 && w[1] != 0xff)?;
    Some((tail[offset + 1], at + offset + 2))
}

/// The length of the segment at `at`, its two length bytes included.
fn segment_length(bytes: &[u8], at: usize) -> Result<usize, NoEnd> {
    let length = bytes.get(at..at + 2).ok_or(NoEnd::Unfinished)?;
    let length = usize::from(length[0]) << 8 | usize::from(length[1]);
    if length < 2 { Err(NoEnd::Broken) } else { Ok(length) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::codecs::jpeg::JpegEncoder;
    use proptest::prelude::*;

    fn picture() -> Vec<u8> {
        let rgb: Vec<u8> = (0..32 * 24 * 3).map(|i| (i * 37 % 251) as u8).collect();
        let mut bytes = Vec::new();
        JpegEncoder::new(&mut bytes).encode(&rgb, 32, 24, image::ExtendedColorType::Rgb8).unwrap();
        bytes
    }

    #[test]
    fn a_picture_ends_at_its_end_marker() {
        let whole = picture();
        let mut padded = whole.clone();
        padded.extend([0; 500]);
        assert_eq!(length(&whole), Ok(whole.len()));
        assert_eq!(length(&padded), Ok(whole.len()));
    }

    #[test]
    fn no_part_of_a_picture_is_whole() {
        let whole = picture();
        for end in 0..whole.len() {
            assert!(length(&whole[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn a_picture_cut_short_does_not_swallow_the_next() {
        let whole = picture();
        let cut = whole.len() - 20;
        let mut two = whole[..cut].to_vec();
        two.extend(&whole);
        assert_eq!(length(&two), Err(NoEnd::Broken));
        assert_eq!(find_start(&two, 1), Some(cut));
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), jpeg in any::<bool>()) {
            if jpeg {
                bytes.splice(0..0, [0xff, 0xd8, 0xff]);
            }
            prop_assert!(length(&bytes).is_err() || length(&bytes).is_ok_and(|n| n <= bytes.len()));
            prop_assert!(find_start(&bytes, 0).is_none_or(|n| n + 3 <= bytes.len()));
            has_several_passes(&bytes);
        }
    }
}
