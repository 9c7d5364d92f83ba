//! Still pictures: reading them without trusting them.

use super::error::{SourceError, one_line, shown};
use super::jpeg;
use crate::frame::{Frame, Truth};
use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, RgbImage};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The most that a picture may have and take.
///
/// The program stays below 512 MB. A network takes up to [`MAX_MEMORY`](crate::network::MAX_MEMORY) of them, the program
/// itself some 15 MB; some are left for what nobody can foretell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Pixels; kinds that take more memory to decode may have fewer.
    pub(crate) pixels: u64,
    /// Bytes that are held at a time while it is decoded, the finished picture included.
    pub(crate) bytes: u64,
}

impl Limits {
    /// Of a picture that is read alone.
    pub(crate) const ALONE: Self = Self { pixels: pixels(100_000_000), bytes: 352 << 20 };
    /// Of one of many, in a folder or a video: while it is decoded two more, of three bytes a pixel, wait to be seen.
    pub(crate) const ONE_OF_MANY: Self =
        Self { pixels: pixels(32_000_000), bytes: Self::ALONE.bytes - 2 * 3 * 32_000_000 };
}

/// A limit of pixels; a low one while a fuzzer runs, which tries a million pictures.
const fn pixels(most: u64) -> u64 {
    if cfg!(fuzzing) { 1 << 14 } else { most }
}

/// The longest JPEG or WebP file that is read, in bytes: their decoders hold the file too.
const MAX_HELD_FILE: u64 = 64 << 20;

/// The most bytes that a PNG decoder may hold of rows, and of what is no pixel, each chunk of it once more as a copy.
const MAX_PNG_EXTRAS: u64 = 16 << 20;

/// Pixels as a source made them, before the supervisor numbers them.
#[derive(Clone, Debug)]
pub struct Picture {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// As in [`Frame::rgb`].
    pub rgb: Arc<[u8]>,
    /// As in [`Frame::captured`].
    pub captured: Instant,
    /// As in [`Frame::truth`].
    pub truth: Option<Truth>,
    /// Pictures that the source made just before this one and that got lost on the way.
    pub skipped: u64,
}

impl Picture {
    /// A picture of now, without a known truth. `rgb` holds `width · height · 3` bytes.
    pub(crate) fn new(width: u32, height: u32, rgb: Arc<[u8]>) -> Self {
        debug_assert_eq!(rgb.len() as u64, u64::from(width) * u64::from(height) * 3, "three bytes a pixel");
        Self { width, height, rgb, captured: Instant::now(), truth: None, skipped: 0 }
    }

    /// The picture as the frame number `index` of the source number `source`, which has `dropped` others before it.
    pub fn into_frame(self, source: u64, index: u64, dropped: u64, took: Duration) -> Frame {
        let Self { width, height, rgb, captured, truth, skipped: _ } = self;
        Frame { source, index, dropped, width, height, rgb, captured, took, truth }
    }
}

/// Whether a file's name ends as that of a picture does that can be read.
pub(crate) fn is_picture(path: &Path) -> bool {
    matches!(extension(path).as_str(), "png" | "jpg" | "jpeg" | "webp" | "bmp")
}

/// The ending of a file's name in lower case, without the dot.
pub(super) fn extension(path: &Path) -> String {
    path.extension().map_or_else(String::new, |extension| extension.to_string_lossy().to_lowercase())
}

/// Reads a PNG, JPEG, WebP or BMP file, turned upright as its EXIF data says. Never resampled.
///
/// # Errors
/// A file that is not there, no regular file, empty, unreadable, of another kind, damaged (a JPEG that is cut short
/// included), above 100 megapixels, or in need of too much memory while it is decoded.
pub fn read_picture(path: &Path) -> Result<Picture, SourceError> {
    read_within(path, Limits::ALONE)
}

