//! Still pictures: reading them without trusting them.

use super::decode_error::DecodeError;
use super::error::{SourceError, shown};
use super::jpeg::{self, Extent, Form};
use super::webp;
use crate::frame::{Frame, Truth};
use crate::host::RegularFileError;
use crate::host::files::{self, File};
use crate::preprocess::MAX_PIXELS;
use crate::text::one_line;
use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageDecoder, ImageFormat, ImageReader, RgbImage};
use std::borrow::Cow;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use web_time::{Duration, Instant};

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
    pub(crate) const ALONE: Self = Self { pixels: pixels(MAX_PIXELS), bytes: 352 << 20 };
    /// Of one of many, in a folder or a video: while it is decoded two more, of three bytes a pixel, wait to be seen.
    pub(crate) const ONE_OF_MANY: Self =
        Self { pixels: pixels(32_000_000), bytes: Self::ALONE.bytes - 2 * 3 * 32_000_000 };
}

/// A limit of pixels; a low one while a fuzzer runs, which tries a million pictures.
const fn pixels(most: u64) -> u64 {
    if cfg!(fuzzing) { 1 << 14 } else { most }
}

impl Limits {
    /// The number of pixels, where so many may be decoded with `pixel` bytes each and some `beside`.
    pub(super) fn check(self, width: u32, height: u32, beside: u64, pixel: u64) -> Result<usize, DecodeError> {
        let limit = self.pixels.min(self.bytes.saturating_sub(beside) / pixel);
        let pixels = u64::from(width) * u64::from(height);
        if pixels > limit { Err(DecodeError::TooLarge { width, height, limit }) } else { Ok(pixels as usize) }
    }
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
    pub fn new(width: u32, height: u32, rgb: Arc<[u8]>) -> Self {
        debug_assert_eq!(rgb.len() as u64, u64::from(width) * u64::from(height) * 3, "three bytes a pixel");
        Self { width, height, rgb, captured: Instant::now(), truth: None, skipped: 0 }
    }

    /// The picture as the frame number `index` of the source number `source`, which has `dropped` others before it.
    pub(crate) fn into_frame(self, source: u64, index: u64, dropped: u64, took: Duration) -> Frame {
        let Self { width, height, rgb, captured, truth, skipped: _ } = self;
        Frame { source, index, dropped, width, height, rgb, captured, took, truth }
    }
}

/// How the names of pictures end that can be read.
pub(crate) const ENDINGS: [&str; 7] = ["png", "jpg", "jpeg", "jpe", "jfif", "webp", "bmp"];

/// Whether a file's name ends as that of a picture does that can be read.
pub(crate) fn is_picture(path: &Path) -> bool {
    ENDINGS.contains(&extension(path).as_str())
}

/// The ending of a file's name in lower case, without the dot.
pub(super) fn extension(path: &Path) -> String {
    path.extension().map_or_else(String::new, |extension| extension.to_string_lossy().to_lowercase())
}

/// Reads a PNG, JPEG, WebP or BMP file, turned upright as its EXIF data says. Never resampled. What is transparent is seen as
/// on white.
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
    let (file, length) = open_regular(path)?;
    let mut file = BufReader::new(file);
    let start = file.fill_buf().map_err(|error| io_error(path, &error))?;
    let format = image::guess_format(start).map_err(|_| SourceError::UnknownKind { path: shown(path) })?;
    let webp_scratch = webp::scratch(start);
    if matches!(format, ImageFormat::Jpeg | ImageFormat::WebP) && length > MAX_HELD_FILE {
        let why = format!("the largest {format:?} file that is read has {} MB", MAX_HELD_FILE >> 20);
        return Err(SourceError::Unreadable { path: shown(path), why });
    }
    let picture = match format {
        ImageFormat::Jpeg => {
            let mut bytes = Vec::new();
            file.take(MAX_HELD_FILE).read_to_end(&mut bytes).map_err(|error| io_error(path, &error))?;
            decode_jpeg(bytes.into(), limits)
        }
        ImageFormat::WebP => webp::check_exif(&mut file, length)
            .map_err(|error| io_error(path, &error))?
            .and_then(|()| decode(file, format, Extras { fixed: length, pixel: webp_scratch, rows: 32 }, limits)),
        ImageFormat::Png => decode(file, format, Extras { fixed: 2 * MAX_PNG_EXTRAS, pixel: 0, rows: 7 }, limits),
        ImageFormat::Bmp => decode(file, format, Extras { fixed: 0, pixel: 0, rows: 2 }, limits),
        _ => return Err(SourceError::UnknownKind { path: shown(path) }),
    };
    picture.map_err(|error| error.of(shown(path)))
}

