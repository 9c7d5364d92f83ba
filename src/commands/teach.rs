//! `ernscope teach`: pictures in folders become classes of a network.

use super::network_args::load;
use super::output;
use super::{message::complain, picture_reader::PictureReader};
use crate::evaluate::ClassFolder;
use crate::network::{ModelChoice, NOTHING, Network, file};
use crate::splitmix64::SplitMix64;
use crate::teach::Lesson;
use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use web_time::Instant;

#[derive(clap::Args)]
pub(crate) struct TeachArgs {
    /// Folder with a folder of pictures a class; one called `nothing` shows the empty place
    #[arg(long, value_name = "DIR", required_unless_present = "merge")]
    data: Option<PathBuf>,
    /// Network whose eyes see: one of `ernscope models`, or a model file
    #[arg(long, value_name = "NAME|FILE", default_value = "objects")]
    model: ModelChoice,
    /// Keep the network's own classes beside the new ones
    #[arg(long)]
    keep_classes: bool,
    /// Take over the classes of another taught network; --model is then a taught one too
    #[arg(long, value_name = "FILE")]
    merge: Option<ModelChoice>,
    /// Pictures to learn from of each class, chosen at random [default: all]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u64).range(1..))]
    frames: Option<u64>,
    /// Names the choice of pictures and the variety of their copies
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Model file to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct TeachOutput {
    classes: usize,
    frames: usize,
    cross_validated: Option<f32>,
    layer: String,
    filters: usize,
    learn_ms: f64,
    bytes: usize,
}

/// Whether every picture could be read.
pub(crate) fn run(args: &TeachArgs) -> Result<bool> {
    check_output(&args.output)?;
    let (network, edge) = load(&args.model, None)?;
    let folders = args.data.as_deref().map(|data| chosen(data, args)).transpose()?.unwrap_or_default();
    let mut lesson = Lesson::new(network, args.keep_classes, args.seed)?;
    if let Some(other) = &args.merge {
        lesson.merge(&other.load()?)?;
    }
    let mut reader = PictureReader::new(edge, 1);
    let all_read = show(&mut lesson, &folders, &mut reader)?;
    let validation = lesson.held().validate()?;
    let cross_validated = (validation.frames > 0).then(|| validation.accuracy());
    lesson.set_validation(validation);
    let start = Instant::now();
    let learned = lesson.learn()?;
    let learn_ms = start.elapsed().as_secs_f64() * 1e3;
    let taught = lesson.described(learned)?;
    let bytes = file::serialize(&taught)?;
    crate::host::files::write_whole(&args.output, &bytes)
        .with_context(|| format!("cannot write {}: name another file with -o", args.output.display()))?;
    let frames = lesson.classes().iter().map(|class| class.frames.len()).sum();
    let filters = taught.classifier().1.conv().geometry().out_channels;
    let (classes, layer, bytes) = (taught.labels().len(), lesson.layer_name().to_owned(), bytes.len());
    let output = TeachOutput { classes, frames, cross_validated, layer, filters, learn_ms, bytes };
    if args.json {
        writeln!(output::stdout(), "{}", serde_json::to_string(&output)?)?;
    } else {
        print_text(args, &output, &taught, &lesson)?;
    }
    Ok(all_read)
}

/// Teaching must not have been for nothing.
fn check_output(path: &Path) -> Result<()> {
    if path.is_dir() {
        bail!("{} is a folder: name a file with -o", path.display());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        bail!("{} is no folder: name a file in one that is there with -o", folder.display());
    }
    Ok(())
}

/// The classes with the pictures that are to be shown, the empty place first: things are cut out by it.
fn chosen(data: &Path, args: &TeachArgs) -> Result<Vec<ClassFolder>> {
    let mut folders = ClassFolder::all(data)?;
    folders.sort_by_key(|folder| folder.name.to_lowercase() != NOTHING);
    if let Some(first) = folders.first_mut().filter(|folder| folder.name.to_lowercase() == NOTHING) {
        NOTHING.clone_into(&mut first.name);
    }
    let mut dice = SplitMix64(args.seed);
    for folder in &mut folders {
        let count = args.frames.map_or(usize::MAX, |frames| usize::try_from(frames).unwrap_or(usize::MAX));
        keep_some(&mut folder.pictures, count, &mut dice);
    }
    Ok(folders)
}

/// Takes out all but `count`, chosen at random; the others stay in their order.
fn keep_some(pictures: &mut Vec<PathBuf>, count: usize, dice: &mut SplitMix64) {
    while pictures.len() > count {
        let out = (dice.next() % pictures.len() as u64) as usize;
        pictures.remove(out);
    }
}

/// Shows every picture that can be read; the others are told on stderr. Whether all could be.
fn show(lesson: &mut Lesson, folders: &[ClassFolder], reader: &mut PictureReader) -> Result<bool> {
    let count = folders.iter().map(|folder| folder.pictures.len()).sum::<usize>();
    let bar = ProgressBar::new(count as u64)
        .with_style(ProgressStyle::with_template("{bar:40} {pos}/{len} {per_sec} {eta} {msg}")?);
    let mut all_read = true;
    for folder in folders {
        let known = lesson.classes().iter().position(|class| class.name == folder.name);
        let class = known.map_or_else(|| lesson.add_class(&folder.name), Ok)?;
        bar.set_message(folder.name.clone());
        for picture in &folder.pictures {
            bar.inc(1);
            match reader.read(picture) {
                Ok(square) => drop(lesson.add_frame(class, Arc::new(square.clone()))?),
                Err(error) => {
                    all_read = false;
                    bar.suspend(|| complain(&format!("{error:#}"), ""));
                }
            }
        }
        if lesson.classes()[class].frames.is_empty() {
            bail!("no picture of `{}` can be read: get its pictures again, or take the folder out", folder.name);
        }
    }
    bar.finish_and_clear();
    Ok(all_read)
}

fn print_text(args: &TeachArgs, output: &TeachOutput, taught: &Network, lesson: &Lesson) -> Result<()> {
    let mut out = output::stdout();
    let TeachOutput { classes, frames, layer, filters, learn_ms, bytes, .. } = output;
    let (path, size) = (args.output.display(), *bytes as f64 / 1e3);
    writeln!(out, "{path}: {classes} classes from {frames} pictures, {filters} filters behind {layer}, {size:.0} kB")?;
    writeln!(out, "  learned in {learn_ms:.0} ms")?;
    if let Some(share) = output.cross_validated {
        writeln!(out, "  {:.1} % of the pictures were recognised when they were held out", share * 100.0)?;
    }
    let before = taught.labels().len() - lesson.classes().len();
    for confusion in lesson.validation().into_iter().flat_map(|validation| &validation.confusions).take(5) {
        let [truth, answer] = [confusion.truth, confusion.answer].map(|class| &taught.labels()[before + class]);
        writeln!(out, "  {:5} × {truth} taken for {answer}", confusion.count)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_names_a_choice_that_keeps_the_order() {
        let all: Vec<PathBuf> = (0..30).map(|at| format!("{at:02}.png").into()).collect();
        let some = |seed| {
            let mut pictures = all.clone();
            keep_some(&mut pictures, 7, &mut SplitMix64(seed));
            pictures
        };
        assert_eq!(some(1), some(1));
        assert_ne!(some(1), some(2));
        assert!(some(3).len() == 7 && some(3).is_sorted());
    }
}
