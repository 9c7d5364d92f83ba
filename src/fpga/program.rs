//! A program: what a board is told before its first frame, and where it will find each layer's codes and trunk.

use super::capabilities::Capabilities;

/// 32-bit words of a descriptor.
pub(crate) const DESCRIPTOR_WORDS: usize = 8;

/// Commands, as `rtl/ernscope_pkg.sv` numbers them.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Command {
    WriteLayers = 0x01,
    WriteWeights = 0x02,
    WriteThresholds = 0x03,
    WriteTable = 0x04,
    ReadCodes = 0x11,
    ReadTrunk = 0x12,
    ReadCounters = 0x13,
    ReadCapabilities = 0x14,
    Run = 0x20,
}

impl Command {
    /// The two words of the command.
    pub(crate) fn words(self, address: u32, count: u32) -> [u32; 2] {
        [(self as u32) << 24 | address, count]
    }
}

/// What a layer does, in the bits of its descriptor.
pub(crate) mod flags {
    pub(crate) const KERNEL_3: u32 = 1 << 0;
    pub(crate) const STRIDE_2: u32 = 1 << 1;
    pub(crate) const ADD_TRUNK: u32 = 1 << 2;
    pub(crate) const WRITE_TRUNK: u32 = 1 << 3;
    pub(crate) const WRITE_CODES: u32 = 1 << 4;
    pub(crate) const POOL: u32 = 1 << 5;
    pub(crate) const BLANK: u32 = 1 << 6;
    pub(crate) const WAIT_INPUT: u32 = 1 << 7;
}

/// A descriptor, field by field as in `rtl/ernscope_pkg.sv`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Descriptor {
    pub(crate) flags: u32,
    pub(crate) in_base: u32,
    pub(crate) in_row: u32,
    pub(crate) in_words: u32,
    pub(crate) in_edge: u32,
    pub(crate) groups: u32,
    pub(crate) out_base: u32,
    /// The logarithm of the rows that the frame's take turns in; 0 where each has its place.
    pub(crate) ring: u32,
    pub(crate) out_row: u32,
    pub(crate) out_words: u32,
    pub(crate) weight_base: u32,
    pub(crate) rows: u32,
    pub(crate) tiles: u32,
    pub(crate) classes: u32,
    pub(crate) threshold_base: u32,
}

impl Descriptor {
    pub(crate) fn pack(&self) -> [u32; DESCRIPTOR_WORDS] {
        let halves = |low: u32, high: u32| low & 0xffff | high << 16;
        [
            self.flags | self.in_base << 8,
            halves(self.in_row, self.in_words),
            halves(self.in_edge, self.groups.wrapping_sub(1)),
            self.out_base | self.ring << 24,
            halves(self.out_row, self.out_words),
            self.weight_base,
            halves(self.rows.wrapping_sub(1), self.tiles.wrapping_sub(1)),
            halves(self.classes.wrapping_sub(1), self.threshold_base),
        ]
    }

    /// Steps of a tile: a word of weights each.
    pub(crate) fn steps(&self) -> u64 {
        let taps = if self.flags & flags::KERNEL_3 == 0 { 1 } else { 9 };
        u64::from(taps * self.in_words)
    }

    /// Tiles of the layer.
    pub(crate) fn all_tiles(&self) -> u64 {
        u64::from(self.rows) * u64::from(self.groups) * u64::from(self.tiles)
    }
}

/// What a beat of a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameFormat {
    /// A pixel; the board looks its codes up.
    Pixels,
    /// A word of the first layer's codes, which the host computes.
    Codes,
}

/// Where the codes of a layer lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CodePlace {
    pub(crate) base: usize,
    /// Addresses a row, in every bank.
    pub(crate) row: usize,
    /// Words a pixel.
    pub(crate) words: usize,
    pub(crate) edge: usize,
    /// Rows that have a place: all, or those of the ring.
    pub(crate) rows: usize,
    pub(crate) channels: usize,
    /// The descriptor that makes them, and the first one behind it that overwrites some of them.
    pub(crate) made_by: usize,
    pub(crate) overwritten_by: usize,
}

impl CodePlace {
    /// Addresses in every bank.
    pub(crate) fn addresses(&self) -> usize {
        self.row * self.rows
    }

    /// Whether rows overwrite earlier ones.
    pub(crate) fn is_ring(&self) -> bool {
        self.rows < self.edge
    }
}

/// A state of the trunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TrunkPlace {
    pub(crate) edge: usize,
    pub(crate) channels: usize,
    pub(crate) made_by: usize,
    pub(crate) overwritten_by: usize,
}

/// A network, compiled for a board.
#[derive(Clone, Debug)]
pub struct Program {
    pub(crate) capabilities: Capabilities,
    pub(crate) upload: Vec<u32>,
    pub(crate) descriptors: Vec<Descriptor>,
    pub(crate) format: FrameFormat,
    pub(crate) edge: usize,
    /// A layer of the network each, and the descriptor that computes it.
    pub(crate) codes: Vec<Option<CodePlace>>,
    pub(crate) trunks: Vec<Option<TrunkPlace>>,
    pub(crate) descriptor_of: Vec<usize>,
    pub(crate) needs: Needs,
}

/// How much of a board's memories a program takes, in words of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Words of weights.
    pub weights: usize,
    /// Rows of thresholds.
    pub thresholds: usize,
    /// Words of codes a bank.
    pub codes: usize,
    /// Words of the trunk.
    pub trunk: usize,
    /// Descriptors.
    pub layers: usize,
}

impl Program {
    /// The board it is for.
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// All commands that write it into a board, 32 bits each.
    pub fn upload(&self) -> &[u32] {
        &self.upload
    }

    /// What a frame is sent as.
    pub fn format(&self) -> FrameFormat {
        self.format
    }

    /// Whether the frame's codes are gone when the first convolution is through, so that they cannot be read back: the board
    /// holds a few rows of them at a time, having no place for all.
    pub fn frame_passes_through(&self) -> bool {
        self.codes.first().is_some_and(|place| place.is_some_and(|place| place.is_ring()))
    }

    /// What it takes of the board.
    pub fn needs(&self) -> Needs {
        self.needs
    }

    /// The descriptors, the frame's first.
    pub fn descriptors(&self) -> &[Descriptor] {
        &self.descriptors
    }

    /// For every layer of the network, the index of the descriptor that computes it: an activation that directly follows a
    /// residual layer shares that one's.
    pub fn descriptor_of(&self) -> &[usize] {
        &self.descriptor_of
    }
}
