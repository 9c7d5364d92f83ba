//! `ernscope inspect --occlusion`: how much less likely the likeliest class becomes where the picture is covered.

use super::output;
use crate::engine::Engine;
use crate::frame::InputImage;
use crate::inspect::occlusion::{Fill, Occlusion, OcclusionMap, Patches};
use crate::inspect::overlay;
use crate::network::Network;
use anyhow::Result;
use clap::ValueEnum;
use serde::Serialize;
use std::io::Write;
use std::path::Path;

#[derive(clap::Args)]
pub(super) struct OcclusionArgs {
    /// Cover patch after patch of the picture, and show how much less likely the likeliest class is then
    #[arg(long, group = "question")]
    occlusion: bool,
    /// Edge of a patch in pixels of the network's input
    #[arg(long, value_name = "N", default_value_t = 16, requires = "occlusion", conflicts_with = "evidence",
        value_parser = clap::value_parser!(u16).range(1..))]
    patch: u16,
    /// Patches start at every N-th row and column, in pixels of the network's input; a last one ends at the border
    #[arg(long, value_name = "N", default_value_t = 8, requires = "occlusion", conflicts_with = "evidence",
        value_parser = clap::value_parser!(u16).range(1..))]
    stride: u16,
    /// What is seen in their place: grey of 128, or the picture, blurred
    #[arg(long, value_enum, default_value = "grey", requires = "occlusion", conflicts_with = "evidence")]
    fill: Fill,
}

impl OcclusionArgs {
    /// The patches to cover; `None` where that was not asked for.
    pub(super) fn patches(&self) -> Option<Patches> {
        let Self { occlusion, patch, stride, fill } = *self;
        occlusion.then(|| Patches { patch: patch.into(), stride: stride.into(), fill })
    }
}

#[derive(Serialize)]
struct OcclusionOutput<'a> {
    label: &'a str,
    patch: usize,
    stride: usize,
    fill: String,
    p: f32,
    drops: Vec<&'a [f32]>,
}

/// Prints the drops, and writes them to the picture file `png`.
pub(super) fn run(
    engine: &mut dyn Engine,
    input: &InputImage,
    patches: Patches,
    json: bool,
    png: Option<&Path>,
) -> Result<()> {
    let mut occlusion = Occlusion::new(patches, input)?;
    occlusion.advance(engine, usize::MAX)?;
    // Without a limit to the runs it ends finished.
    let Some(map) = occlusion.finished() else { return Ok(()) };
    if let Some(path) = png {
        overlay::write_occlusion(input, map, patches.patch, path)?;
    }
    let mut out = output::stdout();
    let network = engine.network();
    let fill = name(patches.fill);
    if !json {
        return print_text(&mut out, network, &engine.info().name, patches, map);
    }
    let (label, drops) = (&network.labels()[map.class], map.drops.chunks(map.starts.len()).collect());
    let document = OcclusionOutput { label, patch: patches.patch, stride: patches.stride, fill, p: map.p, drops };
    writeln!(out, "{}", serde_json::to_string(&document)?)?;
    Ok(())
}

/// As the command line spells it.
fn name(fill: Fill) -> String {
    fill.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// In points, rounded to tenths; never a negative zero.
fn tenths(drop: f32) -> f32 {
    (drop * 1000.0).round() / 10.0 + 0.0
}

fn print_text(
    out: &mut impl Write,
    network: &Network,
    engine: &str,
    Patches { patch, fill, .. }: Patches,
    OcclusionMap { class, p, starts, drops }: &OcclusionMap,
) -> Result<()> {
    let (label, fill) = (&network.labels()[*class], name(fill));
    writeln!(out, "{} on {engine}: {label}, {:.1} %", network.name(), p * 100.0)?;
    writeln!(
        out,
        "points of it that are lost where {patch}×{patch} pixels are covered ({fill}), by their first row and column:"
    )?;
    write!(out, "{:>8}", "")?;
    starts.iter().try_for_each(|column| write!(out, "{column:>8}"))?;
    writeln!(out)?;
    for (row, drops) in starts.iter().zip(drops.chunks(starts.len())) {
        write!(out, "{row:>8}")?;
        drops.iter().try_for_each(|drop| write!(out, "{:>8.1}", tenths(*drop)))?;
        writeln!(out)?;
    }
    Ok(())
}
