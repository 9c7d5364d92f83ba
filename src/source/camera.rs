//! Cameras through nokhwa: the list, and what a capture process does.
//!
//! nokhwa opens a device only with a request for a format, and some requests fail for reasons of its own (fractional frame
//! intervals, a format that the driver changes). So the device is asked what it offers, and the offers are tried, best
//! first, until one delivers a frame.

use super::CameraInfo;
use super::capture::{CapturedFrame, write_fault, write_frame};
use super::error::{CameraFault, one_line};
use super::picture::{Limits, black, decode_jpeg, only_owner};
use nokhwa::utils::{
    ApiBackend, CameraFormat, CameraIndex, FrameFormat, RequestedFormat, RequestedFormatType, Resolution,
    buf_bgr_to_rgb, buf_nv12_to_rgb, buf_yuyv422_to_rgb,
};
use nokhwa::{Buffer, Camera, NokhwaError};
use std::io::{self, BufWriter, Read};
use std::mem::ManuallyDrop;
use std::process;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The formats that [`decode`] knows.
const FORMATS: [FrameFormat; 5] =
    [FrameFormat::YUYV, FrameFormat::NV12, FrameFormat::MJPEG, FrameFormat::RAWRGB, FrameFormat::RAWBGR];

/// The picture size that we like best.
const LIKED: Resolution = Resolution { width_x: 640, height_y: 480 };

/// The fewest frames a second that look live.
const LIVELY: u32 = 24;

/// The most frames a second that are believed.
const MOST: u32 = 120;

/// How many offers are tried before we give up.
const TRIES: usize = 12;

/// How many frames in a row may fail to be decoded.
const BAD_FRAMES: u32 = 60;

/// The cameras that the system knows, lowest number first. Opens none of them.
pub(crate) fn list() -> Vec<CameraInfo> {
    // The layers below panic on some names in /dev.
    let query = thread::spawn(|| nokhwa::query(ApiBackend::Auto).unwrap_or_default());
    let found = query.join().unwrap_or_default();
    let info = |camera: &nokhwa::utils::CameraInfo| {
        let index = camera.index().as_index().ok()?;
        Some(CameraInfo { index, name: camera.human_name() })
    };
    let mut cameras: Vec<CameraInfo> = found.iter().filter_map(info).collect();
    cameras.sort_by_key(|camera| camera.index);
    cameras
}

/// What the hidden subcommand [`super::capture::SUBCOMMAND`] does: writes the frames of camera `index` to standard output,
/// until standard input ends or the camera fails. Never returns.
pub fn run_capture_process(index: u32) -> ! {
    thread::spawn(|| {
        let mut input = io::stdin().lock();
        while matches!(input.read(&mut [0; 64]), Ok(1..)) {}
        // Whoever reads our frames is gone.
        process::exit(0);
    });
    let fault = match thread::spawn(move || capture(index)).join() {
        Ok(fault) => fault,
        Err(_) => Fault { kind: CameraFault::Crashed, detail: "the camera's driver library panicked".to_owned() },
    };
    // Without a reader there is nobody to tell.
    let _ = write_fault(&mut io::stdout().lock(), fault.kind, &fault.detail);
    process::exit(1);
}

/// What is wrong with the camera.
#[derive(Debug)]
struct Fault {
    kind: CameraFault,
    detail: String,
}

impl Fault {
    /// nokhwa passes the system's errors on as text only.
    fn new(error: &NokhwaError, otherwise: CameraFault) -> Self {
        let detail = one_line(&error.to_string());
        let known = [
            ("(os error 16)", CameraFault::Busy),
            ("(os error 13)", CameraFault::Denied),
            ("(os error 1)", CameraFault::Denied),
            ("(os error 2)", CameraFault::Missing),
            ("(os error 6)", CameraFault::Missing),
            ("(os error 19)", CameraFault::Missing),
        ];
        let kind = known.iter().find(|(text, _)| detail.contains(text)).map_or(otherwise, |(_, kind)| *kind);
        Self { kind, detail }
    }

    /// Whether another format would not help.
    fn is_final(&self) -> bool {
        matches!(self.kind, CameraFault::Busy | CameraFault::Denied | CameraFault::Missing)
    }
}

/// Captures until it fails.
fn capture(index: u32) -> Fault {
    match open(index) {
        // Closing a camera that failed may panic in the layers below; the end of the process closes it without that.
        Ok((camera, first)) => stream(&mut ManuallyDrop::new(camera), first),
        Err(fault) => fault,
    }
}

/// Opens the camera in the best format that delivers a frame.
fn open(index: u32) -> Result<(Camera, Buffer), Fault> {
    let mut last = Fault { kind: CameraFault::Format, detail: String::new() };
    for format in offers(index)? {
        let opened = open_as(index, RequestedFormatType::Exact(format)).and_then(|mut camera| {
            camera.open_stream()?;
            let first = camera.frame()?;
            Ok((camera, first))
        });
        match opened {
            Ok(opened) => return Ok(opened),
            Err(error) => last = Fault::new(&error, CameraFault::Format),
        }
        if last.is_final() {
            break;
        }
    }
    Err(last)
}

fn open_as(index: u32, request: RequestedFormatType) -> Result<Camera, NokhwaError> {
    Camera::new(CameraIndex::Index(index), RequestedFormat::with_formats(request, &FORMATS))
}

