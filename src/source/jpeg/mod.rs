//! The outer form of JPEG data: where a picture ends, what it is made of, and what it leaves out. The decoders do not tell: they
//! pad a picture that is cut short with grey, and cameras hand over buffers longer than the picture in them.

pub(crate) mod blocks;
#[cfg(test)]
pub(crate) mod made;
pub(crate) mod tables;

/// Start of image.
pub(crate) const SOI: [u8; 2] = [0xff, 0xd8];

/// End of image.
pub(crate) const EOI: [u8; 2] = [0xff, 0xd9];

/// How far the picture at the start of some bytes reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// To the end of its end marker, after so many bytes.
    Whole(usize),
    /// So far, where another picture starts or what belongs to none; it has no end marker.
    Cut(usize),
    /// To the end of the bytes, or beyond.
    Open,
}

/// How far the picture at the start of `bytes` reaches.
pub(crate) fn extent(bytes: &[u8]) -> Extent {
    if !bytes.starts_with(&SOI) {
        return Extent::Cut(0);
    }
    let mut at = SOI.len();
    loop {
        let Some((marker, after)) = next_marker(bytes, at) else { return Extent::Open };
        at = match marker {
            0xd9 => return Extent::Whole(after),
            0xd8 => return Extent::Cut(after - SOI.len()),
            _ if !has_segment(marker) => after,
            _ => match segment_length(bytes, after) {
                Some(0 | 1) => return Extent::Cut(after),
                Some(length) => after + length,
                None => return Extent::Open,
            },
        };
        // What programs add to a picture may be a picture itself. In anything else one means that this one was cut short.
        let content = &bytes[after.min(bytes.len())..at.min(bytes.len())];
        if !is_addition(marker)
            && let Some(start) = find_start(content, 0)
        {
            return Extent::Cut(after + start);
        }
        if at > bytes.len() {
            return Extent::Open;
        }
    }
}

/// Whether programs put what they like into the segment: profiles, descriptions, small pictures.
fn is_addition(marker: u8) -> bool {
    matches!(marker, 0xe0..=0xef | 0xfe)
}

/// Whether a length and a content follow the marker.
fn has_segment(marker: u8) -> bool {
    !matches!(marker, 0x01..=0xbf | 0xd0..=0xd9)
}

/// Where the first picture at or after `from` starts.
pub(crate) fn find_start(bytes: &[u8], from: usize) -> Option<usize> {
    let tail = bytes.get(from..)?;
    tail.windows(3).position(|w| w == [SOI[0], SOI[1], 0xff]).map(|offset| from + offset)
}

/// Four components, none of them with fewer samples than there are pixels.
const MOST_COEFFICIENT_BYTES: u64 = 8;

/// How a picture is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Form {
    /// In pixels, as the picture claims; 0 where it claims nothing.
    pub(crate) width: u32,
    /// In pixels.
    pub(crate) height: u32,
    /// Why no decoder here reads it, where that is known.
    pub(crate) unsupported: Option<&'static str>,
    /// Whether it is stored in a way that the decoder of the usual ones gets wrong without an error, or refuses: components one
    /// after the other, or numbers of samples that are not usual.
    pub(crate) rare: bool,
    /// Bytes a pixel of all coefficients, 16 bits each, where it is rare or in several passes; 0 for a usual one of one pass.
    pub(crate) coefficient_bytes: u64,
    /// Whether it uses Huffman tables that it does not have.
    pub(crate) lacks_tables: bool,
}

