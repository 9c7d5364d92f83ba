//! YUV4MPEG2 files: a header line, then frames of one size, each behind a line of its own.

use super::decode_error::DecodeError;
use super::error::{SourceError, shown};
use super::interface::{Polled, Source, USUAL_RATE};
use super::picture::{Limits, Picture, black, io_error, on_white, only_owner, open_regular};
use crate::host::files::File;
use crate::text::one_line;
use std::io::{self, BufRead, BufReader, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The longest line in such a file, in bytes.
const MAX_LINE: usize = 1024;

/// So many bytes are looked through at a time for the start of a frame.
const PIECE: usize = 64 << 10;

/// How the line before a frame starts. A space or the line's end follows.
const FRAME: &[u8] = b"FRAME";

/// A YUV4MPEG2 file.
pub(crate) struct Y4m {
    path: PathBuf,
    file: BufReader<File>,
    header: StreamHeader,
    /// What was read: a frame, and some of what follows.
    ahead: Vec<u8>,
    /// How many bytes of `ahead` have been used.
    used: usize,
    /// Frames so far, those that were left out included.
    number: u64,
}

impl Y4m {
    /// Reads the header.
    ///
    /// # Errors
    /// An unreadable file, one that is no YUV4MPEG2, is of a kind that is not read here, or too large.
    pub(crate) fn open(path: &Path) -> Result<Self, SourceError> {
        let mut file = BufReader::new(open_regular(path)?.0);
        let line = read_line(&mut file).map_err(|error| io_error(path, &error))?;
        if !line.starts_with(b"YUV4MPEG2 ") {
            return Err(SourceError::UnknownKind { path: shown(path) });
        }
        let header = StreamHeader::parse(&String::from_utf8_lossy(&line)).map_err(|error| error.of(shown(path)))?;
        let ahead = Vec::with_capacity(header.frame_bytes() / 8 * 9 + 2 * PIECE);
        Ok(Self { path: path.to_owned(), file, header, ahead, used: 0, number: 0 })
    }

    /// Where the next frame's bytes are in `ahead`; `None` at the end. Or why it cannot be used.
    fn read_frame(&mut self) -> io::Result<Result<Option<Range<usize>>, &'static str>> {
        let ahead = self.read_ahead(MAX_LINE)?;
        if ahead.is_empty() {
            return Ok(Ok(None));
        }
        let line = ahead.len().min(MAX_LINE);
        let line = ahead[..line].iter().position(|&byte| byte == b'\n').map_or(line, |end| end + 1);
        let size = self.header.frame_bytes();
        if !starts_frame(&self.ahead[self.used..]) {
            let (passed, is_followed) = self.resume()?;
            // Too little for a frame at the end is none: a line's end, say.
            let is_frame = is_followed || passed >= size;
            return Ok(if is_frame { Err("the line before it is damaged") } else { Ok(None) });
        }
        self.used += line;
        let wanted = size + FRAME.len() + 1;
        let ahead = self.read_ahead(wanted)?;
        let ahead = &ahead[..ahead.len().min(wanted)];
        let read = ahead.len();
        let is_followed = ahead.get(size..).is_some_and(|behind| behind.is_empty() || starts_frame(behind));
        // Where bytes are missing, the next frame starts within what should be this one.
        let early = if is_followed { None } else { find_frame(ahead).filter(|&at| at < size) };
        let start = self.used;
        self.used += early.unwrap_or(size.min(read));
        Ok(if early.is_none() && read >= size { Ok(Some(start..self.used)) } else { Err("it is cut short") })
    }

    /// What has not been used yet: `length` bytes at least, or all that there are. Nothing is read twice, and what is moved for
    /// it in the end is a few times what is read.
    fn read_ahead(&mut self, length: usize) -> io::Result<&[u8]> {
        if self.ahead.len() - self.used < length {
            if self.used > length / 8 {
                self.ahead.drain(..self.used);
                self.used = 0;
            }
            let missing = self.used + length - self.ahead.len();
            (&mut self.file).take(missing as u64).read_to_end(&mut self.ahead)?;
        }
        Ok(&self.ahead[self.used..])
    }

    /// Goes on to where a frame starts, or to the end: how many bytes were passed, and whether a frame starts there.
    fn resume(&mut self) -> io::Result<(usize, bool)> {
        let mut passed = 0;
        loop {
            let ahead = self.read_ahead(PIECE)?;
            let (found, length) = (find_frame(ahead), ahead.len());
            let is_over = found.is_some() || length < PIECE;
            // The last bytes may be the start of such a line.
            let step = found.unwrap_or(if is_over { length } else { length - FRAME.len() });
            self.used += step;
            passed += step;
            if is_over {
                return Ok((passed, found.is_some()));
            }
        }
    }
}

