//! From the kernels' layouts back to CHW, for probes.

use super::layout::{CodeMap, Packing};

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
