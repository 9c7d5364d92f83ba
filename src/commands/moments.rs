//! `ernscope inspect --moments`: what of the pictures in a folder excites each channel of a layer most.

use super::network_args::threads;
use super::output;
use super::picture_reader::PictureReader;
use super::unread::UnreadPictures;
use crate::engine::Engine;
use crate::evaluate::unlabelled;
use crate::inspect::explain::layer_named;
use crate::inspect::moments::{MOST_MOMENTS, Moment, StrongestMoments, shown};
use anyhow::{Result, anyhow, bail};
use serde::Serialize;
use serde_json::{Value, json};
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(super) struct MomentArgs {
    /// Show what of the pictures in this folder, or in folders there, excited each channel of a layer most, instead of the
    /// layers of one picture: nine positions each, no two of one picture; by the sum before thresholds, of a layer without
    /// sums by the code
    #[arg(long, value_name = "DIR", requires = "layer", group = "question")]
    moments: Option<PathBuf>,
    /// The layer, named as without --moments
    #[arg(long, value_name = "NAME", requires = "moments", conflicts_with = "image")]
    layer: Option<String>,
    /// One channel alone
    #[arg(long, value_name = "C", requires = "layer")]
    channel: Option<usize>,
}

/// What is asked for.
pub(super) struct WantedMoments<'a> {
    folder: &'a Path,
    layer: &'a str,
    channel: Option<usize>,
}

impl MomentArgs {
    /// The folder whose pictures are read.
    pub(super) fn folder(&self) -> Option<&Path> {
        self.moments.as_deref()
    }

    /// `None` where nothing is.
    pub(super) fn wanted(&self) -> Option<WantedMoments<'_>> {
        let Self { moments, layer, channel } = self;
        Some(WantedMoments { folder: moments.as_deref()?, layer: layer.as_deref()?, channel: *channel })
    }
}

#[derive(Serialize)]
struct ChannelLine {
    channel: usize,
    moments: Vec<MomentOutput>,
}

#[derive(Serialize)]
struct MomentOutput {
    image: String,
    at: [usize; 2],
    value: Value,
}

pub(super) fn run(wanted: WantedMoments<'_>, engine: &mut dyn Engine, json: bool, png: Option<&Path>) -> Result<()> {
    let network = engine.network().clone();
    let layer = layer_named(&network, wanted.layer)?;
    let edge = engine.edge();
    let mut moments = StrongestMoments::new(&network, edge, layer);
    let channels = chosen(&wanted, moments.channels().len())?;
    if shown(engine, layer).is_none() {
        let (name, engine) = (wanted.layer, engine.info().name);
        bail!("{engine} shows nothing of the layer `{name}`: choose another layer, or --engine cpu");
    }
    let pictures = unlabelled(wanted.folder)?;
    let left_out = look(&mut moments, engine, &pictures, wanted.folder)?;
    if left_out.count == pictures.len() {
        bail!("no picture in {} can be read; {left_out}", wanted.folder.display());
    }
    if left_out.count > 0 {
        super::message::complain(&left_out.to_string(), "");
    }
    if let Some(path) = png {
        write_sheet(&moments, channels.clone(), edge, path)?;
    }
    let mut out = output::stdout();
    for channel in channels {
        let moments = &moments.channels()[channel];
        if json {
            let moments = moments.iter().map(|moment| told(moment, &pictures)).collect();
            writeln!(out, "{}", serde_json::to_string(&ChannelLine { channel, moments })?)?;
        } else {
            writeln!(out, "channel {channel}")?;
            for moment in moments.iter() {
                let MomentOutput { image, at: [y, x], value } = told(moment, &pictures);
                writeln!(out, "  {value:>10}  row {y:>3}, column {x:>3}  {image}")?;
            }
        }
    }
    Ok(())
}

/// The number of a layer.
/// The channels that are asked for, of those that there are.
fn chosen(wanted: &WantedMoments<'_>, channels: usize) -> Result<Range<usize>> {
    match wanted.channel {
        None => Ok(0..channels),
        Some(channel) if channel < channels => Ok(channel..channel + 1),
        Some(channel) => {
            let (layer, last) = (wanted.layer, channels - 1);
            bail!("the layer `{layer}` has no channel {channel}: name one from 0 to {last}")
        }
    }
}

/// Runs all pictures that can be read.
fn look(
    moments: &mut StrongestMoments,
    engine: &mut dyn Engine,
    pictures: &[PathBuf],
    folder: &Path,
) -> Result<UnreadPictures> {
    let mut reader = PictureReader::new(engine.edge(), threads(None));
    let mut left_out = UnreadPictures::default();
    for (number, path) in pictures.iter().enumerate() {
        match reader.read(path) {
            Ok(input) => moments.look(engine, input, number as u64)?,
            Err(error) => {
                let name = path.strip_prefix(folder).unwrap_or(path).display().to_string();
                left_out.add(&name, &format!("{error:#}"));
            }
        }
    }
    Ok(left_out)
}

fn told(moment: &Moment, pictures: &[PathBuf]) -> MomentOutput {
    let value = moment.value;
    MomentOutput {
        image: pictures[moment.picture as usize].display().to_string(),
        at: moment.at,
        // Sums and codes are whole numbers but in a float first layer.
        value: if value.fract() == 0.0 { json!(value as i64) } else { json!(value) },
    }
}

/// Pixels between the patches of a sheet.
const GAP: usize = 2;
/// Between them.
const BACKGROUND: u8 = 64;

/// A row a channel, the strongest moment first.
fn write_sheet(moments: &StrongestMoments, channels: Range<usize>, edge: usize, path: &Path) -> Result<()> {
    // Small patches are enlarged, as far as the largest may be.
    let [side, room] = moments.sides(edge);
    let times = room / side;
    let cell = side * times + GAP;
    let [width, height] = [MOST_MOMENTS * cell + GAP, channels.len() * cell + GAP];
    let mut rgb = vec![BACKGROUND; width * height * 3];
    for (row, channel) in channels.enumerate() {
        for (column, moment) in moments.channels()[channel].iter().enumerate() {
            let patch = &moment.patch;
            for y in 0..patch.height * times {
                let from = &patch.rgb[y / times * patch.width * 3..][..patch.width * 3];
                let to = &mut rgb[((row * cell + GAP + y) * width + column * cell + GAP) * 3..];
                let wide = from.as_chunks::<3>().0.iter().flat_map(|pixel| std::iter::repeat_n(pixel, times)).flatten();
                to.iter_mut().zip(wide).for_each(|(to, from)| *to = *from);
            }
        }
    }
    let [width, height] = [width, height].map(|side| side as u32);
    image::save_buffer_with_format(path, &rgb, width, height, image::ColorType::Rgb8, image::ImageFormat::Png).map_err(
        |why| {
            anyhow!(
                "cannot write {} ({why}): name a file that may be written, where there is room for it",
                path.display()
            )
        },
    )
}
