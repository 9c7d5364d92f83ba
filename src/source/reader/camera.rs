//! Cameras through nokhwa: the list, and what a capture process does.
//!
//! nokhwa opens a device only with a request for a format, and some requests fail for reasons of its own (fractional frame
//! intervals, a format that the driver changes). So the device is asked what it offers, and the offers are tried, best
//! first, until one delivers a frame. What it does not see of Linux's cameras is in `v4l2`.

use super::capture::{CapturedFrame, write_fault, write_frame, write_undecodable};
use super::v4l2;
use crate::source::camera_info::CameraInfo;
use crate::source::error::CameraFault;
use crate::source::picture::{Limits, black, decode_jpeg, only_owner};
use crate::text::one_line;
use nokhwa::utils::{
    ApiBackend, CameraFormat, CameraIndex, FrameFormat, RequestedFormat, RequestedFormatType, Resolution,
    buf_bgr_to_rgb, buf_nv12_to_rgb, buf_yuyv422_to_rgb,
};
use nokhwa::{Buffer, Camera, NokhwaError};
use std::borrow::Cow;
use std::io::{self, BufWriter, Read};
use std::mem::ManuallyDrop;
use std::process;
use std::sync::Arc;
use std::thread;
use web_time::{Duration, SystemTime, UNIX_EPOCH};

/// The formats that are asked of nokhwa.
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
pub(crate) fn run_capture_process(index: u32) -> ! {
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
    /// nokhwa passes the system's errors on as text only. Where they tell what the fault is, its sentence says all.
    fn new(error: &NokhwaError, otherwise: CameraFault) -> Self {
        let text = one_line(&error.to_string());
        let known = [
            ("(os error 16)", CameraFault::Busy),
            ("(os error 13)", CameraFault::Denied),
            ("(os error 1)", CameraFault::Denied),
            ("(os error 2)", CameraFault::Missing),
            ("(os error 6)", CameraFault::Missing),
            ("(os error 19)", CameraFault::Missing),
        ];
        match known.into_iter().find(|(number, _)| text.contains(number)) {
            Some((_, kind)) => Self { kind, detail: String::new() },
            None => Self { kind: otherwise, detail: systems_words(&text).to_owned() },
        }
    }

    /// Whether another format would not help.
    fn is_final(&self) -> bool {
        matches!(self.kind, CameraFault::Busy | CameraFault::Denied | CameraFault::Missing)
    }
}

/// The system's words in an error's text, without what the layers above put around them; the whole text where it has none.
fn systems_words(text: &str) -> &str {
    let Some((words, _)) = text.split_once(" (os error ") else { return text };
    words.rsplit_once(": ").map_or(words, |(_, last)| last)
}

/// A way to read a camera.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Offer {
    Format(CameraFormat),
    Grey,
}

/// A camera that is open.
enum Device {
    Camera(Camera),
    Grey(v4l2::GreyCamera),
}

impl Device {
    fn open(index: u32, offer: Offer) -> Result<Self, NokhwaError> {
        match offer {
            Offer::Format(format) => {
                let mut camera = open_as(index, RequestedFormatType::Exact(format))?;
                camera.open_stream()?;
                Ok(Self::Camera(camera))
            }
            Offer::Grey => v4l2::GreyCamera::open(index, LIKED).map(Self::Grey),
        }
    }

    fn frame(&mut self) -> Result<Buffer, NokhwaError> {
        match self {
            Self::Camera(camera) => camera.frame(),
            Self::Grey(camera) => camera.frame(),
        }
    }
}

/// Captures until it fails.
fn capture(index: u32) -> Fault {
    match open(index) {
        // Closing a camera that failed may panic in the layers below; the end of the process closes it without that.
        Ok((device, first)) => stream(&mut ManuallyDrop::new(device), first),
        Err(fault) => fault,
    }
}

