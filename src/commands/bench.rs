//! `ernscope bench`: how fast networks run, and what pixel embedding buys.

use super::{load, threads};
use crate::BenchArgs;
use crate::output;
use anyhow::Result;
use ernscope::engines;
use ernscope::frame::InputImage;
use ernscope::inspect::bench::{BenchReport, BoardBench, LayerBench, TwinBench, measure, measure_twins};
use ernscope::network::shipped::{ModelChoice, SHIPPED};
use ernscope::preprocess::Preprocessor;
use ernscope::source::demo::{DemoRenderer, HEIGHT, WIDTH};
use serde::Serialize;
use std::io::Write;
use std::time::Duration;

/// How long each network is measured.
const BUDGET: Duration = Duration::from_secs(2);

#[derive(Serialize)]
struct Document {
    models: Vec<BenchReport>,
    twins: Vec<TwinBench>,
}

pub(crate) fn run(args: &BenchArgs) -> Result<()> {
    if args.compare {
        return super::compare::run(args);
    }
    let published = ["random:erns18", "random:erns18-float-input"];
    let default = SHIPPED.iter().map(|shipped| shipped.name).chain(published);
    let chosen = match args.model.as_slice() {
        [] => default.filter_map(|name| name.parse().ok()).collect(),
        named => named.to_vec(),
    };
    let mut document = Document { models: Vec::new(), twins: Vec::new() };
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

fn bench_model(args: &BenchArgs, choice: &ModelChoice, document: &mut Document) -> Result<()> {
    let (network, edge) = load(choice, args.size)?;
    let count = threads(args.engine.threads);
    let mut engine = engines::open(&args.engine.engine, network.clone(), edge, count)?;
    let image = picture(edge)?;
    document.models.push(measure(&mut *engine, &image, BUDGET)?);

    let measured = document.twins.iter().any(|twins| twins.family == network.family());
    let twin = choice.twin().filter(|_| !measured && args.engine.engine.allows_two());
    let Some(twin) = twin.and_then(|twin| twin.load().ok()).filter(|twin| twin.family() == network.family()) else {
        return Ok(());
    };
    let mut twin = engines::open(&args.engine.engine, twin.into(), edge, count)?;
    let (embedded, float_input) =
        if network.has_pixel_embedding() { (&mut engine, &mut twin) } else { (&mut twin, &mut engine) };
    document.twins.push(measure_twins(&mut **embedded, &mut **float_input, &image, BUDGET)?);
    Ok(())
}

/// A frame of the demo, as a camera would give it: with pixel embedding the time depends on which bytes are near each other.
pub(super) fn picture(edge: usize) -> Result<InputImage> {
    let mut rgb = vec![0; (WIDTH * HEIGHT * 3) as usize];
    DemoRenderer::new(1).render(0, &mut rgb);
    let mut image = InputImage::black(edge);
    Preprocessor::new(1).run(&rgb, WIDTH, HEIGHT, &mut image)?;
    Ok(image)
}

fn print_report(out: &mut impl Write, report: &BenchReport) -> Result<()> {
    let BenchReport { name, engine, size, threads, gmac, median_ms, min_ms, gmac_per_s, clock_ghz, .. } = report;
    writeln!(out, "{name} on {engine}, {size}×{size}, {threads} thread(s), {:.2} MB", report.peak_bytes as f64 / 1e6)?;
    writeln!(out, "  median {median_ms:.3} ms, best {min_ms:.3} ms, {gmac:.4} GMAC, {gmac_per_s:.0} GMAC/s")?;
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
    let TwinBench { family, engine, embedded_ms, float_input_ms, simulated, ratio } = twins;
    let mark = if *simulated { " (simulated)" } else { "" };
    writeln!(
        out,
        "{family} on {engine}{mark}: pixel embedding {embedded_ms:.3} ms, float first layer {float_input_ms:.3} ms: {ratio:.2}×"
    )?;
    Ok(())
}
