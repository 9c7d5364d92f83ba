//! Which cameras there are, and which of them to take.

use crate::source::error::{CameraFault, SourceError};
use crate::source::{CameraInfo, Source};
use crate::text::one_line;

/// How the supervisor reaches cameras. Its tests put scripts in the place of those of this computer.
pub(crate) trait Cameras: Send {
    /// As [`crate::source::reader::cameras`].
    fn list(&self) -> Vec<CameraInfo>;

    /// Starts a camera.
    ///
    /// # Errors
    /// Where the system refuses what reads it; the camera's own troubles come later.
    fn open(&self, camera: CameraInfo) -> Result<Box<dyn Source>, SourceError>;
}

/// The camera that a user wants, as far as it is known.
#[derive(Clone, Debug)]
pub(crate) struct WantedCamera {
    /// The number that the user gave.
    number: Option<u32>,
    /// Whether the user asked for a camera at all.
    pub(crate) named: bool,
    /// The camera in use, or the one that was.
    pub(crate) camera: CameraInfo,
    /// Others that would do, while none has delivered yet.
    untried: Vec<CameraInfo>,
    /// Why the first one that was tried does not work.
    first_error: Option<SourceError>,
    /// Whether the camera has ever delivered a frame.
    pub(crate) delivered: bool,
}

impl WantedCamera {
    /// Chooses from the cameras that are there.
    ///
    /// # Errors
    /// Where there is none, or not the one with the number.
    pub(crate) fn choose(number: Option<u32>, named: bool, list: Vec<CameraInfo>) -> Result<Self, SourceError> {
        if !crate::source::reader::HAS_CAMERAS && list.is_empty() {
            return Err(SourceError::NoCameraSupport);
        }
        let connected: Vec<String> = list.iter().map(|c| format!("{} is {}", c.index, one_line(&c.name))).collect();
        let mut fitting = list.into_iter().filter(|camera| number.is_none_or(|n| camera.index == n));
        let Some(camera) = fitting.next() else {
            return Err(match number {
                Some(number) if !connected.is_empty() => SourceError::Camera {
                    name: format!("camera {number}"),
                    fault: CameraFault::Missing,
                    detail: connected.join(", "),
                },
                _ => SourceError::NoCamera,
            });
        };
        let untried = fitting.collect();
        Ok(Self { number, named, camera, untried, first_error: None, delivered: false })
    }

    /// Goes on to the next camera that would do; `false` where all have been tried, or one has delivered.
    pub(crate) fn try_another(&mut self, error: &SourceError) -> bool {
        self.first_error.get_or_insert_with(|| error.clone());
        if self.delivered || self.untried.is_empty() {
            return false;
        }
        self.camera = self.untried.remove(0);
        true
    }

    /// Why it does not work: the first camera's trouble while none has delivered, else the latest one.
    pub(crate) fn reason(&mut self, latest: SourceError) -> SourceError {
        self.first_error.take().filter(|_| !self.delivered).unwrap_or(latest)
    }

    /// Looks for the camera again: itself, one of the same name (a replugged camera may get another number), one of the
    /// same number, or any where the user gave no number.
    ///
    /// # Errors
    /// Where none of these is there.
    pub(crate) fn find_again(&mut self, list: &[CameraInfo]) -> Result<(), SourceError> {
        let lost = &self.camera;
        let found = list
            .iter()
            .find(|camera| *camera == lost)
            .or_else(|| list.iter().find(|camera| camera.name == lost.name))
            .or_else(|| list.iter().find(|camera| camera.index == lost.index))
            .or_else(|| list.first().filter(|_| self.number.is_none()));
        let missing =
            || SourceError::Camera { name: lost.to_string(), fault: CameraFault::Missing, detail: String::new() };
        self.camera = found.ok_or_else(missing)?.clone();
        Ok(())
    }
}
