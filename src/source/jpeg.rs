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

/// Four components, none of them with fewer samples than there are pixels.
const MOST_COEFFICIENT_BYTES: u64 = 8;

/// Bytes a pixel that a decoder collects of a picture that is stored in several passes over its pixels: a coefficient of 16
/// bits a sample. 0 for a picture of one pass.
pub(crate) fn coefficient_bytes(bytes: &[u8]) -> u64 {
    let mut frame: &[u8] = &[];
    for (marker, segment) in segments(bytes) {
        match marker {
            // Markers that no picture has here, and that decoders do not agree about.
            0x01 | 0xd0..=0xd9 => return MOST_COEFFICIENT_BYTES,
            0xc2 | 0xc6 | 0xca | 0xce => return sample_bytes(segment),
            0xc0 | 0xc1 | 0xc3 | 0xc5 | 0xc7 | 0xc9 | 0xcb | 0xcd | 0xcf => frame = segment,
            // Start of scan: length 2, then the number of components in this pass.
            0xda => return if segment.get(2) < frame.get(COMPONENTS) { sample_bytes(frame) } else { 0 },
            _ => {}
        }
    }
    0
}

/// Bytes of what programs have added to the picture: profiles, descriptions, small pictures.
pub(crate) fn profile_bytes(bytes: &[u8]) -> u64 {
    segments(bytes).filter(|(marker, _)| matches!(marker, 0xe0..=0xef)).map(|(_, segment)| segment.len() as u64).sum()
}

/// The markers of the picture at the start of `bytes`, each with its segment, which is empty where it has none.
fn segments(bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut at = SOI.len();
    std::iter::from_fn(move || {
        let (marker, after) = next_marker(bytes, at)?;
        let length = match marker {
            0x01 | 0xd0..=0xd9 => 0,
            _ => segment_length(bytes, after).ok()?,
        };
        at = after + length;
        Some((marker, &bytes[after..at.min(bytes.len())]))
    })
}

/// Where a start of frame has the number of its colour components: behind length 2, depth 1, height 2, width 2.
const COMPONENTS: usize = 7;

/// Two bytes for every sample that there is for a pixel, rounded up. A component is three bytes: its name, how many samples
/// it has across and down where others have more or fewer, its table.
fn sample_bytes(frame: &[u8]) -> u64 {
    let components = frame.get(COMPONENTS + 1..).unwrap_or_default().as_chunks::<3>().0;
    let factors = || components.iter().map(|[_, factors, _]| (u64::from(factors >> 4), u64::from(factors & 15)));
    let across = factors().map(|(across, _)| across).max().unwrap_or(0);
    let down = factors().map(|(_, down)| down).max().unwrap_or(0);
    if across * down == 0 {
        return MOST_COEFFICIENT_BYTES;
    }
    factors().map(|(across, down)| 2 * across * down).sum::<u64>().div_ceil(across * down)
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

    #[test]
    fn pictures_of_several_passes_are_told_apart() {
        // A start of frame of 8×8 pixels, and a start of scan; what stands between the markers is left out.
        let file = |frame: u8, components: &[u8], here: u8| {
            let count = components.len() as u8;
            let mut file = vec![0xff, 0xd8, 0xff, frame, 0, 8 + 3 * count, 8, 0, 8, 0, 8, count];
            file.extend(components.iter().flat_map(|&factors| [1, factors, 0]));
            file.extend([0xff, 0xda, 0, 6 + 2 * here, here]);
            coefficient_bytes(&file)
        };
        assert_eq!(file(0xc0, &[0x22, 0x11, 0x11], 3), 0);
        assert_eq!(file(0xc0, &[0x22, 0x11, 0x11], 1), 3);
        assert_eq!(file(0xc2, &[0x22, 0x11, 0x11], 3), 3);
        assert_eq!(file(0xc2, &[0x11, 0x11, 0x11], 3), 6);
        assert_eq!(file(0xc2, &[0x11; 4], 4), 8);
        assert_eq!(file(0xc2, &[0x22], 1), 2);
        assert_eq!((coefficient_bytes(&picture()), profile_bytes(&picture())), (0, 16));
        let with_hidden = [&[0xff, 0xd8, 0xff, 0xd0][..], &picture()[2..]].concat();
        assert_eq!(coefficient_bytes(&with_hidden), MOST_COEFFICIENT_BYTES);
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), jpeg in any::<bool>()) {
            if jpeg {
                bytes.splice(0..0, [0xff, 0xd8, 0xff]);
            }
            prop_assert!(length(&bytes).is_err() || length(&bytes).is_ok_and(|n| n <= bytes.len()));
            prop_assert!(find_start(&bytes, 0).is_none_or(|n| n + 3 <= bytes.len()));
            prop_assert!(coefficient_bytes(&bytes) <= 200 && profile_bytes(&bytes) <= bytes.len() as u64);
        }
    }
}
