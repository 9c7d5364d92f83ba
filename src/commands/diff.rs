//! `ernscope diff`: whether two engines hold the same integers.

use super::{PictureReader, load, threads};
use crate::DiffArgs;
use crate::output;
use anyhow::Result;
use ernscope::engines;
use ernscope::frame::InputImage;
use ernscope::inspect::diff::compare;
use std::io::Write;
use std::path::PathBuf;

/// Bytes of pictures that are read before engines are made for them: those that have run and a large picture that is read may be
/// more than the memory holds.
const READ_AHEAD: usize = 16 << 20;

/// Prints a line an image; whether all could be read and were identical.
pub(crate) fn run(args: &DiffArgs) -> Result<bool> {
    let (network, edge) = load(&args.network.model, args.network.size)?;
    let mut reader = PictureReader::new(edge, threads(None));
    let mut out = output::stdout();
    let mut all_well = true;
    for paths in args.images.chunks((READ_AHEAD / (edge * edge * 3)).max(1)) {
        let mut inputs: Vec<(&PathBuf, InputImage)> = Vec::new();
        for path in paths {
            inputs.extend(reader.read_or_complain(path).map(|input| (path, input.clone())));
        }
        all_well &= inputs.len() == paths.len();
        let [left, right] =
            args.engines.each_ref().map(|choice| engines::open(choice, network.clone(), edge, threads(None)));
        let (mut left, mut right) = (left?, right?);
        for (path, input) in inputs {
            match quietly(|| compare(&mut *left, &mut *right, &input))? {
                None => writeln!(out, "{}: identical", path.display())?,
                Some(difference) => {
                    all_well = false;
                    writeln!(out, "{}: {difference}", path.display())?;
                }
            }
        }
    }
    Ok(all_well)
}

/// Runs what makes an error of a panic: that error is told, in one line, and the panic itself in the log alone.
fn quietly<T>(run: impl FnOnce() -> T) -> T {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(|panic| tracing::debug!("{panic}")));
    let result = run();
    std::panic::set_hook(usual);
    result
}