/// [`read_picture`] with other limits.
///
/// # Errors
/// As there.
pub(crate) fn read_within(path: &Path, limits: Limits) -> Result<Picture, SourceError> {
    let length = regular_file(path)?;
    let mut file = BufReader::new(File::open(path).map_err(|error| io_error(path, &error))?);
    let start = file.fill_buf().map_err(|error| io_error(path, &error))?;
    let format = image::guess_format(start).map_err(|_| SourceError::UnknownKind { path: shown(path) })?;
    let webp_scratch = webp_scratch(start);
    if matches!(format, ImageFormat::Jpeg | ImageFormat::WebP) && length > MAX_HELD_FILE {
        let why = format!("the largest {format:?} file that is read has {} MB", MAX_HELD_FILE >> 20);
        return Err(SourceError::Unreadable { path: shown(path), why });
    }
    let picture = match format {
        ImageFormat::Jpeg => {
            let mut bytes = Vec::new();
            file.take(MAX_HELD_FILE).read_to_end(&mut bytes).map_err(|error| io_error(path, &error))?;
            jpeg_length(&bytes).and_then(|length| {
                bytes.truncate(length);
                decode_whole_jpeg(bytes, limits)
            })
        }
        ImageFormat::WebP => decode(file, format, Extras { fixed: length, pixel: webp_scratch, rows: 32 }, limits),
        ImageFormat::Png => decode(file, format, Extras { fixed: 2 * MAX_PNG_EXTRAS, pixel: 0, rows: 7 }, limits),
        ImageFormat::Bmp => decode(file, format, Extras { fixed: 0, pixel: 0, rows: 2 }, limits),
        _ => return Err(SourceError::UnknownKind { path: shown(path) }),
    };
    picture.map_err(|error| error.at(path))
}

/// Decodes the JPEG at the start of `bytes`.
///
/// # Errors
/// Where it is cut short, damaged or too large.
pub(crate) fn decode_jpeg(bytes: &[u8], limits: Limits) -> Result<Picture, DecodeError> {
    decode_whole_jpeg(&bytes[..jpeg_length(bytes)?], limits)
}

fn jpeg_length(bytes: &[u8]) -> Result<usize, DecodeError> {
    jpeg::length(bytes).map_err(|_| DecodeError::Damaged("it is cut short".to_owned()))
}

fn decode_whole_jpeg(bytes: impl AsRef<[u8]>, limits: Limits) -> Result<Picture, DecodeError> {
    let file = bytes.as_ref();
    // The decoder makes a copy of the file, after which ours is dropped, and another one of the profiles.
    let fixed = file.len() as u64 + jpeg::profile_bytes(file);
    let extras = Extras { fixed, pixel: jpeg::coefficient_bytes(file), rows: 170 };
    decode(Cursor::new(bytes), ImageFormat::Jpeg, extras, limits)
}

/// Bytes a pixel that a WebP decoder holds beside its output, by the start of the file.
fn webp_scratch(start: &[u8]) -> u64 {
    match (start.get(12..16), start.get(20)) {
        // Three planes, two of them of a quarter of the pixels.
        (Some(b"VP8 "), _) => 2,
        // A frame with its transparency, on the way to the canvas.
        (Some(b"VP8X"), Some(flags)) if flags & 0x02 != 0 => 11,
        // The planes, and the transparency: unpacked at four bytes a pixel, then collected in a list that grows.
        (Some(b"VP8X"), Some(flags)) if flags & 0x10 != 0 => 9,
        // The pixels are made where they stay.
        (Some(b"VP8L"), _) if start.get(24).is_some_and(|flags| flags & 0x10 != 0) => 1,
        // Four bytes a pixel, and what they are transformed with.
        _ => 5,
    }
}

/// The length of a file in bytes.
///
/// # Errors
/// Where it is not there, a folder, a device or a pipe (which could keep us waiting for ever), or empty.
pub(crate) fn regular_file(path: &Path) -> Result<u64, SourceError> {
    let metadata = fs::metadata(path).map_err(|error| io_error(path, &error))?;
    if metadata.is_dir() {
        return Err(SourceError::Unreadable { path: shown(path), why: "it is a folder, not a file".to_owned() });
    }
    if !metadata.is_file() {
        return Err(SourceError::Unreadable {
            path: shown(path),
            why: "it is a device or a pipe, not a file".to_owned(),
        });
    }
    match metadata.len() {
        0 => Err(SourceError::Empty { path: shown(path) }),
        length => Ok(length),
    }
}

/// The system's refusal in our words.
pub(crate) fn io_error(path: &Path, error: &io::Error) -> SourceError {
    if error.kind() == io::ErrorKind::NotFound {
        return SourceError::NotFound { path: shown(path) };
    }
    SourceError::Unreadable { path: shown(path), why: one_line(&error.to_string()) }
}

