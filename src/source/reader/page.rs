//! What the browser reads for us: cameras, and videos of whatever kinds it knows.

use crate::host::browser::{Film, FilmPicture, camera_names};
use crate::host::files;
use crate::source::camera_info::CameraInfo;
use crate::source::error::{CameraFault, SourceError, shown};
use crate::source::interface::{Polled, Source};
use crate::source::picture::Picture;
use crate::source::supervisor::Cameras;
use send_wrapper::SendWrapper;
use std::path::Path;
use std::time::Duration;
use wasm_bindgen::JsValue;

/// Every browser can be asked for cameras.
pub(crate) const HAS_CAMERAS: bool = true;

/// What is wrong with a camera that may not be opened, and what a person can do about it.
pub(crate) const DENIED: [&str; 2] = [
    "is not allowed for this page",
    "allow it beside the page's address (the camera or the lock there), or choose another source",
];

/// The cameras that the browser tells of. It gives them names only once one may be used.
pub(crate) fn cameras() -> Vec<CameraInfo> {
    let info = |(index, name): (usize, JsValue)| CameraInfo {
        index: index as u32,
        name: name.as_string().unwrap_or_default(),
    };
    camera_names().iter().enumerate().map(info).collect()
}

/// The video that the person gave under this name, where the browser is to decode it.
pub(crate) fn video(path: &Path) -> Option<Box<dyn Source>> {
    let film = SendWrapper::new(Film::file(&files::video(path)?));
    Some(Box::new(FilmSource { name: shown(path), film, is_camera: false }))
}

/// The browser's cameras.
pub(crate) struct HostCameras;

impl Cameras for HostCameras {
    fn list(&self) -> Vec<CameraInfo> {
        cameras()
    }

    fn open(&self, camera: CameraInfo) -> Result<Box<dyn Source>, SourceError> {
        let film = SendWrapper::new(Film::camera(camera.index));
        Ok(Box::new(FilmSource { name: camera.to_string(), film, is_camera: true }))
    }
}

/// A video that the browser plays.
struct FilmSource {
    name: String,
    film: SendWrapper<Film>,
    is_camera: bool,
}

impl FilmSource {
    /// What the name of the browser's error means, and its words.
    fn error(&self, error: &str, detail: String) -> SourceError {
        let name = self.name.clone();
        if !self.is_camera {
            return SourceError::UnknownKind { path: name };
        }
        let fault = match error {
            "NotAllowedError" | "SecurityError" => CameraFault::Denied,
            "InsecureError" => CameraFault::Insecure,
            "NotFoundError" | "OverconstrainedError" => CameraFault::Missing,
            "NotReadableError" | "AbortError" => CameraFault::Busy,
            _ => CameraFault::Lost,
        };
        SourceError::Camera { name, fault, detail }
    }
}

impl Source for FilmSource {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn rate(&self) -> Option<f32> {
        None
    }

    fn next(&mut self, _: Duration) -> Result<Polled, SourceError> {
        if let Some(trouble) = self.film.trouble() {
            let [error, words] = [0, 1].map(|at| trouble.get(at).as_string().unwrap_or_default());
            return Err(self.error(&error, words));
        }
        Ok(self.film.picture().map_or(Polled::NotYet, |picture| Polled::Picture(of_bytes(&picture))))
    }
}

impl Drop for FilmSource {
    fn drop(&mut self) {
        self.film.stop();
    }
}

fn of_bytes(picture: &FilmPicture) -> Picture {
    let rgba = picture.rgba().to_vec();
    let mut rgb = vec![0; rgba.len() / 4 * 3];
    for (rgb, &[red, green, blue, _]) in rgb.as_chunks_mut::<3>().0.iter_mut().zip(rgba.as_chunks::<4>().0) {
        *rgb = [red, green, blue];
    }
    Picture { skipped: picture.skipped() as u64, ..Picture::new(picture.width(), picture.height(), rgb.into()) }
}
