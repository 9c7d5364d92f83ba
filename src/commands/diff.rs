//! `ernscope diff`: whether two engines hold the same integers.

use super::{PictureReader, load, threads};
use crate::DiffArgs;
use anyhow::Result;
use ernscope::engines;
use ernscope::inspect::diff::compare;
use std::io::Write;

/// Prints a line an image; whether all were identical.
pub(crate) fn run(args: &DiffArgs) -> Result<bool> {
    let (network, edge) = load(&args.network.model, args.network.size)?;
    let mut reader = PictureReader::new(edge);
    let mut out = std::io::stdout().lock();
    let mut all_identical = true;
    for path in &args.images {
        let input = reader.read(path)?;
        // Made anew for every picture, as two engines that have run and a large picture may be more than the memory holds.
        let [left, right] =
            args.engines.each_ref().map(|choice| engines::open(choice, network.clone(), edge, threads(None)));
        match compare(&mut *left?, &mut *right?, input)? {
            None => writeln!(out, "{}: identical", path.display())?,
            Some(difference) => {
                all_identical = false;
                writeln!(out, "{}: {difference}", path.display())?;
            }
        }
    }
    Ok(all_identical)
}
