//! `ernscope import`: a published checkpoint becomes a model file.

use super::output;
use crate::host::files;
use crate::network::{file, import};
use anyhow::{Context, Result, bail};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Largest file of labels.
const MAX_LABELS_BYTES: u64 = 16 << 20;

#[derive(clap::Args)]
pub(crate) struct ImportArgs {
    /// Checkpoint of a published ERN: .ckpt of PyTorch Lightning, or .pth
    #[arg(value_name = "CHECKPOINT")]
    checkpoint: PathBuf,
    /// Model file to write [default: the checkpoint's name with .safetensors, in the current folder]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Labels, a line a class [default: class 0, class 1, …]
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
}

pub(crate) fn run(args: &ImportArgs) -> Result<()> {
    let output = match &args.output {
        Some(output) => output.clone(),
        None => default_output(&args.checkpoint)?,
    };
    check_output(&output, args)?;
    let labels = args.labels.as_deref().map(read_labels).transpose()?;
    let import::Imported { network, passed_over } =
        import::read(&args.checkpoint, labels).with_context(|| format!("checkpoint {}", args.checkpoint.display()))?;
    let bytes = file::serialize(&network)?;
    files::write_whole(&output, &bytes).with_context(|| format!("cannot write {}", output.display()))?;
    writeln!(
        output::stdout(),
        "{}: {} classes, {} layers, {} weight bits, {:.0} kB",
        output.display(),
        network.labels().len(),
        network.layers().len(),
        network.weight_bits(),
        bytes.len() as f64 / 1e3,
    )?;
    if let Some(passed_over) = passed_over {
        tracing::info!("passed over: {passed_over}");
    }
    Ok(())
}

fn default_output(checkpoint: &Path) -> Result<PathBuf> {
    let stem = checkpoint.file_stem().with_context(|| format!("{} names no file", checkpoint.display()))?;
    let mut name = stem.to_owned();
    name.push(".safetensors");
    Ok(name.into())
}

/// What is there already may be overwritten where it is a file, and none of those that are read.
fn check_output(output: &Path, args: &ImportArgs) -> Result<()> {
    let Ok(there) = output.canonicalize() else {
        return Ok(());
    };
    if !there.is_file() {
        bail!("{} is not a regular file: name another output with -o", output.display());
    }
    for input in [Some(&args.checkpoint), args.labels.as_ref()].into_iter().flatten() {
        if input.canonicalize().is_ok_and(|input| input == there) {
            bail!("{} would be overwritten: name another output with -o", input.display());
        }
    }
    Ok(())
}

fn read_labels(path: &Path) -> Result<Vec<String>> {
    let mut text = String::new();
    let read = files::open(path).and_then(|file| Ok(file.take(MAX_LABELS_BYTES + 1).read_to_string(&mut text)?));
    if let Err(why) = read {
        bail!("labels {}: cannot be read ({why}): name a text file with a line a class", path.display());
    }
    if text.len() as u64 > MAX_LABELS_BYTES {
        bail!("labels {}: has more than {MAX_LABELS_BYTES} bytes; a line a class is needed", path.display());
    }
    let labels: Vec<String> =
        text.trim_start_matches('\u{feff}').trim_end().lines().map(|line| line.trim().to_owned()).collect();
    match labels.iter().position(String::is_empty) {
        Some(line) => bail!("labels {}: line {} is empty; a line a class is needed", path.display(), line + 1),
        None => Ok(labels),
    }
}