/// Opens the camera in the best format that delivers a frame.
fn open(index: u32) -> Result<(Device, Buffer), Fault> {
    let mut last = Fault { kind: CameraFault::Format, detail: String::new() };
    for offer in offers(index)? {
        let opened = Device::open(index, offer).and_then(|mut device| {
            let first = device.frame()?;
            Ok((device, first))
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

/// The offers worth trying, best first, grey last. A camera that does not tell what it offers is tried with the usual ones.
fn offers(index: u32) -> Result<Vec<Offer>, Fault> {
    // Where it fails, what comes next fails too and is told of.
    let _ = v4l2::settle(index, LIKED);
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
    let mut offers: Vec<Offer> = formats.into_iter().map(Offer::Format).collect();
    if v4l2::offers_grey(index) {
        offers.push(Offer::Grey);
    }
    for rate in [30, 25, 15] {
        let usual = [FrameFormat::YUYV, FrameFormat::MJPEG].map(|format| CameraFormat::new(LIKED, format, rate));
        offers.extend(usual.map(Offer::Format));
    }
    Ok(offers)
}

/// Small is good: lively before near to the liked size before cheap to decode before near to 30 frames a second.
fn rank(format: &CameraFormat) -> (bool, u64, usize, u32) {
    let off = |have: u32, like: u32| u64::from(have.abs_diff(like)).pow(2);
    let size = off(format.width(), LIKED.width()) + off(format.height(), LIKED.height());
    let cost = FORMATS.iter().position(|f| *f == format.format()).unwrap_or(FORMATS.len());
    (format.frame_rate() < LIVELY, size, cost, format.frame_rate().abs_diff(30))
}

/// Writes frames to standard output until the camera fails. Ends the process where nobody reads them any more.
fn stream(device: &mut Device, first: Buffer) -> Fault {
    let mut output = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let mut next = Ok(first);
    for sequence in 0.. {
        let buffer = match next {
            Ok(buffer) => buffer,
            Err(error) => return Fault::new(&error, CameraFault::Lost),
        };
        let written = match frame(&buffer, sequence) {
            Ok(frame) => write_frame(&mut output, &frame),
            Err(why) => write_undecodable(&mut output, sequence, &why),
        };
        if written.is_err() {
            process::exit(0);
        }
        next = device.frame();
    }
    Fault { kind: CameraFault::Lost, detail: String::new() }
}

/// The buffer as a frame, or why it holds none.
fn frame(buffer: &Buffer, sequence: u64) -> Result<CapturedFrame, String> {
    let (width, height, rgb) = decode(buffer)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let age = buffer.capture_timestamp().map_or(Duration::ZERO, |then| now.saturating_sub(then));
    Ok(CapturedFrame { width, height, sequence, age, rgb })
}

/// Width, height and RGB bytes. The buffers of some drivers are longer than the picture in them.
fn decode(buffer: &Buffer) -> Result<(u32, u32, Arc<[u8]>), String> {
    let resolution = buffer.resolution();
    let (width, height) = (resolution.width(), resolution.height());
    let pixels = width as usize * height as usize;
    let format = buffer.source_frame_format();
    if format == FrameFormat::MJPEG {
        let decoded = decode_jpeg(Cow::Borrowed(buffer.buffer()), Limits::ONE_OF_MANY);
        let picture = decoded.map_err(|error| error.reason())?;
        return Ok((picture.width, picture.height, picture.rgb));
    }
    let halves = match format {
        FrameFormat::GRAY => 2,
        FrameFormat::YUYV => 4,
        FrameFormat::NV12 => 3,
        _ => 6,
    };
    let raw = buffer.buffer().get(..pixels * halves / 2).ok_or("it is cut short")?;
    let mut rgb = black(pixels * 3);
    let to = only_owner(&mut rgb);
    let converted = match format {
        FrameFormat::YUYV => buf_yuyv422_to_rgb(raw, to, false),
        FrameFormat::NV12 => buf_nv12_to_rgb(resolution, raw, to, false),
        FrameFormat::RAWBGR => buf_bgr_to_rgb(resolution, raw, to),
        FrameFormat::GRAY => {
            to.as_chunks_mut::<3>().0.iter_mut().zip(raw).for_each(|(pixel, &grey)| *pixel = [grey; 3]);
            Ok(())
        }
        _ => {
            to.copy_from_slice(raw);
            Ok(())
        }
    };
    converted.map_err(|error| one_line(&error.to_string()))?;
    Ok((width, height, rgb))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceError;
    use crate::source::jpeg::made;

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
    fn no_message_ends_in_a_librarys_words() {
        let says = |text: &str, otherwise| {
            let Fault { kind: fault, detail } = Fault::new(&NokhwaError::OpenStreamError(text.to_owned()), otherwise);
            SourceError::Camera { name: "camera 0".to_owned(), fault, detail }.to_string()
        };
        assert_eq!(
            says("Device or resource busy (os error 16)", CameraFault::Format),
            "camera 0 is in use by another program: close the program that uses it"
        );
        let lost = says("V4L2 Error: Input/output error (os error 5)", CameraFault::Lost);
        assert!(lost.ends_with("(Input/output error)"), "{lost}");
    }

    #[test]
    fn grey_pictures_are_grey_pictures() {
        let buffer = |bytes: &[u8]| Buffer::new(Resolution::new(2, 2), bytes, FrameFormat::GRAY);
        let (width, height, rgb) = decode(&buffer(&[0, 100, 16, 255, 7])).unwrap();
        assert_eq!((width, height), (2, 2));
        assert_eq!(rgb[..], [0, 0, 0, 100, 100, 100, 16, 16, 16, 255, 255, 255]);
        assert_eq!(decode(&buffer(&[0; 3])).unwrap_err(), "it is cut short");
    }

    #[test]
    fn a_cameras_jpegs_may_lack_their_end_and_the_usual_tables() {
        let buffer = |bytes: &[u8]| Buffer::new(Resolution::new(16, 16), bytes, FrameFormat::MJPEG);
        let whole = made::grey(145);
        let expected = decode(&buffer(&whole)).unwrap();
        let without_end = &whole[..whole.len() - 2];
        for bytes in [&without_end.to_vec(), &made::without_tables(&whole), &made::without_tables(without_end)] {
            // The rest of the buffer holds what was there before.
            for rest in [&[0; 40][..], &whole] {
                assert_eq!(decode(&buffer(&[bytes, rest].concat())).unwrap(), expected);
            }
        }
        assert_eq!(decode(&buffer(&whole[..whole.len() - 3])).unwrap_err(), "it is cut short");
    }

    #[test]
    fn buffers_longer_than_the_picture_are_read_and_shorter_ones_are_not() {
        let buffer = |bytes: usize| Buffer::new(Resolution::new(4, 2), &vec![128; bytes], FrameFormat::YUYV);
        let (width, height, rgb) = decode(&buffer(4096)).unwrap();
        assert_eq!((width, height, rgb.len()), (4, 2, 24));
        assert!(rgb.iter().all(|&value| value.abs_diff(130) < 3));
        assert!(decode(&buffer(15)).is_err());
        assert!(decode(&Buffer::new(Resolution::new(4, 2), &[0; 100], FrameFormat::MJPEG)).is_err());
    }
}