/// Why a picture cannot be decoded.
#[derive(Debug)]
pub(crate) enum DecodeError {
    /// Width and height as claimed, and the most pixels that a picture of this kind may have.
    TooLarge { width: u32, height: u32, limit: u64 },
    /// Too much memory is needed for something else than pixels.
    TooMuch,
    /// In words.
    Damaged(String),
}

impl DecodeError {
    /// With the name of the file.
    pub(crate) fn at(self, path: &Path) -> SourceError {
        match self {
            Self::TooLarge { width, height, limit } => {
                SourceError::TooLarge { path: shown(path), width, height, megapixels: limit / 1_000_000 }
            }
            Self::TooMuch => SourceError::TooMuch { path: shown(path) },
            Self::Damaged(why) => SourceError::Damaged { path: shown(path), why },
        }
    }
}

impl From<ImageError> for DecodeError {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::Limits(_) => Self::TooMuch,
            error => Self::Damaged(one_line(&error.to_string())),
        }
    }
}

/// What a decoder holds at most beside the pixels that it makes.
#[derive(Clone, Copy)]
struct Extras {
    /// Bytes, however many pixels there are.
    fixed: u64,
    /// Bytes a pixel.
    pixel: u64,
    /// Rows of pixels like those that it makes.
    rows: u64,
}

/// Checks the size that the file claims before anything of that size is allocated, then decodes.
fn decode(
    source: impl BufRead + Seek,
    format: ImageFormat,
    extras: Extras,
    limits: Limits,
) -> Result<Picture, DecodeError> {
    let mut reader = ImageReader::with_format(source, format);
    let mut decoder_limits = image::Limits::default();
    decoder_limits.max_alloc = Some(MAX_PNG_EXTRAS);
    reader.limits(decoder_limits);
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    let color = decoder.color_type();
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let beside = extras.fixed + extras.rows * u64::from(width) * u64::from(color.bytes_per_pixel());
    let limit = limits.bytes.saturating_sub(beside) / bytes_per_pixel(color, orientation, extras.pixel);
    let limit = limits.pixels.min(limit);
    let pixels = u64::from(width) * u64::from(height);
    if pixels > limit {
        return Err(DecodeError::TooLarge { width, height, limit });
    }
    let mut rgb = black(pixels as usize * RGB);
    if usize::from(color.bytes_per_pixel()) <= RGB {
        let to = only_owner(&mut rgb);
        decoder.read_image(&mut to[..pixels as usize * usize::from(color.bytes_per_pixel())])?;
        spread(to, color);
    } else {
        let mut decoded = vec![0; decoder.total_bytes() as usize];
        decoder.read_image(&mut decoded)?;
        let from = decoded.chunks_exact(color.bytes_per_pixel().into());
        only_owner(&mut rgb).as_chunks_mut().0.iter_mut().zip(from).for_each(|(to, from)| *to = to_rgb(from, color));
    }
    Ok(upright(Picture::new(width, height, rgb), orientation))
}

/// Bytes of a pixel in a picture.
const RGB: usize = 3;

/// What decoding holds at its peak, where the decoder holds `scratch` bytes a pixel beside its output.
fn bytes_per_pixel(color: ColorType, orientation: Orientation, scratch: u64) -> u64 {
    let (made, rgb) = (u64::from(color.bytes_per_pixel()), RGB as u64);
    let decoding = if made <= rgb { scratch + rgb } else { (scratch + made).max(made + rgb) };
    if orientation == Orientation::NoTransforms { decoding } else { decoding.max(2 * rgb) }
}

/// Makes pixels of one or two bytes at the start of `pixels` RGB where they are, from the last one on.
fn spread(pixels: &mut [u8], color: ColorType) {
    let size = usize::from(color.bytes_per_pixel());
    if size == RGB {
        return;
    }
    for pixel in (0..pixels.len() / RGB).rev() {
        let rgb = to_rgb(&pixels[pixel * size..(pixel + 1) * size], color);
        pixels[pixel * RGB..(pixel + 1) * RGB].copy_from_slice(&rgb);
    }
}

/// A pixel of samples of 8 or 16 bits (native order), with or without colour, with or without alpha, which is left out.
fn to_rgb(pixel: &[u8], color: ColorType) -> [u8; RGB] {
    let channels = usize::from(color.channel_count());
    let wide = pixel.len() / channels == 2;
    let sample = |i: usize| if wide { narrow([pixel[2 * i], pixel[2 * i + 1]]) } else { pixel[i] };
    if channels < RGB { [sample(0); RGB] } else { [sample(0), sample(1), sample(2)] }
}

