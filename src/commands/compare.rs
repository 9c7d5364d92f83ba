//! `ernscope bench --compare`: published networks in turn with what other runtimes make of the networks that a user would run
//! instead, so that a machine whose speed drifts treats all alike.

use super::demo_input::demo_input;
use super::network_args::{EngineArgs, threads};
use super::output;
use crate::engine::Engine;
use crate::engines::{self, Setup};
use crate::frame::InputImage;
use crate::inspect::bench::{frame_times, layer_times};
use crate::inspect::clock::measured_ghz;
use crate::inspect::peers::Peer;
use crate::inspect::timing::{milliseconds, quantile};
use crate::network::ModelChoice;
use crate::preprocess::Preprocessor;
use anyhow::Result;
use serde::Serialize;
use std::io::Write;
use std::path::Path;
use web_time::Instant;

/// What names the peers and becomes them.
const SERVE: &str = "benches/peers/serve";
/// Input edge of all.
const EDGE: usize = 256;
/// Width and height of a camera's frame.
const CAMERA: [u32; 2] = [1280, 720];
/// Frames that each runs in its turn, behind one that is not timed: what ran before has emptied the caches.
const FRAMES: usize = 3;
/// Turns of each.
const TURNS: usize = 12;

/// What the peers call their networks, what those are, and what of ours they are compared with.
const RIVALS: [(&str, &str, TimedPart, &str); 4] = [
    ("resnet18", "ResNet-18 int8", TimedPart::Whole, "random:erns18"),
    ("resnet50", "ResNet-50 int8", TimedPart::Whole, "random:erns50"),
    ("mobilenetv2", "MobileNetV2 int8", TimedPart::Whole, "random:erns18"),
    ("first_layer", "float first layer, fp32", TimedPart::FirstLayer, "random:erns18-float-input"),
];

/// How much of a network is timed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TimedPart {
    Whole,
    FirstLayer,
}

#[derive(Serialize)]
struct ComparisonOutput {
    processor: String,
    cpus: String,
    clock_ghz: f64,
    size: usize,
    threads: usize,
    peers: Vec<PeerRow>,
}

/// One line of the table.
#[derive(Default, Serialize)]
struct PeerRow {
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
    part: TimedPart,
    engine: Box<dyn Engine>,
    row: PeerRow,
}

/// What comes before every network: a camera's frame becomes the input.
struct Camera {
    preprocessor: Preprocessor,
    rgb: Vec<u8>,
    input: InputImage,
    row: PeerRow,
}

/// A runtime with a row for each of its networks.
struct Rival {
    peer: Peer,
    rows: Vec<PeerRow>,
}

