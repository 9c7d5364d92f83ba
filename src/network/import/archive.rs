//! The zip archive that PyTorch writes. Nothing is read without a limit.

use super::error::ImportError;
use super::pickle::{Pickle, PickleError};
use crate::host::files::{self, File};
use std::io::{BufReader, Read, Seek};
use std::path::Path;
use zip::ZipArchive;
use zip::read::{ArchiveOffset, Config};
use zip::result::ZipError;

/// Largest pickle. That of ERNs101 with its optimizer's state takes half a megabyte.
const MAX_PICKLE_BYTES: u64 = 64 << 20;
/// Largest storage: one may hold all of ERNs101, 190 MB of float32.
const MAX_STORAGE_BYTES: u64 = 256 << 20;
/// Most bytes that are unpacked from one archive.
const MAX_TOTAL_BYTES: u64 = 1 << 30;
/// How much of a file that is no zip archive is looked at.
const SNIFFED_BYTES: u64 = 1 << 20;

/// Nothing stands before the archive, since the file starts with its first entry. Looking for its start misleads: PyTorch
/// writes zip64 records that its directory does not need, and where the directory's first entry is as long as they are, the
/// second one seems to be the first.
const AT_START: Config = Config { archive_offset: ArchiveOffset::Known(0) };

/// An archive, open.
pub(super) struct Archive {
    zip: ZipArchive<BufReader<File>>,
    /// The folder in the archive, with its slash.
    root: String,
    /// Bytes that may still be unpacked.
    budget: u64,
}

impl Archive {
    /// Opens the file and finds its pickle.
    ///
    /// # Errors
    /// [`ImportError`], where the file is no checkpoint, or one that we cannot read.
    pub(super) fn open(path: &Path) -> Result<Self, ImportError> {
        let mut file = files::open(path)?;
        if files::length(&file)? == 0 {
            return Err(ImportError::Empty);
        }
        let mut start = Vec::new();
        file.by_ref().take(4).read_to_end(&mut start)?;
        if start != b"PK\x03\x04" {
            return Err(what_else(file, start)?);
        }
        file.rewind()?;
        let zip = ZipArchive::with_config(AT_START, BufReader::new(file)).map_err(|error| damaged(&error))?;
        let pickle = zip.file_names().flatten().find(|name| name.ends_with("/data.pkl"));
        let root = pickle.and_then(|name| name.strip_suffix("data.pkl").map(str::to_owned));
        let root = root.ok_or(ImportError::Foreign)?;
        let mut archive = Self { zip, root, budget: MAX_TOTAL_BYTES };
        archive.check_byte_order()?;
        Ok(archive)
    }

    /// The pickle that describes everything.
    ///
    /// # Errors
    /// [`ImportError`], where the archive is damaged or the pickle too large.
    pub(super) fn pickle(&mut self) -> Result<Vec<u8>, ImportError> {
        self.entry("data.pkl", MAX_PICKLE_BYTES)
    }

    /// The bytes of the storage called `key`, exactly `size` of them.
    ///
    /// # Errors
    /// [`ImportError`], where it is missing, damaged, of another size, or too much in all.
    pub(super) fn storage(&mut self, key: &str, size: u64) -> Result<Vec<u8>, ImportError> {
        let entry = format!("data/{key}");
        let bytes = self.entry(&entry, size.min(MAX_STORAGE_BYTES))?;
        if bytes.len() as u64 != size {
            let what = format!("has {} bytes where the tensors need {size}: copy the file again", bytes.len());
            return Err(ImportError::Entry { entry, what });
        }
        Ok(bytes)
    }

    /// Files of before PyTorch 2.1 say nothing, and are as the machine was: little-endian but for rare exceptions.
    fn check_byte_order(&mut self) -> Result<(), ImportError> {
        if self.zip.index_for_name(&format!("{}byteorder", self.root)).is_none() {
            return Ok(());
        }
        match self.entry("byteorder", 64)?.trim_ascii() {
            b"little" => Ok(()),
            other => Err(ImportError::ByteOrder(String::from_utf8_lossy(other).into_owned())),
        }
    }

    fn entry(&mut self, entry: &str, limit: u64) -> Result<Vec<u8>, ImportError> {
        let wrong = |what: String| ImportError::Entry { entry: entry.into(), what };
        let limit = limit.min(self.budget);
        let file = match self.zip.by_name(&format!("{}{entry}", self.root)) {
            Ok(file) => file,
            Err(ZipError::FileNotFound) => return Err(wrong("is missing: copy the file again".into())),
            Err(ZipError::CompressionMethodNotSupported(_) | ZipError::UnsupportedArchive(_)) => {
                return Err(wrong("is packed in a way that PyTorch does not use: save the checkpoint again".into()));
            }
            Err(error) => return Err(damaged(&error)),
        };
        let too_large = || wrong(format!("unpacks to more than the {limit} bytes expected: do not trust the file"));
        if file.size() > limit {
            return Err(too_large());
        }
        // The archive may say one size and hold another.
        let mut bytes = Vec::new();
        let read = file.take(limit + 1).read_to_end(&mut bytes);
        if bytes.len() as u64 > limit {
            return Err(too_large());
        }
        read.map_err(|error| wrong(format!("is damaged ({error}): copy the file again")))?;
        self.budget -= bytes.len() as u64;
        Ok(bytes)
    }
}

fn damaged(error: &ZipError) -> ImportError {
    ImportError::Damaged(error.to_string())
}

/// What a file is that does not start like a zip archive. A bare pickle is looked at, to name what it would call.
fn what_else(file: File, mut start: Vec<u8>) -> Result<ImportError, ImportError> {
    if start[0] != 0x80 {
        return Ok(ImportError::Foreign);
    }
    file.take(SNIFFED_BYTES).read_to_end(&mut start)?;
    Ok(match Pickle::parse(&start) {
        Err(error @ PickleError::Global(_)) => ImportError::Pickle(error),
        _ => ImportError::OldFormat,
    })
}
