//! Still pictures: reading them without trusting them.

use super::error::{SourceError, one_line, shown};
use super::jpeg;
use crate::frame::{Frame, Truth};
use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, RgbImage};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The most pixels that a picture may have; kinds that take more memory to decode may have fewer.
const MAX_PIXELS: u64 = 100_000_000;

/// The most bytes that decoding one picture may hold at a time, the finished picture included.
const MAX_MEMORY: u64 = 480 << 20;

/// The longest JPEG or WebP file that is read, in bytes: their decoders hold the file too.
const MAX_HELD_FILE: u64 = 64 << 20;

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

    /// The picture as the frame number `index`.
    pub fn into_frame(self, index: u64, took: Duration) -> Frame {
        let Self { width, height, rgb, captured, truth, skipped: _ } = self;
        Frame { index, width, height, rgb, captured, took, truth }
    }
}

/// Reads a PNG, JPEG, WebP or BMP file, turned upright as its EXIF data says. Never resampled.
///
/// # Errors
/// A file that is not there, no regular file, empty, unreadable, of another kind, damaged (a JPEG that is cut short
/// included), above 100 megapixels, or in need of more than 480 MB while it is decoded.
pub fn read_picture(path: &Path) -> Result<Picture, SourceError> {
    let length = regular_file(path)?;
    let mut file = BufReader::new(File::open(path).map_err(|error| io_error(path, &error))?);
    let start = file.fill_buf().map_err(|error| io_error(path, &error))?;
    let format = image::guess_format(start).map_err(|_| SourceError::UnknownKind { path: shown(path) })?;
    if matches!(format, ImageFormat::Jpeg | ImageFormat::WebP) && length > MAX_HELD_FILE {
        let why = format!("the largest {format:?} file that is read has {} MB", MAX_HELD_FILE >> 20);
        return Err(SourceError::Unreadable { path: shown(path), why });
    }
    match format {
        ImageFormat::Jpeg => {
            let mut bytes = Vec::new();
            file.take(MAX_HELD_FILE).read_to_end(&mut bytes).map_err(|error| io_error(path, &error))?;
            decode_jpeg(&bytes).map_err(|error| error.at(path))
        }
        ImageFormat::WebP => decode(file, format, 4).map_err(|error| error.at(path)),
        ImageFormat::Png | ImageFormat::Bmp => decode(file, format, 0).map_err(|error| error.at(path)),
        _ => Err(SourceError::UnknownKind { path: shown(path) }),
    }
}

/// Decodes the JPEG at the start of `bytes`.
///
/// # Errors
/// Where it is cut short, damaged or too large.
pub(crate) fn decode_jpeg(bytes: &[u8]) -> Result<Picture, DecodeError> {
    let length = jpeg::length(bytes).map_err(|_| DecodeError::Damaged("it is cut short".to_owned()))?;
    // A picture in several passes is collected as three 16-bit coefficients a pixel.
    let scratch = if jpeg::has_several_passes(bytes) { 6 } else { 0 };
    decode(Cursor::new(&bytes[..length]), ImageFormat::Jpeg, scratch)
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
            Self::Damaged(why) => SourceError::Damaged { path: shown(path), why },
        }
    }
}

impl From<ImageError> for DecodeError {
    fn from(error: ImageError) -> Self {
        Self::Damaged(one_line(&error.to_string()))
    }
}

/// Checks the size that the file claims before anything of that size is allocated, then decodes. `scratch`: bytes a pixel
/// that the decoder holds beside its output.
fn decode(source: impl BufRead + Seek, format: ImageFormat, scratch: u64) -> Result<Picture, DecodeError> {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_MEMORY);
    let mut reader = ImageReader::with_format(source, format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    let color = decoder.color_type();
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let limit = MAX_PIXELS.min(MAX_MEMORY / (scratch + bytes_per_pixel(color, orientation)));
    if u64::from(width) * u64::from(height) > limit {
        return Err(DecodeError::TooLarge { width, height, limit });
    }
    let rgb = if color == ColorType::Rgb8 {
        decode_into_shared(decoder)?
    } else {
        let mut decoded = vec![0; decoder.total_bytes() as usize];
        decoder.read_image(&mut decoded)?;
        to_rgb(&decoded, color)
    };
    Ok(upright(Picture::new(width, height, rgb), orientation))
}

/// What decoding holds at its peak, beside the decoder's own scratch space.
fn bytes_per_pixel(color: ColorType, orientation: Orientation) -> u64 {
    let decoding = u64::from(color.bytes_per_pixel()) + if color == ColorType::Rgb8 { 0 } else { 3 };
    if orientation == Orientation::NoTransforms { decoding } else { decoding.max(6) }
}

/// Decodes RGB straight to where it stays.
fn decode_into_shared(decoder: impl ImageDecoder) -> Result<Arc<[u8]>, DecodeError> {
    let mut rgb = black(decoder.total_bytes() as usize);
    decoder.read_image(only_owner(&mut rgb))?;
    Ok(rgb)
}

/// RGB from samples of 8 or 16 bits (native order), with or without colour, with or without alpha, which is left out.
fn to_rgb(decoded: &[u8], color: ColorType) -> Arc<[u8]> {
    let size = usize::from(color.bytes_per_pixel());
    let channels = usize::from(color.channel_count());
    let wide = size / channels == 2;
    let mut rgb = black(decoded.len() / size * 3);
    for (to, from) in only_owner(&mut rgb).chunks_exact_mut(3).zip(decoded.chunks_exact(size)) {
        let sample = |i: usize| if wide { narrow([from[2 * i], from[2 * i + 1]]) } else { from[i] };
        let colors = if channels < 3 { [sample(0); 3] } else { [sample(0), sample(1), sample(2)] };
        to.copy_from_slice(&colors);
    }
    rgb
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
