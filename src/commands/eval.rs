//! `ernscope eval`: how many pictures of a labelled set a network gets right.

use super::network_args::{EngineArgs, load, threads};
use super::output;
use crate::engine::Engine;
use crate::engines::{self, Setup};
use crate::evaluate::{Confusion, Cut, Dataset, DatasetError, Mapping, Resize, Tally, Views};
use crate::network::ModelChoice;
use anyhow::{Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::fmt::{self, Display, Formatter};
use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

/// How many of the commonest mistakes are printed.
const SHOWN_MISTAKES: usize = 10;

#[derive(clap::Args)]
pub(crate) struct EvalArgs {
    /// Folder with a folder of pictures a class, or with the binary files of CIFAR-10 or CIFAR-100
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Network: one of `ernscope models`, random:SHAPE[:SEED], or a model file
    #[arg(long, value_name = "NAME|FILE", default_value_t)]
    model: ModelChoice,
    #[command(flatten)]
    engine: EngineArgs,
    /// Resize pictures so that their shorter side has N pixels, or to WIDTHxHEIGHT, then cut the network's input out of their centre
    #[arg(long, value_name = "N|WIDTHxHEIGHT")]
    resize: Option<Resize>,
    /// Cut out N×N pixels and run the network at that size [default: the network's own]
    #[arg(long, value_name = "N")]
    crop: Option<usize>,
    /// Average over corners and centre, as they are and mirrored; needs --resize
    #[arg(long, requires = "resize")]
    ten_crop: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct EvalOutput {
    images: u64,
    top1: f64,
    top5: f64,
    top1_count: u64,
    images_per_s: f64,
    left_out: usize,
    mapping: Mapping,
}

pub(crate) fn run(args: &EvalArgs) -> Result<()> {
    let (network, edge) = load(&args.model, args.crop)?;
    if args.resize.is_some_and(|resize| (resize.shorter() as usize) < edge) {
        bail!("--resize is smaller than the {edge} pixels that are cut out: name a larger one, or a smaller --crop");
    }
    let threads = threads(args.engine.threads);
    let mut engine = engines::open(&args.engine.engine, network.clone(), Setup::new(edge, threads))?;
    let mut set = Dataset::open(&args.data, network.labels())?;
    let mut views = Views::new(cut(args), edge, threads);
    let start = Instant::now();
    let (tally, left_out) = count(&mut *engine, &mut set, &mut views)?;
    if tally.images() == 0 {
        bail!("no picture in {} can be read; {left_out}", args.data.display());
    }
    let images_per_s = tally.images() as f64 / start.elapsed().as_secs_f64();
    let share = |count: u64| count as f64 / tally.images() as f64;
    let mut out = output::stdout();
    if args.json {
        let document = EvalOutput {
            images: tally.images(),
            top1: share(tally.top1()),
            top5: share(tally.top5()),
            top1_count: tally.top1(),
            images_per_s,
            left_out: left_out.count,
            mapping: set.mapping(),
        };
        writeln!(out, "{}", serde_json::to_string(&document)?)?;
        return left_out.check();
    }
    writeln!(out, "{} on {}, {edge}×{edge}: {} pictures", network.name(), engine.info().name, tally.images())?;
    writeln!(out, "  top-1 {:6.2} %  ({} right)", share(tally.top1()) * 100.0, tally.top1())?;
    writeln!(out, "  top-5 {:6.2} %", share(tally.top5()) * 100.0)?;
    writeln!(out, "  {images_per_s:.0} pictures/s, reading included")?;
    for Confusion { truth, answer, count } in tally.confusions(SHOWN_MISTAKES) {
        writeln!(out, "  {count:5} × {} taken for {}", network.labels()[truth], network.labels()[answer])?;
    }
    left_out.check()
}

fn cut(args: &EvalArgs) -> Cut {
    match (args.resize, args.crop) {
        (None, None) => Cut::CentreSquare,
        (resize, _) => Cut::Crop { resize, ten: args.ten_crop },
    }
}

/// How many pictures that are left out are told by name, and the most characters of a name and of a cause.
const TOLD: usize = 3;
const TOLD_NAME: usize = 56;
const TOLD_CAUSE: usize = 60;

/// Pictures that cannot be read.
#[derive(Default)]
struct UnreadPictures {
    count: usize,
    /// The first of them, each with its cause.
    first: Vec<String>,
}

impl UnreadPictures {
    fn add(&mut self, name: &str, error: &str) {
        self.count += 1;
        if self.first.len() < TOLD {
            self.first.push(format!("{}{}", last_of(name, TOLD_NAME), first_of(&cause(error, name), TOLD_CAUSE)));
        }
    }

    /// An error where there are any.
    fn check(&self) -> Result<()> {
        if self.count == 0 { Ok(()) } else { bail!("{self}") }
    }
}

impl Display for UnreadPictures {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (pictures, them) = if self.count == 1 { ("picture is", "it") } else { ("pictures are", "them") };
        let more = if self.count > self.first.len() { "; …" } else { "" };
        let first = self.first.join("; ");
        write!(f, "{} {pictures} left out: {first}{more}: get {them} again, or take {them} out", self.count)
    }
}

/// What stands behind `name` in a sentence that ends with a remedy, without that; all of a sentence without the name.
fn cause(error: &str, name: &str) -> String {
    let told = error.split_once(name).map_or_else(|| format!(": {error}"), |(_, behind)| behind.to_owned());
    told.rsplit_once(": ").filter(|(cause, _)| !cause.is_empty()).map_or(told.clone(), |(cause, _)| cause.to_owned())
}

/// The first characters of a text that is too long.
fn first_of(text: &str, most: usize) -> String {
    let cut = text.char_indices().nth(most).map_or(text.len(), |(at, _)| at);
    if cut == text.len() { text.to_owned() } else { format!("{}…", &text[..cut]) }
}

/// The last characters of a text that is too long.
fn last_of(text: &str, most: usize) -> String {
    let cut = text.chars().count().saturating_sub(most);
    if cut == 0 { text.to_owned() } else { format!("…{}", text.chars().skip(cut).collect::<String>()) }
}

/// Runs every picture that can be read; the logits of its views are averaged.
fn count(engine: &mut dyn Engine, set: &mut Dataset, views: &mut Views) -> Result<(Tally, UnreadPictures)> {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {per_sec} {eta} {msg}")?;
    let bar = ProgressBar::new(set.len() as u64).with_style(style);
    let (mut tally, mut left_out) = (Tally::default(), UnreadPictures::default());
    let mut sums = vec![0.0; engine.network().labels().len()];
    for index in 0..set.len() {
        bar.inc(1);
        let (picture, truth) = match set.read(index) {
            Ok(read) => read,
            Err(DatasetError::Picture(error)) => {
                left_out.add(&set.name(index), &error.to_string());
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let views = match views.of(&picture) {
            Ok(views) => views,
            Err(error) => {
                left_out.add(&set.name(index), &error.to_string());
                continue;
            }
        };
        sums.fill(0.0);
        for view in views {
            sums.iter_mut().zip(engine.run(view)?.logits).for_each(|(sum, logit)| *sum += logit);
        }
        tally.count(truth, &sums);
        if tally.images().is_multiple_of(256) {
            bar.set_message(format!("top-1 {:.1} %", 100.0 * tally.top1() as f64 / tally.images() as f64));
        }
    }
    bar.finish_and_clear();
    Ok((tally, left_out))
}
