//! Pictures from files, brought to an engine's size.

use super::message::complain;
use crate::frame::InputImage;
use crate::preprocess::Preprocessor;
use crate::source::picture::read_picture;
use anyhow::Result;
use std::path::Path;

/// Reads pictures and brings them to an engine's size.
pub(super) struct PictureReader {
    preprocessor: Preprocessor,
    input: InputImage,
}

impl PictureReader {
    pub(super) fn new(edge: usize, threads: usize) -> Self {
        Self { preprocessor: Preprocessor::new(threads), input: InputImage::black(edge) }
    }

    pub(super) fn read(&mut self, path: &Path) -> Result<&InputImage> {
        let picture = read_picture(path)?;
        self.preprocessor.run(&picture.rgb, picture.width, picture.height, &mut self.input)?;
        Ok(&self.input)
    }

    /// The picture; `None` where it cannot be read, which is said in a line on stderr.
    pub(super) fn read_or_complain(&mut self, path: &Path) -> Option<&InputImage> {
        // Borrowed anew: what is lent in one arm would be lent in the other as well.
        match self.read(path).map(drop) {
            Ok(()) => Some(&self.input),
            Err(error) => {
                complain(&format!("{error:#}"), "");
                None
            }
        }
    }
}
