//! What a WebP file says of itself, before a decoder believes it.

use super::decode_error::DecodeError;
use std::io::{self, BufReader, Read, Seek};

/// Bytes a pixel that a WebP decoder holds beside its output, by the start of the file.
pub(super) fn scratch(start: &[u8]) -> u64 {
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

/// Whether the EXIF data are no longer than the file of `length` bytes: a decoder makes room for what they claim to have.
///
/// The file is at its start then. Chunks lie one after the other behind `RIFF`, the size of what follows, and `WEBP`; each has four
/// letters, its size, and a byte more where that is odd
/// (<https://developers.google.com/speed/webp/docs/riff_container>).
///
/// # Errors
/// Where the file cannot be read; within, where they are longer.
pub(super) fn check_exif(file: &mut BufReader<impl Read + Seek>, length: u64) -> io::Result<Result<(), DecodeError>> {
    let mut at = 12;
    file.seek_relative(12)?;
    while at + 8 <= length {
        let (mut name, mut size) = ([0; 4], [0; 4]);
        file.read_exact(&mut name)?;
        file.read_exact(&mut size)?;
        let size = u64::from(u32::from_le_bytes(size));
        if name == *b"EXIF" && at + 8 + size > length {
            return Ok(Err(DecodeError::Damaged("its EXIF data are longer than the file".to_owned())));
        }
        let padded = size + size % 2;
        file.seek_relative(padded as i64)?;
        at += 8 + padded;
    }
    file.rewind()?;
    Ok(Ok(()))
}