impl Source for Y4m {
    fn name(&self) -> String {
        shown(&self.path)
    }

    fn rate(&self) -> Option<f32> {
        Some(self.header.rate)
    }

    fn next(&mut self, _patience: Duration) -> Result<Polled, SourceError> {
        match self.read_frame().map_err(|error| io_error(&self.path, &error))? {
            Ok(None) => Ok(Polled::End),
            Ok(Some(frame)) => {
                self.number += 1;
                let rgb = self.header.to_rgb(&self.ahead[frame]);
                Ok(Polled::Picture(Picture::new(self.header.width as u32, self.header.height as u32, rgb)))
            }
            Err(why) => {
                self.number += 1;
                let path = format!("frame {} of {}", self.number, self.name());
                Ok(Polled::left_out(SourceError::Damaged { path, why: why.to_owned() }))
            }
        }
    }

    fn rewind(&mut self) -> Result<(), SourceError> {
        *self = Self::open(&self.path)?;
        Ok(())
    }
}

/// A line with its end, or as much of it as is believed.
fn read_line(file: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    file.take(MAX_LINE as u64).read_until(b'\n', &mut line)?;
    Ok(line)
}

/// Whether the line before a frame starts here.
fn starts_frame(bytes: &[u8]) -> bool {
    bytes.strip_prefix(FRAME).is_some_and(|rest| matches!(rest.first(), Some(b' ' | b'\n')))
}

/// Where the first such line is.
fn find_frame(bytes: &[u8]) -> Option<usize> {
    (0..bytes.len()).find(|&at| starts_frame(&bytes[at..]))
}

/// What the header line says of every frame.
#[derive(Clone, Copy, Debug, PartialEq)]
struct StreamHeader {
    width: usize,
    height: usize,
    /// Frames a second.
    rate: f32,
    planes: Planes,
    /// Whether samples use all of their values: 0 is black. Otherwise they keep a distance from both ends.
    full_range: bool,
}

/// What a frame is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Planes {
    /// How many pixels share a sample of colour, across and down; `None` without colour.
    chroma: Option<(usize, usize)>,
    alpha: bool,
    /// Bits a sample; above 8 a sample has two bytes, the lower one first.
    depth: u32,
}

impl StreamHeader {
    fn parse(line: &str) -> Result<Self, DecodeError> {
        let damaged = |why: &str| DecodeError::Damaged(why.to_owned());
        let line = line.strip_suffix('\n').ok_or_else(|| damaged("its header does not end"))?;
        // Nothing but spaces ends a word, and the last of several counts.
        let word = |start: &str| line.split(' ').rev().find_map(|word| word.strip_prefix(start));
        let side = |start: &str| word(start).and_then(|digits| digits.parse::<u32>().ok()).filter(|&side| side > 0);
        let (Some(width), Some(height)) = (side("W"), side("H")) else {
            return Err(damaged("its header names no size"));
        };
        let planes = Planes::parse(word("C").or_else(|| word("XYSCSS=")).unwrap_or("420"))?;
        // The bytes that are read, and those that are made of them.
        Limits::ONE_OF_MANY.check(width, height, 0, planes.bytes_per_pixel() as u64 + 3)?;
        let rate = word("F").and_then(parse_ratio).filter(|rate| (1.0..=240.0).contains(rate)).unwrap_or(USUAL_RATE);
        let full_range = word("XCOLORRANGE=").is_some_and(|range| range.eq_ignore_ascii_case("full"));
        let header = Self { width: width as usize, height: height as usize, rate, planes, full_range };
        // A very thin picture has more colour than its pixels let expect, and some more than a frame is read ahead.
        Limits::ONE_OF_MANY.check(width, height, header.frame_bytes() as u64 / 8 * 9, 3)?;
        Ok(header)
    }

