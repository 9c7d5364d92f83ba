//! Pixel embedding: three table rows of ready-packed codes a pixel.

use super::packing::{CodeMap, Packing};
use crate::network::CodeTable;

/// The code table, packed: each row holds its colour's channels of a whole position, the other colours' being 0.
pub(super) struct PackedTable {
    /// `[colour][byte][word]`.
    words: Vec<u64>,
    /// Words a position.
    width: usize,
}

impl PackedTable {
    /// Bytes a position: whole taps, and whole words.
    pub(super) fn pixel(table: &CodeTable, packing: Packing) -> usize {
        let indices = packing.groups(3 * table.depth()).next_multiple_of(packing.tap);
        (indices * packing.index_bytes).next_multiple_of(size_of::<u64>())
    }

    pub(super) fn new(table: &CodeTable, packing: Packing) -> Self {
        let pixel = Self::pixel(table, packing);
        let mut rows = vec![0_u8; 3 * 256 * pixel];
        for (i, row) in rows.chunks_exact_mut(pixel).enumerate() {
            let colour = i / 256;
            for (j, &code) in table.row(colour, (i % 256) as u8).iter().enumerate() {
                let (group, place) = packing.place(colour * table.depth() + j);
                // An index of two bytes holds six codes: bits 0 to 11.
                let bit = group * packing.index_bytes * 8 + 2 * place;
                row[bit / 8] |= code << (bit % 8);
            }
        }
        let word = |bytes: &[u8]| bytes.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte));
        Self { words: rows.chunks_exact(8).map(word).collect(), width: pixel / size_of::<u64>() }
    }

    /// Bytes of the table.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.words.as_slice())
    }

    /// Looks up rows of a picture; `out` are the same rows of the map.
    pub(super) fn embed(&self, rgb: &[u8], map: CodeMap, out: &mut [u8]) {
        map.clear_sides(out);
        let inside = map.pixel..(map.edge + 1) * map.pixel;
        for (rgb, out) in rgb.chunks_exact(3 * map.edge).zip(out.chunks_exact_mut(map.row())) {
            let out = &mut out[inside.clone()];
            match self.width {
                1 => self.embed_row::<1>(rgb, out),
                2 => self.embed_row::<2>(rgb, out),
                _ => self.embed_wide_row(rgb, out),
            }
        }
    }

    fn embed_row<const WIDTH: usize>(&self, rgb: &[u8], out: &mut [u8]) {
        let (rows, _) = self.words.as_chunks::<WIDTH>();
        let [red, green, blue] = [&rows[..256], &rows[256..512], &rows[512..768]];
        for (rgb, out) in rgb.as_chunks::<3>().0.iter().zip(out.chunks_exact_mut(8 * WIDTH)) {
            let (r, g, b) = (red[usize::from(rgb[0])], green[usize::from(rgb[1])], blue[usize::from(rgb[2])]);
            for (i, out) in out.as_chunks_mut::<8>().0.iter_mut().enumerate() {
                *out = (r[i] | g[i] | b[i]).to_le_bytes();
            }
        }
    }

    fn embed_wide_row(&self, rgb: &[u8], out: &mut [u8]) {
        let row = |colour: usize, byte: u8| {
            let start = (colour * 256 + usize::from(byte)) * self.width;
            &self.words[start..start + self.width]
        };
        for (rgb, out) in rgb.as_chunks::<3>().0.iter().zip(out.chunks_exact_mut(8 * self.width)) {
            let words = row(0, rgb[0]).iter().zip(row(1, rgb[1])).zip(row(2, rgb[2]));
            for (((r, g), b), out) in words.zip(out.as_chunks_mut::<8>().0) {
                *out = (r | g | b).to_le_bytes();
            }
        }
    }
}
