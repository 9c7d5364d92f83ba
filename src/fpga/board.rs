//! The engine on a board: uploads a program, sends frames, takes results, reads back what a probe wants to see.

use super::capabilities::{Capabilities, CapabilityError};
use super::compiler::{CompileError, compile};
use super::link::packets::TRIES;
use super::link::{Beats, End, Link, LinkError, ReadBack};
use super::program::{CodePlace, FrameFormat, Program, TrunkPlace};
use super::schedule::extra_bit_plane_cycles;
use crate::board::{BoardFrame, BoardState, LayerCycles, at_clock};
use crate::engine::cpu::{CpuEngine, CpuError, Level};
use crate::engine::reference::embedded;
use crate::engine::{
    Engine, EngineError, EngineInfo, EngineKind, Outcome, Probe, Sums, Wants, check_input, count_codes,
};
use crate::frame::InputImage;
use crate::network::{Logits, Network, Op};
use std::collections::VecDeque;
use std::sync::Arc;
use thiserror::Error;
use web_time::{Duration, Instant};

/// Why a board does not run a network.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BoardError {
    /// It does not answer.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// It is none that is known.
    #[error(transparent)]
    Capabilities(#[from] CapabilityError),
    /// The network does not fit.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// The host cannot run the float first layer.
    #[error(transparent)]
    Host(#[from] CpuError),
}

impl BoardError {
    /// What a person can do about it, where the board is a simulated one or is not.
    pub(crate) fn remedy(&self, simulated: bool) -> &'static str {
        match self {
            Self::Link(error) if simulated => error.remedy_of_simulated(),
            Self::Capabilities(_) if simulated => LinkError::Foreign.remedy_of_simulated(),
            Self::Link(error) => error.remedy(),
            Self::Capabilities(_) => "load the bitstream that comes with this program",
            Self::Compile(_) => "choose a smaller network or input size, or a larger board",
            Self::Host(_) => "choose a network with pixel embedding",
        }
    }
}

impl From<BoardError> for EngineError {
    fn from(error: BoardError) -> Self {
        Self::Board(Box::new(error))
    }
}

/// Frames that may be under way: one that is computed, and one that is on its way meanwhile.
pub const FRAMES_UNDER_WAY: usize = 2;

/// 32-bit words that a board counts of a layer.
const COUNTER_WORDS: usize = 5;

/// A board with a network.
pub struct BoardEngine<L> {
    pub(super) link: L,
    name: String,
    pub(super) network: Arc<Network>,
    pub(super) program: Program,
    pub(super) host: Option<Host>,
    /// The beats of frames whose results have not been taken, the oldest first.
    under_way: VecDeque<Vec<u8>>,
    logits: Logits,
    /// Of the classifier, one a row.
    sums: Vec<i32>,
    cycles: u64,
    /// What the board counted of the layers: the same for every frame, but for what it waited for the picture.
    counted: Vec<LayerCycles>,
    frame: BoardFrame,
}

impl<L: Link> BoardEngine<L> {
    /// Asks the board how large it is, compiles `network` for it and uploads the program. `name` is the engine's, as the command
    /// line spells it.
    ///
    /// # Errors
    /// [`BoardError`].
    pub fn new(mut link: L, name: &str, network: Arc<Network>, edge: usize) -> Result<Self, BoardError> {
        let capabilities = capabilities(&mut link)?;
        let program = compile(&network, edge, capabilities)?;
        send(&mut link, &program)?;
        let readout = network.classifier().1.readout();
        let (logits, rows) = (readout.room(), readout.owners().len());
        let host = Host::new(&network, edge)?;
        let frame = BoardFrame { extra_bit_plane_cycles: extra_bit_plane_cycles(&program), ..BoardFrame::default() };
        Ok(Self {
            host,
            link,
            name: name.into(),
            network,
            program,
            under_way: VecDeque::new(),
            logits,
            sums: vec![0; rows],
            cycles: 0,
            counted: Vec::new(),
            frame,
        })
    }

