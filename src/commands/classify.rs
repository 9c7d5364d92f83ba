//! `ernscope classify`: what a network says of pictures.

use super::{PictureReader, open, threads};
use crate::ClassifyArgs;
use crate::output;
use anyhow::Result;
use ernscope::engine::softmax;
use ernscope::network::Network;
use ernscope::pipeline::Prediction;
use serde::Serialize;
use std::io::Write;
use std::path::Path;

/// One of the likeliest classes, as JSON outputs spell it.
#[derive(Serialize)]
pub(crate) struct Top<'a> {
    pub(crate) label: &'a str,
    pub(crate) p: f32,
}

/// The `k` likeliest classes with their labels.
pub(crate) fn top<'a>(network: &'a Network, probabilities: &[f32], k: usize) -> Vec<Top<'a>> {
    let label = |(class, p): (usize, f32)| Top { label: network.labels()[class].as_str(), p };
    Prediction::top(probabilities, k).into_iter().map(label).collect()
}

#[derive(Serialize)]
struct Line<'a> {
    image: String,
    top: Vec<Top<'a>>,
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
        let logits = engine.run(input)?;
        softmax(logits, &mut probabilities);
        let top = top(&network, &probabilities, args.top);
        if args.json {
            let image = path.display().to_string();
            let line = Line { image, top, logits: args.logits.then_some(logits) };
            writeln!(out, "{}", serde_json::to_string(&line)?)?;
        } else {
            print_text(&mut out, path, &top)?;
        }
    }
    Ok(all_read)
}

fn print_text(out: &mut impl Write, path: &Path, top: &[Top<'_>]) -> Result<()> {
    writeln!(out, "{}", path.display())?;
    for Top { label, p } in top {
        writeln!(out, "  {:5.1} %  {label}", p * 100.0)?;
    }
    Ok(())
}
