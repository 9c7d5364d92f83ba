//! Opening files whose names come from outside: never waiting for a pipe, never reading a device, which may have no end. And writing
//! them whole.

use crate::host::RegularFileError;
#[cfg(feature = "app")]
use directories::{ProjectDirs, UserDirs};
use nix::fcntl::OFlag;
#[cfg(feature = "live")]
pub(crate) use std::fs::write;
use std::fs::{self, Metadata, OpenOptions};
use std::io;
#[cfg(feature = "live")]
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
#[cfg(feature = "app")]
use std::path::PathBuf;

/// A file of the system.
pub(crate) use std::fs::File;

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
#[cfg(feature = "live")]
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_whole_by(path, |file| file.write_all(bytes))
}

/// The same for what is not in memory as a whole: `write` writes it.
///
/// # Errors
/// As [`write_whole`].
#[cfg(feature = "live")]
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

/// The file's length in bytes.
///
/// # Errors
/// What the system says.
pub(crate) fn length(file: &File) -> io::Result<u64> {
    Ok(file.metadata()?.len())
}

/// Makes the folder that a file is to stand in, and those around that, where they are missing.
///
/// # Errors
/// What the system says.
#[cfg(feature = "live")]
pub(crate) fn make_folder_around(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

/// Whether a file may be written there, as far as can be told before it is.
///
/// # Errors
/// Where something else is there, or no folder around it.
#[cfg(feature = "live")]
pub(crate) fn check_place(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(there) if !there.is_file() => Err(io::Error::other("it is no regular file")),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            fs::read_dir(folder).map(drop)
        }
        Err(error) => Err(error),
    }
}

/// Whether a folder stands there.
///
/// # Errors
/// What the system says, where nothing does.
#[cfg(feature = "live")]
pub(crate) fn is_folder(path: &Path) -> io::Result<bool> {
    Ok(fs::metadata(path)?.is_dir())
}

/// Whether anything stands there.
#[cfg(feature = "live")]
pub(crate) fn exists(path: &Path) -> bool {
    path.exists()
}

/// Where settings lie; `None` where the user has no home.
#[cfg(feature = "app")]
pub(crate) fn settings() -> Option<PathBuf> {
    Some(ProjectDirs::from("", "", "ernscope")?.config_dir().join("settings.json"))
}

/// Where the booth's own files lie, and what it remembers between two starts; `None` where the user has no home.
#[cfg(all(feature = "app", feature = "cli"))]
pub(crate) fn booth_state() -> Option<PathBuf> {
    let folders = ProjectDirs::from("", "", "ernscope")?;
    Some(folders.state_dir().unwrap_or_else(|| folders.data_dir()).join("booth"))
}

/// Where what a person takes along goes: among the user's pictures, else into the home folder.
#[cfg(feature = "app")]
pub(crate) fn exports() -> Option<PathBuf> {
    let user = UserDirs::new()?;
    Some(user.picture_dir().unwrap_or_else(|| user.home_dir()).to_owned())
}

/// A new file to write at its end, which only its owner can read.
///
/// # Errors
/// What the system says; that there is one already.
#[cfg(feature = "live")]
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)
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