    /// The bytes of every plane: brightness, both of colour, alpha.
    fn plane_bytes(&self) -> [usize; 4] {
        let Self { width, height, planes, .. } = self;
        let sample = planes.bytes_per_sample();
        let colour = planes.chroma.map_or(0, |(across, down)| width.div_ceil(across) * height.div_ceil(down));
        let alpha = if planes.alpha { width * height } else { 0 };
        [width * height, colour, colour, alpha].map(|samples| samples * sample)
    }

    fn frame_bytes(&self) -> usize {
        self.plane_bytes().iter().sum()
    }

    /// `frame` holds [`StreamHeader::frame_bytes`] bytes.
    fn to_rgb(self, frame: &[u8]) -> Arc<[u8]> {
        let Self { width, height, planes, .. } = self;
        let [luma, u, v, alpha] = {
            let mut rest = frame;
            self.plane_bytes().map(|length| {
                let (plane, others) = rest.split_at(length);
                rest = others;
                plane
            })
        };
        let mut rgb = black(width * height * 3);
        for (row, line) in only_owner(&mut rgb).chunks_exact_mut(width * 3).enumerate() {
            for (column, pixel) in line.chunks_exact_mut(3).enumerate() {
                let at = row * width + column;
                let (u, v) = planes.chroma.map_or((128, 128), |(across, down)| {
                    let at = row / down * width.div_ceil(across) + column / across;
                    (self.sample(u, at), self.sample(v, at))
                });
                let colour = bt601(self.sample(luma, at), u, v, self.full_range);
                pixel.copy_from_slice(&match planes.alpha {
                    true => colour.map(|value| on_white(value, self.sample(alpha, at))),
                    false => colour,
                });
            }
        }
        rgb
    }

    /// A sample as one of 8 bits.
    #[inline]
    fn sample(&self, plane: &[u8], at: usize) -> u8 {
        let depth = self.planes.depth;
        if depth == 8 {
            return plane[at];
        }
        let most = (1u32 << depth) - 1;
        let sample = u32::from(u16::from_le_bytes([plane[2 * at], plane[2 * at + 1]])).min(most);
        if self.full_range {
            ((sample * 255 + most / 2) / most) as u8
        } else {
            // Black and white are those of 8 bits, with zeros behind them.
            ((sample + (1 << (depth - 9))) >> (depth - 8)).min(255) as u8
        }
    }
}

impl Planes {
    /// From what follows the letter C.
    fn parse(text: &str) -> Result<Self, DecodeError> {
        let text = text.to_ascii_lowercase();
        let planes = |chroma, alpha, depth| Ok(Self { chroma, alpha, depth });
        match text.as_str() {
            "420jpeg" | "420mpeg2" | "420paldv" => return planes(Some((2, 2)), false, 8),
            "444alpha" => return planes(Some((1, 1)), true, 8),
            "mono" => return planes(None, false, 8),
            _ => {}
        }
        let (kind, depth) = match text.strip_prefix("mono") {
            Some(depth) => ("mono", Some(depth)),
            None => text.split_once('p').map_or((text.as_str(), None), |(kind, depth)| (kind, Some(depth))),
        };
        let chroma = match kind {
            "mono" => Some(None),
            "420" => Some(Some((2, 2))),
            "411" => Some(Some((4, 1))),
            "410" => Some(Some((4, 4))),
            "422" => Some(Some((2, 1))),
            "440" => Some(Some((1, 2))),
            "444" => Some(Some((1, 1))),
            _ => None,
        };
        match (chroma, depth.map_or(Some(8), |depth| depth.parse().ok())) {
            (Some(chroma), Some(depth @ 8..=16)) => planes(chroma, false, depth),
            _ => {
                let what = format!("samples of the kind C{}", one_line(&text));
                Err(DecodeError::Unsupported { what, remedy: "convert it to 4:2:0 with 8 bits a sample" })
            }
        }
    }

