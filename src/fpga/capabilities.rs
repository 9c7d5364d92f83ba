//! How large a board's accelerator is: the parameters that `ernscope_core` was built with.

use thiserror::Error;

/// 32-bit words that a board tells them in.
pub(crate) const CAPABILITY_WORDS: usize = 20;
pub(super) const MAGIC: u32 = 0x4552_4e31;
const CORE_VERSION: u32 = 3;
/// A word of codes is a beat of a frame: 64 bits at most.
const MAX_PARALLEL_IN: usize = 32;
/// Words of the window that stay free: one may come while it is told that there is no more room (`rtl/ernscope_weight_window.sv`).
const WINDOW_MARGIN: usize = 2;
/// Bits of a beat of the weight stream (`WEIGHT_BEAT`).
const WEIGHT_BEAT_BITS: usize = 128;

/// The parameters of the accelerator, by the names that `rtl/ernscope_core.sv` gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Capabilities {
    /// Input channels a cycle; so many codes are a word.
    pub parallel_in: usize,
    /// Output channels a cycle: a tile.
    pub parallel_out: usize,
    /// Neighbouring output pixels a cycle, which share weights.
    pub pixels: usize,
    /// Channels of a tile that are drained a cycle.
    pub drain_channels: usize,
    /// Bits of an accumulator, which holds Σ code over set weight bits.
    pub acc_bits: u32,
    /// Bits of the trunk, of sums and of thresholds, with sign.
    pub trunk_bits: u32,
    /// Words of codes a bank.
    pub code_depth: usize,
    /// Words of the weight stream, each of `parallel_in` · `parallel_out` bits, that the board keeps; 0 where they come from outside.
    pub weight_depth: usize,
    /// Words of the weight stream that may be under way.
    pub window_depth: usize,
    /// Rows of thresholds, each for `drain_channels` channels, in two halves: one is filled while the other is read.
    pub threshold_depth: usize,
    /// Words of the trunk, each of `pixels` · `drain_channels` integers.
    pub trunk_depth: usize,
    /// From this word of the trunk on an integer has only `trunk_narrow_bits`.
    pub trunk_middle_depth: usize,
    /// From this one on only `trunk_middle_bits`; those before have all `trunk_bits`.
    pub trunk_wide_depth: usize,
    /// Bits of the trunk from `trunk_wide_depth` on.
    pub trunk_middle_bits: u32,
    /// Bits of the trunk from `trunk_middle_depth` on.
    pub trunk_narrow_bits: u32,
    /// Words a pixel that the pixel-embedding table holds.
    pub table_words: usize,
    /// Descriptors, the frame's among them.
    pub layers: usize,
    /// Words of pooling sums, each for `drain_channels` classes.
    pub pool_depth: usize,
}

/// A board that this program does not know.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum CapabilityError {
    /// No accelerator of ours.
    #[error("what answers is no Ernscope accelerator")]
    Unknown,
    /// Another version.
    #[error("the board's accelerator has version {0}, this program knows version {CORE_VERSION}")]
    Version(u32),
    /// Sizes that no accelerator has.
    #[error("the board tells impossible sizes of itself")]
    Sizes,
}

impl Capabilities {
    /// From the words that a board tells.
    ///
    /// # Errors
    /// [`CapabilityError`], where they are no known accelerator's.
    pub(crate) fn parse(words: &[u32; CAPABILITY_WORDS]) -> Result<Self, CapabilityError> {
        if words[0] != MAGIC {
            return Err(CapabilityError::Unknown);
        }
        if words[1] != CORE_VERSION {
            return Err(CapabilityError::Version(words[1]));
        }
        let size = |index: usize| words[index] as usize;
        let told = Self {
            parallel_in: size(2),
            parallel_out: size(3),
            pixels: size(4),
            drain_channels: size(5),
            acc_bits: words[6],
            trunk_bits: words[7],
            code_depth: size(8),
            weight_depth: size(9),
            threshold_depth: size(10),
            trunk_depth: size(11),
            table_words: size(12),
            layers: size(13),
            pool_depth: size(14),
            window_depth: size(15),
            trunk_middle_depth: size(16),
            trunk_wide_depth: size(17),
            trunk_middle_bits: words[18],
            trunk_narrow_bits: words[19],
        };
        told.is_possible().then_some(told).ok_or(CapabilityError::Sizes)
    }

    fn is_possible(&self) -> bool {
        let lanes = [self.parallel_in, self.parallel_out, self.pixels, self.drain_channels];
        let depths = [
            self.code_depth,
            self.window_depth,
            self.threshold_depth,
            self.trunk_wide_depth,
            self.trunk_middle_depth,
            self.trunk_depth,
            self.layers,
            self.pool_depth,
        ];
        lanes.iter().all(|lanes| (1..=1024).contains(lanes))
            && self.parallel_in <= MAX_PARALLEL_IN
            && self.parallel_in.is_multiple_of(4)
            && depths.iter().all(|depth| (2..=1 << 24).contains(depth))
            && self.pixels.is_power_of_two()
            && self.parallel_out.is_multiple_of(self.parallel_in)
            && self.parallel_in.is_multiple_of(self.drain_channels)
            && self.parallel_out >= 2 * self.drain_channels
            && self.weight_depth <= 1 << 24
            && self.window_depth.is_power_of_two()
            && self.window_depth > WINDOW_MARGIN
            && self.threshold_depth.is_power_of_two()
            && self.threshold_depth / 2 >= self.drain()
            && self.trunk_wide_depth <= self.trunk_middle_depth
            && self.trunk_middle_depth <= self.trunk_depth
            && self.trunk_narrow_bits >= 2
            && self.trunk_narrow_bits <= self.trunk_middle_bits
            && self.trunk_middle_bits <= self.trunk_bits
            && (1..=31).contains(&self.acc_bits)
            && (2..=32).contains(&self.trunk_bits)
            && self.row_bits() <= self.word_bits()
            && (1..=256).contains(&self.table_words)
    }

