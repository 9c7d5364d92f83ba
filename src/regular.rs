//! Opening files whose names come from outside: never waiting for a pipe, never reading a device, which may have no end. And writing
//! them whole.

use nix::fcntl::OFlag;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
#[cfg(feature = "cli")]
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use thiserror::Error;

/// Why a path opens no file.
#[derive(Debug, Error)]
pub(crate) enum RegularFileError {
    /// The system refuses.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A folder.
    #[error("it is a folder, not a file")]
    Folder,
    /// A pipe, a socket, a device.
    #[error("it is a device or a pipe, not a file")]
    Device,
}

/// Opens a regular file to read from it. Returns at once, whatever stands there.
///
/// # Errors
/// [`RegularFileError`], where there is none, or something else.
pub(crate) fn open(path: &Path) -> Result<File, RegularFileError> {
    // Asked of the path first: some devices act when they are opened.
    check(&fs::metadata(path)?)?;
    open_without_waiting(path)
}

/// Something else may stand there meanwhile: a pipe that is opened like this waits for nobody, and is then seen to be one.
fn open_without_waiting(path: &Path) -> Result<File, RegularFileError> {
    let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits()).open(path)?;
    check(&file.metadata()?)?;
    Ok(file)
}

fn check(metadata: &Metadata) -> Result<(), RegularFileError> {
    match metadata {
        _ if metadata.is_file() => Ok(()),
        _ if metadata.is_dir() => Err(RegularFileError::Folder),
        _ => Err(RegularFileError::Device),
    }
}

/// Writes a file that is there whole or not at all: beside its place first, and then moved there.
///
/// # Errors
/// What the system says.
#[cfg(feature = "cli")]
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_whole_by(path, |file| file.write_all(bytes))
}

/// The same for what is not in memory as a whole: `write` writes it.
///
/// # Errors
/// As [`write_whole`].
#[cfg(feature = "cli")]
pub(crate) fn write_whole_by<T>(path: &Path, write: impl FnOnce(&mut File) -> io::Result<T>) -> io::Result<T> {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(name);
    let mut file = File::create_new(&part)?;
    let written = write(&mut file).and_then(|written| {
        file.sync_all()?;
        fs::rename(&part, path)?;
        Ok(written)
    });
    if written.is_err() {
        // What is wrong with the folder is told by the first error.
        let _ = fs::remove_file(&part);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;
    use std::io::Read;

    #[test]
    fn only_files_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        let (file, pipe) = (folder.path().join("file"), folder.path().join("pipe"));
        fs::write(&file, "text").unwrap();
        mkfifo(&pipe, Mode::S_IRWXU).unwrap();
        let mut text = String::new();
        open(&file).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "text");
        assert!(matches!(open(folder.path()), Err(RegularFileError::Folder)));
        assert!(matches!(open(Path::new("/dev/zero")), Err(RegularFileError::Device)));
        assert!(matches!(open(&pipe), Err(RegularFileError::Device)));
        // As where it was put there between the two looks.
        assert!(matches!(open_without_waiting(&pipe), Err(RegularFileError::Device)));
        let gone = open(&folder.path().join("none"));
        assert!(matches!(gone, Err(RegularFileError::Io(error)) if error.kind() == io::ErrorKind::NotFound));
    }
}
