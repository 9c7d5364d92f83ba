//! The booth's logo: a picture file, read beside the window.

use crate::booth::config::read_logo;
use crate::host::threads;
use crossbeam_channel::{Receiver, bounded};
use egui::{ColorImage, Context, TextureHandle, TextureId, TextureOptions, Vec2};
use std::path::{Path, PathBuf};

/// The logo, as far as it is there.
#[derive(Default)]
pub(super) struct Logo {
    path: Option<PathBuf>,
    coming: Option<Receiver<Result<ColorImage, String>>>,
    texture: Option<TextureHandle>,
}

impl Logo {
    /// Has `path` read where it is another one than before. What is wrong with it, once.
    pub(super) fn follow(&mut self, ctx: &Context, path: Option<&Path>) -> Option<String> {
        if self.path.as_deref() != path {
            self.path = path.map(Path::to_path_buf);
            (self.texture, self.coming) = (None, path.and_then(read));
        }
        let image = self.coming.as_ref()?.try_recv().ok()?;
        self.coming = None;
        match image {
            Ok(image) => {
                self.texture = Some(ctx.load_texture("logo", image, TextureOptions::LINEAR));
                None
            }
            Err(why) => Some(why),
        }
    }

    /// The texture, and how large it is in pixels.
    pub(super) fn texture(&self) -> Option<(TextureId, Vec2)> {
        self.texture.as_ref().map(|texture| (texture.id(), texture.size_vec2()))
    }
}

/// Reads it on a thread of its own; without one there is no logo.
fn read(path: &Path) -> Option<Receiver<Result<ColorImage, String>>> {
    let (sender, coming) = bounded(1);
    let path = path.to_path_buf();
    let work = move || {
        // The stage may have another logo by now.
        let _ = sender.send(decode(&path));
    };
    threads::spawn("logo", work).ok().map(|_| coming)
}

fn decode(path: &Path) -> Result<ColorImage, String> {
    let picture = read_logo(path)?;
    Ok(ColorImage::from_rgba_unmultiplied([picture.width() as usize, picture.height() as usize], picture.as_raw()))
}
