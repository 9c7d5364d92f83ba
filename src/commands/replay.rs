//! `ernscope replay`: whether a recording comes out the same once more.

use super::network_args::threads;
use super::output;
use crate::engines::{self, EngineChoice, Setup};
use crate::flight::{self, FlightError, Replayed, check_network};
use crate::network::{ModelChoice, Network};
use anyhow::{Result, anyhow, bail};
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(clap::Args)]
pub(crate) struct ReplayArgs {
    /// The recording, as `run --headless --record` writes it
    #[arg(value_name = "FILE")]
    recording: PathBuf,
    /// Network: one of `ernscope models`, random:SHAPE[:SEED], or a model file [default: the one inside the program of the name in FILE]
    #[arg(long, value_name = "NAME|FILE")]
    model: Option<ModelChoice>,
    /// Engine: reference, cpu, cpu:LEVEL, fpga (the first board found), fpga:PORT, or fpga:sim (a simulated board)
    #[arg(long, default_value = "cpu")]
    engine: EngineChoice,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct ReplayOutput<'a> {
    frames: u64,
    identical: bool,
    first: Option<First<'a>>,
}

#[derive(Serialize)]
struct First<'a> {
    frame: u64,
    layer: &'a str,
}

/// Computes a recording again; whether all came out as it was recorded.
pub(crate) fn run(args: &ReplayArgs) -> Result<bool> {
    let path = args.recording.display();
    let refused = |error: FlightError| anyhow!("recording {path} {error}: {}", error.remedy());
    let recording = flight::open(&args.recording).map_err(refused)?;
    let header = recording.header();
    let network = Arc::new(network(args, &header.network.name)?);
    check_network(header, &network).map_err(|what| {
        anyhow!("recording {path} is of another network ({what}): name the one that was recorded with --model")
    })?;
    let mut engine = engines::open(&args.engine, Arc::clone(&network), Setup::new(header.edge, threads(None)))?;
    let replayed = flight::replay(recording, &mut *engine).map_err(|error| match error {
        flight::ReplayError::Flight(error) => refused(error),
        flight::ReplayError::Engine(error) => error.into(),
    })?;
    print(args, &network, &engine.info().name, &replayed)?;
    Ok(replayed.first.is_none())
}

/// The network that is asked for, or else the one of that name. A file is never opened because a recording names it.
fn network(args: &ReplayArgs, name: &str) -> Result<Network> {
    let Ok(named) = name.parse();
    match (&args.model, named) {
        (Some(model), _) => Ok(model.load()?),
        (None, ModelChoice::File(_)) => {
            bail!(
                "recording {} is of the network `{name}`, which is not inside this program: name its file with --model",
                args.recording.display()
            )
        }
        (None, named) => Ok(named.load()?),
    }
}

fn print(args: &ReplayArgs, network: &Network, engine: &str, replayed: &Replayed) -> Result<()> {
    let mut out = output::stdout();
    let Replayed { frames, looked_at, differing, first } = replayed;
    let layer = |layer: usize| network.layers()[layer].name.as_str();
    if args.json {
        let first = first.as_ref().map(|first| First { frame: first.frame, layer: layer(first.layer) });
        let line = ReplayOutput { frames: *frames, identical: first.is_none(), first };
        writeln!(out, "{}", serde_json::to_string(&line)?)?;
        return Ok(());
    }
    let path = args.recording.display();
    match first {
        None => writeln!(
            out,
            "{path}: {frames} frames of {}, identical on {engine}: the answers, and the layers of {looked_at} of them",
            network.name()
        )?,
        Some(first) => writeln!(
            out,
            "{path}: {differing} of {frames} frames of {} differ on {engine}, the first of them is frame {}, from layer {} on",
            network.name(),
            first.frame,
            layer(first.layer)
        )?,
    }
    Ok(())
}
