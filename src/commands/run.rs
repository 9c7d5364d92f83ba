//! `ernscope run`: the window, or live predictions on the terminal.

use super::likeliest::{Top, top};
use super::message::{Misuse, complain};
use super::network_args::{self, thread_count};
use super::output;
use super::run_record::RunRecord;
use crate::board::BoardState;
use crate::engine::Probe;
use crate::engines::{BoardPolicy, EngineChoice};
use crate::frame::Frame;
use crate::inspect::check::KeptRun;
use crate::inspect::diff::Difference;
use crate::inspect::probe_list::ProbeList;
use crate::inspect::timing::milliseconds;
use crate::inspect::timing::quantile;
use crate::network::{Knowing, ModelChoice};
use crate::pipeline::{Check, CheckError, CheckState, Inference, Predictor, Settings};
use crate::source::{Delivery, LeftOut, SourceChoice, SourceState, SourceStatus, Supervisor};
use anyhow::{Result, bail};
use clap::builder::{OsStringValueParser, TypedValueParser};
use serde::Serialize;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use web_time::{Duration, Instant};

#[derive(clap::Args, Clone)]
pub(crate) struct RunArgs {
    /// Where frames come from: demo[:SEED], camera[:N], or a picture, folder, video or recording [default: a camera, else the demo]
    #[arg(long, value_name = "SOURCE", value_parser = OsStringValueParser::new().try_map(SourceChoice::from_argument))]
    source: Option<SourceChoice>,
    /// Network: one of `ernscope models`, random:SHAPE[:SEED], or a model file [default: cards, or the window's last one]
    #[arg(long, value_name = "NAME|FILE")]
    model: Option<ModelChoice>,
    /// Input edge in pixels, a multiple of the network's stride [default: the network's own]
    #[arg(long, value_name = "EDGE")]
    size: Option<usize>,
    /// Engine: reference, cpu, cpu:LEVEL, fpga, fpga:PORT, or fpga:sim [default: cpu, or the window's last one]
    #[arg(long)]
    engine: Option<EngineChoice>,
    /// Threads that compute [default: all cores; all but one with a window]
    #[arg(long, value_name = "N", value_parser = thread_count)]
    threads: Option<usize>,
    /// Have another engine compute some of the frames again, in the background, and compare every layer: at the end, or in
    /// the window, it is told how many differ and where first; exit status 1 where any does
    #[arg(long, value_name = "ENGINE")]
    check: Option<EngineChoice>,
    /// Print predictions instead of opening a window; Ctrl-C ends with the summary
    #[arg(long)]
    headless: bool,
    /// Stop after N predictions
    #[arg(long, value_name = "N", requires = "headless", value_parser = clap::value_parser!(u64).range(1..))]
    frames: Option<u64>,
    /// Print JSON, a line a frame
    #[arg(long, requires = "headless")]
    json: bool,
    /// At the end, write what the network saw in the last two minutes (64 MB at most) and what it answered, for `ernscope replay`
    #[arg(long, value_name = "FILE", requires = "headless")]
    record: Option<PathBuf>,
}

/// Whether all was well: no frame that was checked differs.
pub(crate) fn run(args: RunArgs) -> Result<bool> {
    if let Some(engine) = args.engine.as_ref().filter(|engine| args.check.as_ref() == Some(*engine)) {
        return Err(Misuse(CheckError::same(engine, engine.to_string()).to_string()).into());
    }
    if args.headless { headless(args) } else { window(args).map(|()| true) }
}

/// What `run --headless` runs: nothing is remembered there.
fn settings(args: &RunArgs) -> Settings {
    Settings {
        model: args.model.clone().unwrap_or_default(),
        engine: args.engine.clone().unwrap_or(EngineChoice::Cpu(None)),
        edge: args.size,
        threads: network_args::threads(args.threads),
    }
}

#[cfg(feature = "app")]
fn window(args: RunArgs) -> Result<()> {
    let options = crate::app::Options {
        source: args.source,
        model: args.model,
        engine: args.engine,
        edge: args.size,
        threads: args.threads,
        check: args.check,
        complaint: None,
        heart: None,
    };
    Ok(crate::app::run(options)?)
}

#[cfg(not(feature = "app"))]
fn window(_: RunArgs) -> Result<()> {
    bail!("this build has no window: use --headless, or build with the cargo feature `app`")
}

