//! The look-up tables: for every packed index, and every combination of weight bits, the sum that [`super::generic`] describes.

/// `Σ (bit ? code : 3 − code)` over the `group` two-bit codes of `index` and the bits of `bits`.
pub(super) const fn sum(index: usize, bits: usize, group: usize) -> u8 {
    let mut sum = 0;
    let mut i = 0;
    while i < group {
        let code = (index >> (2 * i) & 3) as u8;
        sum += if bits >> i & 1 == 1 { code } else { 3 - code };
        i += 1;
    }
    sum
}

/// A table of 16 bytes for each index of four channels.
#[repr(align(64))]
pub(super) struct Quads(pub(super) [[u8; 16]; 256]);

/// 4 KiB: stays in the first-level cache.
pub(super) static QUADS: Quads = {
    let mut tables = [[0; 16]; 256];
    let mut index = 0;
    while index < 256 {
        let mut bits = 0;
        while bits < 16 {
            tables[index][bits] = sum(index, bits, 4);
            bits += 1;
        }
        index += 1;
    }
    Quads(tables)
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bits_count_codes_and_zero_bits_their_complement() {
        // Codes 0, 1, 2, 3 from the lowest field on.
        assert_eq!(QUADS.0[0b11_10_01_00][0b1111], 6);
        assert_eq!(QUADS.0[0b11_10_01_00][0b1000], 3 + 2 + 1 + 3);
        assert_eq!(QUADS.0[0][0], 12);
    }

    /// What `channels` codes of two bits add with their weight bits, as the network is defined: a code with bit 1, else 3 minus it.
    fn expected(codes: usize, bits: usize, channels: usize) -> u8 {
        let terms = (0..channels).map(|channel| {
            let code = codes >> (2 * channel) & 3;
            if bits >> channel & 1 == 1 { code } else { 3 - code }
        });
        terms.sum::<usize>() as u8
    }

    /// All of them: nothing is left that a drawn case could miss.
    #[test]
    fn every_entry_is_the_sum_that_it_stands_for() {
        for (codes, table) in QUADS.0.iter().enumerate() {
            for (bits, &entry) in table.iter().enumerate() {
                assert_eq!(entry, expected(codes, bits & 15, 4), "codes {codes:#b}, bits {bits:#b}");
            }
        }
    }
}