    fn bytes_per_sample(self) -> usize {
        if self.depth > 8 { 2 } else { 1 }
    }

    /// Bytes a pixel in the file, rounded up.
    fn bytes_per_pixel(self) -> usize {
        let colour = self.chroma.map_or(0, |(across, down)| 2usize.div_ceil(across * down));
        (1 + colour + usize::from(self.alpha)) * self.bytes_per_sample()
    }
}

/// `30000:1001` as a number.
fn parse_ratio(text: &str) -> Option<f32> {
    let (over, under) = text.split_once(':')?;
    Some(over.parse::<u32>().ok()? as f32 / under.parse::<u32>().ok()? as f32)
}

/// One pixel by BT.601, in 16-bit fixed point; without the full range brightness is 16 to 235, colour 16 to 240.
fn bt601(y: u8, u: u8, v: u8, full_range: bool) -> [u8; 3] {
    let (y, u, v) = (i32::from(y), i32::from(u) - 128, i32::from(v) - 128);
    let round = |x: i32| ((x + (1 << 15)) >> 16).clamp(0, 255) as u8;
    if full_range {
        let y = y << 16;
        [round(y + 91_881 * v), round(y - 22_554 * u - 46_802 * v), round(y + 116_130 * u)]
    } else {
        let y = 76_309 * (y - 16);
        [round(y + 104_597 * v), round(y - 25_675 * u - 53_279 * v), round(y + 132_201 * u)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    /// Every frame's pixels, the reasons why others were left out, and the error at the end, if any.
    type Seen = (Vec<Vec<u8>>, Vec<String>, Option<SourceError>);

    fn read(bytes: &[u8]) -> Result<Seen, SourceError> {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("a.y4m");
        std::fs::write(&path, bytes).unwrap();
        let mut source = Y4m::open(&path)?;
        let (mut frames, mut left_out) = (Vec::new(), Vec::new());
        loop {
            match source.next(Duration::ZERO) {
                Ok(Polled::Picture(picture)) => frames.push(picture.rgb.to_vec()),
                Ok(Polled::LeftOut { count, why }) => {
                    assert_eq!(count, 1);
                    left_out.push(why.to_string());
                }
                Ok(_) => return Ok((frames, left_out, None)),
                Err(error) => return Ok((frames, left_out, Some(error))),
            }
        }
    }

    /// The one frame of a file with this header and these samples.
    fn only_frame(header: &str, samples: &[u8]) -> Vec<u8> {
        let file = [format!("YUV4MPEG2 {header}\nFRAME\n").as_bytes(), samples].concat();
        let (mut frames, left_out, error) = read(&file).unwrap();
        assert_eq!((frames.len(), left_out.len(), error), (1, 0, None), "{header}");
        frames.remove(0)
    }

    #[test]
    fn every_kind_of_chroma_is_read() {
        // Studio-range red: luma 81, blue difference 90, red difference 240. 3×2 pixels.
        let kinds = [
            ("420", 2),
            ("420jpeg", 2),
            ("420mpeg2", 2),
            ("420paldv", 2),
            ("410", 1),
            ("411", 2),
            ("422", 4),
            ("440", 3),
            ("444", 6),
        ];
        for (kind, chroma) in kinds {
            let samples = [&[81; 6][..], &[90].repeat(chroma), &[240].repeat(chroma)].concat();
            for word in [format!("C{kind}"), format!("XYSCSS={}", kind.to_uppercase())] {
                let rgb = only_frame(&format!("W3 H2 F30:1 {word}"), &samples);
                let red = |pixel: &[u8]| pixel[0] >= 253 && pixel[1] <= 2 && pixel[2] <= 2;
                assert!(rgb.len() == 18 && rgb.chunks(3).all(red), "{word}: {rgb:?}");
            }
        }
    }

    #[test]
    fn four_pixels_in_a_row_share_a_colour_in_411() {
        // Eight pixels in two rows; of each row the left half is grey, the right half red.
        let (luma, u, v) = ([81; 16], [128, 90, 128, 90], [128, 240, 128, 240]);
        let rgb = only_frame("W8 H2 C411", &[&luma[..], &u, &v].concat());
        let pixels = rgb.as_chunks::<3>().0;
        for (at, pixel) in pixels.iter().enumerate() {
            let grey = pixel[0] == pixel[1] && pixel[1] == pixel[2];
            assert_eq!(grey, at % 8 < 4, "pixel {at}: {pixel:?}");
        }
    }

    #[test]
    fn the_range_of_the_samples_is_heeded() {
        let grey = |header: &str, luma: u8| {
            let rgb = only_frame(header, &[luma]);
            assert!(rgb[0] == rgb[1] && rgb[1] == rgb[2]);
            rgb[0]
        };
        for luma in [0, 16, 100, 235, 255] {
            assert_eq!(grey("W1 H1 Cmono XCOLORRANGE=FULL", luma), luma);
            assert_eq!(grey("W1 H1 XCOLORRANGE=FULL Cmono", luma), luma);
        }
        for header in ["W1 H1 Cmono XCOLORRANGE=LIMITED", "XCOLORRANGE=LIMITED Cmono Ip W1 H1", "W1 H1 Cmono"] {
            assert_eq!([16, 126, 235].map(|luma| grey(header, luma)), [0, 128, 255], "{header}");
        }
        // Red, in both ranges.
        let full = only_frame("W1 H1 C444 XCOLORRANGE=FULL", &[76, 85, 255]);
        assert!(full[0] >= 253 && full[1] <= 1 && full[2] <= 1, "{full:?}");
        assert_eq!(only_frame("W1 H1 C444 XCOLORRANGE=FULL", &[16, 128, 128]), [16; 3]);
    }

    #[test]
    fn deep_samples_are_those_of_eight_bits() {
        for depth in [9, 10, 12, 14, 16] {
            let wide = |sample: u32| ((sample << (depth - 8)) as u16).to_le_bytes();
            for (luma, grey) in [(16, 0), (126, 128), (235, 255)] {
                assert_eq!(only_frame(&format!("W1 H1 Cmono{depth}"), &wide(luma)), [grey; 3], "{depth}");
            }
            let red = only_frame(&format!("W1 H1 C444p{depth}"), &[81, 90, 240].map(wide).concat());
            assert!(red[0] >= 253 && red[1] <= 2 && red[2] <= 2, "{depth}: {red:?}");
            let most = ((1u32 << depth) - 1) as u16;
            let grey = |sample: u16| only_frame(&format!("W1 H1 Cmono{depth} XCOLORRANGE=FULL"), &sample.to_le_bytes());
            assert_eq!([grey(0), grey(most / 2), grey(most)], [[0; 3], [127; 3], [255; 3]], "{depth}");
        }
    }

    #[test]
    fn what_is_transparent_is_seen_on_white() {
        // Black: opaque, half there, not there.
        let rgb = only_frame("W3 H1 C444alpha", &[16, 16, 16, 128, 128, 128, 128, 128, 128, 255, 128, 0]);
        assert_eq!(rgb, [0, 0, 0, 127, 127, 127, 255, 255, 255]);
    }

    #[test]
    fn kinds_that_are_not_read_are_named() {
        for kind in ["nonsense", "420p7", "420p17", "mono20", "421", "444alphap10", ""] {
            let error = read(format!("YUV4MPEG2 W4 H4 C{kind}\n").as_bytes()).unwrap_err();
            assert!(matches!(error, SourceError::Unsupported { .. }), "{kind}: {error}");
        }
    }

    #[test]
    fn hostile_headers_are_refused() {
        let long = format!("YUV4MPEG2 {}", "X".repeat(5000));
        let headers = [
            "YUV4MPEG2 W4294967296 H4294967296 C444\n",
            "YUV4MPEG2 W60000 H60000 C444\n",
            "YUV4MPEG2 W6000 H5000 C444p16\n",
            "YUV4MPEG2 W1 H19000000 C411p16\n",
            "YUV4MPEG2 W0 H5\n",
            "YUV4MPEG2 H5\n",
            "YUV4MPEG2 W-3 H5\n",
            "YUV4MPEG2 W3 H5",
            "YUV4MPEG2\n",
            long.as_str(),
            "W1 H1\nFRAME\n0",
        ];
        for header in headers {
            assert!(read(header.as_bytes()).is_err(), "{header}");
        }
    }

    #[test]
    fn only_spaces_divide_a_header() {
        let tabs = "W4 H4 X\tW1\tH16";
        assert_eq!(only_frame(tabs, &[128; 24]).len(), 48);
        let huge = read(b"YUV4MPEG2 W18000 H18000 C444 X\tW4\tH4\n").unwrap_err();
        assert!(matches!(huge, SourceError::TooLarge { width: 18_000, height: 18_000, .. }), "{huge}");
    }

    #[test]
    fn odd_rates_are_replaced() {
        let rates =
            [("25:1", 25.0), ("0:0", USUAL_RATE), ("1:0", USUAL_RATE), ("9999:1", USUAL_RATE), ("30", USUAL_RATE)];
        for (rate, expected) in rates {
            assert_eq!(
                StreamHeader::parse(&format!("YUV4MPEG2 W1 H1 F{rate} Cmono\n")).unwrap().rate,
                expected,
                "{rate}"
            );
        }
    }

    /// Frames of one grey each, 8 pixels, as a file; the second one's line has parameters.
    fn greys(shades: &[u8]) -> Vec<Vec<u8>> {
        let line = |number| if number == 1 { &b"FRAME Ip\n"[..] } else { b"FRAME\n" };
        shades.iter().enumerate().map(|(number, &shade)| [line(number), &[shade; 8]].concat()).collect()
    }

    fn first_greys(header: &str, frames: &[Vec<u8>]) -> (Vec<u8>, usize) {
        let (frames, left_out, error) = read(&[header.as_bytes(), &frames.concat()].concat()).unwrap();
        assert_eq!(error, None);
        (frames.iter().map(|frame| frame[0]).collect(), left_out.len())
    }

    /// Not a frame's length is read again for every one of them.
    #[test]
    fn lines_without_frames_are_passed_over_at_once() {
        let lines = 20_000;
        let file = [&b"YUV4MPEG2 W4000 H2000 Cmono\n"[..], &b"FRAME\n".repeat(lines), &[0; 9_000_000]].concat();
        let start = web_time::Instant::now();
        let (frames, left_out, error) = read(&file).unwrap();
        assert_eq!((frames.len(), error), (1, None));
        // The last line's frame is whole; behind it stands less than another.
        assert_eq!(left_out.len(), lines - 1);
        assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
    }

    #[test]
    fn a_few_bytes_behind_the_last_frame_are_no_frame() {
        let header = "YUV4MPEG2 W4 H2 Cmono XCOLORRANGE=FULL\n";
        for rest in [&b"\n"[..], b"\r\n", b"1234567"] {
            let frames = [greys(&[10, 20]), vec![rest.to_vec()]].concat();
            assert_eq!(first_greys(header, &frames), (vec![10, 20], 0), "{rest:?}");
        }
        assert_eq!(first_greys(header, &[greys(&[10]), vec![b"FRAME\n1".to_vec()]].concat()), (vec![10], 1));
    }

    #[test]
    fn damaged_frames_are_left_out_wherever_they_stand() {
        let header = "YUV4MPEG2 W4 H2 Cmono XCOLORRANGE=FULL\n";
        let shades = [10, 20, 30, 40];
        assert_eq!(first_greys(header, &greys(&shades)), (shades.to_vec(), 0));
        for bad in 0..shades.len() {
            let rest: Vec<u8> = shades.iter().copied().filter(|&shade| shade != shades[bad]).collect();
            let mut cut = greys(&shades);
            let length = cut[bad].len() - 3;
            cut[bad].truncate(length);
            assert_eq!(first_greys(header, &cut), (rest.clone(), 1), "cut: {bad}");
            let mut unmarked = greys(&shades);
            unmarked[bad][2] = b'X';
            assert_eq!(first_greys(header, &unmarked), (rest, 1), "without its line: {bad}");
        }
        let (frames, left_out) =
            first_greys(header, &[greys(&[10])[0].clone(), vec![b'x'; 200_000], greys(&[20])[0].clone()]);
        assert_eq!((frames, left_out), (vec![10, 20], 1));
    }
}
