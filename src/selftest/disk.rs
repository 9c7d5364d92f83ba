//! Room where things are kept: a file is written and read again.

use super::finding::{Finding, Tell};
#[cfg(feature = "app")]
use crate::host::files;
use nix::sys::statvfs::statvfs;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// What a day of logs, settings and exports takes, many times over.
const LEAST_FREE: u64 = 100_000_000;
/// Written for the check.
const PROBE_BYTES: usize = 64 << 10;

pub(super) fn check(more: &[PathBuf], tell: Tell<'_>) {
    let folders: Vec<(String, PathBuf)> =
        places().into_iter().chain(more.iter().map(|folder| (shown(folder), folder.clone()))).collect();
    if folders.is_empty() {
        tell(Finding::absent("disk", "nothing is kept but where it is told to: name a folder with --keep-in"));
    }
    for (what, folder) in folders {
        tell(look(format!("disk {what}"), &folder));
    }
}

/// Where the window keeps things by itself.
#[cfg(feature = "app")]
fn places() -> Vec<(String, PathBuf)> {
    let settings = files::settings().and_then(|file| Some(("settings".to_owned(), file.parent()?.to_owned())));
    let exports = files::exports().map(|folder| ("exports".to_owned(), folder));
    settings.into_iter().chain(exports).collect()
}

#[cfg(not(feature = "app"))]
fn places() -> Vec<(String, PathBuf)> {
    Vec::new()
}

fn look(name: String, folder: &Path) -> Finding {
    let nearest = nearest(folder);
    let there = shown(&nearest);
    if let Err(error) = write_and_read(&nearest) {
        return Finding::fault(name, format!("nothing can be kept in {there} ({error})"), remedy(error.kind()));
    }
    match free_bytes(&nearest) {
        Ok(free) if free < LEAST_FREE => {
            let says = format!("{} MB are free in {there}, less than {}", free / 1_000_000, LEAST_FREE / 1_000_000);
            Finding::fault(name, says, remedy(ErrorKind::StorageFull))
        }
        Ok(free) => Finding::well(name, format!("{:.1} GB are free in {there}", free as f64 / 1e9)),
        Err(error) => {
            Finding::fault(name, format!("nobody knows what is free in {there} ({error})"), remedy(error.kind()))
        }
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// The folder, or what is there of the way to it: the rest is made when it is needed.
fn nearest(folder: &Path) -> PathBuf {
    let there = folder.ancestors().filter(|folder| !folder.as_os_str().is_empty()).find(|folder| folder.exists());
    there.unwrap_or(Path::new(".")).to_owned()
}

/// Writes a file, to the disk itself, and reads it again. Nothing of it stays.
fn write_and_read(folder: &Path) -> io::Result<()> {
    let path = folder.join(format!(".ernscope-selftest-{}", std::process::id()));
    let written: Vec<u8> = (0..PROBE_BYTES).map(|at| ((at / 256) ^ at) as u8).collect();
    // Of a check that a power cut ended, by the process of the same number.
    let _ = fs::remove_file(&path);
    let mut file = File::create_new(&path)?;
    let same = file.write_all(&written).and_then(|()| file.sync_all()).and_then(|()| Ok(fs::read(&path)? == written));
    let removed = fs::remove_file(&path);
    if !same? {
        return Err(io::Error::other("what was written is read differently"));
    }
    removed
}

#[allow(clippy::useless_conversion, reason = "these numbers have 32 bits on some systems")]
fn free_bytes(folder: &Path) -> io::Result<u64> {
    let told = statvfs(folder)?;
    Ok(u64::from(told.blocks_available()) * u64::from(told.fragment_size()))
}

fn remedy(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "make room: delete what is not needed on this disk",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "check who may write there, and that the disk is not mounted read-only"
        }
        _ => "check the disk, and that it is mounted",
    }
}
