//! How fast an engine runs a network.

use super::clock::measured_ghz;
use super::timing::quantile;
use crate::engine::{Engine, EngineError, Probe};
use crate::frame::InputImage;
use crate::inspect::timing::milliseconds;
use serde::Serialize;
use std::time::Duration;
use web_time::Instant;

/// Figures of one network on one engine, as `bench --json` prints them.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct BenchReport {
    /// The network's name.
    pub name: String,
    /// The engine's name, level included.
    pub engine: String,
    /// Input edge in pixels.
    pub size: usize,
    /// Threads that compute.
    pub threads: usize,
    /// 10⁹ multiply-accumulates a frame, the float first layer's included.
    pub gmac: f64,
    /// Median time of an unprobed frame; on a board that of its computing.
    pub median_ms: f32,
    /// Shortest time of an unprobed frame.
    pub min_ms: f32,
    /// `gmac` over the median time.
    pub gmac_per_s: f64,
    /// The clock of one core in GHz, measured before and after the frames.
    pub clock_ghz: f64,
    /// What the kernels could do at that clock in 10⁹ multiply-accumulates a second, all threads, where it is known.
    pub bound_gmac_per_s: Option<f64>,
    /// What a board took beyond its computing, where one ran the network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub board: Option<BoardBench>,
    /// Bytes of packed weights, tables and activations.
    pub peak_bytes: usize,
    /// The layers, timed in probed frames.
    pub layers: Vec<LayerBench>,
}

/// What is told of a board beside its computing, never added to it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct BoardBench {
    /// Of the last frame, all but computing: the line, both ways. Of a simulated board: the simulation.
    pub link_ms: f32,
    /// Whether the board is simulated: all times are then those of the clock that it would have.
    pub simulated: bool,
}

/// Figures of one layer.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LayerBench {
    /// Its name.
    pub name: String,
    /// Median time.
    pub ms: f32,
    /// 10⁹ multiply-accumulates a second.
    pub gmac_per_s: f64,
    /// What computes it.
    pub kernel: &'static str,
}

/// Figures of two networks that differ in their first layer only, run in turn.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TwinBench {
    /// The family that they share.
    pub family: String,
    /// The engine's name, level included.
    pub engine: String,
    /// Median time of a frame with pixel embedding; on a board that of its computing.
    pub embedded_ms: f32,
    /// Median time of a frame with a float first layer; on a board that of its computing, with this machine's part.
    pub float_input_ms: f32,
    /// On a board: what a frame would take with a first layer of eight bits by bit planes, by the model of its cycles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bit_planes_ms: Option<f32>,
    /// Whether both ran on simulated boards.
    pub simulated: bool,
    /// How many times faster pixel embedding is (below 1: slower).
    pub ratio: f32,
}

/// Times that only: makes nothing of the layers' values.
struct Stopwatch {
    times: Vec<Vec<f32>>,
}

impl Probe for Stopwatch {
    fn time(&mut self, layer: usize, elapsed: Duration) {
        self.times[layer].push(milliseconds(elapsed));
    }
}

/// Times of `frames` frames in ms, behind one that is not timed.
///
/// # Errors
/// [`EngineError`] of the engine.
pub(crate) fn frame_times(engine: &mut dyn Engine, image: &InputImage, frames: usize) -> Result<Vec<f32>, EngineError> {
    engine.run(image)?;
    (0..frames).map(|_| frame_time(engine, image)).collect()
}

/// What computing a frame took, in ms: on a board what its clock says, without the line.
fn frame_time(engine: &mut dyn Engine, image: &InputImage) -> Result<f32, EngineError> {
    let start = Instant::now();
    let board = engine.run(image)?.board;
    let elapsed = start.elapsed();
    Ok(milliseconds(board.map_or(elapsed, |board| board.compute())))
}

/// The same of one layer alone.
///
/// # Errors
/// [`EngineError`] of the engine.
pub(crate) fn layer_times(
    engine: &mut dyn Engine,
    image: &InputImage,
    layer: usize,
    frames: usize,
) -> Result<Vec<f32>, EngineError> {
    let mut stopwatch = Stopwatch { times: vec![Vec::new(); engine.network().layers().len()] };
    engine.run(image)?;
    (0..frames).try_for_each(|_| engine.run_probed(image, &mut stopwatch).map(|_| ()))?;
    Ok(stopwatch.times.swap_remove(layer))
}

