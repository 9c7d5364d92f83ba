//! Checkpoints of PyTorch.

use super::{check_error, with_file};
use crate::network::import;
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Bytes of the one storage of [`archive`]: 64 numbers of 32 bits.
const STORAGE: [u8; 256] = [0x3c; 256];

/// A checkpoint, a zip archive.
pub fn checkpoint_zip(data: &[u8]) {
    with_file(data, "ckpt", |path| {
        if let Err(error) = import::read(path, None) {
            check_error(&error);
        }
    });
}

/// The pickle in a checkpoint that is sound beside.
pub fn checkpoint_pickle(data: &[u8]) {
    checkpoint_zip(&archive(data));
}

/// A checkpoint with this pickle and one storage, called `0`.
pub(super) fn archive(pickle: &[u8]) -> Vec<u8> {
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in [("archive/data.pkl", pickle), ("archive/byteorder", b"little"), ("archive/data/0", &STORAGE)]
    {
        zip.start_file(name, options).expect("an entry");
        zip.write_all(bytes).expect("written");
    }
    zip.finish().expect("an archive").into_inner()
}