#[derive(Serialize)]
struct FrameLine<'a> {
    frame: u64,
    top: Vec<Top<'a>>,
    #[serde(flatten)]
    knowing: Knowing,
    #[serde(skip_serializing_if = "Option::is_none")]
    truth: Option<&'a str>,
    infer_ms: f32,
    source_ms: f32,
    /// Of a board: its line, both ways; of a simulated one the simulation.
    #[serde(skip_serializing_if = "Option::is_none")]
    link_ms: Option<f32>,
    /// What ran the frame, where a board was to.
    #[serde(skip_serializing_if = "Option::is_none")]
    engine: Option<&'a str>,
}

/// What a frame took, and what ran it where a board was to.
struct Took<'a> {
    infer: Inference,
    source: Duration,
    engine: Option<&'a str>,
}

/// Says on stderr how it stands with the board that was chosen, whenever that changes.
struct BoardWatch {
    wanted: bool,
    told: Option<BoardState>,
    /// What ran the last frame, where a board was to.
    engine: Option<String>,
}

impl BoardWatch {
    fn new(choice: &EngineChoice) -> Self {
        Self { wanted: matches!(choice, EngineChoice::Fpga(_)), told: None, engine: None }
    }

    fn look(&mut self, predictor: &Predictor) {
        if !self.wanted {
            return;
        }
        let info = predictor.engine().info();
        self.engine = Some(info.name);
        if info.board != self.told {
            match &info.board {
                Some(state) if state.is_fault() => tracing::warn!("{state}"),
                Some(state) => tracing::info!("{state}"),
                None => {}
            }
            self.told = info.board;
        }
    }
}

#[derive(Serialize)]
struct Summary {
    frames: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    accuracy: Option<f64>,
    fps: f64,
    dropped: u64,
    #[serde(serialize_with = "count_alone")]
    left_out: LeftOut,
    infer_ms: Percentiles,
    #[serde(skip_serializing_if = "Option::is_none")]
    check: Option<CheckOutput>,
}

/// What a check came to.
#[derive(Serialize)]
struct CheckOutput {
    engine: String,
    frames: u64,
    differ: u64,
    first: Option<DifferenceOutput>,
    /// Why it ended before the run did.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<String>,
}

/// The first difference: `values` are what the engine that runs holds, and what the one that checks does.
#[derive(Serialize)]
struct DifferenceOutput {
    frame: u64,
    layer: String,
    what: &'static str,
    channel: usize,
    at: [usize; 2],
    values: [f64; 2],
}

impl From<CheckState> for CheckOutput {
    fn from(state: CheckState) -> Self {
        let first = state.first.map(|first| {
            let Difference { layer, what, position: [channel, y, x], left, right } = first.difference.clone();
            DifferenceOutput { frame: first.frame, layer, what, channel, at: [y, x], values: [left, right] }
        });
        let CheckState { engine, frames, differ, ended, .. } = state;
        Self { engine: engine.to_string(), frames, differ, first, ended }
    }
}

fn count_alone<S: serde::Serializer>(left_out: &LeftOut, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(left_out.count)
}

#[derive(Serialize)]
struct Percentiles {
    p50: f32,
    p95: f32,
}

/// Times are kept of so many frames at most, so that a run of days does not fill the memory.
const KEPT_TIMES: usize = 100_000;

/// Counts what the summary tells.
struct Totals {
    start: Instant,
    frames: u64,
    with_truth: u64,
    right: u64,
    infer_ms: Vec<f32>,
}

impl Totals {
    fn new() -> Self {
        Self { start: Instant::now(), frames: 0, with_truth: 0, right: 0, infer_ms: Vec::new() }
    }

    fn count(&mut self, infer_ms: f32, right: Option<bool>) {
        let slot = (self.frames % KEPT_TIMES as u64) as usize;
        match self.infer_ms.get_mut(slot) {
            Some(oldest) => *oldest = infer_ms,
            None => self.infer_ms.push(infer_ms),
        }
        self.frames += 1;
        self.with_truth += u64::from(right.is_some());
        self.right += u64::from(right == Some(true));
    }

    fn summary(mut self, source: &SourceStatus, check: Option<CheckState>) -> Summary {
        let mut percentile = |q| quantile(&mut self.infer_ms, q).unwrap_or(0.0);
        Summary {
            infer_ms: Percentiles { p50: percentile(0.5), p95: percentile(0.95) },
            frames: self.frames,
            accuracy: (self.with_truth > 0).then(|| self.right as f64 / self.with_truth as f64),
            fps: self.frames as f64 / self.start.elapsed().as_secs_f64(),
            dropped: source.dropped,
            left_out: source.left_out,
            check: check.map(CheckOutput::from),
        }
    }
}