pub(crate) fn run(args: &EngineArgs, json: bool) -> Result<()> {
    let threads = threads(args.threads);
    let image = demo_input(EDGE)?;
    let mut ours = our_networks(args, threads)?;
    let mut camera = Camera::new(threads);
    let (mut rivals, missing) = start_rivals(threads)?;

    let clock_before = measured_ghz();
    for _ in 0..TURNS {
        ours.iter_mut().try_for_each(|ours| ours.take_turn(&image))?;
        camera.take_turn()?;
        rivals.iter_mut().for_each(Rival::take_turn);
    }
    let clock_ghz = f64::midpoint(clock_before, measured_ghz());

    let mut peers: Vec<PeerRow> = ours.into_iter().map(|ours| ours.row).collect();
    peers.push(camera.row);
    peers.extend(rivals.into_iter().flat_map(|rival| rival.rows));
    peers.extend(missing);
    evaluate(&mut peers);
    let processor = system_line("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.into());
    let cpus = system_line("/proc/self/status", "Cpus_allowed_list").unwrap_or_else(|| "all".into());
    let document = ComparisonOutput { processor, cpus, clock_ghz, size: EDGE, threads, peers };
    let mut out = output::stdout();
    if json {
        writeln!(out, "{}", serde_json::to_string(&document)?)?;
        return Ok(());
    }
    print_table(&mut out, &document)
}

fn our_networks(args: &EngineArgs, threads: usize) -> Result<Vec<Ours>> {
    let mut all: Vec<Ours> = Vec::new();
    for (_, title, part, model) in RIVALS {
        if all.iter().any(|ours| ours.row.network == model) {
            continue;
        }
        let Ok(choice) = model.parse::<ModelChoice>();
        let engine = engines::open(&args.engine, choice.load()?.into(), Setup::new(EDGE, threads))?;
        let runtime = match part {
            TimedPart::Whole => engine.info().name,
            TimedPart::FirstLayer => format!("{}, {title}", engine.info().name),
        };
        let row = PeerRow { runtime, network: model.into(), ..PeerRow::default() };
        all.push(Ours { part, engine, row });
    }
    Ok(all)
}

/// All peers that start; of the others a row with the reason.
fn start_rivals(threads: usize) -> Result<(Vec<Rival>, Vec<PeerRow>)> {
    let (mut rivals, mut missing) = (Vec::new(), Vec::new());
    for name in Peer::names(Path::new(SERVE))? {
        match Peer::start(Path::new(SERVE), &name, threads) {
            Ok(peer) => {
                let row = |network: &String| PeerRow {
                    runtime: peer.runtime().into(),
                    network: network.clone(),
                    ..PeerRow::default()
                };
                let rows = peer.networks().iter().map(row).collect();
                rivals.push(Rival { peer, rows });
            }
            Err(error) => missing.push(PeerRow { runtime: name, error: Some(error.to_string()), ..PeerRow::default() }),
        }
    }
    Ok((rivals, missing))
}

impl Ours {
    fn take_turn(&mut self, image: &InputImage) -> Result<()> {
        let times = match self.part {
            TimedPart::Whole => frame_times(&mut *self.engine, image, FRAMES)?,
            TimedPart::FirstLayer => layer_times(&mut *self.engine, image, 0, FRAMES)?,
        };
        self.row.times.extend(times);
        Ok(())
    }
}

impl Camera {
    fn new(threads: usize) -> Self {
        let preprocessor = Preprocessor::new(threads);
        let rgb = (0..3 * CAMERA[0] * CAMERA[1]).map(|i| (i.wrapping_mul(0x9e37_79b9) >> 24) as u8).collect();
        let network = format!("{}×{} to {EDGE}×{EDGE}", CAMERA[0], CAMERA[1]);
        let runtime = format!("camera's frame to input, {} thread(s)", preprocessor.threads());
        let row = PeerRow { runtime, network, ..PeerRow::default() };
        Self { preprocessor, rgb, input: InputImage::black(EDGE), row }
    }

    fn take_turn(&mut self) -> Result<()> {
        let [width, height] = CAMERA;
        self.preprocessor.run(&self.rgb, width, height, &mut self.input)?;
        for _ in 0..FRAMES {
            let start = Instant::now();
            self.preprocessor.run(&self.rgb, width, height, &mut self.input)?;
            self.row.times.push(milliseconds(start.elapsed()));
        }
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
fn evaluate(rows: &mut [PeerRow]) {
    for row in rows.iter_mut().filter(|row| row.error.is_none()) {
        row.median_ms = quantile(&mut row.times, 0.5);
    }
    for i in 0..rows.len() {
        let Some((.., ours)) = RIVALS.iter().find(|(network, ..)| *network == rows[i].network) else { continue };
        let base = rows.iter().find(|row| row.network == *ours).and_then(|row| row.median_ms);
        rows[i].ratio = rows[i].median_ms.zip(base).map(|(time, base)| time / base.max(f32::MIN_POSITIVE));
    }
}

fn print_table(out: &mut impl Write, document: &ComparisonOutput) -> Result<()> {
    let ComparisonOutput { processor, cpus, clock_ghz, size, threads, peers } = document;
    writeln!(out, "{processor} at {clock_ghz:.2} GHz, CPUs {cpus}, {threads} thread(s), {size}×{size}")?;
    writeln!(out, "medians of {} frames, run in turn", FRAMES * TURNS)?;
    for PeerRow { runtime, network, median_ms, ratio, error, .. } in peers {
        let rival = RIVALS.iter().find(|(rival, ..)| rival == network);
        let title = rival.map_or(&**network, |(_, title, ..)| title);
        write!(out, "  {title:<26} {runtime:<42}")?;
        match (median_ms, error) {
            (Some(ms), None) => write!(out, " {ms:>8.3} ms")?,
            (_, reason) => write!(out, " not measured: {}", reason.as_deref().unwrap_or("it gave no times"))?,
        }
        if let (Some(ratio), Some((.., ours))) = (ratio, rival) {
            write!(out, " {ratio:>6.2} × {ours}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// What Linux says in the first line of a file that starts with `key`.
fn system_line(path: &str, key: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}