/// Decodes the JPEG at the start of `bytes`. It may lack its end marker, if none of its blocks, and the usual tables.
///
/// # Errors
/// Where it is cut short, damaged, too large, or of a kind that is not read here.
pub(crate) fn decode_jpeg(mut bytes: Cow<'_, [u8]>, limits: Limits) -> Result<Picture, DecodeError> {
    let extent = jpeg::extent(&bytes);
    if let Extent::Whole(end) | Extent::Cut(end) = extent {
        truncate(&mut bytes, end);
    }
    let form = jpeg::form(&bytes);
    if let Some(what) = form.unsupported {
        return Err(DecodeError::Unsupported { what: what.to_owned(), remedy: "save it again as an ordinary JPEG" });
    }
    if form.lacks_tables {
        bytes = jpeg::tables::insert(bytes).into();
    }
    if !matches!(extent, Extent::Whole(_)) {
        limits.check(form.width, form.height, 0, 1)?;
        let end = jpeg::blocks::end(&bytes, limits.pixels)
            .ok_or_else(|| DecodeError::Damaged("it is cut short".to_owned()))?;
        truncate(&mut bytes, end);
        bytes.to_mut().extend(jpeg::EOI);
    }
    // The decoders make a copy of the profiles.
    let fixed = bytes.len() as u64 + jpeg::profile_bytes(&bytes);
    let rows = 170;
    if form.rare {
        return decode_rare(&bytes, form, Extras { fixed, pixel: form.coefficient_bytes, rows }, limits);
    }
    // This one makes a copy of the file too, after which ours is dropped.
    decode(Cursor::new(bytes), ImageFormat::Jpeg, Extras { fixed, pixel: form.coefficient_bytes, rows }, limits)
}

fn truncate(bytes: &mut Cow<'_, [u8]>, length: usize) {
    match bytes {
        Cow::Borrowed(bytes) => *bytes = &bytes[..length],
        Cow::Owned(bytes) => bytes.truncate(length),
    }
}

/// Decodes a JPEG of a rare form.
fn decode_rare(bytes: &[u8], form: Form, extras: Extras, limits: Limits) -> Result<Picture, DecodeError> {
    let (width, height) = (form.width, form.height);
    // All coefficients, once more on the way to other threads, and the samples, of half their size; or then four bytes, and
    // three more for the picture.
    let pixel = (5 * extras.pixel).div_ceil(2).max(7);
    let pixels = limits.check(width, height, extras.fixed + extras.rows * u64::from(width) * 4, pixel)?;
    let mut decoder = jpeg_decoder::Decoder::new(bytes);
    let samples = decoder.decode()?;
    let exif = decoder.exif_data().and_then(Orientation::from_exif_chunk);
    let rgb: Arc<[u8]> = match samples.len().checked_div(pixels) {
        Some(1) => samples.iter().flat_map(|&grey| [grey; RGB]).collect(),
        Some(4) => samples.as_chunks().0.iter().flat_map(|&ink| from_ink(ink)).collect(),
        _ => samples.into(),
    };
    if rgb.len() != pixels * RGB {
        return Err(DecodeError::Damaged("it has two sizes".to_owned()));
    }
    Ok(upright(Picture::new(width, height, rgb), exif.unwrap_or(Orientation::NoTransforms)))
}

/// Cyan, magenta, yellow, black, each of them 255 where there is as much ink as can be.
fn from_ink([cyan, magenta, yellow, black]: [u8; 4]) -> [u8; RGB] {
    [cyan, magenta, yellow].map(|ink| blend(0, 255 - ink, black))
}

