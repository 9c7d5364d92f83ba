//! The boards that there are designs for, with the parameters that `packaging/boards` builds them with.

use super::capabilities::Capabilities;
use super::link::port::BAUD;

/// Bits that a byte takes on a serial line.
const BITS_A_BYTE: u32 = 10;

/// A board's accelerator, and what brings its frames.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BoardDesign {
    /// What the board is called.
    pub(crate) name: &'static str,
    pub(crate) capabilities: Capabilities,
    pub(crate) clock_khz: u32,
    /// Bytes a second of its line to the host; none on a processor's bus, where a beat comes every cycle.
    pub(crate) line_bytes_per_s: Option<u32>,
}

/// Radiona's ULX3S, and the KV260 of the papers, whose 200 MHz are assumed.
pub(crate) const DESIGNS: [BoardDesign; 2] = [
    BoardDesign { name: "ULX3S", capabilities: ULX3S, clock_khz: 60_000, line_bytes_per_s: Some(BAUD / BITS_A_BYTE) },
    BoardDesign { name: "KV260", capabilities: KV260, clock_khz: 200_000, line_bytes_per_s: None },
];

pub(super) const ULX3S: Capabilities = Capabilities {
    parallel_in: 32,
    parallel_out: 32,
    pixels: 1,
    drain_channels: 8,
    acc_bits: 14,
    trunk_bits: 16,
    code_depth: 5120,
    weight_depth: 1696,
    window_depth: 512,
    threshold_depth: 128,
    trunk_depth: 2048,
    trunk_middle_depth: 2048,
    trunk_wide_depth: 2048,
    trunk_middle_bits: 16,
    trunk_narrow_bits: 16,
    table_words: 1,
    layers: 64,
    pool_depth: 16,
};

pub(super) const KV260: Capabilities = Capabilities {
    pixels: 8,
    trunk_bits: 17,
    code_depth: 4096,
    weight_depth: 0,
    window_depth: 1024,
    trunk_depth: 16_384,
    trunk_middle_depth: 8192,
    trunk_wide_depth: 4096,
    trunk_middle_bits: 13,
    trunk_narrow_bits: 11,
    layers: 128,
    pool_depth: 128,
    ..ULX3S
};

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Parameters with whole numbers, as `NAME = VALUE` or `NAME=VALUE` a line, the later ones in place of the earlier.
    fn parameters(texts: &[&str]) -> BTreeMap<String, u32> {
        let lines = texts.iter().flat_map(|text| text.lines());
        let pairs = lines.filter_map(|line| {
            let line = line.trim().trim_start_matches("parameter int ").trim_end_matches(',');
            let (name, value) = line.split_once('=')?;
            Some((name.trim().to_owned(), value.trim().parse().ok()?))
        });
        pairs.collect()
    }

    /// The sizes are those that the boards are built with.
    #[test]
    fn designs_are_as_packaged() {
        let core = include_str!("rtl/ernscope_core.sv");
        let ulx3s = include_str!("../../packaging/boards/ulx3s/ulx3s_top.sv");
        let kv260 = include_str!("../../packaging/boards/kv260/parameters");
        for (design, packaged) in DESIGNS.iter().zip([ulx3s, kv260]) {
            let packaged = parameters(&[core, packaged]);
            let Capabilities { trunk_depth, trunk_bits, .. } = design.capabilities;
            let or = |name: &str, otherwise| packaged.get(name).map_or(otherwise, |&value| value as usize);
            let expected = Capabilities {
                parallel_in: or("PARALLEL_IN", 0),
                parallel_out: or("PARALLEL_OUT", 0),
                pixels: or("PIXELS", 0),
                drain_channels: or("DRAIN_CHANNELS", 0),
                acc_bits: or("ACC_BITS", 0) as u32,
                trunk_bits: or("TRUNK_BITS", 0) as u32,
                code_depth: or("CODE_DEPTH", 0),
                weight_depth: or("WEIGHT_DEPTH", 0),
                window_depth: or("WINDOW_DEPTH", 0),
                threshold_depth: or("THRESHOLD_DEPTH", 0),
                trunk_depth: or("TRUNK_DEPTH", 0),
                // One part, where nothing else is said.
                trunk_middle_depth: or("TRUNK_MIDDLE_DEPTH", trunk_depth),
                trunk_wide_depth: or("TRUNK_WIDE_DEPTH", trunk_depth),
                trunk_middle_bits: or("TRUNK_MIDDLE_BITS", trunk_bits as usize) as u32,
                trunk_narrow_bits: or("TRUNK_NARROW_BITS", trunk_bits as usize) as u32,
                table_words: or("TABLE_WORDS", 0),
                layers: or("LAYERS", 0),
                pool_depth: or("POOL_DEPTH", 0),
            };
            assert_eq!(design.capabilities, expected, "{}", design.name);
        }
        assert!(ulx3s.contains(&format!("CLOCK_KHZ = {}", DESIGNS[0].clock_khz)));
    }
}
