//! `ernscope eval`: how many pictures of a labelled set a network gets right.

use super::network_args::{EngineArgs, load, threads};
use super::output;
use super::unread::UnreadPictures;
use crate::engine::{Engine, likeliest};
use crate::engines::{self, EngineChoice, Setup};
use crate::evaluate::{Confusion, Cut, Dataset, DatasetError, Mapping, Resize, Separation, Tally, Views, unlabelled};
use crate::network::{Knowing, Logits, ModelChoice, Network};
use crate::source::picture::{Picture, read_picture};
use anyhow::{Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};
use rayon::{ThreadPool, ThreadPoolBuilder};
use serde::Serialize;
use std::fmt::{self, Display, Formatter};
use std::io::Write;
use std::ops::AddAssign;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use web_time::{Duration, Instant};

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
    let jury = Jury::new(args, &network, edge)?;
    let name = jury.engine_name();
    let set = Dataset::open(&args.data, network.labels())?;
    let foreign =
        args.foreign.as_deref().map(|folder| Ok::<_, DatasetError>((folder, unlabelled(folder)?))).transpose()?;
    let mut answers = Answers::default();
    let start = Instant::now();
    let shares = count(&jury, &set, &mut answers)?;
    let images_per_s = answers.tally.images() as f64 / start.elapsed().as_secs_f64();
    if let Some((folder, pictures)) = foreign {
        count_foreign(&jury, folder, &pictures, &mut answers)?;
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
        print_text(&mut out, &output, &shares, &tally.confusions(SHOWN_MISTAKES), &network)?;
    }
    left_out.check()
}

fn print_text(
    out: &mut impl Write,
    output: &EvalOutput,
    shares: &Shares,
    confusions: &[Confusion],
    network: &Network,
) -> Result<()> {
    let EvalOutput { top1, top5, top1_count, images_per_s, knowing, .. } = output;
    writeln!(out, "  top-1 {:6.2} %  ({top1_count} right)", top1 * 100.0)?;
    writeln!(out, "  top-5 {:6.2} %", top5 * 100.0)?;
    writeln!(out, "  {images_per_s:.0} pictures/s; {shares}")?;
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

/// Where the time of looking at pictures went, all threads' together.
#[derive(Clone, Copy, Default)]
struct Shares {
    reading: Duration,
    cutting: Duration,
    running: Duration,
}

impl AddAssign for Shares {
    fn add_assign(&mut self, other: Self) {
        self.reading += other.reading;
        self.cutting += other.cutting;
        self.running += other.running;
    }
}

impl Display for Shares {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let all = (self.reading + self.cutting + self.running).as_secs_f64().max(f64::MIN_POSITIVE);
        let percent = |part: Duration| 100.0 * part.as_secs_f64() / all;
        let (reading, cutting, running) = (percent(self.reading), percent(self.cutting), percent(self.running));
        write!(f, "reading took {reading:.0} % of the time, resampling {cutting:.0} %, the network {running:.0} %")
    }
}

/// What became of one picture.
struct Judged {
    /// Its class in the network, of a labelled one, and what the network said; or why it is left out.
    answer: Result<(usize, Judgement), String>,
    shares: Shares,
}

/// What a network says of a picture, its views' logits averaged.
struct Judgement {
    classes: Vec<f32>,
    knowing: Knowing,
    /// Whether the likeliest class is something.
    says_something: bool,
}

/// Judges that look at pictures side by side, a thread each.
struct Jury {
    judges: Vec<Mutex<Judge>>,
    threads: ThreadPool,
}

/// Pictures that each judge looks at between two turns of counting.
const A_TURN: usize = 32;

impl Jury {
    /// A judge a thread, or one alone for a board, of which there is but one.
    fn new(args: &EvalArgs, network: &Arc<Network>, edge: usize) -> Result<Self> {
        let choice = &args.engine.engine;
        let count = if matches!(choice, EngineChoice::Fpga(_)) { 1 } else { threads(args.engine.threads) };
        let mut engines: Vec<Box<dyn Engine>> = Vec::with_capacity(count);
        for _ in 0..count {
            let before = engines.first().map(AsRef::as_ref);
            engines.push(engines::open(choice, Arc::clone(network), Setup { before, ..Setup::new(edge, 1) })?);
        }
        let judge = |engine| Mutex::new(Judge { engine, views: Views::new(cut(args), edge, 1) });
        Ok(Self {
            judges: engines.into_iter().map(judge).collect(),
            threads: ThreadPoolBuilder::new().num_threads(count).build()?,
        })
    }

    fn engine_name(&self) -> String {
        self.judges.first().map_or_else(String::new, |judge| lock(judge).engine.info().name)
    }

