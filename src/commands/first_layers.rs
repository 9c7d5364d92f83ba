//! `ernscope bench --boards`: what pixel embedding buys on the boards that there are designs for.

use super::demo_input::demo_input;
use super::network_args::{EngineArgs, load, threads};
use super::output;
use crate::engines::{self, EngineChoice, Setup};
use crate::fpga::designs::DESIGNS;
use crate::inspect::bench::layer_times;
use crate::inspect::first_layers::{FirstLayerBench, FirstLayerKind, first_layers};
use crate::network::ModelChoice;
use crate::network::Network;
use crate::network::published::{FLOAT_INPUT, SHAPES};
use crate::network::shipped::SHIPPED;
use anyhow::{Result, ensure};
use serde::Serialize;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

/// Frames whose float first layer is timed.
const FRAMES: usize = 30;

#[derive(Serialize)]
struct BoardsOutput {
    /// What computes a float first layer, with one thread.
    host: String,
    boards: Vec<DesignBench>,
}

/// A board with every network.
#[derive(Serialize)]
struct DesignBench {
    board: &'static str,
    clock_mhz: u32,
    networks: Vec<DesignNetworkBench>,
}

#[derive(Serialize)]
struct DesignNetworkBench {
    network: String,
    size: usize,
    first_layers: Vec<FirstLayerBench>,
    /// Why it does not run there.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// What runs the float first layers, and as what it is told.
struct FloatHost<'a> {
    args: &'a EngineArgs,
    name: String,
}

pub(super) fn run(models: &[ModelChoice], size: Option<usize>, engine: &EngineArgs, json: bool) -> Result<()> {
    ensure!(
        matches!(engine.engine, EngineChoice::Cpu(_)),
        "with --boards, --engine is what runs a float first layer: cpu or cpu:LEVEL"
    );
    let mut host = FloatHost { args: engine, name: "not timed".into() };
    let mut boards = DESIGNS.map(|design| DesignBench {
        board: design.name,
        clock_mhz: design.clock_khz / 1000,
        networks: Vec::new(),
    });
    for choice in &chosen(models) {
        let (network, edge) = load(choice, size)?;
        ensure!(network.has_pixel_embedding(), "{choice} has no pixel embedding: name the network that has");
        let twin = host.float_twin(choice, &network, edge)?;
        let twin = twin.as_ref().map(|(twin, first_layer)| (&**twin, *first_layer));
        for (board, design) in boards.iter_mut().zip(&DESIGNS) {
            let (first_layers, error) = match first_layers(design, &network, edge, twin) {
                Ok(all) => (all, None),
                Err(error) => (Vec::new(), Some(error.to_string())),
            };
            board.networks.push(DesignNetworkBench { network: choice.to_string(), size: edge, first_layers, error });
        }
    }
    let document = BoardsOutput { host: host.name, boards: boards.into() };
    let mut out = output::stdout();
    if json {
        writeln!(out, "{}", serde_json::to_string(&document)?)?;
        return Ok(());
    }
    print(&mut out, &document)
}

/// The networks that were named, or else all that are shipped and published, with pixel embedding.
fn chosen(models: &[ModelChoice]) -> Vec<ModelChoice> {
    if !models.is_empty() {
        return models.to_vec();
    }
    let shipped = SHIPPED.iter().map(|shipped| shipped.name).filter(|name| !name.ends_with(FLOAT_INPUT));
    let published = SHAPES.map(|shape| ModelChoice::Random { shape, float_input: false, seed: 1 });
    shipped.map(ModelChoice::Shipped).chain(published).collect()
}

impl FloatHost<'_> {
    /// The twin of `network` with a float first layer, where it has one, and the shortest time of that layer: a rival at its best.
    fn float_twin(
        &mut self,
        choice: &ModelChoice,
        network: &Network,
        edge: usize,
    ) -> Result<Option<(Arc<Network>, Duration)>> {
        let Some(twin) = choice.twin() else { return Ok(None) };
        let twin = Arc::new(twin.load()?);
        if twin.family() != network.family() {
            return Ok(None);
        }
        let setup = Setup::new(edge, threads(self.args.threads));
        let mut engine = engines::open(&self.args.engine, Arc::clone(&twin), setup)?;
        let times = layer_times(&mut *engine, &demo_input(edge)?, 0, FRAMES)?;
        self.name = format!("{}, {} thread(s)", engine.info().name, engine.info().threads);
        let shortest = times.into_iter().reduce(f32::min).unwrap_or(0.0);
        Ok(Some((twin, Duration::from_secs_f32(shortest / 1e3))))
    }
}

fn print(out: &mut impl Write, document: &BoardsOutput) -> Result<()> {
    writeln!(
        out,
        "Cycles by the model that simulated boards keep to; a float first layer on this host ({})",
        document.host
    )?;
    for DesignBench { board, clock_mhz, networks } in &document.boards {
        writeln!(out, "{board} at {clock_mhz} MHz")?;
        for DesignNetworkBench { network, size, first_layers, error } in networks {
            writeln!(
                out,
                "  {network}, {size}×{size}{}",
                error.as_ref().map_or(String::new(), |why| format!(": {why}"))
            )?;
            let table = first_layers.first().map_or(1.0, |table| table.frames_per_s);
            first_layers.iter().try_for_each(|bench| print_first_layer(out, bench, table))?;
        }
    }
    Ok(())
}

fn print_first_layer(out: &mut impl Write, bench: &FirstLayerBench, table: f32) -> Result<()> {
    let FirstLayerBench { first_layer, cycles, board_ms, host_ms, frames_per_s, line_frames_per_s } = bench;
    let name = match first_layer {
        FirstLayerKind::PixelEmbedding => "pixel embedding",
        FirstLayerKind::BitPlanes => "8 bits, by bit planes",
        FirstLayerKind::Float => "float, on the host",
    };
    let host = if *host_ms > 0.0 { format!(" + {host_ms:.3} on the host") } else { String::new() };
    let times = table / frames_per_s;
    write!(out, "    {name:<22} {cycles:>9} cycles {board_ms:>8.3} ms{host:<22} {frames_per_s:>7.1} frames/s")?;
    if *first_layer != FirstLayerKind::PixelEmbedding {
        write!(out, ", pixel embedding {times:.2}× as fast")?;
    }
    if let Some(line) = line_frames_per_s {
        write!(out, "; its line carries {line:.1}")?;
    }
    writeln!(out)?;
    Ok(())
}
