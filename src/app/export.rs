//! What one sees, one can take along: each export is written on a thread of its own and tells where it went.

use super::notices::Tone;
use super::why::SavedAnswer;
use crate::engines::EngineChoice;
use crate::engines::{self, Setup};
use crate::frame::InputImage;
use crate::host::{files, threads};
use crate::inspect::dump;
use crate::pipeline::Report;
use crate::preprocess::Preprocessor;
use anyhow::{Context as _, Result};
use crossbeam_channel::{Receiver, Sender, unbounded};
use egui::ColorImage;
use image::{ExtendedColorType, ImageFormat};
use serde_json::{Value, json};
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use web_time::{SystemTime, UNIX_EPOCH};

/// Writes files on helper threads and hears of the outcome.
pub(crate) struct Exporter {
    sender: Sender<(String, Tone)>,
    outcomes: Receiver<(String, Tone)>,
    context: egui::Context,
}

impl Exporter {
    /// Exports go to the folder `ernscope` among the user's pictures, else in the home folder, else in the present one.
    pub(crate) fn new(context: egui::Context) -> Self {
        let (sender, outcomes) = unbounded();
        Self { sender, outcomes, context }
    }

    /// What has been written, or has failed, since the last call.
    pub(crate) fn outcomes(&self) -> impl Iterator<Item = (String, Tone)> + '_ {
        self.outcomes.try_iter()
    }

    /// Takes a picture of the window with the next frame.
    pub(crate) fn screenshot(&self, ctx: &egui::Context) {
        let job = self.job("png");
        ctx.request_screenshot(move |picture| job.start(move |path| write_window(path, &picture)));
        ctx.request_repaint();
    }

    /// Writes the report's figures as JSON and its layers as CSV.
    pub(crate) fn figures(&self, report: Arc<Report>) {
        self.job("json").start(move |path| write_figures(path, &report));
    }

    /// Writes the report's frame as PNG and everything that every layer makes of it as safetensors.
    pub(crate) fn frame(&self, report: Arc<Report>) {
        self.job("png").start(move |path| write_frame(path, &report));
    }

    /// Writes an answer to why, as picture and table; the report has the picture.
    pub(super) fn answer(&self, report: Arc<Report>, answer: SavedAnswer) {
        self.job("png").start(move |path| answer.write(path, &report));
    }

    fn job(&self, ending: &str) -> Export {
        let path = named(ending);
        Export { path, sender: self.sender.clone(), context: self.context.clone() }
    }
}

/// Where exports go.
pub(crate) fn folder() -> PathBuf {
    files::exports().unwrap_or_default().join("ernscope")
}

/// A file of a new name there.
pub(crate) fn named(ending: &str) -> PathBuf {
    folder().join(format!("ernscope-{}.{ending}", stamp()))
}

/// One export.
struct Export {
    path: PathBuf,
    sender: Sender<(String, Tone)>,
    context: egui::Context,
}

impl Export {
    /// Runs `write` on a thread; it returns what it wrote in words.
    fn start(self, write: impl FnOnce(&Path) -> Result<String> + Send + 'static) {
        let (sender, context) = (self.sender.clone(), self.context.clone());
        let started = threads::spawn("export", move || {
            let outcome = make_folder(&self.path).and_then(|()| write(&self.path));
            let message = match outcome {
                Ok(wrote) => (format!("Saved {wrote}."), Tone::Good),
                Err(error) => (format!("Nothing was saved: {error:#}."), Tone::Bad),
            };
            // The window may be gone by now.
            let _ = self.sender.send(message);
            self.context.request_repaint();
        });
        if let Err(error) = started {
            let _ = sender.send((format!("Nothing was saved: the system gives no thread ({error})."), Tone::Bad));
            context.request_repaint();
        }
    }
}

fn make_folder(path: &Path) -> Result<()> {
    let named = || path.parent().unwrap_or(path).display();
    files::make_folder_around(path).with_context(|| format!("the folder {} cannot be made", named()))
}

/// `20261123-224501`, UTC, with milliseconds so that two exports in a second stay two.
fn stamp() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let (seconds, millis) = (since.as_secs(), since.subsec_millis());
    let (year, month, day) = civil(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year}{month:02}{day:02}-{hour:02}{minute:02}{second:02}-{millis:03}")
}

/// Year, month and day of the days since 1970.
fn civil(mut days: u64) -> (u64, usize, u64) {
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let february = 28 + u64::from(leap(year));
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while days >= months[month] {
        days -= months[month];
        month += 1;
    }
    (year, month + 1, days + 1)
}

fn write_window(path: &Path, picture: &ColorImage) -> Result<String> {
    write_png(path, picture.as_raw(), picture.size.map(|side| side as u32), ExtendedColorType::Rgba8)?;
    Ok(format!("{}", path.display()))
}

fn write_png(path: &Path, pixels: &[u8], [width, height]: [u32; 2], colours: ExtendedColorType) -> Result<()> {
    let mut file = Cursor::new(Vec::new());
    image::write_buffer_with_format(&mut file, pixels, width, height, colours, ImageFormat::Png)?;
    files::write(path, file.into_inner()).with_context(|| format!("{} cannot be written", path.display()))
}

