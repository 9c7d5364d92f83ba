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
    let mut channel = 0;
    while channel < channels {
        let (group, _) = packing.place(channel);
        // Channels of one index are neighbours, and no index spans two blocks of 64.
        let count = (channel + 1..channels).take_while(|&next| packing.place(next).0 == group).count() + 1;
        let planes = &mut out[channel * area..(channel + count) * area];
        for y in 0..map.edge {
            for x in 0..map.edge {
                let at = map.at(y, x) + group * packing.index_bytes;
                let index = index(&packed[at..at + packing.index_bytes]);
                for (slot, plane) in planes.chunks_exact_mut(area).enumerate() {
                    plane[y * map.edge + x] = (index >> (2 * slot) & 3) as u8;
                }
            }
        }
        channel += count;
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