/// Runs `engine` on `image` for about `budget`, at least 5 frames (30 where they fit), after a warm-up.
///
/// # Errors
/// [`EngineError`] of the engine.
pub(crate) fn measure(
    engine: &mut dyn Engine,
    image: &InputImage,
    budget: Duration,
) -> Result<BenchReport, EngineError> {
    let network = engine.network().clone();
    let mut stopwatch = Stopwatch { times: vec![Vec::new(); network.layers().len()] };
    let start = Instant::now();
    engine.run(image)?;
    let board = engine.run_probed(image, &mut stopwatch)?.board;
    let once = start.elapsed() / 2;
    let frames = (budget.as_secs_f64() / once.as_secs_f64().max(1e-6)).clamp(5.0, 20_000.0) as usize;

    let clock_before = measured_ghz();
    let mut whole = Vec::with_capacity(frames);
    for _ in 0..frames {
        whole.push(frame_time(engine, image)?);
    }
    let board = board.map(|board| BoardBench { link_ms: milliseconds(board.link), simulated: board.simulated });
    for _ in 0..(frames / 2).max(5) {
        engine.run_probed(image, &mut stopwatch)?;
    }

    let clock_ghz = f64::midpoint(clock_before, measured_ghz());
    let info = engine.info();
    let shapes = network.shapes(engine.edge());
    let median_ms = quantile(&mut whole, 0.5).unwrap_or(0.0);
    let gmac = shapes.iter().map(|s| s.macs).sum::<u64>() as f64 / 1e9;
    let layers = network.layers().iter().enumerate().map(|(i, layer)| {
        let ms = quantile(&mut stopwatch.times[i], 0.5).unwrap_or(0.0);
        let gmac_per_s = rate(shapes[i].macs as f64 / 1e9, ms);
        LayerBench { name: layer.name.clone(), ms, gmac_per_s, kernel: info.kernels[i] }
    });
    Ok(BenchReport {
        name: network.name().into(),
        engine: info.name.clone(),
        size: engine.edge(),
        threads: info.threads,
        gmac,
        median_ms,
        min_ms: whole.first().copied().unwrap_or(0.0),
        gmac_per_s: rate(gmac, median_ms),
        clock_ghz,
        bound_gmac_per_s: info.most_macs_a_cycle.map(|macs| f64::from(macs) * clock_ghz * info.threads as f64),
        board,
        peak_bytes: engine.planned_bytes(),
        layers: layers.collect(),
    })
}

/// Runs both engines in turn on `image` for about `budget`, so that a machine whose speed drifts treats them alike.
///
/// # Errors
/// [`EngineError`] of either engine.
pub(crate) fn measure_twins<'a>(
    embedded: &'a mut dyn Engine,
    float_input: &'a mut dyn Engine,
    image: &InputImage,
    budget: Duration,
) -> Result<TwinBench, EngineError> {
    let mut times = [Vec::new(), Vec::new()];
    let mut engines = [embedded, float_input];
    let [board, _] = [engines[0].run(image)?.board, engines[1].run(image)?.board];
    let start = Instant::now();
    while times[0].len() < 5 || (start.elapsed() < budget && times[0].len() < 20_000) {
        for (engine, times) in engines.iter_mut().zip(&mut times) {
            times.push(frame_time(*engine, image)?);
        }
    }
    let [embedded_ms, float_input_ms] = times.map(|mut times| quantile(&mut times, 0.5).unwrap_or(0.0));
    Ok(TwinBench {
        family: engines[0].network().family().into(),
        engine: engines[0].info().name,
        embedded_ms,
        float_input_ms,
        bit_planes_ms: board.and_then(|board| Some(embedded_ms + milliseconds(board.extra_bit_plane_time()?))),
        simulated: board.is_some_and(|board| board.simulated),
        ratio: float_input_ms / embedded_ms.max(f32::MIN_POSITIVE),
    })
}

fn rate(gmac: f64, ms: f32) -> f64 {
    if ms > 0.0 { gmac / (f64::from(ms) / 1e3) } else { 0.0 }
}
