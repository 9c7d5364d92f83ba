//! What nokhwa does not see of Linux's cameras: it looks for grey ones under a name that the kernel does not use (`GRAY`, where
//! it is `GREY`), and opens none that was left in a format which it does not know. Both are done one level below it.

use nokhwa::utils::{FrameFormat, Resolution};
use nokhwa::{Buffer, NokhwaError};
use std::io;
use v4l::buffer::Type;
use v4l::io::traits::CaptureStream;
use v4l::prelude::MmapStream;
use v4l::video::Capture;
use v4l::{Device, Format, FourCC};

/// One byte of brightness a pixel.
const GREY: &[u8; 4] = b"GREY";

/// The formats that nokhwa knows by their right names, and so do we; the best first.
const KNOWN: [&[u8; 4]; 5] = [b"YUYV", b"NV12", b"MJPG", b"RGB3", b"BGR3"];

/// Puts camera `index` into a format that nokhwa knows, where it is in another one and offers one.
pub(super) fn settle(index: u32, size: Resolution) -> io::Result<()> {
    let device = Device::new(index as usize)?;
    let offered: Vec<[u8; 4]> = device.enum_formats()?.iter().map(|format| format.fourcc.repr).collect();
    let present = device.format()?.fourcc.repr;
    if let Some(wanted) = better_known(&present, &offered) {
        device.set_format(&Format::new(size.width(), size.height(), FourCC::new(wanted)))?;
    }
    Ok(())
}

/// The format to change to from `present`, which nokhwa does not know, where there is one among those offered.
fn better_known(present: &[u8; 4], offered: &[[u8; 4]]) -> Option<&'static [u8; 4]> {
    let known = KNOWN.into_iter().find(|known| offered.contains(known));
    known.filter(|_| !KNOWN.contains(&present))
}

/// Whether camera `index` offers grey pictures.
pub(super) fn offers_grey(index: u32) -> bool {
    let formats = Device::new(index as usize).and_then(|device| device.enum_formats());
    formats.is_ok_and(|formats| formats.iter().any(|format| &format.fourcc.repr == GREY))
}

/// A camera that delivers grey pictures. Dropping it panics where the camera is broken.
pub(super) struct GreyCamera {
    stream: MmapStream<'static>,
    resolution: Resolution,
    /// Bytes from a row to the next.
    stride: usize,
}

impl GreyCamera {
    /// Opens camera `index` with the size that it has nearest to `size`.
    ///
    /// # Errors
    /// The system's, and where it has no grey after all.
    pub(super) fn open(index: u32, size: Resolution) -> Result<Self, NokhwaError> {
        let failed = |error: io::Error| NokhwaError::OpenDeviceError(index.to_string(), error.to_string());
        let device = Device::new(index as usize).map_err(failed)?;
        let format = device.set_format(&Format::new(size.width(), size.height(), FourCC::new(GREY))).map_err(failed)?;
        if &format.fourcc.repr != GREY {
            return Err(NokhwaError::OpenStreamError("grey was offered and then refused".to_owned()));
        }
        let stream = MmapStream::new(&device, Type::VideoCapture).map_err(failed)?;
        let resolution = Resolution::new(format.width, format.height);
        Ok(Self { stream, resolution, stride: format.stride.max(format.width) as usize })
    }

    /// Waits for the next picture.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn frame(&mut self) -> Result<Buffer, NokhwaError> {
        let failed = |error: io::Error| NokhwaError::ReadFrameError(error.to_string());
        let (bytes, about) = self.stream.next().map_err(failed)?;
        let bytes = &bytes[..bytes.len().min(about.bytesused as usize)];
        let width = self.resolution.width() as usize;
        Ok(Buffer::new(self.resolution, &without_gaps(bytes, width, self.stride), FrameFormat::GRAY))
    }
}

/// The rows of `width` bytes without what stands between them.
fn without_gaps(bytes: &[u8], width: usize, stride: usize) -> Vec<u8> {
    bytes.chunks(stride).flat_map(|row| &row[..row.len().min(width)]).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_changed_only_where_that_helps() {
        let (grey, luma16, yuyv, mjpg) = (*b"GREY", *b"Y16 ", *b"YUYV", *b"MJPG");
        assert_eq!(better_known(&grey, &[grey, mjpg, yuyv]), Some(b"YUYV"));
        assert_eq!(better_known(&luma16, &[mjpg]), Some(b"MJPG"));
        assert_eq!(better_known(&mjpg, &[grey, mjpg, yuyv]), None);
        assert_eq!(better_known(&grey, &[grey, luma16]), None);
    }

    #[test]
    fn what_stands_between_rows_is_left_out() {
        assert_eq!(without_gaps(&[1, 2, 3, 4], 2, 2), [1, 2, 3, 4]);
        assert_eq!(without_gaps(&[1, 2, 9, 3, 4, 9], 2, 3), [1, 2, 3, 4]);
        assert_eq!(without_gaps(&[1, 2, 9, 3], 2, 3), [1, 2, 3]);
    }
}
