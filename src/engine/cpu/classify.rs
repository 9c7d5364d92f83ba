//! The classifier: codes are pooled first, so that its weights are read once a picture, not once a position.

use super::packing::{CodeMap, Packing};
use super::unpack::index;
use crate::network::{Classifier, Logits, Readout};

/// Channels that share a table.
const GROUP: usize = 4;

/// A classifier, its weight bits regrouped.
pub(super) struct PackedClassifier {
    packing: Packing,
    channels: usize,
    /// Four weight bits a byte, `[row][⌈channels/4⌉]`.
    bits: Vec<u8>,
    readout: Readout,
}

/// What classifying a picture writes.
#[derive(Default)]
pub(super) struct Classes {
    /// Sums of codes over all positions, `[slot][index]`.
    pooled: Vec<i32>,
    /// For four channels each, the sum for every combination of weight bits.
    tables: Vec<[i32; 1 << GROUP]>,
    /// Σ ±code, a row.
    pub(super) sums: Vec<i64>,
    /// The logits.
    pub(super) logits: Logits,
}

impl Classes {
    /// Bytes of all of it.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.pooled.as_slice())
            + size_of_val(self.tables.as_slice())
            + size_of_val(self.sums.as_slice())
            + self.logits.bytes()
    }
}

impl PackedClassifier {
    pub(super) fn new(classifier: &Classifier, packing: Packing) -> Self {
        let g = classifier.conv().geometry();
        let nibbles = |row| (0..g.in_channels.div_ceil(GROUP)).map(move |group| (row, group));
        let nibble = |(row, group): (usize, usize)| classifier.conv().tap(row, 0, 0)[group / 2] >> (group % 2 * 4) & 15;
        Self {
            packing,
            channels: g.in_channels,
            bits: (0..g.out_channels).flat_map(nibbles).map(nibble).collect(),
            readout: classifier.readout().clone(),
        }
    }

    /// Bytes of weights and of what rows are worth.
    pub(super) fn bytes(&self) -> usize {
        self.bits.len() + size_of_val(self.readout.scales()) + size_of_val(self.readout.owners())
    }

    /// Room for [`PackedClassifier::classify`].
    pub(super) fn classes(&self) -> Classes {
        Classes {
            pooled: vec![0; self.packing.groups(self.channels) * self.packing.group],
            tables: vec![[0; 1 << GROUP]; self.channels.div_ceil(GROUP)],
            sums: vec![0; self.readout.scales().len()],
            logits: self.readout.room(),
        }
    }

    /// Codes → sums → logits.
    pub(super) fn classify(&self, map: CodeMap, codes: &[u8], classes: &mut Classes) {
        self.pool(map, codes, &mut classes.pooled);
        self.fill_tables(&classes.pooled, &mut classes.tables);
        for (row, bits) in self.bits.chunks_exact(classes.tables.len()).enumerate() {
            let sum = |sum: i64, (table, &bits): (&[i32; 16], &u8)| sum + i64::from(table[usize::from(bits & 15)]);
            classes.sums[row] = classes.tables.iter().zip(bits).fold(0, sum);
        }
        self.readout.read(classes.sums.iter().copied(), map.edge * map.edge, &mut classes.logits);
    }

    fn pool(&self, map: CodeMap, codes: &[u8], pooled: &mut [i32]) {
        let groups = self.packing.groups(self.channels);
        pooled.fill(0);
        for y in 0..map.edge {
            for x in 0..map.edge {
                let position = &codes[map.at(y, x)..][..groups * self.packing.index_bytes];
                for (slot, pooled) in pooled.chunks_exact_mut(groups).enumerate() {
                    for (pooled, index_bytes) in pooled.iter_mut().zip(position.chunks_exact(self.packing.index_bytes))
                    {
                        *pooled += i32::from(index(index_bytes) >> (2 * slot) & 3);
                    }
                }
            }
        }
    }

    fn fill_tables(&self, pooled: &[i32], tables: &mut [[i32; 1 << GROUP]]) {
        let groups = self.packing.groups(self.channels);
        for (group, table) in tables.iter_mut().enumerate() {
            let sum_of = |channel: usize| {
                let (index, slot) = self.packing.place(channel);
                if channel < self.channels { pooled[slot * groups + index] } else { 0 }
            };
            let sums: [i32; GROUP] = std::array::from_fn(|i| sum_of(group * GROUP + i));
            table[0] = -sums.iter().sum::<i32>();
            for (i, sum) in sums.into_iter().enumerate() {
                for bits in 0..1 << i {
                    table[1 << i | bits] = table[bits] + 2 * sum;
                }
            }
        }
    }
}
