//! `ernscope diff`: whether two engines hold the same integers.

use super::network_args::{NetworkArgs, load, threads};
use super::output;
use super::picture_reader::PictureReader;
use crate::engines::EngineChoice;
use crate::engines::{self, Setup};
use crate::frame::InputImage;
use crate::inspect::diff::compare;
use crate::inspect::isolate::isolate;
use crate::network::Network;
use anyhow::{Result, bail};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

/// Bytes of pictures that are read before engines are made for them: those that have run and a large picture that is read may be
/// more than the memory holds.
const READ_AHEAD: usize = 16 << 20;

#[derive(clap::Args)]
pub(crate) struct DiffArgs {
    /// Two engines
    #[arg(long, value_name = "A,B", value_parser = engine_pair)]
    engines: [EngineChoice; 2],
    /// Run every layer of A by itself, on what B holds there: which layers are wrong, and what their wrong values have in common
    #[arg(long)]
    isolate: bool,
    #[command(flatten)]
    network: NetworkArgs,
    /// Pictures
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
}

/// Prints a line an image, or with `--isolate` a block; whether all could be read and were identical.
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
        all_well &= if args.isolate {
            isolate_all(&args.engines, &network, edge, &inputs, &mut out)?
        } else {
            compare_all(&args.engines, &network, edge, &inputs, &mut out)?
        };
    }
    Ok(all_well)
}

fn compare_all(
    engines: &[EngineChoice; 2],
    network: &Arc<Network>,
    edge: usize,
    inputs: &[(&PathBuf, InputImage)],
    out: &mut impl Write,
) -> Result<bool> {
    let open = |choice| engines::open(choice, Arc::clone(network), Setup::new(edge, threads(None)));
    let (mut left, mut right) = (open(&engines[0])?, open(&engines[1])?);
    let mut all_well = true;
    for (path, input) in inputs {
        match quietly(|| compare(&mut *left, &mut *right, input))? {
            None => writeln!(out, "{}: identical", path.display())?,
            Some(difference) => {
                all_well = false;
                writeln!(out, "{}: {difference}", path.display())?;
            }
        }
    }
    Ok(all_well)
}

/// A block an image, a line a layer of the first engine.
fn isolate_all(
    [suspect, truth]: &[EngineChoice; 2],
    network: &Arc<Network>,
    edge: usize,
    inputs: &[(&PathBuf, InputImage)],
    out: &mut impl Write,
) -> Result<bool> {
    // A board keeps the sums of its convolutions to itself: there is no need to start one.
    if let EngineChoice::Fpga(_) = truth {
        bail!(
            "{truth} cannot say what is right, as it does not show all that its layers read: let the second engine be reference or cpu"
        );
    }
    let setup = Setup::new(edge, threads(None));
    let mut truth = engines::open(truth, Arc::clone(network), setup)?;
    let mut suspect = engines::open_isolating(suspect, Arc::clone(network), setup)?;
    let mut all_well = true;
    for (path, input) in inputs {
        writeln!(out, "{}:", path.display())?;
        for verdict in quietly(|| isolate(&mut *suspect, &mut *truth, input))? {
            all_well &= verdict.is_right();
            writeln!(out, "  {verdict}")?;
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

fn engine_pair(text: &str) -> Result<[EngineChoice; 2], String> {
    let engines: Result<Vec<EngineChoice>, _> = text.split(',').map(str::parse).collect();
    let engines = engines.map_err(|error| error.to_string())?;
    engines.try_into().map_err(|_| "two engines with a comma between them are needed, as in cpu,reference".into())
}