    /// Gives the board its program again: it was reset, or stands still. It may have become another one meanwhile.
    ///
    /// # Errors
    /// [`BoardError`].
    pub fn restart(&mut self) -> Result<(), BoardError> {
        self.under_way.clear();
        send(&mut self.link, &self.program)?;
        let capabilities = capabilities(&mut self.link)?;
        if capabilities != self.program.capabilities {
            self.counted.clear();
            self.program = compile(&self.network, self.program.edge, capabilities)?;
            self.frame.extra_bit_plane_cycles = extra_bit_plane_cycles(&self.program);
            send(&mut self.link, &self.program)?;
        }
        Ok(())
    }

    /// The program that it runs.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The link, to change its behaviour.
    pub fn link(&mut self) -> &mut L {
        &mut self.link
    }

    /// Cycles of the last frame, from its first beat on: to its last result of the core alone, to its first behind packets.
    pub fn frame_cycles(&self) -> u64 {
        self.cycles
    }

    /// The logits of the last frame.
    pub fn logits(&self) -> &[f32] {
        &self.logits.classes
    }

    /// What the board counted of each descriptor in the last frame.
    ///
    /// # Errors
    /// [`BoardError`].
    pub fn counters(&mut self) -> Result<Vec<LayerCycles>, BoardError> {
        let layers = self.program.descriptors.len();
        let words = self.link.read(ReadBack::Counters, 0, layers, COUNTER_WORDS)?;
        let counted = words.as_chunks::<COUNTER_WORDS>().0.iter().map(|counted| {
            let [cycles, steps, input_stalls, drain_stalls, weight_stalls] = counted.map(u64::from);
            LayerCycles { cycles, steps, input_stalls, drain_stalls, weight_stalls }
        });
        Ok(counted.collect())
    }

    /// Sends a picture. Not more than [`FRAMES_UNDER_WAY`] may wait to be [collected](Self::collect).
    ///
    /// # Errors
    /// [`EngineError`], where the picture has another size or the board is lost.
    pub fn submit(&mut self, input: &InputImage) -> Result<(), EngineError> {
        check_input(input, self.program.edge)?;
        let begun = Instant::now();
        let beats = self.beats(input)?;
        self.frame.host = if self.program.format == FrameFormat::Codes { begun.elapsed() } else { Duration::ZERO };
        self.start(&beats, End::Results(self.last())).map_err(BoardError::Link)?;
        self.under_way.push_back(beats);
        Ok(())
    }

    /// A picture as the board takes it: pixels, or words of the float layer's codes.
    pub(super) fn beats(&mut self, input: &InputImage) -> Result<Vec<u8>, EngineError> {
        match &mut self.host {
            Some(host) => host.beats(input, &self.program.capabilities),
            None => Ok(input.rgb().to_vec()),
        }
    }

    /// The logits of the oldest picture that was submitted; of none, those of the last one.
    ///
    /// # Errors
    /// [`EngineError`], where the board is lost.
    pub fn collect(&mut self) -> Result<&[f32], EngineError> {
        if !self.under_way.is_empty() {
            let results = self.results();
            // A frame without results, or with wrong ones, does not come again.
            self.under_way.pop_front();
            let (words, cycles) = results.map_err(BoardError::Link)?;
            self.keep(&words, cycles);
        }
        Ok(self.logits())
    }

    /// Takes the results of all pictures that were submitted.
    pub(super) fn drain(&mut self) -> Result<(), EngineError> {
        while !self.under_way.is_empty() {
            self.collect()?;
        }
        Ok(())
    }

    /// The results of the oldest frame. Where they are lost, so are those behind it: all frames are run again.
    fn results(&mut self) -> Result<(Vec<u32>, u64), LinkError> {
        for _ in 0..TRIES {
            match self.link.results(self.sums.len()) {
                Err(LinkError::Lost) => {}
                results => return results,
            }
            for frame in std::mem::take(&mut self.under_way) {
                self.start(&frame, End::Results(self.last()))?;
                self.under_way.push_back(frame);
            }
        }
        Err(LinkError::Lost)
    }