fn write_figures(path: &Path, report: &Report) -> Result<String> {
    let text = serde_json::to_string_pretty(&figures(report))?;
    files::write(path, text).with_context(|| format!("{} cannot be written", path.display()))?;
    let table = path.with_extension("csv");
    files::write(&table, layers_csv(report)).with_context(|| format!("{} cannot be written", table.display()))?;
    Ok(format!("{} and the layers as .csv beside it", path.display()))
}

/// The frame, and what every layer makes of it: run once more, on this thread.
fn write_frame(path: &Path, report: &Report) -> Result<String> {
    let frame = &report.frame;
    write_png(path, &frame.rgb, [frame.width, frame.height], ExtendedColorType::Rgb8)?;
    let mut input = InputImage::black(report.edge);
    Preprocessor::new(1).run_crop(&frame.rgb, [frame.width, frame.height], report.crop, &mut input)?;
    let mut engine = engines::open(&EngineChoice::Cpu(None), report.network.clone(), Setup::new(report.edge, 1))?;
    let logits = engine.run(&input)?.logits.to_vec();
    let layers = path.with_extension("safetensors");
    dump::write(&mut *engine, &input, &logits, &layers)?;
    Ok(format!("{} and all layers as .safetensors beside it", path.display()))
}

/// Everything that the window shows as a number.
pub(crate) fn figures(report: &Report) -> Value {
    let labels = report.network.labels();
    let classes = crate::pipeline::Prediction::top(&report.prediction.smoothed, labels.len());
    let raw = |class: usize| report.prediction.raw.get(class);
    let prediction: Vec<Value> = classes
        .iter()
        .map(|&(class, p)| json!({ "label": labels.get(class), "smoothed": p, "raw": raw(class) }))
        .collect();
    let twin = |t: &crate::pipeline::TwinFigures| {
        json!({
            "name": t.name, "frame_ms": t.frame_ms, "frames_per_s": t.frames_per_s,
            "first_layer_ms": t.first_layer_ms, "accuracy": t.accuracy,
        })
    };
    let comparison = report.comparison.as_ref().map(|c| {
        json!({
            "embedded": twin(&c.embedded), "float_input": twin(&c.float_input), "frames": c.frames,
            "agreement": c.agreement, "speedup": c.speedup(),
        })
    });
    let board = report.timing.board.map(|board| {
        json!({
            "simulated": board.simulated, "cycles": board.cycles, "clock_khz": board.clock_khz,
            "link_ms": board.link.as_secs_f64() * 1e3, "host_ms": board.host.as_secs_f64() * 1e3,
        })
    });
    json!({
        "network": report.network.name(),
        "input_edge": report.edge,
        "engine": report.engine.name,
        "threads": report.engine.threads,
        "frame": report.frame.index,
        "truth": report.frame.truth.as_ref().map(|truth| &truth.label),
        "prediction": prediction,
        "ms": {
            "preprocess": report.timing.preprocess_ms,
            "infer": report.timing.infer_ms,
            "latency": report.timing.latency_ms,
            "infer_median": report.rates.infer_ms,
            "infer_p95": report.rates.infer_p95_ms,
            "latency_median": report.rates.latency_ms,
        },
        "per_s": {
            "captured": report.rates.captured_per_s,
            "predicted": report.rates.predicted_per_s,
            "engine": report.rates.engine_per_s,
        },
        "counts": {
            "captured": report.counts.captured,
            "dropped": report.counts.dropped,
            "predicted": report.counts.predicted,
            "with_truth": report.counts.with_truth,
            "right": report.counts.right,
        },
        "board": board,
        "comparison": comparison,
        "layers": layers(report),
    })
}

fn layers(report: &Report) -> Vec<Value> {
    let shapes = report.network.shapes(report.edge);
    let rows = report.network.layers().iter().zip(shapes).zip(report.layers.iter());
    rows.map(|((layer, shape), sample)| {
        json!({
            "name": layer.name, "channels": shape.channels, "edge": shape.edge, "macs": shape.macs,
            "codes": sample.codes, "ms": sample.elapsed.as_secs_f64() * 1e3,
            "cycles": sample.counted.map(|counted| counted.computing()),
        })
    })
    .collect()
}

/// A line a layer.
pub(crate) fn layers_csv(report: &Report) -> String {
    let mut text = String::from("layer,channels,edge,macs,code0,code1,code2,code3,ms\n");
    let shapes = report.network.shapes(report.edge);
    for ((layer, shape), sample) in report.network.layers().iter().zip(shapes).zip(report.layers.iter()) {
        // A name may hold anything: quoted, quotes doubled.
        let name = layer.name.replace('"', "\"\"");
        let [a, b, c, d] = sample.codes;
        let ms = sample.elapsed.as_secs_f64() * 1e3;
        text.push_str(&format!(
            "\"{name}\",{},{},{},{a},{b},{c},{d},{ms:.6}\n",
            shape.channels, shape.edge, shape.macs
        ));
    }
    text
}
