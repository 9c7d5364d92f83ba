//! `ernscope diff`: whether two engines hold the same integers.

use super::{PictureReader, load, threads};
use crate::DiffArgs;
use anyhow::{Result, bail};
use ernscope::engine;
use ernscope::inspect::diff::Differ;
use std::io::Write;

/// Prints a line an image; whether all were identical.
pub(crate) fn run(args: &DiffArgs) -> Result<bool> {
    let [left, right] = args.engines[..] else {
        bail!("--engines takes two engines with a comma between them, as in --engines cpu,reference");
    };
    let (network, edge) = load(&args.network.model, args.network.size)?;
    let mut left = engine::open(left, network.clone(), edge, threads(None))?;
    let mut right = engine::open(right, network, edge, threads(None))?;
    let mut differ = Differ::new(&mut *left, &mut *right);
    let mut reader = PictureReader::new(edge);
    let mut out = std::io::stdout().lock();
    let mut all_identical = true;
    for path in &args.images {
        match differ.compare(reader.read(path)?)? {
            None => writeln!(out, "{}: identical", path.display())?,
            Some(difference) => {
                all_identical = false;
                writeln!(out, "{}: {difference}", path.display())?;
            }
        }
    }
    Ok(all_identical)
}
