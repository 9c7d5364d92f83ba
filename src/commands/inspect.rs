//! `ernscope inspect`: what every layer holds for a picture, or what of a set excites a layer most.

use super::inspect_occlusion::OcclusionArgs;
use super::likeliest::{Top, top};
use super::moments::{self, MomentArgs};
use super::network_args::{NetworkArgs, open, threads};
use super::picture_reader::PictureReader;
use super::{inspect_evidence, inspect_occlusion, output};
use crate::engine::{CodeHistogram, softmax};
use crate::engines::EngineChoice;
use crate::inspect::timing::milliseconds;
use crate::inspect::{Sampler, dump};
use anyhow::{Result, bail};
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct InspectArgs {
    #[command(flatten)]
    network: NetworkArgs,
    /// Engine: reference, cpu, cpu:LEVEL, fpga (the first board found), fpga:PORT, or fpga:sim (a simulated board)
    #[arg(long, default_value = "cpu")]
    engine: EngineChoice,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Write every activation's codes and the logits to this file
    #[arg(long, value_name = "FILE.safetensors", conflicts_with = "question")]
    dump: Option<PathBuf>,
    /// Show where the picture speaks for a class and where against it, in whole numbers; `-` is the likeliest class
    #[arg(long, value_name = "LABEL", group = "question")]
    evidence: Option<String>,
    #[command(flatten)]
    occlusion: OcclusionArgs,
    #[command(flatten)]
    moments: MomentArgs,
    /// Write the answer as a picture to this file: laid over IMAGE, orange for the class and blue against it; of --moments the patches
    /// that excited each channel most, a row a channel
    #[arg(long, value_name = "FILE", requires = "question")]
    png: Option<PathBuf>,
    /// Picture
    #[arg(value_name = "IMAGE", required_unless_present = "moments", conflicts_with = "moments")]
    image: Option<PathBuf>,
}

#[derive(Serialize)]
struct InspectOutput<'a> {
    model: &'a str,
    engine: &'a str,
    size: usize,
    top: Vec<Top<'a>>,
    layers: Vec<LayerLine<'a>>,
}

#[derive(Serialize)]
struct LayerLine<'a> {
    name: &'a str,
    shape: [usize; 3],
    kernel: &'static str,
    ms: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    codes: Option<CodeHistogram>,
}

pub(crate) fn run(args: &InspectArgs) -> Result<()> {
    let read = [args.image.as_deref(), args.moments.folder()].into_iter().flatten();
    for (write, read) in read.flat_map(|read| args.png.iter().chain(&args.dump).map(move |write| (write, read))) {
        output::spare(write, read)?;
    }
    let mut engine = open(&args.network, &args.engine, None)?;
    if let Some(wanted) = args.moments.wanted() {
        return moments::run(wanted, &mut *engine, args.json, args.png.as_deref());
    }
    let Some(image) = &args.image else { bail!("no picture is named: name one") };
    let network = engine.network().clone();
    let mut reader = PictureReader::new(engine.edge(), threads(None));
    let input = reader.read(image)?;
    let png = args.png.as_deref();
    if let Some(label) = &args.evidence {
        return inspect_evidence::run(&mut *engine, input, label, args.json, png);
    }
    if let Some(patches) = args.occlusion.patches() {
        return inspect_occlusion::run(&mut *engine, input, patches, args.json, png);
    }
    let mut sampler = Sampler::new(&network, usize::MAX);
    // The first run warms caches, so that the times are those of a running program.
    engine.run(input)?;
    let logits = engine.run_probed(input, &mut sampler)?.logits.to_vec();
    if let Some(path) = &args.dump {
        dump::write(&mut *engine, input, &logits, path)?;
    }

    let (info, shapes) = (engine.info(), network.shapes(engine.edge()));
    let layers = network.layers().iter().zip(sampler.samples()).enumerate().map(|(i, (layer, sample))| LayerLine {
        name: &layer.name,
        shape: [shapes[i].channels, shapes[i].edge, shapes[i].edge],
        kernel: info.kernels[i],
        ms: milliseconds(sample.elapsed),
        codes: layer.op.makes_codes().then_some(sample.codes),
    });
    let mut probabilities = Vec::new();
    softmax(&logits, &mut probabilities);
    let document = InspectOutput {
        model: network.name(),
        engine: &info.name,
        size: engine.edge(),
        top: top(&network, &probabilities, 5),
        layers: layers.collect(),
    };
    let mut out = output::stdout();
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&document)?)?;
        return Ok(());
    }
    print_text(&mut out, &document)
}

fn print_text(out: &mut impl Write, document: &InspectOutput<'_>) -> Result<()> {
    let InspectOutput { model, engine, size, top, layers } = document;
    writeln!(out, "{model} on {engine}, {size}×{size}")?;
    writeln!(out, "{:<36} {:>14} {:>9}   code 0    1    2    3", "layer", "shape", "ms")?;
    for layer in layers {
        let [channels, height, width] = layer.shape;
        let shape = format!("{channels}×{height}×{width}");
        write!(out, "{:<36} {shape:>14} {:>9.4}  ", layer.name, layer.ms)?;
        if let Some(codes) = layer.codes {
            let total = codes.iter().sum::<u32>().max(1) as f32;
            codes.iter().try_for_each(|&n| write!(out, " {:3.0}%", n as f32 * 100.0 / total))?;
        }
        writeln!(out)?;
    }
    top.iter().try_for_each(|Top { label, p }| writeln!(out, "{:5.1} %  {label}", p * 100.0))?;
    Ok(())
}