/// A file and its length in bytes.
///
/// # Errors
/// Where it is not there, a folder, a device or a pipe (which could keep us waiting for ever), or empty.
pub(crate) fn open_regular(path: &Path) -> Result<(File, u64), SourceError> {
    let file = files::open(path).map_err(|error| match error {
        RegularFileError::Io(error) => io_error(path, &error),
        other => SourceError::Unreadable { path: shown(path), why: other.to_string() },
    })?;
    let length = files::length(&file).map_err(|error| io_error(path, &error))?;
    if length == 0 { Err(SourceError::Empty { path: shown(path) }) } else { Ok((file, length)) }
}

/// The pictures of a folder, in the order of their names, without what is hidden. A link that leads nowhere is a picture that
/// cannot be read.
///
/// # Errors
/// Where the folder cannot be read, or holds none.
pub(crate) fn pictures_in(folder: &Path) -> Result<Vec<PathBuf>, SourceError> {
    let unreadable = |error| io_error(folder, &error);
    let mut pictures = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let path = entry.path();
        if is_picture(&path) && !is_hidden(&entry.file_name()) && !path.is_dir() {
            pictures.push(path);
        }
    }
    if pictures.is_empty() {
        return Err(SourceError::EmptyFolder { path: shown(folder) });
    }
    pictures.sort();
    Ok(pictures)
}

/// Names that systems and programs give to what nobody is to see: `.ipynb_checkpoints`, `._picture.jpg`, `__MACOSX`.
pub(crate) fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".") || name == "__MACOSX"
}

