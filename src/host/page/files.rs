//! Files are what a person gave to the page, in memory; what is written becomes a download. Settings stay in the browser.

use super::browser;
use crate::host::RegularFileError;
use std::collections::VecDeque;
use std::io::{self, Cursor, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The key in the browser's storage, and what stands for its path.
const SETTINGS: &str = "ernscope/settings.json";
/// So many bytes are kept in memory; the oldest files go first.
const MOST_KEPT: usize = 192 << 20;

/// A file in memory, or a video that the browser holds at an address.
struct KeptFile {
    path: PathBuf,
    bytes: Arc<[u8]>,
    video: Option<String>,
}

static KEPT: Mutex<VecDeque<KeptFile>> = Mutex::new(VecDeque::new());

fn kept() -> MutexGuard<'static, VecDeque<KeptFile>> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps a file to be read by its name.
pub(crate) fn give(path: &Path, bytes: Arc<[u8]>) {
    put(KeptFile { path: path.to_owned(), bytes, video: None });
}

/// Keeps the address of a video.
pub(crate) fn give_video(path: &Path, address: String) {
    put(KeptFile { path: path.to_owned(), bytes: Arc::default(), video: Some(address) });
}

/// The address of a video of this name.
pub(crate) fn video(path: &Path) -> Option<String> {
    kept().iter().find(|file| file.path == path)?.video.clone()
}

fn put(new: KeptFile) {
    let mut files = kept();
    files.retain(|file| file.path != new.path);
    files.push_back(new);
    while files.iter().map(|file| file.bytes.len()).sum::<usize>() > MOST_KEPT {
        files.pop_front();
    }
}

fn find(path: &Path) -> io::Result<Arc<[u8]>> {
    if path == Path::new(SETTINGS) {
        return browser::kept(SETTINGS).map(|text| text.into_bytes().into()).ok_or(ErrorKind::NotFound.into());
    }
    kept().iter().find(|file| file.path == path).map(|file| Arc::clone(&file.bytes)).ok_or(ErrorKind::NotFound.into())
}

/// A file of the page.
pub(crate) enum File {
    /// Read from memory.
    Read(Cursor<Arc<[u8]>>),
    /// Written; it is handed over when this is dropped.
    Written(Option<PathBuf>, Vec<u8>),
}

impl File {
    /// A new file, which the person gets when it is dropped.
    ///
    /// # Errors
    /// None here.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        Ok(Self::Written(Some(path.to_owned()), Vec::new()))
    }
}

impl Drop for File {
    fn drop(&mut self) {
        if let Self::Written(Some(path), bytes) = self {
            // It cannot fail but for settings, which are written as a whole.
            let _ = write(path, &std::mem::take(bytes));
        }
    }
}

impl Read for File {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Read(file) => file.read(into),
            Self::Written(..) => Err(ErrorKind::Unsupported.into()),
        }
    }
}

impl Seek for File {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::Read(file) => file.seek(to),
            Self::Written(..) => Err(ErrorKind::Unsupported.into()),
        }
    }
}

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Read(_) => Err(ErrorKind::Unsupported.into()),
            Self::Written(_, written) => written.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Opens a file that the person gave.
///
/// # Errors
/// Where there is none of this name.
pub(crate) fn open(path: &Path) -> Result<File, RegularFileError> {
    Ok(File::Read(Cursor::new(find(path)?)))
}

/// The file's length in bytes.
///
/// # Errors
/// None here.
pub(crate) fn length(file: &File) -> io::Result<u64> {
    Ok(match file {
        File::Read(file) => file.get_ref().len() as u64,
        File::Written(_, bytes) => bytes.len() as u64,
    })
}

/// Hands a file to the person.
///
/// # Errors
/// Where the browser keeps no settings.
pub(crate) fn write(path: &Path, bytes: impl AsRef<[u8]>) -> io::Result<()> {
    let bytes = bytes.as_ref();
    if path == Path::new(SETTINGS) {
        return browser::keep(SETTINGS, &String::from_utf8_lossy(bytes))
            .map_or(Ok(()), |why| Err(io::Error::other(why)));
    }
    give(path, bytes.into());
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    browser::download(&name, bytes);
    Ok(())
}

/// As [`write`].
///
/// # Errors
/// As [`write`].
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write(path, bytes)
}

/// As [`write`], for what is not in memory as a whole.
///
/// # Errors
/// As [`write`], and what `put` says.
pub(crate) fn write_whole_by<T>(path: &Path, put: impl FnOnce(&mut File) -> io::Result<T>) -> io::Result<T> {
    let mut file = File::Written(None, Vec::new());
    let outcome = put(&mut file)?;
    if let File::Written(_, bytes) = &file {
        write(path, bytes)?;
    }
    Ok(outcome)
}

/// There are no folders, and none is missed.
///
/// # Errors
/// None here.
pub(crate) fn make_folder_around(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Any place will do.
///
/// # Errors
/// None here.
pub(crate) fn check_place(_: &Path) -> io::Result<()> {
    Ok(())
}

/// No folder stands anywhere.
///
/// # Errors
/// Where there is no file of this name either.
pub(crate) fn is_folder(path: &Path) -> io::Result<bool> {
    find(path).map(|_| false)
}

/// Whether there is a file of this name.
pub(crate) fn exists(path: &Path) -> bool {
    find(path).is_ok()
}

/// Where settings lie.
pub(crate) fn settings() -> Option<PathBuf> {
    Some(SETTINGS.into())
}

/// What a person takes along goes wherever downloads go.
pub(crate) fn exports() -> Option<PathBuf> {
    None
}

/// Nothing can be written bit by bit.
///
/// # Errors
/// Always.
pub(crate) fn create_private(_: &Path) -> io::Result<File> {
    Err(io::Error::other("a page keeps no files"))
}