/// Ctrl-C, or the same from another program, as a wish to come to an end. The second one ends the program at once.
struct Farewell(Arc<AtomicBool>);

impl Farewell {
    fn listen() -> io::Result<Self> {
        let wished = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // In this order, so that the first one finds no wish.
            flag::register_conditional_default(signal, Arc::clone(&wished))?;
            flag::register(signal, Arc::clone(&wished))?;
        }
        Ok(Self(wished))
    }

    fn is_wished(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A check, and whether a person was told that it ended.
struct ToldCheck {
    check: Check,
    told: bool,
}

impl ToldCheck {
    fn start(predictor: &Predictor, main: &EngineChoice, other: EngineChoice) -> Result<Self> {
        match Check::start(predictor, main, other) {
            Ok(check) => Ok(Self { check, told: false }),
            Err(error @ CheckError::Same(..)) => Err(Misuse(error.to_string()).into()),
            Err(error) => Err(error.into()),
        }
    }

    /// What the next run is to be shown to, where there is time to compare it.
    fn begin(&mut self, predictor: &Predictor) -> Option<KeptRun> {
        let state = self.check.state();
        if let Some(why) = state.ended.filter(|_| !self.told) {
            self.told = true;
            complain(&format!("no more frames are checked with {}: {why}", state.engine), "");
        }
        self.check.record(predictor)
    }
}

fn headless(args: RunArgs) -> Result<bool> {
    let settings = settings(&args);
    let predictor = Predictor::open(&settings, BoardPolicy::Lasting)?;
    let check = args.check.map(|other| ToldCheck::start(&predictor, &settings.engine, other)).transpose()?;
    if let (Some(record), Some(SourceChoice::File(source))) = (&args.record, &args.source) {
        output::spare(record, source)?;
    }
    let record = args.record.as_deref().map(|path| RunRecord::new(path, &predictor)).transpose()?;
    let farewell = Farewell::listen()?;
    let board = BoardWatch::new(&settings.engine);
    let delivery = if args.frames.is_some() { Delivery::Lossless } else { Delivery::Terminal };
    let supervisor = Supervisor::start(args.source, delivery, || ())?;
    let mut out = output::stdout();
    let tally = Totals::new();
    let mut run = HeadlessRun { predictor, check, record, board, tally, frames: args.frames, json: args.json };
    let ran = run.predict(&supervisor, &farewell, &mut out);
    let HeadlessRun { mut predictor, check, record, tally, .. } = run;
    // Whatever ended it: what was seen until then is worth the most where something failed.
    record.map_or(Ok(()), |record| record.finish(&mut predictor))?;
    ran?;
    let status = supervisor.status();
    if tally.frames == 0 && !farewell.is_wished() {
        bail!("{}", why_nothing_came(&status));
    }
    let check = check.map(|told| told.check.finish());
    if let Some(state) = &check {
        complain(&state.to_string(), "");
    }
    let all_well = check.as_ref().is_none_or(|check| check.differ == 0);
    print_summary(&mut out, args.json, tally.summary(&status, check))?;
    Ok(all_well)
}

/// Predictions on the terminal.
struct HeadlessRun {
    predictor: Predictor,
    check: Option<ToldCheck>,
    record: Option<RunRecord>,
    board: BoardWatch,
    tally: Totals,
    frames: Option<u64>,
    json: bool,
}

impl HeadlessRun {
    /// Predicts until enough frames came, no more can come, or nobody wants any.
    fn predict(&mut self, supervisor: &Supervisor, farewell: &Farewell, out: &mut impl Write) -> Result<()> {
        let mut state = String::new();
        while self.frames.is_none_or(|frames| self.tally.frames < frames) {
            let asked = Instant::now();
            let Some(frame) = next_frame(supervisor, farewell, &mut state) else {
                break;
            };
            let source = asked.elapsed();
            self.predictor.prepare(&frame)?;
            let infer = self.infer(frame.index, &state)?;
            let engine = self.board.engine.as_deref();
            print_frame(out, self.json, &self.tally, &self.predictor, &frame, &Took { infer, source, engine })?;
            self.tally.count(milliseconds(infer.compute), self.predictor.is_right(&frame));
        }
        Ok(())
    }

    /// Runs the network on the prepared frame, of this number in its source, which came while the source was in this `state`. One run is
    /// looked at by all who want to.
    fn infer(&mut self, frame: u64, state: &str) -> Result<Inference> {
        let Self { predictor, check, record, board, tally, .. } = self;
        let mut checked = check.as_mut().and_then(|check| check.begin(predictor));
        let mut probes = ProbeList(Vec::new());
        if let Some(record) = record {
            record.note_source(state);
            probes.0.extend(record.begin(tally.frames));
        }
        probes.0.extend(checked.as_mut().map(|checked| checked as &mut dyn Probe));
        let looked_at = !probes.0.is_empty();
        let infer = predictor.infer(looked_at.then_some(&mut probes as &mut dyn Probe))?;
        board.look(predictor);
        if let Some(record) = record {
            record.keep(predictor, tally.frames, board.engine.as_deref());
        }
        if let (Some(check), Some(checked)) = (check, checked) {
            check.check.compare(checked, predictor, frame);
        }
        Ok(infer)
    }
}

/// The next frame; `None` when no more can come, or nobody wants any. Says on stderr what the source does whenever that changes.
fn next_frame(supervisor: &Supervisor, farewell: &Farewell, told: &mut String) -> Option<Frame> {
    while !farewell.is_wished() {
        let frame = supervisor.frames().recv_timeout(Duration::from_millis(250));
        let state = supervisor.status().state.to_string();
        if &state != told {
            tracing::info!("{state}");
            *told = state;
        }
        match frame {
            Ok(frame) => return Some(frame),
            Err(error) if error.is_disconnected() => return None,
            Err(_) => {}
        }
    }
    None
}

fn why_nothing_came(status: &SourceStatus) -> String {
    match &status.state {
        SourceState::Failed { error } | SourceState::Ended { error: Some(error), .. } => error.to_string(),
        state => state.to_string(),
    }
}

fn print_frame(
    out: &mut impl Write,
    json: bool,
    tally: &Totals,
    predictor: &Predictor,
    frame: &Frame,
    took: &Took<'_>,
) -> Result<()> {
    let (infer_ms, source_ms) = (milliseconds(took.infer.compute), milliseconds(took.source));
    let link_ms = took.infer.board.map(|board| milliseconds(board.link));
    let top = top(predictor.network(), predictor.probabilities(), if json { 5 } else { 1 });
    let truth = frame.truth.as_ref().map(|truth| truth.label.as_str());
    let knowing = predictor.knowing();
    if json {
        let line =
            FrameLine { frame: tally.frames, top, knowing, truth, infer_ms, source_ms, link_ms, engine: took.engine };
        writeln!(out, "{}", serde_json::to_string(&line)?)?;
        return Ok(());
    }
    for Top { label, p } in &top {
        write!(out, "{:>7}  {label:<16} {:5.1} %  {infer_ms:8.3} ms", tally.frames, p * 100.0)?;
    }
    if !knowing.sure {
        write!(out, "  not sure")?;
    }
    if let Some(engine) = took.engine {
        write!(out, "  {engine}")?;
    }
    if let (Some(board), Some(link_ms)) = (took.infer.board, link_ms) {
        let what = if board.simulated { "simulated, the simulation took" } else { "line" };
        write!(out, ", {what} {link_ms:.1} ms")?;
    }
    match truth {
        Some(truth) if top.iter().any(|top| top.label == truth) => writeln!(out, "  right")?,
        Some(truth) => writeln!(out, "  wrong, it is {truth}")?,
        None => writeln!(out)?,
    }
    Ok(())
}

fn print_summary(out: &mut impl Write, json: bool, summary: Summary) -> Result<()> {
    if json {
        #[derive(Serialize)]
        struct SummaryLine {
            summary: Summary,
        }
        writeln!(out, "{}", serde_json::to_string(&SummaryLine { summary })?)?;
        return Ok(());
    }
    let Summary { frames, accuracy, fps, dropped, left_out, infer_ms, .. } = summary;
    write!(out, "{frames} frames, {fps:.1} a second, {dropped} dropped, ")?;
    if left_out.count > 0 {
        write!(out, "{left_out}, ")?;
    }
    write!(out, "network {:.3} ms (95 %: {:.3} ms)", infer_ms.p50, infer_ms.p95)?;
    match accuracy {
        Some(accuracy) => writeln!(out, ", {:.2} % right", accuracy * 100.0)?,
        None => writeln!(out)?,
    }
    Ok(())
}