    /// What the last frame came to.
    pub(super) fn outcome(&self) -> Outcome<'_> {
        Outcome { board: Some(self.frame), ..Outcome::here(&self.logits) }
    }

    fn last(&self) -> usize {
        self.program.descriptors.len() - 1
    }

    /// Sends a frame.
    pub(super) fn start(&mut self, beats: &[u8], end: End) -> Result<(), LinkError> {
        let format = self.program.format;
        let size = format.beat_bytes(&self.program.capabilities);
        self.link.start(end, Beats { format, size, bytes: beats })
    }

    fn keep(&mut self, words: &[u32], cycles: u64) {
        self.cycles = cycles;
        let (input, classifier) = self.network.classifier();
        let edge = self.network.shapes(self.program.edge)[input].edge;
        self.sums.iter_mut().zip(words).for_each(|(sum, word)| *sum = word.cast_signed());
        classifier.readout().read(self.sums.iter().map(|&sum| sum.into()), edge * edge, &mut self.logits);
    }

    /// The codes of the first layer, CHW, of the picture whose [beats](Self::beats) were made last.
    fn first_codes(&self, input: &InputImage) -> Vec<u8> {
        match (&self.host, &self.network.layers()[0].op) {
            (Some(host), _) => host.codes.clone(),
            (None, Op::PixelEmbedding(table)) => embedded(table, input),
            (None, _) => unreachable!("a network begins with an embedding, or the host runs its first layer"),
        }
    }

    /// The codes of a layer that the board has just computed, CHW.
    pub(super) fn codes(&mut self, place: CodePlace) -> Result<Vec<u8>, LinkError> {
        let Capabilities { parallel_in, .. } = self.program.capabilities;
        let (banks, beats) = (self.program.capabilities.banks(), self.program.capabilities.code_beats());
        let count = place.addresses() * banks;
        let words = self.link.read(ReadBack::Codes, place.base * banks, count, beats)?;
        let code = |channel: usize, y: usize, x: usize| {
            let address = y * place.row + x / banks * place.words + channel / parallel_in;
            let word = &words[(address * banks + x % banks) * beats..][..beats];
            let bit = |at: usize| (word[at / 32] >> (at % 32) & 1) as u8;
            let lane = channel % parallel_in;
            bit(lane) | bit(parallel_in + lane) << 1
        };
        Ok(chw(place.channels, place.edge).map(|(c, y, x)| code(c, y, x)).collect())
    }

    /// The trunk as it stands, CHW.
    pub(super) fn trunk(&mut self, place: TrunkPlace) -> Result<Vec<i32>, LinkError> {
        let Capabilities { parallel_out, pixels, drain_channels, trunk_bits, .. } = self.program.capabilities;
        let (drain, beats) = (self.program.capabilities.drain(), self.program.capabilities.trunk_beats());
        let (groups, tiles) = (place.edge.div_ceil(pixels), place.channels.div_ceil(parallel_out));
        let count = place.edge * groups * tiles * drain;
        let words = self.link.read(ReadBack::Trunk, 0, count, beats)?;
        let integer = |channel: usize, y: usize, x: usize| {
            let (tile, part) = (channel / parallel_out, channel % parallel_out / drain_channels);
            let address = ((tile * place.edge + y) * groups + x / pixels) * drain + part;
            let word = &words[address * beats..][..beats];
            let lane = x % pixels * drain_channels + channel % drain_channels;
            let bit = |i: u32| {
                let at = lane * trunk_bits as usize + i as usize;
                word[at / 32] >> (at % 32) & 1
            };
            let value = (0..trunk_bits).fold(0, |value, i| value | bit(i) << i);
            (value << (32 - trunk_bits)).cast_signed() >> (32 - trunk_bits)
        };
        Ok(chw(place.channels, place.edge).map(|(c, y, x)| integer(c, y, x)).collect())
    }
}

impl<L: Link> Engine for BoardEngine<L> {
    fn info(&self) -> EngineInfo {
        let board = Some(BoardState::Ready { board: self.name.clone() });
        EngineInfo {
            kind: EngineKind::Board,
            name: self.name.clone(),
            threads: 0,
            kernels: vec!["array"; self.network.layers().len()],
            most_macs_a_cycle: None,
            board,
        }
    }

    fn network(&self) -> &Arc<Network> {
        &self.network
    }

    fn edge(&self) -> usize {
        self.program.edge
    }

    fn planned_bytes(&self) -> usize {
        size_of_val(self.program.upload())
    }

