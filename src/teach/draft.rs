//! What was taught and not yet saved, in one file that only its owner can read: a crash loses nothing of it.
//!
//! A list of entries, each with the length of its head (JSON) and of its body (a square's RGB bytes), and a CRC of both. It only ever
//! grows at its end; an entry that a crash cut short is the last one, and left out.

use crate::host::files::{self, File};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// No head is longer.
const MOST_HEAD: u32 = 4096;
/// No body is larger: a square of 512 × 512.
const MOST_BODY: u32 = 512 * 512 * 3;
/// Bytes of the two lengths and the CRC.
const LENGTHS: usize = 12;

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum DraftEntry {
    /// A lesson begins for this network, named as on the command line.
    Begin {
        /// The network.
        base: String,
        /// Whether its classes stay.
        keeps: bool,
    },
    /// A class was added.
    Class(String),
    /// A class has another name.
    Rename(usize, String),
    /// A class was taken out.
    RemoveClass(usize),
    /// A frame of a class was shown; the body is its square.
    Frame {
        /// The class.
        class: usize,
        /// The frame's number; no other one of this file has it.
        id: u64,
    },
    /// The frame with this number was taken out.
    RemoveFrame(u64),
}

/// The file, open to be written on.
pub(super) struct Draft {
    path: PathBuf,
    file: File,
}

impl Draft {
    /// A new file, beside the place where it is to be: what stands there stays until [`Draft::settle`].
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        files::make_folder_around(path)?;
        let beside = path.with_extension("new");
        // Not written over: it may have been opened to be read by others.
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = files::create_private(&beside)?;
        Ok(Self { path: beside, file })
    }

    /// Puts the file in its place, instead of any former one.
    pub(super) fn settle(&mut self, path: &Path) -> io::Result<()> {
        fs::rename(&self.path, path)?;
        path.clone_into(&mut self.path);
        Ok(())
    }

    /// Writes an entry at the end.
    pub(super) fn add(&mut self, entry: &DraftEntry, body: &[u8]) -> io::Result<()> {
        let head = serde_json::to_vec(entry)?;
        let mut crc = crc32fast::Hasher::new();
        crc.update(&head);
        crc.update(body);
        let lengths = [head.len() as u32, body.len() as u32, crc.finalize()];
        let bytes: Vec<u8> = lengths.iter().flat_map(|length| length.to_le_bytes()).chain(head).collect();
        self.file.write_all(&[&bytes, body].concat())
    }

    /// Takes the file away: what it held is saved, or no longer wanted.
    pub(super) fn remove(self) -> io::Result<()> {
        fs::remove_file(self.path)
    }
}

/// The entries of a file with their bodies, as far as they are whole; none where there is no file.
pub(super) fn read(path: &Path) -> Vec<(DraftEntry, Vec<u8>)> {
    let mut bytes = Vec::new();
    let read = files::open(path).map(|file| file.take(MOST_BYTES).read_to_end(&mut bytes));
    if read.is_err() {
        return Vec::new();
    }
    let mut rest = bytes.as_slice();
    std::iter::from_fn(|| next(&mut rest)).collect()
}

/// Most that is read: 10 000 squares of 64 × 64 and some more.
const MOST_BYTES: u64 = 200 << 20;

fn next(rest: &mut &[u8]) -> Option<(DraftEntry, Vec<u8>)> {
    let (lengths, behind) = rest.split_at_checked(LENGTHS)?;
    let number = |at: usize| lengths[at..].first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
    let (head, body, crc) = (number(0)?, number(4)?, number(8)?);
    if head > MOST_HEAD || body > MOST_BODY {
        return None;
    }
    let (whole, after) = behind.split_at_checked((head + body) as usize)?;
    if crc32fast::hash(whole) != crc {
        return None;
    }
    let (head, body) = whole.split_at(head as usize);
    *rest = after;
    Some((serde_json::from_slice(head).ok()?, body.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_was_written_before_a_crash_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deep").join("lesson");
        let mut draft = Draft::create(&path).expect("written");
        let entries = [
            (DraftEntry::Begin { base: "objects".into(), keeps: false }, vec![]),
            (DraftEntry::Class("pear".into()), vec![]),
            (DraftEntry::Frame { class: 0, id: 3 }, vec![7; 64 * 64 * 3]),
        ];
        entries.iter().for_each(|(entry, body)| draft.add(entry, body).expect("written"));
        assert!(read(&path).is_empty(), "it is not in its place yet");
        draft.settle(&path).expect("in its place");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(read(&path), entries);
        let whole = fs::read(&path).expect("read");
        for cut in [whole.len() - 1, whole.len() - 12_000, whole.len() - 12_300] {
            fs::write(&path, &whole[..cut]).expect("written");
            assert_eq!(read(&path), entries[..2], "{cut} of {} bytes", whole.len());
        }
        let mut damaged = whole;
        damaged[20] ^= 1;
        fs::write(&path, damaged).expect("written");
        assert!(read(&path).is_empty());
        draft.remove().expect("there");
        assert!(read(&path).is_empty());
    }
}
