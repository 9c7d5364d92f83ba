//! The command line: reads the arguments, calls a command, turns its error into one line and an exit status.

mod commands;
mod output;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};
use ernscope::engine::EngineChoice;
use ernscope::evaluate::Resize;
use ernscope::network::shipped::ModelChoice;
use ernscope::source::SourceChoice;
use std::env;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

/// See a fully binary network think, live.
#[derive(Parser)]
#[command(name = "ernscope", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArgs,
}

#[derive(Subcommand)]
enum Command {
    /// Open the window (the default), or print predictions with --headless
    Run(RunArgs),
    /// Classify pictures
    Classify(ClassifyArgs),
    /// Show what every layer holds for a picture
    Inspect(InspectArgs),
    /// Compare two engines, layer by layer
    Diff(DiffArgs),
    /// Measure how fast networks run
    Bench(BenchArgs),
    /// Count how many pictures of a labelled set a network gets right
    Eval(EvalArgs),
    /// Make a model file of a published checkpoint
    Import(commands::import::ImportArgs),
    /// List the networks inside this program
    Models,
    /// Tell what this machine offers: processor levels, cameras, graphics
    Doctor,
    /// Render labelled frames of the demo, for training or to look at
    Render(commands::render::RenderArgs),
    /// Capture from a camera into a pipe: what the program itself starts
    #[cfg(feature = "app")]
    #[command(name = ernscope::source::capture::SUBCOMMAND, hide = true)]
    CaptureCamera {
        /// The camera's number
        index: u32,
    },
}

/// Which network on which engine, for every command that runs one.
#[derive(Args, Clone)]
struct NetworkArgs {
    /// Network: one of `ernscope models`, random:SHAPE[:SEED], or a model file
    #[arg(long, value_name = "NAME|FILE", default_value = "cards")]
    model: ModelChoice,
    /// Input edge in pixels, a multiple of the network's stride [default: the network's own]
    #[arg(long, value_name = "EDGE")]
    size: Option<usize>,
}

#[derive(Args, Clone)]
struct EngineArgs {
    /// Engine: reference, cpu, cpu:LEVEL, fpga (the first board found), fpga:PORT, or fpga:sim (a simulated board)
    #[arg(long, default_value = "cpu")]
    engine: EngineChoice,
    /// Threads that compute [default: all cores; all but one with a window]
    #[arg(long, value_name = "N", value_parser = thread_count)]
    threads: Option<usize>,
}

#[derive(Args, Clone)]
struct RunArgs {
    /// Where frames come from: demo[:SEED], camera[:N], or a picture, folder or video [default: a camera, else the demo]
    #[arg(long, value_name = "SOURCE", value_parser = OsStringValueParser::new().try_map(SourceChoice::from_argument))]
    source: Option<SourceChoice>,
    /// Network: one of `ernscope models`, random:SHAPE[:SEED], or a model file [default: cards, or the window's last one]
    #[arg(long, value_name = "NAME|FILE")]
    model: Option<ModelChoice>,
    /// Input edge in pixels, a multiple of the network's stride [default: the network's own]
    #[arg(long, value_name = "EDGE")]
    size: Option<usize>,
    /// Engine: reference, cpu, cpu:LEVEL, fpga, fpga:PORT, or fpga:sim [default: cpu, or the window's last one]
    #[arg(long)]
    engine: Option<EngineChoice>,
    /// Threads that compute [default: all cores; all but one with a window]
    #[arg(long, value_name = "N", value_parser = thread_count)]
    threads: Option<usize>,
    /// Print predictions instead of opening a window; Ctrl-C ends with the summary
    #[arg(long)]
    headless: bool,
    /// Stop after N predictions
    #[arg(long, value_name = "N", requires = "headless", value_parser = clap::value_parser!(u64).range(1..))]
    frames: Option<u64>,
    /// Print JSON, a line a frame
    #[arg(long, requires = "headless")]
    json: bool,
}

#[derive(Args)]
struct ClassifyArgs {
    #[command(flatten)]
    network: NetworkArgs,
    #[command(flatten)]
    engine: EngineArgs,
    /// How many of the likeliest classes to print
    #[arg(long, value_name = "K", default_value_t = 5)]
    top: usize,
    /// Print the logits of all classes too
    #[arg(long, requires = "json")]
    logits: bool,
    /// Print JSON, a line an image
    #[arg(long)]
    json: bool,
    /// Pictures
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
}