    fn shows(&self, layer: usize) -> Wants {
        let op = &self.network.layers()[layer].op;
        let codes = layer == 0 || self.program.codes[layer].is_some();
        let sums = matches!(op, Op::Residual { .. } | Op::Activation(_) | Op::Classifier { .. });
        Wants { codes, histogram: codes, sums }
    }

    fn run(&mut self, input: &InputImage) -> Result<Outcome<'_>, EngineError> {
        self.drain()?;
        let begun = Instant::now();
        self.submit(input)?;
        self.collect()?;
        let elapsed = begun.elapsed();
        if self.counted.is_empty() {
            self.counted = self.counters()?;
        }
        self.frame.cycles = self.counted.iter().map(LayerCycles::computing).sum();
        self.frame.clock_khz = self.link.clock_khz();
        self.frame.link = elapsed.saturating_sub(self.frame.compute());
        Ok(self.outcome())
    }

    /// Shows codes of every layer, the trunk, and the sums of the classifier; other sums do not leave the array. The first
    /// layer's codes are not read back: this machine makes them too. What a later layer overwrites is had by running the frame
    /// again up to where it still stands. The times are what the board counted, at its clock, without the cycles in which it waited for the frame.
    fn run_probed(&mut self, input: &InputImage, probe: &mut dyn Probe) -> Result<Outcome<'_>, EngineError> {
        self.run(input)?;
        let beats = self.beats(input)?;
        let mut seen = self.look(&beats, probe).map_err(BoardError::Link)?;
        let Wants { codes, histogram, .. } = probe.wants(0);
        if codes || histogram {
            seen[0].codes = Some(self.first_codes(input));
        }
        for (layer, LayerReadBack { trunk, codes }) in seen.into_iter().enumerate() {
            let is_classifier = matches!(self.network.layers()[layer].op, Op::Classifier { .. });
            let wants = probe.wants(layer);
            self.tell_times(layer, probe);
            if let Some(trunk) = trunk {
                probe.sums(layer, Sums::Integers(&trunk));
            }
            if is_classifier && wants.sums {
                probe.sums(layer, Sums::Integers(&self.sums));
            }
            if let Some(codes) = codes {
                if wants.codes {
                    probe.codes(layer, &codes);
                }
                if wants.histogram {
                    probe.histogram(layer, count_codes(&codes));
                }
            }
        }
        Ok(self.outcome())
    }
}

/// What was read back of a layer.
#[derive(Clone, Default)]
struct LayerReadBack {
    trunk: Option<Vec<i32>>,
    codes: Option<Vec<u8>>,
}

impl<L: Link> BoardEngine<L> {
    /// What a layer took: its cycles at the board's clock; none where it is computed along with the one before; of the first
    /// layer this machine's part, as the board looks codes up while the first convolution runs.
    fn tell_times(&self, layer: usize, probe: &mut dyn Probe) {
        let descriptor_of = &self.program.descriptor_of;
        if layer == 0 {
            probe.time(layer, self.frame.host);
        } else if descriptor_of[layer] != descriptor_of[layer - 1] {
            let counted = self.counted[descriptor_of[layer]];
            probe.time(layer, at_clock(counted.computing(), self.frame.clock_khz));
            probe.cycles(layer, counted);
        } else {
            probe.time(layer, Duration::ZERO);
        }
    }

