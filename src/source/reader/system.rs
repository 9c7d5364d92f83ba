//! What the system reads for us: the cameras of this computer, each by a process of its own.

use crate::source::camera_info::CameraInfo;
use crate::source::error::SourceError;
use crate::source::interface::Source;
use crate::source::reader::capture::SUBCOMMAND;
use crate::source::reader::capture::process::CapturedCamera;
use crate::source::supervisor::Cameras;
use crate::text::one_line;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Whether this build can read cameras.
pub(crate) const HAS_CAMERAS: bool = cfg!(feature = "camera");

/// What is wrong with a camera that may not be opened, and what a person can do about it.
pub(crate) const DENIED: [&str; 2] = [
    "may not be opened by this user",
    "add yourself to the group 'video' (sudo usermod -aG video $USER) and log in again",
];

/// Names a program that captures in the place of ours: for a camera that the system has no driver for. It is called as ours is, and
/// says what [`super::capture`] tells; it is the one camera that there is then.
const CAPTURE_PROGRAM: &str = "ERNSCOPE_CAPTURE";

fn capture_program() -> Option<PathBuf> {
    std::env::var_os(CAPTURE_PROGRAM).filter(|program| !program.is_empty()).map(PathBuf::from)
}

/// The system decodes no videos for us.
pub(crate) fn video(_: &Path) -> Option<Box<dyn Source>> {
    None
}

/// The cameras that the system knows, lowest number first, or the one of [`CAPTURE_PROGRAM`]; none of the system's in a build without
/// the feature `camera`. Opens none of them.
pub(crate) fn cameras() -> Vec<CameraInfo> {
    if let Some(program) = capture_program() {
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        return vec![CameraInfo { index: 0, name }];
    }
    #[cfg(feature = "camera")]
    return crate::source::reader::camera::list();
    #[cfg(not(feature = "camera"))]
    Vec::new()
}

/// The cameras of this computer.
pub(crate) struct HostCameras;

impl Cameras for HostCameras {
    fn list(&self) -> Vec<CameraInfo> {
        cameras()
    }

    fn open(&self, camera: CameraInfo) -> Result<Box<dyn Source>, SourceError> {
        let program = capture_program().map_or_else(std::env::current_exe, Ok);
        let program = program.map_err(|error| SourceError::System {
            what: "capture process".to_owned(),
            why: one_line(&error.to_string()),
        })?;
        let mut command = Command::new(program);
        command.arg(SUBCOMMAND).arg(camera.index.to_string());
        Ok(Box::new(CapturedCamera::start(camera, command)?))
    }
}