    /// Multiply-accumulates a cycle.
    pub(crate) fn macs(&self) -> u64 {
        (self.parallel_in * self.parallel_out * self.pixels) as u64
    }

    /// Banks of code memory: two groups of pixels, so that rows can be read with stride 2.
    pub(crate) fn banks(&self) -> usize {
        if self.pixels == 1 { 1 } else { 2 * self.pixels }
    }

    /// Cycles in which a tile is drained.
    pub(crate) fn drain(&self) -> usize {
        self.parallel_out / self.drain_channels
    }

    /// Bits of a word of the weight stream.
    pub(crate) fn word_bits(&self) -> usize {
        self.parallel_in * self.parallel_out
    }

    /// Beats of 32 bits of a word of the weight stream.
    pub(crate) fn word_beats(&self) -> usize {
        self.word_bits().div_ceil(32)
    }

    /// Bits of a beat of the weight stream, of which its words are made; a small array's word, which is less, is one.
    pub(crate) fn weight_beat_bits(&self) -> usize {
        if self.word_bits().is_multiple_of(WEIGHT_BEAT_BITS) { WEIGHT_BEAT_BITS } else { self.word_bits() }
    }

    /// Beats of the weight stream of a word: addresses of the board's own memory of weights.
    pub(crate) fn weight_beats(&self) -> usize {
        self.word_bits() / self.weight_beat_bits()
    }

    /// Bits of a row of thresholds.
    pub(crate) fn row_bits(&self) -> usize {
        self.drain_channels * (3 * self.trunk_bits as usize + 1)
    }

    /// Rows of thresholds in a word of the weight stream: a power of two that divides those of a tile.
    pub(crate) fn rows_a_word(&self) -> usize {
        let mut rows = 1;
        while 2 * rows * self.row_bits() <= self.word_bits() && self.drain().is_multiple_of(2 * rows) {
            rows *= 2;
        }
        rows
    }

    /// Words of the weight stream that may wait for what reads them.
    pub(crate) fn window_room(&self) -> usize {
        self.window_depth - WINDOW_MARGIN
    }

    /// Words of the trunk that a tile of a map of this edge takes.
    pub(crate) fn trunk_words(&self, edge: usize) -> usize {
        edge * edge.div_ceil(self.pixels) * self.drain()
    }

    /// Bits of a trunk of so many words, with sign.
    pub(crate) fn trunk_bits_of(&self, words: usize) -> u32 {
        if words <= self.trunk_wide_depth {
            self.trunk_bits
        } else if words <= self.trunk_middle_depth {
            self.trunk_middle_bits
        } else {
            self.trunk_narrow_bits
        }
    }

    /// Beats of a word of codes.
    pub(crate) fn code_beats(&self) -> usize {
        (2 * self.parallel_in).div_ceil(32)
    }

    /// Beats of a word of the trunk.
    pub(crate) fn trunk_beats(&self) -> usize {
        (self.pixels * self.drain_channels * self.trunk_bits as usize).div_ceil(32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLD: [u32; CAPABILITY_WORDS] =
        [MAGIC, CORE_VERSION, 32, 32, 2, 8, 14, 16, 2048, 1536, 128, 1024, 1, 64, 16, 512, 1024, 256, 13, 11];

    #[test]
    fn sizes_are_read() {
        let told = Capabilities::parse(&TOLD).expect("known");
        assert_eq!((told.macs(), told.banks(), told.drain()), (2048, 4, 4));
        assert_eq!((told.weight_beat_bits(), told.weight_beats()), (128, 8));
        assert_eq!((told.rows_a_word(), told.code_beats(), told.trunk_beats()), (2, 2, 8));
        assert_eq!([256, 257, 1024].map(|words| told.trunk_bits_of(words)), [16, 13, 13]);
        let small = Capabilities { parallel_in: 4, parallel_out: 12, ..told };
        assert_eq!((small.weight_beat_bits(), small.weight_beats()), (48, 1));
    }

    #[test]
    fn other_boards_are_refused() {
        let with = |index: usize, value: u32| {
            let mut told = TOLD;
            told[index] = value;
            Capabilities::parse(&told)
        };
        assert_eq!(with(0, 7), Err(CapabilityError::Unknown));
        assert_eq!(with(1, 1), Err(CapabilityError::Version(1)));
        for (index, value) in [
            (2, 0),
            (2, 64),
            (3, 48),
            (4, 3),
            (5, 5),
            (5, 32),
            (6, 40),
            (7, 60),
            (8, 0),
            (9, u32::MAX),
            (10, 4),
            (12, 0),
        ]
        .into_iter()
        .chain([(10, 100), (15, 2), (15, 500), (16, 2048), (17, 1025), (18, 17), (19, 14)])
        {
            assert_eq!(with(index, value), Err(CapabilityError::Sizes), "word {index} as {value}");
        }
    }
}
