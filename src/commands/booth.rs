//! `ernscope booth`: the supervisor of a stage that nobody watches, and the stage, a process of its own.

use super::message::complain;
use super::start_log;
use crate::app::WindowError;
use crate::app::stage::{self, StageOptions};
use crate::booth::awake::keep_awake;
use crate::booth::config::WatchedConfig;
use crate::booth::counts::DayCounts;
use crate::booth::figures::BoothFigures;
use crate::booth::heartbeat::Pulse;
use crate::booth::log::BoothLog;
use crate::booth::orders::Orders;
use crate::booth::restarts::RestartMemory;
use crate::booth::status::{StatusAddress, serve};
use crate::booth::supervisor::{BoothLock, BoothSupervisor, NO_DISPLAY};
use crate::booth::vital::StageTimes;
use crate::engines::EngineChoice;
use crate::host::files;
use crate::network::ModelChoice;
use crate::source::SourceChoice;
use anyhow::{Context, Result};
use clap::builder::{OsStringValueParser, TypedValueParser};
use rustix::process::{Signal, set_parent_process_death_signal};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// How the stage is called on the command line.
pub(super) const STAGE: &str = "booth-stage";

#[derive(clap::Args, Clone)]
pub(crate) struct BoothArgs {
    /// The booth's configuration [default: booth.toml beside the settings, where there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Serve a page that tells how the booth is, and the same as JSON; a port alone is for this machine's own browsers
    #[arg(long, value_name = "[ADDRESS:]PORT")]
    status: Option<StatusAddress>,
    #[command(flatten)]
    stage: StageArgs,
}

/// What the stage shows; on the command line it goes before the configuration.
#[derive(clap::Args, Clone)]
pub(crate) struct StageArgs {
    /// Where frames come from: demo[:SEED], camera[:N], or a picture, folder, video or recording [default: a camera, else the demo]
    #[arg(long, value_name = "SOURCE", value_parser = OsStringValueParser::new().try_map(SourceChoice::from_argument))]
    source: Option<SourceChoice>,
    /// Network: one of `ernscope models`, random:SHAPE[:SEED], or a model file [default: cards]
    #[arg(long, value_name = "NAME|FILE")]
    model: Option<ModelChoice>,
    /// Engine: reference, cpu, cpu:LEVEL, fpga, fpga:PORT, or fpga:sim [default: cpu]
    #[arg(long)]
    engine: Option<EngineChoice>,
}

impl StageArgs {
    /// The same for another process.
    fn spelled(&self) -> Vec<OsString> {
        let source = self.source.clone().map(|source| match source {
            SourceChoice::File(path) => path.into_os_string(),
            named => named.to_string().into(),
        });
        let model = self.model.clone().map(|model| match model {
            ModelChoice::File(path) => path.into_os_string(),
            named => named.to_string().into(),
        });
        let engine = self.engine.as_ref().map(|engine| engine.to_string().into());
        let named = [("--source=", source), ("--model=", model), ("--engine=", engine)];
        let spell =
            |(name, value): (&str, Option<OsString>)| value.map(|value| [name.into(), value].into_iter().collect());
        named.into_iter().filter_map(spell).collect()
    }
}

/// The supervisor.
pub(crate) fn run(args: &BoothArgs) -> Result<()> {
    let config = WatchedConfig::open(args.config.as_deref())?;
    let state = files::booth_state();
    let log_folder = state.as_ref().map(|state| state.join("log"));
    let wanted = &config.config().log;
    let log = BoothLog::new(wanted.folder.clone().or_else(|| log_folder.clone()), wanted.most_mb);
    start_log(log.clone(), false);
    let _lock = state.as_deref().map(BoothLock::take).transpose()?;
    let program = std::env::current_exe().context("the program does not find itself")?;
    let spelled = args.stage.spelled();
    let make = move || {
        let mut command = Command::new(&program);
        command.arg(STAGE).args(&spelled);
        command
    };
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGHUP, SIGINT, SIGTERM] {
        flag::register(signal, stop.clone())?;
    }
    let kept = |name: &str| state.as_ref().map(|state| state.join(name));
    let figures = BoothFigures::new(RestartMemory::open(kept("restarts.json")), DayCounts::open(kept("days.json")));
    tracing::info!("the booth begins, process {}", std::process::id());
    keep_awake();
    if let Some(address) = args.status {
        serve(address, figures.clone())?;
    }
    let times = StageTimes::default();
    let end = BoothSupervisor::new(make, config, log, log_folder, figures, times).run(&stop);
    tracing::info!("the booth ends: {end}");
    Ok(())
}

/// The stage.
pub(crate) fn run_stage(args: StageArgs) -> ExitCode {
    match play(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("{error:#}"), "");
            let no_display = matches!(error.downcast_ref(), Some(WindowError::Display(_)));
            if no_display { ExitCode::from(NO_DISPLAY) } else { ExitCode::FAILURE }
        }
    }
}

fn play(args: StageArgs) -> Result<()> {
    // One that is stopped does not notice that its pipe closed.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let orders = Orders::listen(io::stdin())?;
    let pulse = Pulse::start(io::stdout())?;
    let StageArgs { source, model, engine } = args;
    Ok(stage::run(StageOptions { source, model, engine }, orders, pulse)?)
}
