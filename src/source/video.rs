//! Video files: YUV4MPEG2 and concatenated JPEGs.

use super::error::{SourceError, one_line, shown};
use super::jpeg::{self, NoEnd};
use super::picture::{Limits, Picture, black, decode_jpeg, io_error, only_owner, regular_file};
use super::{Polled, Source};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use y4m::Colorspace;

/// Frames a second where a file does not say anything usable.
const USUAL_RATE: f32 = 30.0;

/// The longest JPEG in an MJPEG file, in bytes.
const MAX_JPEG: usize = 16 << 20;

/// Of the JPEGs in an MJPEG file, where up to twice the longest one is read ahead.
const JPEG_LIMITS: Limits = Limits { bytes: Limits::ONE_OF_MANY.bytes - 2 * MAX_JPEG as u64, ..Limits::ONE_OF_MANY };

/// The longest header line of a YUV4MPEG2 file, in bytes (what the `y4m` crate accepts).
const MAX_HEADER: u64 = 1024;

/// A YUV4MPEG2 file with 8 bits a sample.
pub(crate) struct Y4m {
    path: PathBuf,
    decoder: y4m::Decoder<Counted<BufReader<File>>>,
    /// Bytes read from the file so far.
    read: Arc<AtomicU64>,
    width: u32,
    height: u32,
    /// How many pixels share a chroma sample, across and down; `None` without chroma.
    chroma: Option<(usize, usize)>,
}

impl Y4m {
    /// Reads the header.
    ///
    /// # Errors
    /// An unreadable file, one that is no YUV4MPEG2, has more than 8 bits a sample, or is too large.
    pub(crate) fn open(path: &Path) -> Result<Self, SourceError> {
        let (width, height) = claimed_size(path)?;
        let file = File::open(path).map_err(|error| io_error(path, &error))?;
        let read = Arc::new(AtomicU64::new(0));
        let counted = Counted { inner: BufReader::new(file), count: Arc::clone(&read) };
        // Three planes of bytes.
        let limits = y4m::Limits { bytes: 3 * Limits::ONE_OF_MANY.pixels as usize };
        let decoder = y4m::Decoder::new_with_limits(counted, limits).map_err(|error| damaged(path, &error))?;
        if (decoder.get_width(), decoder.get_height()) != (width as usize, height as usize) {
            return Err(SourceError::Damaged { path: shown(path), why: "its header names two sizes".to_owned() });
        }
        let chroma = match decoder.get_colorspace() {
            Colorspace::Cmono => None,
            Colorspace::C420 | Colorspace::C420jpeg | Colorspace::C420paldv | Colorspace::C420mpeg2 => Some((2, 2)),
            Colorspace::C422 => Some((2, 1)),
            Colorspace::C444 => Some((1, 1)),
            other => {
                let why = format!("its samples are of the kind {other:?}, only 8-bit ones are read");
                return Err(SourceError::Damaged { path: shown(path), why });
            }
        };
        Ok(Self { path: path.to_owned(), decoder, read, width, height, chroma })
    }
}

impl Source for Y4m {
    fn name(&self) -> String {
        shown(&self.path)
    }

    fn rate(&self) -> Option<f32> {
        let rate = self.decoder.get_framerate();
        let rate = rate.num as f32 / rate.den as f32;
        Some(if (1.0..=240.0).contains(&rate) { rate } else { USUAL_RATE })
    }

    fn next(&mut self, _patience: Duration) -> Result<Polled, SourceError> {
        let before = self.read.load(Ordering::Relaxed);
        match self.decoder.read_frame() {
            Ok(frame) => {
                let rgb = yuv_to_rgb(&frame, self.width as usize, self.height as usize, self.chroma);
                Ok(Polled::Picture(Picture::new(self.width, self.height, rgb)))
            }
            Err(y4m::Error::EOF) if self.read.load(Ordering::Relaxed) == before => Ok(Polled::End),
            Err(y4m::Error::EOF) => {
                Err(SourceError::Damaged { path: shown(&self.path), why: "its last frame is cut short".to_owned() })
            }
            Err(error) => Err(damaged(&self.path, &error)),
        }
    }

