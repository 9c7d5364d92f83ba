//! `ernscope explain`: all of the arithmetic of one value.

use super::network_args::{NetworkArgs, load, threads};
use super::output;
use super::picture_reader::PictureReader;
use crate::engines::{self, EngineChoice, Setup};
use crate::inspect::explain::{self, Explanation, Group, GroupBy, INPUT, LookedUp, Neuron, Term};
use crate::inspect::receptive::ReceptiveField;
use crate::network::{CodeTable, Op};
use anyhow::{Result, anyhow};
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// The strongest arguments that are printed on each side.
const STRONGEST: usize = 10;

#[derive(clap::Args)]
pub(crate) struct ExplainArgs {
    /// Layer, as inspect names it
    #[arg(long, value_name = "NAME")]
    layer: String,
    /// Channel of the layer, from 0; of the last layer the row of the class
    #[arg(long, value_name = "C")]
    channel: usize,
    /// Row and column in the layer's map, from 0; of the last layer, which adds up all of them, 0,0
    #[arg(long, value_name = "Y,X", value_parser = position)]
    at: [usize; 2],
    #[command(flatten)]
    network: NetworkArgs,
    /// Engine: reference, cpu, cpu:LEVEL, fpga (the first board found), fpga:PORT, or fpga:sim (a simulated board)
    #[arg(long, default_value = "cpu")]
    engine: EngineChoice,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Write every term to this file, as a table
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Picture
    #[arg(value_name = "IMAGE")]
    image: PathBuf,
}

fn position(text: &str) -> Result<[usize; 2], String> {
    let numbers: Option<Vec<usize>> = text.split(',').map(|number| number.trim().parse().ok()).collect();
    let numbers = numbers.and_then(|numbers| numbers.try_into().ok());
    numbers.ok_or_else(|| "a row and a column with a comma between them are needed, as in 3,5".into())
}

pub(crate) fn run(args: &ExplainArgs) -> Result<()> {
    if let Some(table) = &args.csv {
        output::spare(table, &args.image)?;
    }
    let (network, edge) = load(&args.network.model, args.network.size)?;
    let [y, x] = args.at;
    let neuron = Neuron { layer: explain::layer_named(&network, &args.layer)?, channel: args.channel, y, x };
    // Said before an engine is made, which may be a board.
    neuron.check(&network, edge)?;
    let mut reader = PictureReader::new(edge, threads(None));
    let input = reader.read(&args.image)?;
    let mut engine = engines::open(&args.engine, network.clone(), Setup::new(edge, threads(None)))?;
    let explanation = explain::explain(&mut *engine, input, neuron)?;
    if let Some(path) = &args.csv {
        write_table(&explanation, path).map_err(|why| {
            let path = path.display();
            anyhow!("cannot write {path} ({why}): name a file that may be written, where there is room for it")
        })?;
    }
    let mut out = BufWriter::new(output::stdout());
    if args.json {
        serde_json::to_writer(&mut out, &ExplainOutput::of(&explanation))?;
        writeln!(out)?;
    } else {
        Text { explanation: &explanation, edge }.print(&mut out)?;
    }
    Ok(out.flush()?)
}

fn write_table(explanation: &Explanation, path: &Path) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    explain::write_csv(explanation, &mut file)?;
    file.flush()
}

/// A whole number as one, so that JSON has 3 and not 3.0.
fn number(value: f64) -> Value {
    if value.fract() == 0.0 { Value::from(value as i64) } else { Value::from(value) }
}

#[derive(Serialize)]
struct ExplainOutput<'a> {
    layer: &'a str,
    channel: usize,
    at: [usize; 2],
    sum: Value,
    plus: Value,
    minus: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<f64>,
    thresholds: Option<[Value; 3]>,
    falling: Option<bool>,
    code: Option<u8>,
    terms: TermLines<'a>,
}

impl<'a> ExplainOutput<'a> {
    fn of(explanation: &'a Explanation) -> Self {
        let Neuron { layer, channel, y, x } = explanation.neuron();
        Self {
            layer: &explanation.network().layers()[layer].name,
            channel,
            at: [y, x],
            sum: number(explanation.sum),
            plus: number(explanation.plus),
            minus: number(explanation.minus),
            offset: explanation.offset,
            thresholds: explanation.thresholds.map(|thresholds| thresholds.map(number)),
            falling: explanation.falling,
            code: explanation.code,
            terms: TermLines(explanation),
        }
    }
}