    /// Looks at `count` pictures: `read` has them by their numbers, each with its class. What became of them goes to `then`, in
    /// their order.
    fn look_at(
        &self,
        count: usize,
        read: impl Fn(usize) -> Result<Result<(Picture, usize), String>> + Sync,
        mut then: impl FnMut(usize, Judged),
    ) -> Result<()> {
        let turn = A_TURN * self.judges.len();
        for start in (0..count).step_by(turn) {
            let turn = start..count.min(start + turn);
            let look = |index| {
                let own = rayon::current_thread_index().unwrap_or(0) % self.judges.len();
                lock(&self.judges[own]).look(index, &read)
            };
            // One at a time, so that no thread waits for what another one has put by.
            let each = || turn.clone().into_par_iter().with_max_len(1).map(look).collect();
            let looked: Vec<Result<Judged>> = self.threads.install(each);
            for (index, looked) in turn.zip(looked) {
                then(index, looked?);
            }
        }
        Ok(())
    }
}

fn lock(judge: &Mutex<Judge>) -> MutexGuard<'_, Judge> {
    judge.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs pictures, of each every view.
struct Judge {
    engine: Box<dyn Engine>,
    views: Views,
}

impl Judge {
    fn look(
        &mut self,
        index: usize,
        read: impl Fn(usize) -> Result<Result<(Picture, usize), String>>,
    ) -> Result<Judged> {
        let mut shares = Shares::default();
        let start = Instant::now();
        let read = read(index)?;
        shares.reading = start.elapsed();
        let answer = match read {
            Ok((picture, truth)) => self.judge(&picture, &mut shares)?.map(|answer| (truth, answer)),
            Err(why) => Err(why),
        };
        Ok(Judged { answer, shares })
    }

    /// Runs a picture; the sentence why that cannot be, where it has no view.
    fn judge(&mut self, picture: &Picture, shares: &mut Shares) -> Result<Result<Judgement, String>> {
        let start = Instant::now();
        let views = match self.views.of(picture) {
            Ok(views) => views,
            Err(error) => return Ok(Err(error.to_string())),
        };
        shares.cutting = start.elapsed();
        let start = Instant::now();
        let Logits { mut classes, mut others } = self.engine.network().classifier().1.readout().room();
        let count = views.len() as f32;
        for view in views {
            let outcome = self.engine.run(view)?;
            classes.iter_mut().zip(outcome.logits).for_each(|(sum, logit)| *sum += logit / count);
            others.iter_mut().zip(outcome.others).for_each(|(sum, logit)| *sum += logit / count);
        }
        shares.running = start.elapsed();
        let network = self.engine.network();
        let knowing = network.knowing(&classes, &others);
        let says_something = likeliest(&classes).is_some_and(|class| !network.is_nothing(class));
        Ok(Ok(Judgement { classes, knowing, says_something }))
    }
}

/// Runs every picture of a set that can be read.
fn count(jury: &Jury, set: &Dataset, answers: &mut Answers) -> Result<Shares> {
    let bar = progress(set.len())?;
    let mut shares = Shares::default();
    let read = |index| match set.read(index) {
        Ok(read) => Ok(Ok(read)),
        Err(DatasetError::Picture(error)) => Ok(Err(error.to_string())),
        Err(error) => Err(error.into()),
    };
    jury.look_at(set.len(), read, |index, looked| {
        bar.inc(1);
        shares += looked.shares;
        match looked.answer {
            Err(why) => answers.left_out.add(&set.name(index), &why),
            Ok((truth, Judgement { classes, knowing, .. })) => {
                if answers.tally.count(truth, &classes) {
                    answers.separation.count_right(knowing);
                }
            }
        }
        let tally = &answers.tally;
        if tally.images().is_multiple_of(256) {
            bar.set_message(format!("top-1 {:.1} %", 100.0 * tally.top1() as f64 / tally.images() as f64));
        }
    })?;
    bar.finish_and_clear();
    Ok(shares)
}

/// Runs every foreign picture that can be read.
fn count_foreign(jury: &Jury, folder: &Path, pictures: &[PathBuf], answers: &mut Answers) -> Result<()> {
    /// They have no class.
    const NONE: usize = 0;
    let bar = progress(pictures.len())?;
    let read =
        |index: usize| Ok(read_picture(&pictures[index]).map(|read| (read, NONE)).map_err(|error| error.to_string()));
    jury.look_at(pictures.len(), read, |index, looked| {
        bar.inc(1);
        match looked.answer {
            Ok((_, Judgement { knowing, says_something, .. })) => {
                answers.separation.count_foreign(knowing, knowing.sure && says_something);
            }
            Err(why) => {
                let path = &pictures[index];
                answers.left_out.add(&path.strip_prefix(folder).unwrap_or(path).display().to_string(), &why);
            }
        }
    })?;
    bar.finish_and_clear();
    Ok(())
}

fn progress(pictures: usize) -> Result<ProgressBar> {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {per_sec} {eta} {msg}")?;
    Ok(ProgressBar::new(pictures as u64).with_style(style))
}