    fn rewind(&mut self) -> Result<(), SourceError> {
        *self = Self::open(&self.path)?;
        Ok(())
    }
}

fn damaged(path: &Path, error: &y4m::Error) -> SourceError {
    match error {
        y4m::Error::IoError(error) => io_error(path, error),
        y4m::Error::UnknownColorspace => {
            SourceError::Damaged { path: shown(path), why: "its colour space is unknown".to_owned() }
        }
        _ => SourceError::Damaged { path: shown(path), why: one_line(&error.to_string()) },
    }
}

/// The size in the header line. Checked here because the `y4m` crate multiplies without looking.
fn claimed_size(path: &Path) -> Result<(u32, u32), SourceError> {
    regular_file(path)?;
    let file = File::open(path).map_err(|error| io_error(path, &error))?;
    let mut line = Vec::new();
    BufReader::new(file.take(MAX_HEADER)).read_until(b'\n', &mut line).map_err(|error| io_error(path, &error))?;
    let line = String::from_utf8_lossy(&line);
    if !line.starts_with("YUV4MPEG2 ") {
        return Err(SourceError::UnknownKind { path: shown(path) });
    }
    let line = line.strip_suffix('\n').unwrap_or(&line);
    // As the crate does: nothing but spaces ends a word, and the last of several counts.
    let side = |letter: char| line.split(' ').rev().find_map(|word| word.strip_prefix(letter));
    let parse = |letter: char| side(letter).and_then(|digits| digits.parse::<u32>().ok());
    match (parse('W'), parse('H')) {
        (Some(width), Some(height)) if u64::from(width) * u64::from(height) > Limits::ONE_OF_MANY.pixels => {
            let megapixels = Limits::ONE_OF_MANY.pixels / 1_000_000;
            Err(SourceError::TooLarge { path: shown(path), width, height, megapixels })
        }
        (Some(width), Some(height)) if width > 0 && height > 0 => Ok((width, height)),
        _ => Err(SourceError::Damaged { path: shown(path), why: "its header names no size".to_owned() }),
    }
}

/// BT.601 with studio range (luma 16–235), as YUV4MPEG2 files have it.
fn yuv_to_rgb(frame: &y4m::Frame, width: usize, height: usize, chroma: Option<(usize, usize)>) -> Arc<[u8]> {
    let mut rgb = black(width * height * 3);
    let (luma, u, v) = (frame.get_y_plane(), frame.get_u_plane(), frame.get_v_plane());
    for (row, (line, luma)) in
        only_owner(&mut rgb).chunks_exact_mut(width * 3).zip(luma.chunks_exact(width)).enumerate()
    {
        for (column, (pixel, &y)) in line.chunks_exact_mut(3).zip(luma).enumerate() {
            let (u, v) = chroma.map_or((128, 128), |(across, down)| {
                let at = row / down * width.div_ceil(across) + column / across;
                (u[at], v[at])
            });
            pixel.copy_from_slice(&bt601(y, u, v));
        }
    }
    rgb
}

/// One pixel, in 16-bit fixed point.
fn bt601(y: u8, u: u8, v: u8) -> [u8; 3] {
    let (y, u, v) = (i32::from(y) - 16, i32::from(u) - 128, i32::from(v) - 128);
    let round = |x: i32| ((x + (1 << 15)) >> 16).clamp(0, 255) as u8;
    [round(76_309 * y + 104_597 * v), round(76_309 * y - 25_675 * u - 53_279 * v), round(76_309 * y + 132_201 * u)]
}

/// A reader that counts, to tell a clean end from a frame cut short.
struct Counted<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// JPEGs one after the other, with or without bytes between them.
pub(crate) struct Mjpeg {
    path: PathBuf,
    file: File,
    /// Read and not yet used.
    ahead: Vec<u8>,
    at_end: bool,
}

impl Mjpeg {
    /// # Errors
    /// An unreadable file.
    pub(crate) fn open(path: &Path) -> Result<Self, SourceError> {
        regular_file(path)?;
        let file = File::open(path).map_err(|error| io_error(path, &error))?;
        Ok(Self { path: path.to_owned(), file, ahead: Vec::new(), at_end: false })
    }