/// The system's refusal in our words.
pub(crate) fn io_error(path: &Path, error: &io::Error) -> SourceError {
    if error.kind() == io::ErrorKind::NotFound {
        return SourceError::NotFound { path: shown(path) };
    }
    SourceError::Unreadable { path: shown(path), why: one_line(&error.to_string()) }
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
    let pixels = limits.check(width, height, beside, bytes_per_pixel(color, orientation, extras.pixel))?;
    let mut rgb = black(pixels * RGB);
    if usize::from(color.bytes_per_pixel()) <= RGB {
        let to = only_owner(&mut rgb);
        decoder.read_image(&mut to[..pixels * usize::from(color.bytes_per_pixel())])?;
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

/// A pixel of samples of 8 or 16 bits (native order), with or without colour, with or without alpha, on white.
fn to_rgb(pixel: &[u8], color: ColorType) -> [u8; RGB] {
    let channels = usize::from(color.channel_count());
    let wide = pixel.len() / channels == 2;
    let sample = |i: usize| if wide { u16::from_ne_bytes([pixel[2 * i], pixel[2 * i + 1]]) } else { pixel[i].into() };
    let colour = if channels < RGB { [0; RGB] } else { [0, 1, 2] };
    let alpha = if color.has_alpha() { Some(sample(channels - 1)) } else { None };
    colour.map(|i| match (alpha, wide) {
        (None, false) => pixel[i],
        (Some(alpha), false) => on_white(pixel[i], alpha as u8),
        (None, true) => narrow(sample(i)),
        (Some(alpha), true) => narrow(on_white_16(sample(i), alpha)),
    })
}

/// `value` over white, as far as `alpha` lets it be seen; rounded.
pub(super) fn on_white(value: u8, alpha: u8) -> u8 {
    blend(value, 255, alpha)
}

/// `over` as far as `share` of 255 goes, else `under`; rounded.
fn blend(over: u8, under: u8, share: u8) -> u8 {
    let (over, under, share) = (u32::from(over), u32::from(under), u32::from(share));
    ((over * share + under * (255 - share) + 127) / 255) as u8
}

/// [`on_white`] of 16 bits.
fn on_white_16(value: u16, alpha: u16) -> u16 {
    let (value, alpha) = (u64::from(value), u64::from(alpha));
    ((value * alpha + 65_535 * (65_535 - alpha) + 32_767) / 65_535) as u16
}

/// A 16-bit sample as the nearest 8-bit one.
fn narrow(sample: u16) -> u8 {
    ((u32::from(sample) + 128) / 257) as u8
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
    use crate::source::jpeg::made::{self, Blocks};
    use image::ExtendedColorType::{L8, L16, La8, La16, Rgb8, Rgba8, Rgba16};
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
        let deep: Vec<u8> = [0u16, 257 * 9 + 130].iter().flat_map(|sample| sample.to_ne_bytes()).collect();
        assert_eq!(rgb(png(2, 1, &deep, L16)), [0, 0, 0, 10, 10, 10]);
    }

    #[test]
    fn what_is_transparent_is_seen_on_white() {
        let rgb = |file: Vec<u8>| read("a.png", &file).unwrap().rgb.to_vec();
        let deep = |samples: &[u16]| -> Vec<u8> { samples.iter().flat_map(|sample| sample.to_ne_bytes()).collect() };
        // Not there, a third, two thirds, there.
        let alphas = [0, 85, 170, 255];
        let coloured: Vec<u8> = alphas.iter().flat_map(|&alpha| [0, 100, 255, alpha]).collect();
        let expected = [255, 255, 255, 170, 203, 255, 85, 152, 255, 0, 100, 255];
        assert_eq!(rgb(png(4, 1, &coloured, Rgba8)), expected);
        let wide: Vec<u16> = coloured.iter().map(|&sample| 257 * u16::from(sample)).collect();
        assert_eq!(rgb(png(4, 1, &deep(&wide), Rgba16)), expected);
        let greys: Vec<u8> = alphas.iter().flat_map(|&alpha| [100, alpha]).collect();
        let expected = [255, 203, 152, 100].map(|grey| [grey; 3]).concat();
        assert_eq!(rgb(png(4, 1, &greys, La8)), expected);
        let wide: Vec<u16> = greys.iter().map(|&sample| 257 * u16::from(sample)).collect();
        assert_eq!(rgb(png(4, 1, &deep(&wide), La16)), expected);
        // Not lost in the lower byte: 1/512 of black.
        assert_eq!(rgb(png(1, 1, &deep(&[0, 0, 0, 128]), Rgba16)), [255; 3]);
        assert_eq!(rgb(png(1, 1, &deep(&[0, 0, 0, 192]), Rgba16)), [254; 3]);
    }

    /// A PNG of the given colour type with a `tRNS` chunk.
    fn keyed(
        color: png::ColorType,
        depth: png::BitDepth,
        palette: &[u8],
        key: &[u8],
        pixels: &[u8],
        width: u32,
    ) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, width, 1);
        encoder.set_color(color);
        encoder.set_depth(depth);
        if !palette.is_empty() {
            encoder.set_palette(palette.to_vec());
        }
        encoder.set_trns(key.to_vec());
        encoder.write_header().unwrap().write_image_data(pixels).unwrap();
        file
    }

    #[test]
    fn colours_that_stand_for_nothing_are_white() {
        use png::{BitDepth, ColorType};
        let rgb = |file: Vec<u8>| read("a.png", &file).unwrap().rgb.to_vec();
        let palette = [0, 0, 0, 10, 20, 30, 40, 50, 60];
        let file = keyed(ColorType::Indexed, BitDepth::Eight, &palette, &[0, 85], &[0, 1, 2], 3);
        assert_eq!(rgb(file), [255, 255, 255, 173, 177, 180, 40, 50, 60]);
        let file = keyed(ColorType::Indexed, BitDepth::Two, &palette, &[0], &[0b0001_1000], 3);
        assert_eq!(rgb(file), [255, 255, 255, 10, 20, 30, 40, 50, 60]);
        let file = keyed(ColorType::Rgb, BitDepth::Eight, &[], &[0, 1, 0, 2, 0, 3], &[1, 2, 3, 1, 2, 4], 2);
        assert_eq!(rgb(file), [255, 255, 255, 1, 2, 4]);
        let file = keyed(
            ColorType::Rgb,
            BitDepth::Sixteen,
            &[],
            &[1, 1, 1, 2, 1, 3],
            &[1, 1, 1, 2, 1, 3, 1, 1, 1, 2, 1, 4],
            2,
        );
        assert_eq!(rgb(file), [255, 255, 255, 1, 1, 1]);
        let file = keyed(ColorType::Grayscale, BitDepth::Eight, &[], &[0, 0], &[0, 9], 2);
        assert_eq!(rgb(file), [255, 255, 255, 9, 9, 9]);
        let file = keyed(ColorType::Grayscale, BitDepth::One, &[], &[0, 0], &[0b0100_0000], 2);
        assert_eq!(rgb(file), [255; 6]);
        let file = keyed(ColorType::Grayscale, BitDepth::Sixteen, &[], &[9, 9], &[9, 9, 10, 10], 2);
        assert_eq!(rgb(file), [255, 255, 255, 10, 10, 10]);
    }

    #[test]
    fn transparent_webp_and_bmp_are_seen_on_white() {
        let mut webp = Vec::new();
        let pixels = [0, 100, 255, 0, 0, 100, 255, 85];
        image::codecs::webp::WebPEncoder::new_lossless(&mut webp).encode(&pixels, 2, 1, Rgba8).unwrap();
        assert_eq!(read("a.webp", &webp).unwrap().rgb[..], [255, 255, 255, 170, 203, 255]);
        let mut bmp = Vec::new();
        image::codecs::bmp::BmpEncoder::new(&mut bmp).encode(&pixels, 2, 1, Rgba8).unwrap();
        assert_eq!(read("a.bmp", &bmp).unwrap().rgb[..], [255, 255, 255, 170, 203, 255]);
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

    /// A decoder made room for them before it read.
    #[test]
    fn exif_data_of_a_webp_are_no_longer_than_the_file() {
        let chunk = |name: &[u8], size: u32, content: &[u8]| [name, &size.to_le_bytes(), content].concat();
        let canvas = chunk(b"VP8X", 10, &[0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        let frame = [&[0; 16][..], &chunk(b"VP8L", 8, &[0x2f, 0, 0, 0, 0, 0, 0, 0])].concat();
        let animation = [chunk(b"ANIM", 6, &[0; 6]), chunk(b"ANMF", 32, &frame)].concat();
        let webp = |claimed| {
            let chunks = [&b"WEBP"[..], &canvas, &animation, &chunk(b"EXIF", claimed, b"Exif")].concat();
            read("a.webp", &chunk(b"RIFF", chunks.len() as u32, &chunks)).unwrap_err().to_string()
        };
        assert!(webp(0x2e00_7003).contains("EXIF data are longer"), "{}", webp(0x2e00_7003));
        assert!(!webp(4).contains("EXIF"), "{}", webp(4));
    }

    #[test]
    fn a_jpeg_cut_short_is_an_error_wherever_it_is_cut() {
        let rgb: Vec<u8> = (0..64 * 48 * 3).map(|i| (i * 31 % 255) as u8).collect();
        let mut file = Vec::new();
        JpegEncoder::new(&mut file).encode(&rgb, 64, 48, Rgb8).unwrap();
        assert!(read("whole.jpg", &file).is_ok());
        for end in [3, 20, file.len() / 2, file.len() - 3] {
            assert!(matches!(read("cut.jpg", &file[..end]), Err(SourceError::Damaged { .. })), "cut at {end}");
        }
        let whole = png(64, 48, &rgb, Rgb8);
        assert!(matches!(read("cut.png", &whole[..whole.len() / 2]), Err(SourceError::Damaged { .. })));
    }

    fn jpeg(bytes: &[u8]) -> Vec<u8> {
        read("a.jpg", bytes).unwrap().rgb.to_vec()
    }

    /// How many samples there are for a pixel, of every component.
    type Factors = &'static [(usize, usize)];

    const FACTORS: [Factors; 7] = [
        &[(1, 1), (1, 1), (1, 1)],
        &[(2, 1), (1, 1), (1, 1)],
        &[(1, 2), (1, 1), (1, 1)],
        &[(2, 2), (1, 1), (1, 1)],
        &[(4, 1), (1, 1), (1, 1)],
        &[(2, 2), (2, 1), (1, 2)],
        &[(1, 1)],
    ];

    fn blocks(factors: Factors, scans: &'static [&'static [usize]], restart: usize) -> Blocks<'static> {
        // Brightness by the block; colours in squares that are the same, whatever a block of them covers.
        let content = |component, x: usize, y: usize| match component {
            0 => (60 + ((x * 5 + y * 3) % 10 * 12) as u8, ((x + y) % 7) as i32 - 3),
            1 => (90, 0),
            _ => (160, 0),
        };
        Blocks { width: 77, height: 45, factors, scans, restart, content }
    }

    /// The pixels of [`blocks`], but for its waves, which move them by 4 at most.
    #[track_caller]
    fn check(rgb: &[u8], grey: bool, what: &str) {
        assert_eq!(rgb.len(), 77 * 45 * 3, "{what}");
        for (at, pixel) in rgb.as_chunks::<3>().0.iter().enumerate() {
            let (x, y) = (at % 77 / 8, at / 77 / 8);
            let luma = f64::from(60 + ((x * 5 + y * 3) % 10 * 12) as u8);
            let (blue, red) = if grey { (0.0, 0.0) } else { (-38.0, 32.0) };
            let expected = [luma + 1.402 * red, luma - 0.344_136 * blue - 0.714_136 * red, luma + 1.772 * blue];
            let off = |(have, want): (&u8, f64)| (f64::from(*have) - want.clamp(0.0, 255.0)).abs();
            let worst = pixel.iter().zip(expected).map(off).fold(0.0, f64::max);
            assert!(worst < 7.0, "{what}: pixel {at} is {pixel:?}, not {expected:.0?}");
        }
    }

    #[test]
    fn rarely_sampled_pictures_are_decoded_right() {
        const MORE_BLUE: Factors = &[(1, 1), (2, 2), (1, 1)];
        const THREE: Factors = &[(3, 1), (1, 1), (1, 1)];
        const STEPS: Factors = &[(1, 4), (1, 2), (1, 1)];
        let content: fn(usize, usize, usize) -> (u8, i32) = |component, _, _| ([120, 90, 160][component], 0);
        for factors in [MORE_BLUE, THREE, STEPS] {
            let made = Blocks { content, ..blocks(factors, &[&[0, 1, 2]], 0) };
            let progressive = if factors == STEPS { None } else { Some(made.progressive()) };
            for file in progressive.into_iter().chain([made.sequential()]) {
                for pixel in jpeg(&file).as_chunks::<3>().0 {
                    let off = pixel.iter().zip([165, 110, 53]).map(|(have, want)| have.abs_diff(want)).max();
                    assert!(off <= Some(2), "{factors:?}: {pixel:?}");
                }
            }
        }
        let alone = Blocks { content, ..blocks(STEPS, &[&[0], &[1], &[2]], 0) };
        assert!(matches!(read("alone.jpg", &alone.sequential()), Err(SourceError::Unsupported { .. })));
    }

    #[test]
    fn components_one_after_the_other_are_decoded_right() {
        const ALONE: &[&[usize]] = &[&[0], &[1], &[2]];
        const COLOURS_TOGETHER: &[&[usize]] = &[&[0], &[1, 2]];
        const LAST_ALONE: &[&[usize]] = &[&[0, 1], &[2]];
        for factors in FACTORS.into_iter().filter(|factors| factors.len() == 3) {
            let together = jpeg(&blocks(factors, &[&[0, 1, 2]], 0).sequential());
            for scans in [ALONE, COLOURS_TOGETHER, LAST_ALONE] {
                for restart in [0, 1, 5] {
                    let file = blocks(factors, scans, restart).sequential();
                    let what = format!("{factors:?} in {scans:?}, restart {restart}");
                    let rgb = jpeg(&file);
                    check(&rgb, false, &what);
                    let off = rgb.iter().zip(&together).map(|(one, other)| one.abs_diff(*other)).max();
                    assert!(off <= Some(2), "{what}: {off:?} from the picture in one pass");
                    // The usual tables and the end may be missing here too.
                    let without = made::without_tables(&file);
                    assert_eq!(jpeg(&without[..without.len() - 2]), rgb, "{what}");
                    let cut = read("cut.jpg", &file[..file.len() - 5]);
                    assert!(matches!(cut, Err(SourceError::Damaged { .. })), "{what}");
                }
            }
        }
    }

    #[test]
    fn only_the_end_marker_may_be_missing() {
        let all: [&[&[usize]]; 2] = [&[&[0, 1, 2]], &[&[0]]];
        for factors in FACTORS {
            let scans = all[usize::from(factors.len() == 1)];
            for restart in [0, 3] {
                let made = blocks(factors, scans, restart);
                for (kind, file) in [("sequential", made.sequential()), ("progressive", made.progressive())] {
                    let what = format!("{kind}, {factors:?}, restart {restart}");
                    let whole = jpeg(&file);
                    check(&whole, factors.len() == 1, &what);
                    let bare = &file[..file.len() - 2];
                    assert_eq!(jpeg(bare), whole, "{what}");
                    // Half an end marker, zeros and other bytes behind the picture.
                    for rest in [&[0xff][..], &[0; 100], b"\r\n--boundary\r\nContent-Type: image/jpeg\r\n"] {
                        assert_eq!(jpeg(&[bare, rest].concat()), whole, "{what}");
                    }
                    for end in [bare.len() - 1, bare.len() - 2, bare.len() - 9, bare.len() / 2] {
                        let cut = read("cut.jpg", &bare[..end]);
                        assert!(matches!(cut, Err(SourceError::Damaged { .. })), "{what}, cut at {end}");
                    }
                }
            }
        }
    }

    /// What is walked through for its end is no larger than what was checked.
    #[test]
    fn a_frame_that_was_not_checked_is_not_walked_through() {
        let frame = |kind: u8, side: [u8; 2]| {
            let [high, low] = side;
            let components = [1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0];
            [&[0xff, kind, 0, 17, 8, high, low, high, low, 3], &components[..]].concat()
        };
        let (huge, small) = (frame(0xc2, [0xff; 2]), frame(0xc2, [0, 8]));
        let scan = [0xff, 0xda, 0, 12, 3, 1, 0, 2, 0, 3, 0, 0, 0, 0];
        let thrice = [0xff, 0xda, 0, 12, 3, 1, 0, 1, 0, 1, 0, 0, 63, 0];
        let start = [0xff, 0xd8];
        let hidden = [&start[..], &[0xff, 0xd0], &huge, &scan].concat();
        let two = [&start[..], &huge, &small, &scan].concat();
        let after = [&start[..], &frame(0xc0, [0, 8]), &thrice, &[0; 64], &huge, &scan].concat();
        for (what, file) in [("hidden", &hidden), ("two", &two), ("after", &after)] {
            assert!(read("a.jpg", file).is_err(), "{what}");
            assert_eq!(jpeg::blocks::end(file, Limits::ALONE.pixels), None, "{what}");
        }
        let whole = blocks(FACTORS[0], &[&[0, 1, 2]], 0).progressive();
        assert_eq!(jpeg::blocks::end(&whole, 77 * 45), Some(whole.len() - 2));
        assert_eq!(jpeg::blocks::end(&whole, 77 * 45 - 1), None, "too many pixels");
        let second = whole.windows(2).position(|w| w == [0xff, 0xc2]).unwrap();
        let mut repeated = whole.clone();
        repeated.splice(second..second, whole[second..second + 19].to_vec());
        assert_eq!(jpeg::blocks::end(&repeated, 77 * 45), None, "two frames");
    }

    #[test]
    fn the_usual_tables_may_be_missing() {
        for factors in FACTORS {
            let scans: &[&[usize]] = if factors.len() == 1 { &[&[0]] } else { &[&[0, 1, 2]] };
            let made = blocks(factors, scans, 4);
            for file in [made.sequential(), made.progressive()] {
                assert_eq!(jpeg(&made::without_tables(&file)), jpeg(&file), "{factors:?}");
            }
        }
        let whole = made::grey(100);
        assert_eq!(jpeg(&made::without_tables(&whole)), jpeg(&whole));
    }

    #[test]
    fn kinds_that_are_not_read_are_unsupported_not_damaged() {
        let mut arithmetic = made::grey(100);
        let frame = arithmetic.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
        arithmetic[frame + 1] = 0xc9;
        for bytes in [&arithmetic[..], &arithmetic[..arithmetic.len() - 30]] {
            let error = read("a.jpg", bytes).unwrap_err();
            assert!(matches!(error, SourceError::Unsupported { .. }), "{error}");
            let text = error.to_string();
            assert!(text.contains("arithmetic coding") && text.contains("save it again"), "{text}");
        }
    }

    #[test]
    fn every_usual_ending_is_that_of_a_picture() {
        for name in ["a.jpg", "a.JPEG", "a.jpe", "a.JFIF", "a.png", "a.webp", "a.bmp"] {
            assert!(is_picture(Path::new(name)), "{name}");
        }
        assert!(["a.gif", "jpg", ".jpg", "a.jpg.txt"].iter().all(|name| !is_picture(Path::new(name))));
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