/// How the picture is stored that `bytes` hold.
pub(crate) fn form(bytes: &[u8]) -> Form {
    let mut form = Form::default();
    let mut frame: &[u8] = &[];
    let mut progressive = false;
    // By class and number.
    let mut tables = [[false; 16]; 2];
    for (marker, segment, _) in segments(bytes, SOI.len()) {
        form.unsupported = form.unsupported.or(unsupported(marker, segment));
        match marker {
            0xc4 => note_tables(segment, &mut tables),
            0xc0..=0xcf if marker != 0xc8 && marker != 0xcc => {
                frame = segment;
                let side =
                    |at| frame.get(at..at + 2).map_or(0, |side: &[u8]| u32::from(side[0]) << 8 | u32::from(side[1]));
                (form.height, form.width) = (side(3), side(5));
                progressive = marker == 0xc2;
                if progressive {
                    form.coefficient_bytes = sample_bytes(frame);
                }
            }
            0xda => {
                form.lacks_tables |= uses_others(segment, &tables);
                let whole = segment.get(2) >= frame.get(COMPONENTS);
                form.rare |= is_rarely_sampled(frame) || !progressive && (!whole || in_between(frame).next().is_some());
                if let ([_, _, 1, name, ..], false) = (segment, progressive)
                    && in_between(frame).any(|between| between == *name)
                {
                    // Nor does the other decoder get these right.
                    form.unsupported.get_or_insert("a JPEG with an unusual number of samples");
                }
                if form.rare {
                    form.coefficient_bytes = sample_bytes(frame);
                }
                if !progressive && whole {
                    return form;
                }
            }
            // Markers that no picture has here, and that decoders do not agree about.
            0x01 | 0xd0..=0xd9 if form.coefficient_bytes == 0 => {
                form.coefficient_bytes = MOST_COEFFICIENT_BYTES;
                return form;
            }
            0xd8 | 0xd9 => return form,
            _ => {}
        }
    }
    form
}

/// Why no decoder here reads a picture with this marker and its segment.
fn unsupported(marker: u8, segment: &[u8]) -> Option<&'static str> {
    let is_frame = matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc);
    match (marker, segment) {
        (0xc9..=0xcf, _) => Some("a JPEG with arithmetic coding"),
        (0xc3, _) => Some("a lossless JPEG"),
        (0xf7, _) => Some("a JPEG-LS"),
        (0xc5..=0xc7 | 0xde | 0xdf, _) => Some("a hierarchical JPEG"),
        (_, [_, _, depth, ..]) if is_frame && *depth != 8 => Some("a JPEG with other than 8 bits a sample"),
        (_, [_, _, _, 0, 0, ..]) if is_frame => Some("a JPEG that tells its height behind its pixels"),
        (_, [_, _, _, _, _, _, _, count, ..]) if is_frame && !matches!(count, 1 | 3 | 4) => {
            Some("a JPEG with other than 1, 3 or 4 components")
        }
        _ => None,
    }
}

/// Notes the Huffman tables that a segment defines.
fn note_tables(segment: &[u8], tables: &mut [[bool; 16]; 2]) {
    let mut rest = segment.get(2..).unwrap_or_default();
    while let [kind, counts @ ..] = rest {
        tables[usize::from(kind >> 4 & 1)][usize::from(kind & 15)] = true;
        let values: usize = counts.iter().take(16).map(|&count| usize::from(count)).sum();
        rest = counts.get(16 + values..).unwrap_or_default();
    }
}

/// Whether the scan with this header uses Huffman tables that are not among `tables`.
fn uses_others(header: &[u8], tables: &[[bool; 16]; 2]) -> bool {
    let Some((named, [first, last, bits])) = header.get(3..).and_then(|rest| rest.split_last_chunk::<3>()) else {
        return false;
    };
    let (uses_dc, uses_ac) = (*first == 0 && bits >> 4 == 0, *last > 0);
    let lacks = |[_, both]: &[u8; 2]| {
        uses_dc && !tables[0][usize::from(both >> 4)] || uses_ac && !tables[1][usize::from(both & 15)]
    };
    named.as_chunks().0.iter().any(lacks)
}

/// Bytes of what programs have added to the picture: profiles, descriptions, small pictures.
pub(crate) fn profile_bytes(bytes: &[u8]) -> u64 {
    let additions = segments(bytes, SOI.len()).filter(|(marker, ..)| is_addition(*marker));
    additions.map(|(_, segment, _)| segment.len() as u64).sum()
}

/// The markers at and after `from`, each with its segment, which is empty where it has none, and where that ends.
fn segments(bytes: &[u8], from: usize) -> impl Iterator<Item = (u8, &[u8], usize)> {
    let mut at = from;
    std::iter::from_fn(move || {
        let (marker, after) = next_marker(bytes, at)?;
        let length = if has_segment(marker) { segment_length(bytes, after).filter(|&length| length >= 2)? } else { 0 };
        at = after + length;
        Some((marker, &bytes[after..at.min(bytes.len())], at))
    })
}

