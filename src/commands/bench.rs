//! `ernscope bench`: how fast networks run, and what pixel embedding buys.

use super::demo_input::demo_input;
use super::network_args::{EngineArgs, load, threads};
use super::{compare, first_layers, output};
use crate::engines::{self, Setup};
use crate::inspect::bench::{BenchReport, BoardBench, LayerBench, TwinBench, measure, measure_twins};
use crate::network::ModelChoice;
use crate::network::shipped::SHIPPED;
use anyhow::Result;
use serde::Serialize;
use std::io::Write;
use std::time::Duration;

/// How long each network is measured.
const BUDGET: Duration = Duration::from_secs(2);

/// How many times the best frame's time the median's is where something else took the processor: by itself it is 1.02 to 1.08.
const SHARED_FROM: f32 = 1.15;

#[derive(clap::Args)]
pub(crate) struct BenchArgs {
    /// Network, may be given more than once [default: the shipped ones and random:erns18 with their twins]
    #[arg(long, value_name = "NAME|FILE", conflicts_with = "compare")]
    model: Vec<ModelChoice>,
    /// Input edge in pixels [default: each network's own]
    #[arg(long, value_name = "EDGE", conflicts_with = "compare")]
    size: Option<usize>,
    #[command(flatten)]
    engine: EngineArgs,
    /// Run published networks in turn with other runtimes' usual ones instead; benches/peers/setup installs those
    #[arg(long, conflicts_with = "boards")]
    compare: bool,
    /// What pixel embedding buys on each board that there is a design for, in cycles by their model, against a float first layer on
    /// this machine and one of 8 bits on the board
    #[arg(long)]
    boards: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct BenchOutput {
    models: Vec<BenchReport>,
    twins: Vec<TwinBench>,
}

pub(crate) fn run(args: &BenchArgs) -> Result<()> {
    if args.compare {
        return compare::run(&args.engine, args.json);
    }
    if args.boards {
        return first_layers::run(&args.model, args.size, &args.engine, args.json);
    }
    let published = ["random:erns18", "random:erns18-float-input"];
    let default = SHIPPED.iter().map(|shipped| shipped.name).chain(published);
    let chosen = match args.model.as_slice() {
        [] => default.filter_map(|name| name.parse().ok()).collect(),
        named => named.to_vec(),
    };
    let mut document = BenchOutput { models: Vec::new(), twins: Vec::new() };
    for choice in &chosen {
        bench_model(args, choice, &mut document)?;
    }
    let mut out = output::stdout();
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&document)?)?;
        return Ok(());
    }
    document.models.iter().try_for_each(|report| print_report(&mut out, report))?;
    document.twins.iter().try_for_each(|twins| print_twins(&mut out, twins))
}

fn bench_model(args: &BenchArgs, choice: &ModelChoice, document: &mut BenchOutput) -> Result<()> {
    let (network, edge) = load(choice, args.size)?;
    let count = threads(args.engine.threads);
    let mut engine = engines::open(&args.engine.engine, network.clone(), Setup::new(edge, count))?;
    let image = demo_input(edge)?;
    document.models.push(measure(&mut *engine, &image, BUDGET)?);

    let measured = document.twins.iter().any(|twins| twins.family == network.family());
    let twin = choice.twin().filter(|_| !measured && args.engine.engine.allows_two());
    let Some(twin) = twin.and_then(|twin| twin.load().ok()).filter(|twin| twin.family() == network.family()) else {
        return Ok(());
    };
    let mut twin = engines::open(&args.engine.engine, twin.into(), Setup::new(edge, count))?;
    let (embedded, float_input) =
        if network.has_pixel_embedding() { (&mut engine, &mut twin) } else { (&mut twin, &mut engine) };
    document.twins.push(measure_twins(&mut **embedded, &mut **float_input, &image, BUDGET)?);
    Ok(())
}

fn print_report(out: &mut impl Write, report: &BenchReport) -> Result<()> {
    let BenchReport { name, engine, size, threads, gmac, median_ms, min_ms, gmac_per_s, clock_ghz, .. } = report;
    writeln!(out, "{name} on {engine}, {size}×{size}, {threads} thread(s), {:.2} MB", report.peak_bytes as f64 / 1e6)?;
    writeln!(out, "  median {median_ms:.3} ms, best {min_ms:.3} ms, {gmac:.4} GMAC, {gmac_per_s:.0} GMAC/s")?;
    if *median_ms > SHARED_FROM * min_ms {
        let times = median_ms / min_ms;
        writeln!(out, "  the processor was slowed down or shared meanwhile: the median is {times:.2} × the best")?;
    }
    let percent = |rate: f64| report.bound_gmac_per_s.map(|bound| 100.0 * rate / bound);
    if let (Some(bound), Some(percent)) = (report.bound_gmac_per_s, percent(*gmac_per_s)) {
        writeln!(out, "  {percent:.1} % of the bound: {bound:.0} GMAC/s by these kernels at {clock_ghz:.2} GHz")?;
    }
    if let Some(BoardBench { link_ms, simulated }) = report.board {
        let (clock, rest) =
            if simulated { ("a simulated board's clock", "the simulation") } else { ("the board's clock", "the line") };
        writeln!(out, "  by {clock}; {rest} takes {link_ms:.1} ms a frame beside that")?;
    }
    for layer in &report.layers {
        let LayerBench { name, ms, gmac_per_s, kernel } = layer;
        let percent = percent(*gmac_per_s).map_or(String::new(), |percent| format!("{percent:>6.1} %"));
        writeln!(out, "  {name:<36} {ms:>9.4} ms {gmac_per_s:>8.1} GMAC/s {percent}  {kernel}")?;
    }
    Ok(())
}

fn print_twins(out: &mut impl Write, twins: &TwinBench) -> Result<()> {
    let TwinBench { family, engine, embedded_ms, float_input_ms, bit_planes_ms, simulated, ratio } = twins;
    let mark = if *simulated { " (simulated)" } else { "" };
    writeln!(
        out,
        "{family} on {engine}{mark}: pixel embedding {embedded_ms:.3} ms, float first layer {float_input_ms:.3} ms: {ratio:.2}×"
    )?;
    if let Some(ms) = bit_planes_ms {
        writeln!(out, "  a first layer of 8 bits by bit planes, by the model: {ms:.3} ms: {:.2}×", ms / embedded_ms)?;
    }
    Ok(())
}
