//! What is told of a camera.

use crate::text::one_line;
use std::fmt;

/// A camera that the system knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CameraInfo {
    /// The number after `camera:`.
    pub index: u32,
    /// What the camera calls itself.
    pub name: String,
}

impl fmt::Display for CameraInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name.as_str() {
            "" => write!(f, "camera {}", self.index),
            name => write!(f, "camera {} ({})", self.index, one_line(name)),
        }
    }
}
