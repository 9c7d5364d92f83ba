//! `ernscope selftest`: the morning check of a machine.

use super::output;
use crate::engines::EngineChoice;
use crate::network::ModelChoice;
use crate::selftest::{Finding, FindingState, SelfTest};
use crate::source::SourceChoice;
use anyhow::Result;
use clap::builder::{OsStringValueParser, TypedValueParser};
use serde::Serialize;
use std::io::{self, Write};
use std::path::PathBuf;
use web_time::Duration;

/// The most seconds that a check may be given.
const MOST_SECONDS: u64 = 600;

#[derive(clap::Args)]
pub(crate) struct SelfTestArgs {
    /// Network to check besides: a copy of one inside the program must equal it, any must be the same on every engine
    #[arg(long, value_name = "NAME|FILE")]
    model: Option<ModelChoice>,
    /// Engine that must be there: cpu:LEVEL, fpga, fpga:PORT, or fpga:sim [default: what is here]
    #[arg(long)]
    engine: Option<EngineChoice>,
    /// Source that must deliver: camera[:N], or what else `run` takes [default: the first camera, if there is one]
    #[arg(long, value_name = "SOURCE", value_parser = OsStringValueParser::new().try_map(SourceChoice::from_argument))]
    source: Option<SourceChoice>,
    /// Another folder that must have room
    #[arg(long, value_name = "DIR")]
    keep_in: Vec<PathBuf>,
    /// Seconds that all of it may take; a simulated board, or one behind a slow line, takes more
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=MOST_SECONDS))]
    within: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct SelfTestOutput {
    checks: Vec<Finding>,
}

/// Prints a line a check, or one object of all; whether no check found a fault.
pub(crate) fn run(args: SelfTestArgs) -> Result<bool> {
    let SelfTestArgs { model, engine, source, keep_in, within, json } = args;
    let within = Duration::from_secs(within);
    let asked = SelfTest { model, engine, source, keep_in, display: true, within };
    let mut out = output::stdout();
    let mut checks = Vec::new();
    let mut written = Ok(());
    asked.run(&mut |finding| {
        if !json && written.is_ok() {
            written = line(&mut out, &finding);
        }
        checks.push(finding);
    });
    written?;
    let is_well = checks.iter().all(|finding| finding.state != FindingState::Fault);
    if json {
        writeln!(out, "{}", serde_json::to_string(&SelfTestOutput { checks })?)?;
    }
    Ok(is_well)
}

fn line(out: &mut impl Write, finding: &Finding) -> io::Result<()> {
    writeln!(out, "{finding}")?;
    out.flush()
}
