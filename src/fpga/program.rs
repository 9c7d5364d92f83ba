//! A program: what a board is told before its first frame, and where it will find each layer's codes and trunk.

use super::capabilities::Capabilities;

/// 32-bit words of a descriptor.
pub(crate) const DESCRIPTOR_WORDS: usize = 8;

/// Commands, as `rtl/ernscope_pkg.sv` numbers them.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AcceleratorCommand {
    WriteLayers = 0x01,
    WriteWeights = 0x02,
    WriteTable = 0x04,
    ReadCodes = 0x11,
    ReadTrunk = 0x12,
    ReadCounters = 0x13,
    ReadCapabilities = 0x14,
    Run = 0x20,
}

impl AcceleratorCommand {
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
    /// Words of the trunk a tile.
    pub(crate) trunk_plane: u32,
    pub(crate) rows: u32,
    pub(crate) tiles: u32,
    pub(crate) classes: u32,
    /// Words of weights that are read again and again: a tile's, or those of all tiles where the layer waits for its input.
    pub(crate) window_words: u32,
    /// The weight stream that comes with the frame: of the frame's descriptor alone, in place of the fields from `trunk_plane` on.
    pub(crate) stream: Option<Stream>,
}

/// A weight stream: which words of a memory of the board's own it is, or what is expected of one from outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stream {
    pub(crate) first: u32,
    /// CRC-32 of all its bytes, of one from outside.
    pub(crate) crc: u32,
    pub(crate) words: u32,
}

/// A number that is too large for its field of a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooWide {
    pub(crate) field: &'static str,
    pub(crate) value: u32,
    /// The largest that fits.
    pub(crate) most: u32,
}

impl Descriptor {
    /// The words of the descriptor.
    ///
    /// # Errors
    /// [`TooWide`] names the first number that does not fit.
    pub(crate) fn pack(&self) -> Result<[u32; DESCRIPTOR_WORDS], TooWide> {
        let fit = |field, value: u32, bits: u32| {
            let most = (1 << bits) - 1;
            if value <= most { Ok(value) } else { Err(TooWide { field, value, most }) }
        };
        let half = |field, value| fit(field, value, 16);
        // What is counted from 0 on, less 1; all ones where there is none.
        let last = |field, count: u32| match count.checked_sub(1) {
            Some(last) => half(field, last),
            None => Ok(0xffff),
        };
        let behind = match self.stream {
            Some(Stream { first, crc, words }) => [first, crc, words],
            None => [
                self.trunk_plane,
                last("rows", self.rows)? | last("tiles", self.tiles)? << 16,
                last("classes", self.classes)? | half("window_words", self.window_words)? << 16,
            ],
        };
        Ok([
            fit("flags", self.flags, 8)? | fit("in_base", self.in_base, 24)? << 8,
            half("in_row", self.in_row)? | half("in_words", self.in_words)? << 16,
            half("in_edge", self.in_edge)? | last("groups", self.groups)? << 16,
            fit("out_base", self.out_base, 24)? | fit("ring", self.ring, 8)? << 24,
            half("out_row", self.out_row)? | half("out_words", self.out_words)? << 16,
            behind[0],
            behind[1],
            behind[2],
        ])
    }

    /// Steps of a tile: a word of weights each.
    pub(crate) fn steps(&self) -> u64 {
        let taps = if self.flags & flags::KERNEL_3 == 0 { 1 } else { 9 };
        u64::from(taps * self.in_words)
    }

    /// Whether the layer's tiles are walked outermost: one that waits for its input takes them innermost, as rows come one by one.
    pub(crate) fn tiles_outermost(&self) -> bool {
        self.flags & flags::WAIT_INPUT == 0
    }

    /// Tiles whose thresholds and weights are in the window at a time.
    pub(crate) fn window_tiles(&self) -> u32 {
        if self.tiles_outermost() { 1 } else { self.tiles }
    }

