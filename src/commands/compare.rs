//! `ernscope bench --compare`: published networks in turn with what other runtimes make of the networks that a user would run
//! instead, so that a machine whose speed drifts treats all alike.

use super::bench::picture;
use super::threads;
use crate::BenchArgs;
use anyhow::Result;
use ernscope::engine::Engine;
use ernscope::engines;
use ernscope::frame::InputImage;
use ernscope::inspect::bench::{frame_times, layer_times};
use ernscope::inspect::clock::measured_ghz;
use ernscope::inspect::peers::Peer;
use ernscope::inspect::timing::quantile;
use ernscope::network::shipped::ModelChoice;
use serde::Serialize;
use std::io::Write;

/// Input edge of all.
const EDGE: usize = 256;
/// Frames that each runs in its turn, behind one that is not timed: what ran before has emptied the caches.
const FRAMES: usize = 3;
/// Turns of each.
const TURNS: usize = 12;

/// What of ours stands for what the peers call their networks.
const RIVALS: [(&str, Part, &str); 4] = [
    ("resnet18", Part::Whole, "random:erns18"),
    ("mobilenetv2", Part::Whole, "random:erns18"),
    ("resnet50", Part::Whole, "random:erns50"),
    ("first_layer", Part::FirstLayer, "random:erns18-float-input"),
];

/// How much of a network is timed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Whole,
    FirstLayer,
}

#[derive(Serialize)]
struct Document {
    processor: String,
    cpus: String,
    clock_ghz: f64,
    size: usize,
    threads: usize,
    peers: Vec<Row>,
}

/// One line of the table.
#[derive(Default, Serialize)]
struct Row {
    runtime: String,
    network: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    median_ms: Option<f32>,
    /// Its time over that of ours that it is compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    ratio: Option<f32>,
    /// Why there is no time.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip)]
    times: Vec<f32>,
}

/// One of our networks.
struct Ours {
    part: Part,
    engine: Box<dyn Engine>,
    row: Row,
}

/// A runtime with a row for each of its networks.
struct Rival {
    peer: Peer,
    rows: Vec<Row>,
}

pub(crate) fn run(args: &BenchArgs) -> Result<()> {
    let threads = threads(args.engine.threads);
    let image = picture(EDGE)?;
    let mut ours = our_networks(args, threads)?;
    let (mut rivals, missing) = start_rivals(threads)?;

    let clock_before = measured_ghz();
    for _ in 0..TURNS {
        ours.iter_mut().try_for_each(|ours| ours.take_turn(&image))?;
        rivals.iter_mut().for_each(Rival::take_turn);
    }
    let clock_ghz = f64::midpoint(clock_before, measured_ghz());

    let mut peers: Vec<Row> = ours.into_iter().map(|ours| ours.row).collect();
    peers.extend(rivals.into_iter().flat_map(|rival| rival.rows));
    peers.extend(missing);
    evaluate(&mut peers);
    let processor = system_line("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.into());
    let cpus = system_line("/proc/self/status", "Cpus_allowed_list").unwrap_or_else(|| "all".into());
    let document = Document { processor, cpus, clock_ghz, size: EDGE, threads, peers };
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&document)?)?;
        return Ok(());
    }
    print_table(&mut out, &document)
}

fn our_networks(args: &BenchArgs, threads: usize) -> Result<Vec<Ours>> {
    let mut all: Vec<Ours> = Vec::new();
    for (_, part, model) in RIVALS {
        if all.iter().any(|ours| ours.row.network == model) {
            continue;
        }
        let Ok(choice) = model.parse::<ModelChoice>();
        let engine = engines::open(&args.engine.engine, choice.load()?.into(), EDGE, threads)?;
        let row = Row { runtime: engine.info().name, network: model.into(), ..Row::default() };
        all.push(Ours { part, engine, row });
    }
    Ok(all)
}

/// All peers that start; of the others a row with the reason.
fn start_rivals(threads: usize) -> Result<(Vec<Rival>, Vec<Row>)> {
    let (mut rivals, mut missing) = (Vec::new(), Vec::new());
    for name in Peer::names()? {
        match Peer::start(&name, threads) {
            Ok(peer) => {
                let row = |network: &String| Row {
                    runtime: peer.runtime().into(),
                    network: network.clone(),
                    ..Row::default()
                };
                let rows = peer.networks().iter().map(row).collect();
                rivals.push(Rival { peer, rows });
            }
            Err(error) => missing.push(Row { runtime: name, error: Some(error.to_string()), ..Row::default() }),
        }
    }
    Ok((rivals, missing))
}

impl Ours {
    fn take_turn(&mut self, image: &InputImage) -> Result<()> {
        let times = match self.part {
            Part::Whole => frame_times(&mut *self.engine, image, FRAMES)?,
            Part::FirstLayer => layer_times(&mut *self.engine, image, 0, FRAMES)?,
        };
        self.row.times.extend(times);
        Ok(())
    }
}

impl Rival {
    fn take_turn(&mut self) {
        for row in self.rows.iter_mut().filter(|row| row.error.is_none()) {
            match self.peer.run(&row.network, FRAMES) {
                Ok(times) => row.times.extend(times),
                Err(error) => row.error = Some(error.to_string()),
            }
        }
    }
}

/// Medians, and ratios to ours.
fn evaluate(rows: &mut [Row]) {
    for row in rows.iter_mut().filter(|row| row.error.is_none()) {
        row.median_ms = quantile(&mut row.times, 0.5);
    }
    for i in 0..rows.len() {
        let ours = RIVALS.iter().find(|(network, ..)| *network == rows[i].network).map(|(_, _, model)| *model);
        let base = rows.iter().find(|row| Some(&*row.network) == ours).and_then(|row| row.median_ms);
        rows[i].ratio = rows[i].median_ms.zip(base).map(|(time, base)| time / base.max(f32::MIN_POSITIVE));
    }
}

fn print_table(out: &mut impl Write, document: &Document) -> Result<()> {
    let Document { processor, cpus, clock_ghz, size, threads, peers } = document;
    writeln!(out, "{processor} at {clock_ghz:.2} GHz, CPUs {cpus}, {threads} thread(s), {size}×{size}")?;
    writeln!(out, "medians of {} frames, run in turn", FRAMES * TURNS)?;
    for row in peers {
        let Row { runtime, network, median_ms, ratio, error, .. } = row;
        let ours = RIVALS.iter().find(|(rival, ..)| rival == network).map_or("", |(_, _, model)| model);
        match (median_ms, ratio, error) {
            (_, _, Some(error)) => writeln!(out, "  {runtime:<36} {network:<26} not measured: {error}")?,
            (Some(ms), Some(ratio), _) => {
                writeln!(out, "  {runtime:<36} {network:<26} {ms:>8.3} ms  {ratio:>6.2} × {ours}")?
            }
            (ms, ..) => writeln!(out, "  {runtime:<36} {network:<26} {:>8.3} ms", ms.unwrap_or(0.0))?,
        }
    }
    Ok(())
}

/// What Linux says in the first line of a file that starts with `key`.
fn system_line(path: &str, key: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}