/// Where a start of frame has the number of its colour components: behind length 2, depth 1, height 2, width 2.
const COMPONENTS: usize = 7;

/// How many samples every component has across and down, where others have more or fewer. A component is three bytes: its
/// name, these two numbers, its table.
fn factors(frame: &[u8]) -> impl Iterator<Item = (u64, u64)> {
    let components = frame.get(COMPONENTS + 1..).unwrap_or_default().as_chunks::<3>().0;
    components.iter().map(|[_, factors, _]| (u64::from(factors >> 4), u64::from(factors & 15)))
}

/// Whether a component has more samples than the first one, or the numbers are no powers of two.
fn is_rarely_sampled(frame: &[u8]) -> bool {
    let (across, down) = factors(frame).next().unwrap_or_default();
    factors(frame).any(|(h, v)| h > across || v > down || !h.is_power_of_two() || !v.is_power_of_two())
}

/// The names of components that have more than one sample in a direction, and fewer than others.
fn in_between(frame: &[u8]) -> impl Iterator<Item = u8> {
    let most = |side: fn((u64, u64)) -> u64| factors(frame).map(side).max().unwrap_or(0);
    let (across, down) = (most(|(across, _)| across), most(|(_, down)| down));
    let names = frame.get(COMPONENTS + 1..).unwrap_or_default().iter().step_by(3);
    let between = move |(h, v)| h > 1 && h < across || v > 1 && v < down;
    names.zip(factors(frame)).filter(move |(_, factors)| between(*factors)).map(|(name, _)| *name)
}