    /// Windows of the layer: each its tiles, all of them together.
    pub(crate) fn windows(&self) -> u32 {
        if self.tiles_outermost() { self.tiles } else { self.tiles.min(1) }
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

impl FrameFormat {
    /// Bytes of a beat.
    pub(crate) fn beat_bytes(self, capabilities: &Capabilities) -> usize {
        match self {
            Self::Pixels => 3,
            Self::Codes => 2 * capabilities.parallel_in / 8,
        }
    }
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
    /// The beats of the weight stream, 32 bits each: rows of thresholds and weights in the order in which they are needed.
    pub(crate) weights: Vec<u32>,
    /// Where in it each descriptor's words begin.
    pub(crate) stream_starts: Vec<usize>,
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
    /// Words of the weight stream.
    pub weights: usize,
    /// Words of the window.
    pub window: usize,
    /// Rows of thresholds at a time.
    pub thresholds: usize,
    /// Words of codes a bank.
    pub codes: usize,
    /// Words of the trunk.
    pub trunk: usize,
    /// Descriptors.
    pub layers: usize,
}

impl Program {
    /// All commands that write it into a board, 32 bits each.
    pub(crate) fn upload(&self) -> &[u32] {
        &self.upload
    }

    /// The weight stream that comes with every frame, in beats of 32 bits, where the board has no memory of its own for it.
    pub(crate) fn streamed_weights(&self) -> Option<&[u32]> {
        (self.capabilities.weight_depth == 0).then_some(&self.weights)
    }

    /// The words of the weight stream that a descriptor takes.
    pub(crate) fn stream_of(&self, descriptor: usize) -> Stream {
        let first = self.stream_starts[descriptor];
        let end = self.stream_starts.get(descriptor + 1).copied().unwrap_or(self.needs.weights);
        Stream { first: first as u32, crc: 0, words: (end - first) as u32 }
    }

    /// What a frame is sent as.
    pub fn format(&self) -> FrameFormat {
        self.format
    }

    /// Bytes of a frame.
    #[cfg(feature = "live")]
    pub(crate) fn frame_bytes(&self) -> usize {
        let frame = &self.descriptors[0];
        frame.in_edge as usize * frame.in_row as usize * self.format.beat_bytes(&self.capabilities)
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_are_full_are_packed_and_one_more_is_refused() {
        let full = Descriptor {
            flags: 0xff,
            in_base: 0xff_ffff,
            in_row: 0xffff,
            in_words: 0xffff,
            in_edge: 0xffff,
            groups: 0x1_0000,
            out_base: 0xff_ffff,
            ring: 0xff,
            out_row: 0xffff,
            out_words: 0xffff,
            trunk_plane: u32::MAX,
            rows: 0x1_0000,
            tiles: 0x1_0000,
            classes: 0x1_0000,
            window_words: 0xffff,
            stream: None,
        };
        assert_eq!(full.pack(), Ok([u32::MAX; DESCRIPTOR_WORDS]));
        let frame = Descriptor { stream: Some(Stream { first: 1, crc: 2, words: 3 }), ..full };
        assert_eq!(frame.pack().map(|words| [words[5], words[6], words[7]]), Ok([1, 2, 3]));
        let refused = |change: fn(&mut Descriptor)| {
            let mut descriptor = full;
            change(&mut descriptor);
            descriptor.pack().expect_err("too wide")
        };
        assert_eq!(refused(|d| d.window_words += 1), TooWide { field: "window_words", value: 0x1_0000, most: 0xffff });
        let changes: [fn(&mut Descriptor); 14] = [
            |d| d.flags += 1,
            |d| d.in_base += 1,
            |d| d.in_row += 1,
            |d| d.in_words += 1,
            |d| d.in_edge += 1,
            |d| d.groups += 1,
            |d| d.out_base += 1,
            |d| d.ring += 1,
            |d| d.out_row += 1,
            |d| d.out_words += 1,
            |d| d.rows += 1,
            |d| d.tiles += 1,
            |d| d.classes += 1,
            |d| d.window_words += 1,
        ];
        let fields: std::collections::HashSet<&str> = changes.into_iter().map(|change| refused(change).field).collect();
        assert_eq!(fields.len(), changes.len());
        // Of the frame's descriptor nothing is counted.
        assert_eq!(Descriptor::default().pack(), Ok([0, 0, 0xffff_0000, 0, 0, 0, u32::MAX, 0xffff]));
    }
}