#[derive(Args)]
struct InspectArgs {
    #[command(flatten)]
    network: NetworkArgs,
    /// Engine: reference, cpu, cpu:LEVEL, fpga (the first board found), fpga:PORT, or fpga:sim (a simulated board)
    #[arg(long, default_value = "cpu")]
    engine: EngineChoice,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Write every activation's codes and the logits to this file
    #[arg(long, value_name = "FILE.safetensors")]
    dump: Option<PathBuf>,
    /// Picture
    #[arg(value_name = "IMAGE")]
    image: PathBuf,
}

#[derive(Args)]
struct DiffArgs {
    /// Two engines
    #[arg(long, value_name = "A,B", value_parser = engine_pair)]
    engines: [EngineChoice; 2],
    #[command(flatten)]
    network: NetworkArgs,
    /// Pictures
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
}

#[derive(Args)]
struct BenchArgs {
    /// Network, may be given more than once [default: the shipped ones and random:erns18 with their twins]
    #[arg(long, value_name = "NAME|FILE", conflicts_with = "compare")]
    model: Vec<ModelChoice>,
    /// Input edge in pixels [default: each network's own]
    #[arg(long, value_name = "EDGE", conflicts_with = "compare")]
    size: Option<usize>,
    #[command(flatten)]
    engine: EngineArgs,
    /// Run published networks in turn with other runtimes' usual ones instead; benches/peers/setup installs those
    #[arg(long)]
    compare: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct EvalArgs {
    /// Folder with a folder of pictures a class, or with the binary files of CIFAR-10 or CIFAR-100
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Network: one of `ernscope models`, random:SHAPE[:SEED], or a model file
    #[arg(long, value_name = "NAME|FILE", default_value = "cards")]
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

/// Most threads that make sense to ask for.
const MAX_THREADS: usize = 1024;

fn thread_count(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| (1..=MAX_THREADS).contains(count));
    count.ok_or_else(|| format!("a number of threads from 1 to {MAX_THREADS} is needed"))
}

fn engine_pair(text: &str) -> Result<[EngineChoice; 2], String> {
    let engines: Result<Vec<EngineChoice>, _> = text.split(',').map(str::parse).collect();
    let engines = engines.map_err(|error| error.to_string())?;
    engines.try_into().map_err(|_| "two engines with a comma between them are needed, as in cpu,reference".into())
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse_arguments(&error),
    };
    start_log();
    let result = match cli.command.unwrap_or(Command::Run(cli.run)) {
        Command::Run(args) => commands::run::run(args),
        Command::Classify(args) => return finish_whole(commands::classify::run(&args)),
        Command::Inspect(args) => commands::inspect::run(&args),
        Command::Diff(args) => return finish_whole(commands::diff::run(&args)),
        Command::Bench(args) => commands::bench::run(&args),
        Command::Eval(args) => commands::eval::run(&args),
        Command::Import(args) => commands::import::run(&args),
        Command::Models => commands::models::run(),
        Command::Doctor => commands::doctor::run(),
        Command::Render(args) => commands::render::run(&args),
        #[cfg(feature = "app")]
        Command::CaptureCamera { index } => ernscope::source::camera::run_capture_process(index),
    };
    finish(result)
}

/// Logs go to stderr: warnings, and what `RUST_LOG` asks for.
fn start_log() {
    let asked = env::var("RUST_LOG").ok().and_then(|targets| targets.parse().ok());
    let filter: Targets =
        asked.unwrap_or_else(|| Targets::new().with_target("ernscope", Level::INFO).with_default(Level::WARN));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
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
            complain(&format!("{error:#}"), "");
            ExitCode::FAILURE
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
    complain(cause, "; see ernscope --help");
    ExitCode::from(2)
}

/// One line on stderr. Where that cannot be written, nobody is left to tell.
fn complain(text: &str, more: &str) {
    let _ = writeln!(io::stderr(), "ernscope: {}{more}", one_line(text));
}

/// The longest error, in characters: a name in it may be as long as a file.
const LONGEST: usize = 500;

/// The text without line breaks and other control characters, so that a name in it cannot play with the terminal, and
/// without its middle where it is long: what is wrong stands at its start, what to do at its end.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split(char::is_whitespace).filter(|word| !word.is_empty()).collect();
    let line: Vec<char> = words.join(" ").replace(|c: char| c.is_control(), "?").chars().collect();
    if line.len() <= LONGEST {
        return line.into_iter().collect();
    }
    let (start, end) = (&line[..LONGEST / 2], &line[line.len() - LONGEST / 2..]);
    start.iter().chain(&[' ', '…', ' ']).chain(end).collect()
}
