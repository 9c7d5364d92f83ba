//! `ernscope eval`: how many pictures of a labelled set a network gets right.

use super::network_args::{EngineArgs, load, threads};
use super::output;
use super::unread::UnreadPictures;
use crate::engine::{Engine, likeliest};
use crate::engines::{self, Setup};
use crate::evaluate::{Confusion, Cut, Dataset, DatasetError, Mapping, Resize, Separation, Tally, Views, unlabelled};
use crate::network::{Knowing, Logits, ModelChoice, Network};
use crate::source::picture::{Picture, read_picture};
use anyhow::{Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};
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
    /// Folder with pictures, directly or in folders, that show none of the network's classes: how many of them are named
    #[arg(long, value_name = "DIR")]
    foreign: Option<PathBuf>,
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
    #[serde(flatten)]
    knowing: Option<SeparationOutput>,
}

/// How well known and foreign pictures are told apart.
#[derive(Serialize)]
struct SeparationOutput {
    auroc: f64,
    foreign_named: f64,
    right_kept: f64,
    foreign_images: usize,
}

impl SeparationOutput {
    /// Of a network that recognised some pictures, and was shown some foreign ones.
    fn of(separation: &Separation) -> Self {
        Self {
            auroc: separation.auroc(),
            foreign_named: separation.foreign_named(),
            right_kept: separation.right_kept(),
            foreign_images: separation.foreign(),
        }
    }
}

pub(crate) fn run(args: &EvalArgs) -> Result<()> {
    let (network, edge) = load(&args.model, args.crop)?;
    if args.resize.is_some_and(|resize| (resize.shorter() as usize) < edge) {
        bail!("--resize is smaller than the {edge} pixels that are cut out: name a larger one, or a smaller --crop");
    }
    let threads = threads(args.engine.threads);
    let engine = engines::open(&args.engine.engine, network.clone(), Setup::new(edge, threads))?;
    let name = engine.info().name;
    let mut set = Dataset::open(&args.data, network.labels())?;
    let foreign =
        args.foreign.as_deref().map(|folder| Ok::<_, DatasetError>((folder, unlabelled(folder)?))).transpose()?;
    let mut judge = Judge::new(engine, Views::new(cut(args), edge, threads));
    let mut answers = Answers::default();
    let start = Instant::now();
    count(&mut judge, &mut set, &mut answers)?;
    let images_per_s = answers.tally.images() as f64 / start.elapsed().as_secs_f64();
    if let Some((folder, pictures)) = foreign {
        count_foreign(&mut judge, folder, &pictures, &mut answers)?;
    }
    let Answers { tally, separation, left_out } = &answers;
    if tally.images() == 0 {
        bail!("no picture in {} can be read; {left_out}", args.data.display());
    }
    let knowing = match &args.foreign {
        None => None,
        Some(folder) if separation.foreign() == 0 => {
            bail!("no picture in {} can be read; {left_out}", folder.display())
        }
        Some(_) if tally.top1() == 0 => {
            bail!("no picture was recognised: nothing can be told of how sure the network is of those")
        }
        Some(_) => Some(SeparationOutput::of(separation)),
    };
    let share = |count: u64| count as f64 / tally.images() as f64;
    let output = EvalOutput {
        images: tally.images(),
        top1: share(tally.top1()),
        top5: share(tally.top5()),
        top1_count: tally.top1(),
        images_per_s,
        left_out: left_out.count,
        mapping: set.mapping(),
        knowing,
    };
    let mut out = output::stdout();
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&output)?)?;
    } else {
        writeln!(out, "{} on {name}, {edge}×{edge}: {} pictures", network.name(), tally.images())?;
        print_text(&mut out, &output, &tally.confusions(SHOWN_MISTAKES), &network)?;
    }
    left_out.check()
}

