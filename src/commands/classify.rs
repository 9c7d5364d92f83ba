//! `ernscope classify`: what a network says of pictures.

use super::likeliest::{Top, top};
use super::network_args::{EngineArgs, NetworkArgs, open, threads};
use super::output;
use super::picture_reader::PictureReader;
use crate::engine::{Outcome, softmax};
use crate::network::Knowing;
use anyhow::Result;
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(crate) struct ClassifyArgs {
    #[command(flatten)]
    network: NetworkArgs,
    #[command(flatten)]
    engine: EngineArgs,
    /// How many of the likeliest classes to print
    #[arg(long, value_name = "K", default_value_t = 5)]
    top: usize,
    /// Print the logits of all classes too
    #[arg(long, requires = "json")]
    logits: bool,
    /// Print JSON, a line an image
    #[arg(long)]
    json: bool,
    /// Pictures
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
}

#[derive(Serialize)]
struct ImageLine<'a> {
    image: String,
    top: Vec<Top<'a>>,
    #[serde(flatten)]
    knowing: Knowing,
    #[serde(skip_serializing_if = "Option::is_none")]
    logits: Option<&'a [f32]>,
}

/// Prints what is seen in each image; whether all could be read.
pub(crate) fn run(args: &ClassifyArgs) -> Result<bool> {
    let mut engine = open(&args.network, &args.engine.engine, args.engine.threads)?;
    let mut reader = PictureReader::new(engine.edge(), threads(args.engine.threads));
    let network = engine.network().clone();
    let mut probabilities = Vec::new();
    let mut out = output::stdout();
    let mut all_read = true;
    for path in &args.images {
        let Some(input) = reader.read_or_complain(path) else {
            all_read = false;
            continue;
        };
        let Outcome { logits, others, .. } = engine.run(input)?;
        let knowing = network.knowing(logits, others);
        softmax(logits, &mut probabilities);
        let top = top(&network, &probabilities, args.top);
        if args.json {
            let image = path.display().to_string();
            let line = ImageLine { image, top, knowing, logits: args.logits.then_some(logits) };
            writeln!(out, "{}", serde_json::to_string(&line)?)?;
        } else {
            print_text(&mut out, path, &top, knowing)?;
        }
    }
    Ok(all_read)
}

fn print_text(out: &mut impl Write, path: &Path, top: &[Top<'_>], knowing: Knowing) -> Result<()> {
    let unsure = if knowing.sure { "" } else { "  not sure that it shows any of these" };
    writeln!(out, "{}{unsure}", path.display())?;
    for Top { label, p } in top {
        writeln!(out, "  {:5.1} %  {label}", p * 100.0)?;
    }
    Ok(())
}