    /// Reads back what `probe` wants; the frame has just been run to its end.
    fn look(&mut self, beats: &[u8], probe: &mut dyn Probe) -> Result<Vec<LayerReadBack>, LinkError> {
        let last = self.last();
        let layers = 0..self.network.layers().len();
        let (codes, trunks) = (self.program.codes.clone(), self.trunks_shown());
        let mut wanted: Vec<(Option<CodePlace>, Option<TrunkPlace>)> = layers
            .map(|layer| {
                let wants = probe.wants(layer);
                let codes = codes[layer].filter(|_| layer > 0 && (wants.codes || wants.histogram));
                (codes, trunks[layer].filter(|_| wants.sums))
            })
            .collect();
        let mut seen = vec![LayerReadBack::default(); wanted.len()];
        let mut ran_to = last;
        loop {
            for ((codes, trunk), seen) in wanted.iter_mut().zip(&mut seen) {
                if let Some(place) = codes.take_if(|p| p.made_by <= ran_to && ran_to < p.overwritten_by) {
                    seen.codes = Some(self.codes(place)?);
                }
                if let Some(place) = trunk.take_if(|p| p.made_by <= ran_to && ran_to < p.overwritten_by) {
                    seen.trunk = Some(self.trunk(place)?);
                }
            }
            let codes_left = wanted.iter().filter_map(|(codes, _)| codes.map(|p| p.overwritten_by));
            let trunks_left = wanted.iter().filter_map(|(_, trunk)| trunk.map(|p| p.overwritten_by));
            let Some(overwritten_by) = codes_left.chain(trunks_left).min() else {
                return Ok(seen);
            };
            ran_to = overwritten_by - 1;
            self.start(beats, End::Descriptor(ran_to))?;
        }
    }

    /// The trunk that a layer shows: its own, or the one that an activation reads.
    fn trunks_shown(&self) -> Vec<Option<TrunkPlace>> {
        let mut now = None;
        let layers = self.network.layers().iter().zip(&self.program.trunks);
        layers
            .map(|(layer, place)| {
                now = place.or(now);
                match layer.op {
                    Op::Residual { .. } | Op::Activation(_) => now,
                    _ => None,
                }
            })
            .collect()
    }
}

/// Gives the board its program, and its line the weights that go with every frame.
fn send(link: &mut impl Link, program: &Program) -> Result<(), LinkError> {
    link.upload(program.upload())?;
    program.streamed_weights().map_or(Ok(()), |beats| link.stream_weights(beats))
}

/// Asks a board how large it is.
///
/// # Errors
/// [`BoardError`], where it does not answer or is no board of ours.
pub(crate) fn capabilities(link: &mut impl Link) -> Result<Capabilities, BoardError> {
    let words = link.capability_words()?;
    let words = words.as_slice().try_into().map_err(|_| CapabilityError::Unknown)?;
    Ok(Capabilities::parse(words)?)
}

fn chw(channels: usize, edge: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..channels).flat_map(move |c| (0..edge).flat_map(move |y| (0..edge).map(move |x| (c, y, x))))
}

/// What the host does for a network with a float first layer: that layer.
pub(super) struct Host {
    engine: CpuEngine,
    channels: usize,
    /// Its codes, CHW.
    pub(super) codes: Vec<u8>,
}

impl Host {
    /// None for a network that the board runs from its pixels on.
    fn new(network: &Arc<Network>, edge: usize) -> Result<Option<Self>, CpuError> {
        let Op::FloatConv(conv) = &network.layers()[0].op else {
            return Ok(None);
        };
        let channels = conv.geometry().out_channels;
        let engine = CpuEngine::new(Arc::clone(network), edge, Level::best(), 1)?;
        Ok(Some(Self { engine, channels, codes: Vec::new() }))
    }

    /// The codes of `image` as words of the board.
    fn beats(&mut self, image: &InputImage, capabilities: &Capabilities) -> Result<Vec<u8>, EngineError> {
        self.engine.first_codes(image, &mut self.codes)?;
        Ok(code_beats(&self.codes, self.channels, capabilities))
    }
}

/// Codes, CHW, as words of the board.
pub(super) fn code_beats(codes: &[u8], channels: usize, capabilities: &Capabilities) -> Vec<u8> {
    let area = codes.len() / channels;
    let lanes = capabilities.parallel_in;
    let words = channels.div_ceil(lanes);
    let size = FrameFormat::Codes.beat_bytes(capabilities);
    let mut bytes = Vec::with_capacity(area * words * size);
    for (position, first) in (0..area).flat_map(|at| (0..words).map(move |word| (at, word * lanes))) {
        let beat = (0..lanes.min(channels - first)).fold(0, |beat: u64, lane| {
            let code = codes[(first + lane) * area + position];
            beat | u64::from(code & 1) << lane | u64::from(code >> 1) << (lanes + lane)
        });
        bytes.extend_from_slice(&beat.to_le_bytes()[..size]);
    }
    bytes
}
