//! The command line: reads the arguments, calls a command, turns its error into one line and an exit status. One file a subcommand,
//! its arguments with it. Data goes to stdout, everything else to stderr.

mod bench;
#[cfg(feature = "app")]
mod booth;
mod classify;
mod compare;
mod demo_input;
mod diff;
mod doctor;
mod eval;
mod explain;
mod first_layers;
mod import;
mod inspect;
mod inspect_evidence;
mod inspect_occlusion;
mod likeliest;
mod message;
mod models;
mod moments;
mod network_args;
mod output;
mod picture_reader;
mod render;
mod replay;
mod run;
mod run_record;
mod selftest;
mod teach;
mod unread;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};
use std::env;
use std::io::{self, IsTerminal};
use std::process::ExitCode;
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::prelude::*;

/// See a fully binary network think, live.
#[derive(Parser)]
#[command(name = "ernscope", version = env!("ERNSCOPE_VERSION"), args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<CliCommand>,
    #[command(flatten)]
    run: run::RunArgs,
}

#[derive(Subcommand)]
enum CliCommand {
    /// Open the window (the default), or print predictions with --headless
    Run(run::RunArgs),
    /// Classify pictures
    Classify(classify::ClassifyArgs),
    /// Show what every layer holds for a picture
    Inspect(inspect::InspectArgs),
    /// Show all of the arithmetic of one value: every code that it reads, and for or against what
    Explain(explain::ExplainArgs),
    /// Compare two engines, layer by layer
    Diff(diff::DiffArgs),
    /// Measure how fast networks run
    Bench(bench::BenchArgs),
    /// Count how many pictures of a labelled set a network gets right
    Eval(eval::EvalArgs),
    /// Teach a network new classes, from a few pictures of each
    Teach(teach::TeachArgs),
    /// Make a model file of a published checkpoint
    Import(import::ImportArgs),
    /// List the networks inside this program
    Models,
    /// Tell what this machine offers: processor levels, cameras, graphics
    Doctor,
    /// Check this machine: engines, network, camera, board, display, disk, clock
    #[command(name = "selftest")]
    SelfTest(selftest::SelfTestArgs),
    /// Render labelled frames of the demo, for training or to look at
    Render(render::RenderArgs),
    /// Compute a recording again, and tell whether all comes out the same
    Replay(replay::ReplayArgs),
    /// Fill the screen with a demo that needs nobody: restarted where it fails, looked at from afar
    #[cfg(feature = "app")]
    Booth(booth::BoothArgs),
    /// The booth's window: what `booth` itself starts
    #[cfg(feature = "app")]
    #[command(name = booth::STAGE, hide = true)]
    BoothStage(booth::StageArgs),
    /// Capture from a camera into a pipe: what the program itself starts
    #[cfg(feature = "camera")]
    #[command(name = crate::source::reader::capture::SUBCOMMAND, hide = true)]
    CaptureCamera {
        /// The camera's number
        index: u32,
    },
}

impl CliCommand {
    /// Where a log is that is no line of stderr alone stands in a configuration, which is not read yet.
    fn has_own_log(&self) -> bool {
        #[cfg(feature = "app")]
        return matches!(self, Self::Booth(_));
        #[cfg(not(feature = "app"))]
        return false;
    }
}

/// Does what the command line asks for.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse_arguments(&error),
    };
    let command = cli.command.unwrap_or(CliCommand::Run(cli.run));
    if !command.has_own_log() {
        start_log(io::stderr, io::stderr().is_terminal());
    }
    let result = match command {
        CliCommand::Run(args) => return finish_whole(run::run(args)),
        CliCommand::Classify(args) => return finish_whole(classify::run(&args)),
        CliCommand::Inspect(args) => inspect::run(&args),
        CliCommand::Explain(args) => explain::run(&args),
        CliCommand::Diff(args) => return finish_whole(diff::run(&args)),
        CliCommand::Bench(args) => bench::run(&args),
        CliCommand::Eval(args) => eval::run(&args),
        CliCommand::Teach(args) => return finish_whole(teach::run(&args)),
        CliCommand::Import(args) => import::run(&args),
        CliCommand::Models => models::run(),
        CliCommand::Doctor => doctor::run(),
        CliCommand::SelfTest(args) => return finish_whole(selftest::run(args)),
        CliCommand::Render(args) => render::run(&args),
        CliCommand::Replay(args) => return finish_whole(replay::run(&args)),
        #[cfg(feature = "app")]
        CliCommand::Booth(args) => booth::run(&args),
        #[cfg(feature = "app")]
        CliCommand::BoothStage(args) => return booth::run_stage(args),
        #[cfg(feature = "camera")]
        CliCommand::CaptureCamera { index } => crate::source::reader::camera::run_capture_process(index),
    };
    finish(result)
}

/// Logs go to `writer`, in general stderr: warnings, and what `RUST_LOG` asks for.
fn start_log(writer: impl for<'w> MakeWriter<'w> + Send + Sync + 'static, coloured: bool) {
    let asked = env::var("RUST_LOG").ok().and_then(|targets| targets.parse().ok());
    let filter: Targets =
        asked.unwrap_or_else(|| Targets::new().with_target("ernscope", Level::INFO).with_default(Level::WARN));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(writer)
        .with_ansi(coloured)
        // It would tell of a full or closed stderr on stderr, and panic.
        .log_internal_errors(false)
        .without_time()
        .with_target(false);
    tracing_subscriber::registry().with(lines.with_filter(filter)).init();
}

fn finish(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if output::is_closed(&error) => ExitCode::SUCCESS,
        Err(error) => {
            message::complain(&format!("{error:#}"), "");
            if error.is::<message::Misuse>() { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

/// Fails where a command got to its end and not all was well, without a word more than it said.
fn finish_whole(all_well: anyhow::Result<bool>) -> ExitCode {
    match all_well {
        Ok(false) => ExitCode::FAILURE,
        other => finish(other.map(|_| ())),
    }
}

/// Help goes to stdout; a mistake becomes one line on stderr and exit status 2.
fn refuse_arguments(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        // A closed stdout is the reader's choice.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let text = error.render().to_string();
    let cause = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
    message::complain(cause, "; see ernscope --help");
    ExitCode::from(2)
}
