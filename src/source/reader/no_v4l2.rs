//! Where there is no Video4Linux, nokhwa sees all that there is.

use nokhwa::utils::Resolution;
use nokhwa::{Buffer, NokhwaError};
use std::convert::Infallible;
use std::io;

/// There is nothing to settle.
pub(super) fn settle(_: u32, _: Resolution) -> io::Result<()> {
    Ok(())
}

/// None is offered beside what nokhwa sees.
pub(super) fn offers_grey(_: u32) -> bool {
    false
}

/// No such camera is.
pub(super) struct GreyCamera(Infallible);

impl GreyCamera {
    /// Opens none.
    ///
    /// # Errors
    /// Always.
    pub(super) fn open(index: u32, _: Resolution) -> Result<Self, NokhwaError> {
        Err(NokhwaError::OpenDeviceError(index.to_string(), "it offers no grey pictures".to_owned()))
    }

    /// Gives no picture.
    ///
    /// # Errors
    /// None: there is no such camera.
    pub(super) fn frame(&mut self) -> Result<Buffer, NokhwaError> {
        match self.0 {}
    }
}