/// The terms, each made when it is written.
struct TermLines<'a>(&'a Explanation);

#[derive(Serialize)]
struct TermLine<'a> {
    layer: &'a str,
    channel: usize,
    y: usize,
    x: usize,
    code: u8,
    weight: Value,
}

impl Serialize for TermLines<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.terms().map(|Term { layer, channel, y, x, code, weight, .. }| TermLine {
            layer: layer_name(self.0, layer),
            channel,
            y,
            x,
            code,
            weight: number(weight),
        }))
    }
}

/// The name of what is read.
fn layer_name(explanation: &Explanation, layer: Option<usize>) -> &str {
    layer.map_or(INPUT, |layer| &explanation.network().layers()[layer].name)
}

/// An argument for or against, in words.
struct Argument {
    what: String,
    sum: f64,
}

/// An explanation for people.
struct Text<'a> {
    explanation: &'a Explanation,
    edge: usize,
}

impl Text<'_> {
    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        self.print_neuron(out)?;
        let Neuron { layer, channel, .. } = self.explanation.neuron();
        if let Op::PixelEmbedding(table) = &self.explanation.network().layers()[layer].op {
            return self.print_row(out, table, channel);
        }
        self.print_value(out)?;
        self.print_branches(out)?;
        self.print_taps(out)?;
        let arguments = self.arguments();
        self.print_side(out, "for:", arguments.iter().filter(|argument| argument.sum > 0.0))?;
        self.print_side(out, "against:", arguments.iter().filter(|argument| argument.sum < 0.0))?;
        self.print_next(out)
    }

    fn print_neuron(&self, out: &mut impl Write) -> io::Result<()> {
        let neuron = self.explanation.neuron();
        let network = self.explanation.network();
        let map = network.shapes(self.edge)[neuron.layer].edge;
        let layer = &network.layers()[neuron.layer];
        let owner = match &layer.op {
            Op::Classifier { classifier, .. } => classifier.readout().owners()[neuron.channel],
            _ => None,
        };
        let class = owner.map_or(String::new(), |class| format!(" ({})", network.labels()[class]));
        write!(out, "{}, channel {}{class}, row {}, column {}", layer.name, neuron.channel, neuron.y, neuron.x)?;
        let code = self.explanation.code.map_or(String::new(), |code| format!(": code {code}"));
        writeln!(out, " of {map}×{map}{code}")?;
        let field = ReceptiveField::of(network, neuron.layer);
        let [y, x] = [neuron.y, neuron.x].map(|at| field.seen(at, self.edge));
        let [bottom, right] = [y.end, x.end].map(|end| end.saturating_sub(1));
        writeln!(out, "looks at rows {} to {bottom}, columns {} to {right} of the picture", y.start, x.start)
    }

    /// Of pixel embedding: the byte, and the row of the table that it chooses.
    fn print_row(&self, out: &mut impl Write, table: &CodeTable, channel: usize) -> io::Result<()> {
        self.explanation.terms().try_for_each(|term| {
            let codes = words(table.row(term.channel, term.code));
            let what = byte(term.channel, term.code, [term.y, term.x]);
            writeln!(out, "{what}: codes {codes}, of which this is number {}", channel % table.depth())
        })
    }

    fn print_value(&self, out: &mut impl Write) -> io::Result<()> {
        let Explanation { sum, plus, minus, .. } = self.explanation;
        let [sum, plus, minus] = [*sum, *plus, *minus].map(shown);
        let terms = self.explanation.terms().count();
        writeln!(out, "sum {sum} = {plus} for − {minus} against, of {terms} terms")?;
        let Some(thresholds) = self.explanation.thresholds else { return Ok(()) };
        let [first, second, third] = thresholds.map(shown);
        let rule = if self.explanation.falling == Some(true) { "at most" } else { "at least" };
        writeln!(out, "the code counts the thresholds {first}, {second}, {third} that the sum is {rule}")
    }

    /// What each of a trunk's branches adds, the first first.
    fn print_branches(&self, out: &mut impl Write) -> io::Result<()> {
        let mut branches = self.explanation.groups(GroupBy::Branch);
        if branches.len() < 2 {
            return Ok(());
        }
        branches.sort_by_key(|branch| branch.by);
        writeln!(out, "branches:")?;
        branches.iter().try_for_each(|branch| {
            let name = &self.explanation.network().layers()[branch.by].name;
            writeln!(out, "  {}  {name}", signed(branch.sum()))
        })
    }

    /// The sum of every position in the kernel, as the kernel lies; of a trunk branch by branch.
    fn print_taps(&self, out: &mut impl Write) -> io::Result<()> {
        let mut taps = self.explanation.groups(GroupBy::Tap);
        taps.sort_by_key(|group| (group.by, group.tap));
        for kernel in taps.chunk_by(|a, b| a.by == b.by).filter(|kernel| kernel.len() > 1) {
            writeln!(out, "positions of the kernel, reading {}:", layer_name(self.explanation, kernel[0].layer))?;
            for row in kernel.chunk_by(|a, b| a.tap.map(|[y, _]| y) == b.tap.map(|[y, _]| y)) {
                let sums: Vec<String> = row.iter().map(|tap| signed(tap.sum())).collect();
                writeln!(out, "  {}", sums.join(" "))?;
            }
        }
        Ok(())
    }

    /// Bytes where the picture is read, or a table makes codes of it; else channels.
    fn arguments(&self) -> Vec<Argument> {
        let look_ups = self.explanation.look_ups();
        if !look_ups.is_empty() {
            let argument = |found: LookedUp| {
                let what = byte(found.colour, found.byte, [found.y, found.x]);
                Argument { what: format!("{what}: codes {}", words(&found.codes)), sum: found.sum }
            };
            return look_ups.into_iter().map(argument).collect();
        }
        let groups = self.explanation.groups(GroupBy::Channel);
        if groups.iter().any(|group| group.layer.is_none()) {
            return self.bytes();
        }
        let argument = |group: Group| {
            let channel = group.channel.unwrap_or_default();
            let what = format!("{} channel {channel}", layer_name(self.explanation, group.layer));
            Argument { what, sum: group.sum() }
        };
        groups.into_iter().map(argument).collect()
    }

    fn bytes(&self) -> Vec<Argument> {
        let argument =
            |term: Term| Argument { what: byte(term.channel, term.code, [term.y, term.x]), sum: term.contribution() };
        let mut bytes: Vec<Argument> = self.explanation.terms().map(argument).collect();
        bytes.sort_by(|a, b| b.sum.abs().total_cmp(&a.sum.abs()));
        bytes
    }

    fn print_side<'a>(
        &self,
        out: &mut impl Write,
        title: &str,
        arguments: impl Iterator<Item = &'a Argument>,
    ) -> io::Result<()> {
        let mut strongest = arguments.take(STRONGEST).peekable();
        if strongest.peek().is_some() {
            writeln!(out, "{title}")?;
        }
        strongest.try_for_each(|Argument { what, sum }| writeln!(out, "  {}  {what}", signed(*sum)))
    }

    /// How to go on from the strongest term whose code is a layer's.
    fn print_next(&self, out: &mut impl Write) -> io::Result<()> {
        let strength = |term: &Term| term.contribution().abs();
        let stronger = |best: Term, term: Term| if strength(&term) > strength(&best) { term } else { best };
        let strongest = self.explanation.terms().reduce(stronger).and_then(|term| term.neuron());
        let Some(Neuron { layer, channel, y, x }) = strongest else { return Ok(()) };
        let name = layer_name(self.explanation, Some(layer));
        writeln!(out, "one of the strongest single terms: --layer {name} --channel {channel} --at {y},{x}")
    }
}

/// A byte of the picture in words.
fn byte(colour: usize, byte: u8, [y, x]: [usize; 2]) -> String {
    format!("{} {byte} at {y},{x}", ["red", "green", "blue"][colour])
}

fn words(codes: &[u8]) -> String {
    codes.iter().map(u8::to_string).collect()
}

/// As people read it: floats shortened.
fn shown(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value}") } else { format!("{value:.4}") }
}

/// The same with its sign, to stand in columns.
fn signed(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value:>+6}") } else { format!("{value:>+9.4}") }
}