/// A 16-bit sample as the nearest 8-bit one.
fn narrow(sample: [u8; 2]) -> u8 {
    ((u32::from(u16::from_ne_bytes(sample)) + 128) / 257) as u8
}

/// Turns and mirrors the picture as its EXIF data says.
fn upright(picture: Picture, orientation: Orientation) -> Picture {
    if orientation == Orientation::NoTransforms {
        return picture;
    }
    let Picture { width, height, rgb, .. } = picture;
    let pixels = rgb.to_vec();
    drop(rgb);
    let mut image = RgbImage::from_raw(width, height, pixels).map(DynamicImage::from).unwrap_or_default();
    image.apply_orientation(orientation);
    Picture::new(image.width(), image.height(), image.into_rgb8().into_raw().into())
}

/// `length` zeros, allocated once.
pub(crate) fn black(length: usize) -> Arc<[u8]> {
    std::iter::repeat_n(0, length).collect()
}

/// The bytes of a buffer that was just made, to write into.
///
/// # Panics
/// Where it is shared already, which is a mistake of ours.
pub(crate) fn only_owner(buffer: &mut Arc<[u8]>) -> &mut [u8] {
    Arc::get_mut(buffer).expect("a buffer that was just made has one owner")
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::ExtendedColorType::{L8, L16, Rgb8, Rgba8};
    use image::codecs::jpeg::JpegEncoder;
    use image::codecs::png::PngEncoder;
    use image::{ExtendedColorType, ImageEncoder};
    use tempfile::TempDir;

    fn png(width: u32, height: u32, bytes: &[u8], color: ExtendedColorType) -> Vec<u8> {
        let mut file = Vec::new();
        PngEncoder::new(&mut file).write_image(bytes, width, height, color).unwrap();
        file
    }

    fn read(name: &str, bytes: &[u8]) -> Result<Picture, SourceError> {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        read_picture(&path)
    }

    /// A PNG that claims a size and holds next to nothing.
    fn claims(width: u32, height: u32) -> Vec<u8> {
        let mut file = png(1, 1, &[1, 2, 3], Rgb8);
        file[16..20].copy_from_slice(&width.to_be_bytes());
        file[20..24].copy_from_slice(&height.to_be_bytes());
        let checksum = crc32(&file[12..29]);
        file[29..33].copy_from_slice(&checksum.to_be_bytes());
        file
    }

    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0, |crc: u32, &byte| {
            (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
        })
    }

    #[test]
    fn pixels_arrive_as_they_are() {
        let rgb: Vec<u8> = (0..5 * 3 * 3).collect();
        let picture = read("a.png", &png(5, 3, &rgb, Rgb8)).unwrap();
        assert_eq!((picture.width, picture.height, &picture.rgb[..]), (5, 3, &rgb[..]));
    }

    #[test]
    fn grey_deep_and_transparent_pictures_become_rgb() {
        let rgb = |file: Vec<u8>| read("a.png", &file).unwrap().rgb.to_vec();
        assert_eq!(rgb(png(2, 1, &[7, 200], L8)), [7, 7, 7, 200, 200, 200]);
        assert_eq!(rgb(png(1, 1, &[1, 2, 3, 0], Rgba8)), [1, 2, 3]);
        let deep: Vec<u8> = [0u16, 257 * 9 + 130].iter().flat_map(|sample| sample.to_ne_bytes()).collect();
        assert_eq!(rgb(png(2, 1, &deep, L16)), [0, 0, 0, 10, 10, 10]);
    }

    #[test]
    fn what_is_too_large_is_refused_by_its_header() {
        for (width, height) in [(60_000, 60_000), (30_000, 30_000), (10_001, 10_000)] {
            let error = read("huge.png", &claims(width, height)).unwrap_err();
            let text = error.to_string();
            assert!(matches!(error, SourceError::TooLarge { .. }), "{width}×{height}: {text}");
            assert!(!text.contains('\n'));
        }
        assert!(read("wide.png", &claims(u32::MAX >> 1, 1)).is_err());
    }

    fn limit(error: SourceError) -> u64 {
        let SourceError::TooLarge { megapixels, .. } = error else { panic!("{error}") };
        megapixels
    }

    #[test]
    fn what_is_no_pixel_is_limited() {
        // Rows that alone are too long.
        assert!(matches!(read("wide.png", &claims(45_000_000, 1)), Err(SourceError::TooMuch { .. })));
        let mut file = png(1, 1, &[1, 2, 3], Rgb8);
        let chunk = [&b"eXIf"[..], &vec![0; MAX_PNG_EXTRAS as usize + 1]].concat();
        let whole = [&(chunk.len() as u32 - 4).to_be_bytes(), &chunk[..], &crc32(&chunk).to_be_bytes()].concat();
        file.splice(33..33, whole);
        assert!(matches!(read("exif.png", &file), Err(SourceError::TooMuch { .. })));
    }

    /// A JPEG of 10 000 × 10 000 pixels that stops where its first pass begins.
    fn jpeg_claims(frame: u8, components: &[u8]) -> Vec<u8> {
        let count = components.len() as u8;
        let mut file = vec![0xff, 0xd8, 0xff, frame, 0, 8 + 3 * count, 8, 0x27, 0x10, 0x27, 0x10, count];
        file.extend((0..count).flat_map(|i| [i, components[usize::from(i)], 0]));
        file.extend([0xff, 0xda, 0, 6 + 2 * count, count]);
        file.extend((0..count).flat_map(|i| [i, 0]));
        file.extend([0, 0, 0, 0xff, 0xd9]);
        file
    }

    #[test]
    fn jpegs_of_several_passes_are_counted_by_their_samples() {
        let limit = |components: &[u8]| limit(read("a.jpg", &jpeg_claims(0xc2, components)).unwrap_err());
        assert_eq!(
            [limit(&[0x11; 4]), limit(&[0x11; 3]), limit(&[0x22, 0x11, 0x11]), limit(&[0x11])],
            [33, 40, 60, 73]
        );
    }

    #[test]
    fn animations_need_room_for_their_canvas() {
        let three = |value: u32| value.to_le_bytes()[..3].to_vec();
        let chunk = |name: &[u8], content: &[u8]| [name, &(content.len() as u32).to_le_bytes(), content].concat();
        let frame = chunk(b"VP8L", &[0x2f, 0, 0, 0, 0, 0, 0, 0]);
        let frame = [three(0), three(0), three(6599), three(6599), vec![0; 4], frame].concat();
        let canvas = [vec![0x12, 0, 0, 0], three(6599), three(6599)].concat();
        let chunks = [chunk(b"VP8X", &canvas), chunk(b"ANIM", &[0; 6]), chunk(b"ANMF", &frame)].concat();
        let file = chunk(b"RIFF", &[&b"WEBP"[..], &chunks].concat());
        assert_eq!(limit(read("a.webp", &file).unwrap_err()), 24);
    }

    #[test]
    fn a_jpeg_cut_short_is_an_error_wherever_it_is_cut() {
        let rgb: Vec<u8> = (0..64 * 48 * 3).map(|i| (i * 31 % 255) as u8).collect();
        let mut file = Vec::new();
        JpegEncoder::new(&mut file).encode(&rgb, 64, 48, Rgb8).unwrap();
        assert!(read("whole.jpg", &file).is_ok());
        for end in [3, 20, file.len() / 2, file.len() - 2] {
            assert!(matches!(read("cut.jpg", &file[..end]), Err(SourceError::Damaged { .. })), "cut at {end}");
        }
        let whole = png(64, 48, &rgb, Rgb8);
        assert!(matches!(read("cut.png", &whole[..whole.len() / 2]), Err(SourceError::Damaged { .. })));
    }

    #[test]
    fn what_is_no_picture_is_named() {
        assert!(matches!(read("a.png", b""), Err(SourceError::Empty { .. })));
        assert!(matches!(read("a.png", b"hello"), Err(SourceError::UnknownKind { .. })));
        assert!(matches!(read("a.gif", b"GIF89a\x01\x00\x01\x00"), Err(SourceError::UnknownKind { .. })));
        let folder = TempDir::new().unwrap();
        assert!(matches!(read_picture(folder.path()), Err(SourceError::Unreadable { .. })));
        assert!(matches!(read_picture(Path::new("/dev/zero")), Err(SourceError::Unreadable { .. })));
        let text = read_picture(&folder.path().join("line\nbreak")).unwrap_err().to_string();
        assert!(text.contains("does not exist") && !text.contains('\n'), "{text}");
    }
}