fn print_text(out: &mut impl Write, output: &EvalOutput, confusions: &[Confusion], network: &Network) -> Result<()> {
    let EvalOutput { top1, top5, top1_count, images_per_s, knowing, .. } = output;
    writeln!(out, "  top-1 {:6.2} %  ({top1_count} right)", top1 * 100.0)?;
    writeln!(out, "  top-5 {:6.2} %", top5 * 100.0)?;
    writeln!(out, "  {images_per_s:.0} pictures/s, reading included")?;
    if let Some(SeparationOutput { auroc, foreign_named, right_kept, foreign_images }) = knowing {
        writeln!(out, "  {foreign_images} foreign pictures, {:.1} % of them named", foreign_named * 100.0)?;
        writeln!(out, "  {:.1} % of the right answers are sure; AUROC {auroc:.3}", right_kept * 100.0)?;
    }
    for Confusion { truth, answer, count } in confusions {
        writeln!(out, "  {count:5} × {} taken for {}", network.labels()[*truth], network.labels()[*answer])?;
    }
    Ok(())
}

fn cut(args: &EvalArgs) -> Cut {
    match (args.resize, args.crop) {
        (None, None) => Cut::CentreSquare,
        (resize, _) => Cut::Crop { resize, ten: args.ten_crop },
    }
}

/// What the network said of the pictures of a set, and of foreign ones.
#[derive(Default)]
struct Answers {
    tally: Tally,
    separation: Separation,
    left_out: UnreadPictures,
}

/// Runs pictures, of each every view; the logits of its views are averaged.
struct Judge {
    engine: Box<dyn Engine>,
    views: Views,
    /// Of the last picture, of the classes and of the rows of no class.
    logits: Logits,
}

impl Judge {
    fn new(engine: Box<dyn Engine>, views: Views) -> Self {
        let logits = engine.network().classifier().1.readout().room();
        Self { engine, views, logits }
    }

    /// Runs a picture; the sentence why that cannot be, where it has no view.
    fn look(&mut self, picture: &Picture) -> Result<Result<Knowing, String>> {
        let views = match self.views.of(picture) {
            Ok(views) => views,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let Logits { classes, others } = &mut self.logits;
        let count = views.len() as f32;
        classes.fill(0.0);
        others.fill(0.0);
        for view in views {
            let outcome = self.engine.run(view)?;
            classes.iter_mut().zip(outcome.logits).for_each(|(sum, logit)| *sum += logit / count);
            others.iter_mut().zip(outcome.others).for_each(|(sum, logit)| *sum += logit / count);
        }
        Ok(Ok(self.engine.network().knowing(classes, others)))
    }

    /// Whether the last picture's likeliest class is something.
    fn says_something(&self) -> bool {
        likeliest(&self.logits.classes).is_some_and(|class| !self.engine.network().is_nothing(class))
    }
}

/// Runs every picture of a set that can be read.
fn count(judge: &mut Judge, set: &mut Dataset, answers: &mut Answers) -> Result<()> {
    let bar = progress(set.len())?;
    for index in 0..set.len() {
        bar.inc(1);
        let (picture, truth) = match set.read(index) {
            Ok(read) => read,
            Err(DatasetError::Picture(error)) => {
                answers.left_out.add(&set.name(index), &error.to_string());
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        match judge.look(&picture)? {
            Err(why) => answers.left_out.add(&set.name(index), &why),
            Ok(knowing) => {
                if answers.tally.count(truth, &judge.logits.classes) {
                    answers.separation.count_right(knowing);
                }
            }
        }
        let tally = &answers.tally;
        if tally.images().is_multiple_of(256) {
            bar.set_message(format!("top-1 {:.1} %", 100.0 * tally.top1() as f64 / tally.images() as f64));
        }
    }
    bar.finish_and_clear();
    Ok(())
}

/// Runs every foreign picture that can be read.
fn count_foreign(judge: &mut Judge, folder: &Path, pictures: &[PathBuf], answers: &mut Answers) -> Result<()> {
    let bar = progress(pictures.len())?;
    for path in pictures {
        bar.inc(1);
        let looked = match read_picture(path) {
            Ok(picture) => judge.look(&picture)?,
            Err(error) => Err(error.to_string()),
        };
        match looked {
            Ok(knowing) => answers.separation.count_foreign(knowing, knowing.sure && judge.says_something()),
            Err(why) => answers.left_out.add(&path.strip_prefix(folder).unwrap_or(path).display().to_string(), &why),
        }
    }
    bar.finish_and_clear();
    Ok(())
}

fn progress(pictures: usize) -> Result<ProgressBar> {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {per_sec} {eta} {msg}")?;
    Ok(ProgressBar::new(pictures as u64).with_style(style))
}
