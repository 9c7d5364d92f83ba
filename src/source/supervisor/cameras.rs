//! Which cameras there are, and which of them to take.

use crate::source::capture::SUBCOMMAND;
use crate::source::capture::process::CapturedCamera;
use crate::source::error::{CameraFault, SourceError};
use crate::source::{CameraInfo, cameras};
use crate::text::one_line;
use std::process::Command;

/// How the supervisor reaches cameras. Its tests put scripts in the place of [`SystemCameras`].
pub(crate) trait Cameras: Send {
    /// As [`cameras`].
    fn list(&self) -> Vec<CameraInfo>;

    /// The command that runs a capture process for the camera.
    ///
    /// # Errors
    /// Where our own binary cannot be found.
    fn capture_command(&self, camera: &CameraInfo) -> Result<Command, SourceError>;

    /// Starts a capture process.
    ///
    /// # Errors
    /// Where the system refuses one; the camera's own troubles come later.
    fn open(&self, camera: CameraInfo) -> Result<CapturedCamera, SourceError> {
        let command = self.capture_command(&camera)?;
        CapturedCamera::start(camera, command)
    }
}

/// The cameras of this computer.
pub(crate) struct SystemCameras;

impl Cameras for SystemCameras {
    fn list(&self) -> Vec<CameraInfo> {
        cameras()
    }

    fn capture_command(&self, camera: &CameraInfo) -> Result<Command, SourceError> {
        let program = std::env::current_exe().map_err(|error| SourceError::System {
            what: "capture process".to_owned(),
            why: one_line(&error.to_string()),
        })?;
        let mut command = Command::new(program);
        command.arg(SUBCOMMAND).arg(camera.index.to_string());
        Ok(command)
    }
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
        if cfg!(not(feature = "camera")) && list.is_empty() {
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