/// Two bytes for every sample that there is for a pixel, rounded up.
fn sample_bytes(frame: &[u8]) -> u64 {
    let factors = || factors(frame);
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
fn segment_length(bytes: &[u8], at: usize) -> Option<usize> {
    let length = bytes.get(at..at + 2)?;
    Some(usize::from(length[0]) << 8 | usize::from(length[1]))
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
        assert_eq!(extent(&whole), Extent::Whole(whole.len()));
        assert_eq!(extent(&padded), Extent::Whole(whole.len()));
    }

    #[test]
    fn no_part_of_a_picture_is_whole() {
        let whole = picture();
        for end in 0..whole.len() {
            assert!(!matches!(extent(&whole[..end]), Extent::Whole(_)), "cut at {end}");
            let end_of_blocks = blocks::end(&whole[..end], 1 << 20);
            assert!(end_of_blocks.is_none() || end == whole.len() - 2 || end == whole.len() - 1, "cut at {end}");
        }
        assert_eq!(blocks::end(&whole, 1 << 20), Some(whole.len() - 2));
    }

    #[test]
    fn a_picture_cut_short_does_not_swallow_the_next() {
        let whole = picture();
        // In its pixels, and within a table.
        for cut in [whole.len() - 20, 100] {
            let mut two = whole[..cut].to_vec();
            two.extend(&whole);
            assert_eq!(extent(&two), Extent::Cut(cut));
            assert_eq!(find_start(&two, 1), Some(cut));
        }
    }

    #[test]
    fn a_small_picture_within_a_picture_is_no_end() {
        let small = picture();
        let length = (small.len() as u16 + 2).to_be_bytes();
        let whole = [&SOI[..], &[0xff, 0xe1], &length, &small, &picture()[2..]].concat();
        assert_eq!(extent(&whole), Extent::Whole(whole.len()));
    }

    /// A start of frame of 8×8 pixels, and a start of scan; what stands between the markers is left out.
    fn headers(frame: u8, components: &[u8], here: u8) -> Vec<u8> {
        let count = components.len() as u8;
        let mut file = vec![0xff, 0xd8, 0xff, frame, 0, 8 + 3 * count, 8, 0, 8, 0, 8, count];
        file.extend(components.iter().flat_map(|&factors| [1, factors, 0]));
        file.extend([0xff, 0xda, 0, 6 + 2 * here, here]);
        file.extend((0..here).flat_map(|_| [1, 0x00]));
        file.extend([0, 63, 0]);
        file
    }

    #[test]
    fn pictures_of_several_passes_are_told_apart() {
        let passes = |frame: u8, components: &[u8], here: u8| {
            let form = form(&headers(frame, components, here));
            (form.coefficient_bytes, form.rare)
        };
        assert_eq!(passes(0xc0, &[0x22, 0x11, 0x11], 3), (0, false));
        assert_eq!(passes(0xc0, &[0x22, 0x11, 0x11], 1), (3, true));
        assert_eq!(passes(0xc1, &[0x11, 0x11, 0x11], 2), (6, true));
        assert_eq!(passes(0xc2, &[0x22, 0x11, 0x11], 3), (3, false));
        assert_eq!(passes(0xc2, &[0x11, 0x11, 0x11], 3), (6, false));
        assert_eq!(passes(0xc2, &[0x11; 4], 4), (8, false));
        assert_eq!(passes(0xc2, &[0x22], 1), (2, false));
        assert_eq!(passes(0xc0, &[0x11, 0x22, 0x11], 3), (3, true));
        assert_eq!(passes(0xc2, &[0x11, 0x22, 0x11], 3), (3, true));
        assert_eq!(passes(0xc0, &[0x31, 0x11, 0x11], 3), (4, true));
        assert_eq!(passes(0xc0, &[0x41, 0x21, 0x11], 3), (4, true));
        assert_eq!((form(&picture()).coefficient_bytes, profile_bytes(&picture())), (0, 16));
        let with_hidden = [&[0xff, 0xd8, 0xff, 0xd0][..], &picture()[2..]].concat();
        assert_eq!(form(&with_hidden).coefficient_bytes, MOST_COEFFICIENT_BYTES);
    }

    #[test]
    fn tables_that_are_missing_are_noticed() {
        let whole = picture();
        assert!(!form(&whole).lacks_tables);
        assert!(form(&headers(0xc0, &[0x11], 1)).lacks_tables);
        // Whatever is missing of them.
        let places: Vec<usize> = (0..whole.len()).filter(|&at| whole[at..].starts_with(&[0xff, 0xc4])).collect();
        assert!(!places.is_empty());
        for at in places {
            let mut without = whole.clone();
            without.drain(at..at + 2 + usize::from(whole[at + 3]) + 256 * usize::from(whole[at + 2]));
            assert!(form(&without).lacks_tables, "without the one at {at}");
            let with = tables::insert(without.into());
            assert!(!form(&with).lacks_tables && with.len() > whole.len());
        }
    }

    #[test]
    fn kinds_that_nobody_reads_are_named() {
        let kind = |frame: u8| form(&headers(frame, &[0x11, 0x11, 0x11], 3)).unsupported.unwrap_or_default();
        assert_eq!([kind(0xc0), kind(0xc1), kind(0xc2)], [""; 3]);
        assert!([0xc9, 0xca, 0xcb].iter().all(|&frame| kind(frame).contains("arithmetic")));
        assert!(
            kind(0xc3).contains("lossless") && kind(0xf7).contains("JPEG-LS") && kind(0xc5).contains("hierarchical")
        );
        let mut deep = headers(0xc1, &[0x11], 1);
        deep[6] = 12;
        assert!(form(&deep).unsupported.is_some_and(|kind| kind.contains("8 bits")));
        assert!(form(&headers(0xc0, &[0x11; 2], 2)).unsupported.is_some());
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), jpeg in any::<bool>()) {
            if jpeg {
                bytes.splice(0..0, [0xff, 0xd8, 0xff]);
            }
            prop_assert!(find_start(&bytes, 0).is_none_or(|n| n + 3 <= bytes.len()));
            prop_assert!(form(&bytes).coefficient_bytes <= 200 && profile_bytes(&bytes) <= bytes.len() as u64);
            if let Extent::Whole(end) | Extent::Cut(end) = extent(&bytes) {
                prop_assert!(end <= bytes.len());
            }
        }

        #[test]
        fn any_damage_is_taken(at in 0usize..1000, value: u8) {
            let mut bytes = picture();
            let at = at % bytes.len();
            bytes[at] = value;
            prop_assert!(blocks::end(&bytes, 1 << 20).is_none_or(|end| end <= bytes.len()));
        }
    }
}