    /// Reads on by as much as is there already (and 64 KiB at least), so that a JPEG that comes in many pieces is not looked
    /// through again for each of them.
    fn read_on(&mut self) -> Result<(), SourceError> {
        let more = self.ahead.len().max(64 << 10) as u64;
        let read = (&mut self.file).take(more).read_to_end(&mut self.ahead);
        self.at_end = read.map_err(|error| io_error(&self.path, &error))? == 0;
        Ok(())
    }

    fn damaged(&self, why: &str) -> SourceError {
        SourceError::Damaged { path: shown(&self.path), why: why.to_owned() }
    }

    /// Drops what stands before the next picture; `false` where none follows.
    fn find_start(&mut self) -> Result<bool, SourceError> {
        loop {
            if let Some(start) = jpeg::find_start(&self.ahead, 0) {
                self.ahead.drain(..start);
                return Ok(true);
            }
            if self.at_end {
                return Ok(false);
            }
            let keep = self.ahead.len().saturating_sub(2);
            self.ahead.drain(..keep);
            self.read_on()?;
        }
    }
}

impl Source for Mjpeg {
    fn name(&self) -> String {
        shown(&self.path)
    }

    fn rate(&self) -> Option<f32> {
        Some(USUAL_RATE)
    }

    fn next(&mut self, _patience: Duration) -> Result<Polled, SourceError> {
        if !self.find_start()? {
            return Ok(Polled::End);
        }
        loop {
            match jpeg::length(&self.ahead) {
                Ok(length) => {
                    let decoded = decode_jpeg(&self.ahead[..length], JPEG_LIMITS);
                    self.ahead.drain(..length);
                    return decoded.map(Polled::Picture).map_err(|error| error.at(&self.path));
                }
                Err(NoEnd::Broken) => return Err(self.damaged("a picture in it is cut short")),
                Err(NoEnd::Unfinished) if self.at_end => return Err(self.damaged("its last picture is cut short")),
                Err(NoEnd::Unfinished) => {}
            }
            if self.ahead.len() > MAX_JPEG {
                return Err(self.damaged("a picture in it does not end"));
            }
            self.read_on()?;
        }
    }

