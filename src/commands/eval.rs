//! `ernscope eval`: how many pictures of a labelled set a network gets right.

use super::{load, threads};
use crate::EvalArgs;
use anyhow::{Context, Result, bail};
use ernscope::engine::Engine;
use ernscope::engines;
use ernscope::evaluate::{Confusion, Cut, Dataset, Tally, Views};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::io::Write;
use std::time::Instant;

/// How many of the commonest mistakes are printed.
const SHOWN_MISTAKES: usize = 10;

#[derive(Serialize)]
struct Document {
    images: u64,
    top1: f64,
    top5: f64,
    top1_count: u64,
    images_per_s: f64,
}

pub(crate) fn run(args: &EvalArgs) -> Result<()> {
    let (network, edge) = load(&args.model, args.crop)?;
    if args.resize.is_some_and(|resize| (resize.shorter() as usize) < edge) {
        bail!("--resize is smaller than the {edge} pixels that are cut out: name a larger one, or a smaller --crop");
    }
    let threads = threads(args.engine.threads);
    let mut engine = engines::open(&args.engine.engine, network.clone(), edge, threads)?;
    let mut set = Dataset::open(&args.data, network.labels())?;
    let mut views = Views::new(cut(args), edge, threads);
    let start = Instant::now();
    let tally = count(&mut *engine, &mut set, &mut views)?;
    let images_per_s = tally.images() as f64 / start.elapsed().as_secs_f64();
    let share = |count: u64| count as f64 / tally.images() as f64;
    let mut out = std::io::stdout().lock();
    if args.json {
        let (top1, top5) = (share(tally.top1()), share(tally.top5()));
        let document = Document { images: tally.images(), top1, top5, top1_count: tally.top1(), images_per_s };
        writeln!(out, "{}", serde_json::to_string(&document)?)?;
        return Ok(());
    }
    writeln!(out, "{} on {}, {edge}×{edge}: {} pictures", network.name(), engine.info().name, tally.images())?;
    writeln!(out, "  top-1 {:6.2} %  ({} right)", share(tally.top1()) * 100.0, tally.top1())?;
    writeln!(out, "  top-5 {:6.2} %", share(tally.top5()) * 100.0)?;
    writeln!(out, "  {images_per_s:.0} pictures/s, reading included")?;
    for Confusion { truth, answer, count } in tally.confusions(SHOWN_MISTAKES) {
        writeln!(out, "  {count:5} × {} taken for {}", network.labels()[truth], network.labels()[answer])?;
    }
    Ok(())
}

fn cut(args: &EvalArgs) -> Cut {
    match (args.resize, args.crop) {
        (None, None) => Cut::CentreSquare,
        (resize, _) => Cut::Crop { resize, ten: args.ten_crop },
    }
}

/// Runs every picture; the logits of its views are averaged.
fn count(engine: &mut dyn Engine, set: &mut Dataset, views: &mut Views) -> Result<Tally> {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {per_sec} {eta} {msg}")?;
    let bar = ProgressBar::new(set.len() as u64).with_style(style);
    let mut tally = Tally::default();
    let mut sums = vec![0.0; engine.network().labels().len()];
    for index in 0..set.len() {
        let (picture, truth) = set.read(index)?;
        sums.fill(0.0);
        for view in views.of(&picture).with_context(|| format!("picture {index}"))? {
            sums.iter_mut().zip(engine.run(view)?).for_each(|(sum, logit)| *sum += logit);
        }
        tally.count(truth, &sums);
        bar.inc(1);
        if tally.images().is_multiple_of(256) {
            bar.set_message(format!("top-1 {:.1} %", 100.0 * tally.top1() as f64 / tally.images() as f64));
        }
    }
    bar.finish_and_clear();
    Ok(tally)
}