/// The formats worth trying, best first. A camera that does not tell what it offers is tried with the usual ones.
fn offers(index: u32) -> Result<Vec<CameraFormat>, Fault> {
    let told = open_as(index, RequestedFormatType::None).and_then(|mut camera| camera.compatible_camera_formats());
    let mut formats = match told {
        Ok(formats) => formats,
        Err(error) => {
            let fault = Fault::new(&error, CameraFault::Format);
            if fault.is_final() {
                return Err(fault);
            }
            Vec::new()
        }
    };
    formats.retain(|format| FORMATS.contains(&format.format()) && (1..=MOST).contains(&format.frame_rate()));
    formats.sort_by_key(rank);
    formats.truncate(TRIES);
    for rate in [30, 25, 15] {
        formats.extend([FrameFormat::YUYV, FrameFormat::MJPEG].map(|format| CameraFormat::new(LIKED, format, rate)));
    }
    Ok(formats)
}

/// Small is good: lively before near to the liked size before cheap to decode before near to 30 frames a second.
fn rank(format: &CameraFormat) -> (bool, u64, usize, u32) {
    let off = |have: u32, like: u32| u64::from(have.abs_diff(like)).pow(2);
    let size = off(format.width(), LIKED.width()) + off(format.height(), LIKED.height());
    let cost = FORMATS.iter().position(|f| *f == format.format()).unwrap_or(FORMATS.len());
    (format.frame_rate() < LIVELY, size, cost, format.frame_rate().abs_diff(30))
}

/// Writes frames to standard output until the camera fails. Ends the process where nobody reads them any more.
fn stream(camera: &mut Camera, first: Buffer) -> Fault {
    let mut output = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let mut next = Ok(first);
    let mut bad = 0;
    for sequence in 0.. {
        let buffer = match next {
            Ok(buffer) => buffer,
            Err(error) => return Fault::new(&error, CameraFault::Lost),
        };
        match frame(&buffer, sequence) {
            Some(frame) => {
                bad = 0;
                if write_frame(&mut output, &frame).is_err() {
                    process::exit(0);
                }
            }
            None => bad += 1,
        }
        if bad > BAD_FRAMES {
            let detail = format!("its {} pictures cannot be decoded", buffer.source_frame_format());
            return Fault { kind: CameraFault::Format, detail };
        }
        next = camera.frame();
    }
    Fault { kind: CameraFault::Lost, detail: String::new() }
}

/// The buffer as a frame; `None` where it holds no whole picture.
fn frame(buffer: &Buffer, sequence: u64) -> Option<CapturedFrame> {
    let (width, height, rgb) = decode(buffer)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let age = buffer.capture_timestamp().map_or(Duration::ZERO, |then| now.saturating_sub(then));
    Some(CapturedFrame { width, height, sequence, age, rgb })
}

/// Width, height and RGB bytes. The buffers of some drivers are longer than the picture in them.
fn decode(buffer: &Buffer) -> Option<(u32, u32, Arc<[u8]>)> {
    let resolution = buffer.resolution();
    let (width, height) = (resolution.width(), resolution.height());
    let pixels = width as usize * height as usize;
    let format = buffer.source_frame_format();
    if format == FrameFormat::MJPEG {
        let picture = decode_jpeg(buffer.buffer(), Limits::ONE_OF_MANY).ok()?;
        return Some((picture.width, picture.height, picture.rgb));
    }
    let halves = match format {
        FrameFormat::YUYV => 4,
        FrameFormat::NV12 => 3,
        _ => 6,
    };
    let raw = buffer.buffer().get(..pixels * halves / 2)?;
    let mut rgb = black(pixels * 3);
    let to = only_owner(&mut rgb);
    match format {
        FrameFormat::YUYV => buf_yuyv422_to_rgb(raw, to, false).ok()?,
        FrameFormat::NV12 => buf_nv12_to_rgb(resolution, raw, to, false).ok()?,
        FrameFormat::RAWBGR => buf_bgr_to_rgb(resolution, raw, to).ok()?,
        FrameFormat::RAWRGB => to.copy_from_slice(raw),
        _ => return None,
    }
    Some((width, height, rgb))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(width: u32, height: u32, format: FrameFormat, rate: u32) -> CameraFormat {
        CameraFormat::new(Resolution::new(width, height), format, rate)
    }

    #[test]
    fn a_lively_picture_of_the_liked_size_comes_first() {
        let best = format(640, 480, FrameFormat::YUYV, 30);
        let mut offers = [
            format(160, 120, FrameFormat::YUYV, 120),
            format(1920, 1080, FrameFormat::MJPEG, 30),
            format(640, 480, FrameFormat::MJPEG, 30),
            format(640, 480, FrameFormat::YUYV, 15),
            best,
            format(640, 480, FrameFormat::YUYV, 60),
        ];
        offers.sort_by_key(rank);
        assert_eq!(offers[0], best);
        assert_eq!(offers[5].frame_rate(), 15);
    }

    #[test]
    fn faults_are_told_apart_by_the_systems_number() {
        let kind = |text: &str| Fault::new(&NokhwaError::ReadFrameError(text.to_owned()), CameraFault::Lost).kind;
        assert_eq!(kind("Device or resource busy (os error 16)"), CameraFault::Busy);
        assert_eq!(kind("Permission denied (os error 13)"), CameraFault::Denied);
        assert_eq!(kind("No such device (os error 19)"), CameraFault::Missing);
        assert_eq!(kind("Input/output error (os error 5)"), CameraFault::Lost);
    }

    #[test]
    fn buffers_longer_than_the_picture_are_read_and_shorter_ones_are_not() {
        let buffer = |bytes: usize| Buffer::new(Resolution::new(4, 2), &vec![128; bytes], FrameFormat::YUYV);
        let (width, height, rgb) = decode(&buffer(4096)).unwrap();
        assert_eq!((width, height, rgb.len()), (4, 2, 24));
        assert!(rgb.iter().all(|&value| value.abs_diff(130) < 3));
        assert!(decode(&buffer(15)).is_none());
        assert!(decode(&Buffer::new(Resolution::new(4, 2), &[0; 100], FrameFormat::MJPEG)).is_none());
    }
}