    fn rewind(&mut self) -> Result<(), SourceError> {
        *self = Self::open(&self.path)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::codecs::jpeg::JpegEncoder;
    use tempfile::TempDir;

    /// The shade of every frame's first pixel, and the error at the end, if any.
    fn first_pixels(mut source: impl Source) -> (Vec<[u8; 3]>, Option<SourceError>) {
        let mut pixels = Vec::new();
        loop {
            match source.next(Duration::ZERO) {
                Ok(Polled::Picture(picture)) => pixels.push([picture.rgb[0], picture.rgb[1], picture.rgb[2]]),
                Ok(_) => return (pixels, None),
                Err(error) => return (pixels, Some(error)),
            }
        }
    }

    fn y4m(bytes: &[u8]) -> Result<(Vec<[u8; 3]>, Option<SourceError>), SourceError> {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("a.y4m");
        std::fs::write(&path, bytes).unwrap();
        Y4m::open(&path).map(first_pixels)
    }

    fn mjpeg(bytes: &[u8]) -> (Vec<[u8; 3]>, Option<SourceError>) {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("a.mjpeg");
        std::fs::write(&path, bytes).unwrap();
        first_pixels(Mjpeg::open(&path).unwrap())
    }

    fn jpeg(shade: u8) -> Vec<u8> {
        let mut bytes = Vec::new();
        JpegEncoder::new(&mut bytes).encode(&[shade; 16 * 16 * 3], 16, 16, image::ExtendedColorType::Rgb8).unwrap();
        bytes
    }

    #[test]
    fn every_kind_of_chroma_is_read() {
        // Studio-range red: luma 81, blue difference 90, red difference 240.
        for (kind, chroma) in [("420jpeg", 2), ("420mpeg2", 2), ("422", 4), ("444", 6)] {
            let mut file = format!("YUV4MPEG2 W3 H2 F30:1 C{kind}\nFRAME\n").into_bytes();
            file.extend([81; 6]);
            file.extend([[90], [240]].map(|sample| sample.repeat(chroma)).concat());
            let (pixels, error) = y4m(&file).unwrap();
            assert_eq!(error, None, "{kind}");
            assert!(
                pixels.len() == 1 && pixels[0][0] >= 253 && pixels[0][1] <= 2 && pixels[0][2] <= 2,
                "{kind}: {pixels:?}"
            );
        }
    }

    #[test]
    fn hostile_headers_are_refused() {
        let long = format!("YUV4MPEG2 {}", "X".repeat(5000));
        let none = "W1 H1\nFRAME\n0";
        let headers = [
            "YUV4MPEG2 W4294967296 H4294967296 C444\n",
            "YUV4MPEG2 W60000 H60000 C444\n",
            "YUV4MPEG2 W0 H5\n",
            "YUV4MPEG2 H5\n",
            "YUV4MPEG2 W-3 H5\n",
            "YUV4MPEG2 W4 H4 C420p10\n",
            "YUV4MPEG2 W4 H4 Cnonsense\n",
            "YUV4MPEG2 W4 H4 F30\n",
            long.as_str(),
            none,
        ];
        for header in headers {
            assert!(y4m(header.as_bytes()).is_err(), "{header}");
        }
    }

    #[test]
    fn only_spaces_divide_a_header() {
        let tabs = "YUV4MPEG2 W4 H4 X\tW1\tH16\nFRAME\n";
        let (pixels, error) = y4m(&[tabs.as_bytes(), &[128; 24]].concat()).unwrap();
        assert_eq!((pixels.len(), error), (1, None));
        let huge = y4m(b"YUV4MPEG2 W18000 H18000 C444 X\tW4\tH4\n").unwrap_err();
        assert!(matches!(huge, SourceError::TooLarge { width: 18_000, height: 18_000, .. }), "{huge}");
    }

    #[test]
    fn frames_have_fewer_pixels_than_a_picture_alone() {
        let mut large = jpeg(40);
        let frame = large.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
        large[frame + 5..frame + 9].copy_from_slice(&[0x27, 0x10, 0x27, 0x10]);
        let (pixels, error) = mjpeg(&large);
        assert!(pixels.is_empty() && error.unwrap().to_string().contains("10000×10000 pixels, more than 32 mega"));
    }

    #[test]
    fn odd_rates_are_replaced() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("a.y4m");
        for (rate, expected) in [("25:1", 25.0), ("0:0", USUAL_RATE), ("1:0", USUAL_RATE), ("9999:1", USUAL_RATE)] {
            std::fs::write(&path, format!("YUV4MPEG2 W1 H1 F{rate} Cmono\n")).unwrap();
            assert_eq!(Y4m::open(&path).unwrap().rate(), Some(expected), "{rate}");
        }
    }

    #[test]
    fn jpegs_are_found_between_other_bytes() {
        let file = [b"--boundary\r\n\r\n".to_vec(), jpeg(40), vec![0; 99], jpeg(200), b"\xff\xd8".to_vec()].concat();
        let (pixels, error) = mjpeg(&file);
        assert_eq!((pixels.len(), error), (2, None));
        assert!(pixels[0][0].abs_diff(40) < 3 && pixels[1][0].abs_diff(200) < 3, "{pixels:?}");
    }

    #[test]
    fn a_jpeg_cut_short_ends_the_video_after_the_good_ones() {
        let whole = jpeg(90);
        let cut = &whole[..whole.len() - 3];
        for file in [[&jpeg(40)[..], cut].concat(), [&jpeg(40)[..], cut, &jpeg(50)[..]].concat()] {
            let (pixels, error) = mjpeg(&file);
            assert_eq!(pixels.len(), 1);
            assert!(error.unwrap().to_string().contains("cut short"));
        }
        assert_eq!(mjpeg(b"no picture at all"), (Vec::new(), None));
    }
}
