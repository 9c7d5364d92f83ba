//! From the kernels' layouts back to CHW and to counts, for probes.

use super::packing::{CodeMap, Packing};
use crate::engine::CodeHistogram;

/// One packed index, of one byte or two.
#[inline(always)]
pub(super) fn index(bytes: &[u8]) -> u16 {
    match *bytes {
        [low, high] => u16::from_le_bytes([low, high]),
        [byte] => byte.into(),
        _ => 0,
    }
}

/// Packed codes → CHW, one a byte.
pub(super) fn codes(packing: Packing, map: CodeMap, packed: &[u8], channels: usize, out: &mut [u8]) {
    let area = map.edge * map.edge;
    // A byte holds up to four neighbouring channels, in an index of one byte or two.
    let byte = |channel: usize| {
        let (group, slot) = packing.place(channel);
        group * packing.index_bytes + slot / 4
    };
    let mut channel = 0;
    while channel < channels {
        let behind = (channel + 1..channels).find(|&next| byte(next) != byte(channel)).unwrap_or(channels);
        let planes = &mut out[channel * area..behind * area];
        for y in 0..map.edge {
            let row = &packed[map.at(y, 0) + byte(channel)..];
            unpack_row(row, map, y * map.edge, area, planes);
        }
        channel = behind;
    }
}

/// The bytes of one row, `map.pixel` apart, into up to four planes; eight positions at a time, as there are many.
fn unpack_row(row: &[u8], map: CodeMap, at: usize, area: usize, planes: &mut [u8]) {
    const LOW_FIELDS: u64 = 0x0303_0303_0303_0303;
    let whole = map.edge / 8 * 8;
    for x in (0..whole).step_by(8) {
        let eight = u64::from_le_bytes(std::array::from_fn(|i| row[(x + i) * map.pixel]));
        for (slot, plane) in planes.chunks_exact_mut(area).enumerate() {
            plane[at + x..at + x + 8].copy_from_slice(&(eight >> (2 * slot) & LOW_FIELDS).to_le_bytes());
        }
    }
    for x in whole..map.edge {
        for (slot, plane) in planes.chunks_exact_mut(area).enumerate() {
            plane[at + x] = row[x * map.pixel] >> (2 * slot) & 3;
        }
    }
}

/// How often each code stands in the `channels` channels of a packed map, counted where the codes lie: two planes of bits,
/// 32 codes a word. What is no code (the border, the fields behind the last channel) is 0.
pub(super) fn histogram(map: CodeMap, packed: &[u8], channels: usize) -> CodeHistogram {
    const LOW_BITS: u64 = 0x5555_5555_5555_5555;
    let mut counts = [0; 4];
    let mut count = |word: u64| {
        let (low, high) = (word & LOW_BITS, word >> 1 & LOW_BITS);
        counts[1] += (low & !high).count_ones();
        counts[2] += (high & !low).count_ones();
        counts[3] += (low & high).count_ones();
    };
    let (words, rest) = packed[..map.bytes()].as_chunks();
    words.iter().for_each(|&word| count(u64::from_le_bytes(word)));
    rest.iter().for_each(|&byte| count(byte.into()));
    counts[0] = (channels * map.edge * map.edge) as u32 - counts[1..].iter().sum::<u32>();
    counts
}

/// Sums `[position][lane]` → CHW.
pub(super) fn sums<N: Copy, M>(
    packing: Packing,
    sums: &[N],
    out: &mut [M],
    area: usize,
    value: impl Fn(usize, N) -> M,
) {
    let lanes = sums.len() / area;
    for (channel, plane) in out.chunks_exact_mut(area).enumerate() {
        let lane = packing.lane(channel);
        for (to, &sum) in plane.iter_mut().zip(sums[lane..].iter().step_by(lanes)) {
            *to = value(channel, sum);
        }
    }
}
