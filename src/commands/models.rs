//! `ernscope models`: the networks inside the program.

use super::output;
use crate::network::Network;
use crate::network::shipped::SHIPPED;
use anyhow::Result;
use std::io::Write;

pub(crate) fn run() -> Result<()> {
    let mut out = output::stdout();
    for shipped in &SHIPPED {
        let network = shipped.load()?;
        writeln!(out, "{}", describe(&network, shipped.bytes().map_or(0, <[u8]>::len)))?;
        for (key, value) in network.training() {
            writeln!(out, "    {key}: {value}")?;
        }
    }
    Ok(())
}

fn describe(network: &Network, file_bytes: usize) -> String {
    let first = if network.has_pixel_embedding() { "pixel embedding" } else { "float first layer" };
    format!(
        "{}: {} classes, {edge}×{edge} pixels, {} layers, {first}, {} weight bits, {:.0} kB",
        network.name(),
        network.labels().len(),
        network.layers().len(),
        network.weight_bits(),
        file_bytes as f64 / 1e3,
        edge = network.edge(),
    )
}
