//! JPEGs for tests: what the encoder of the `image` crate does not make.

use super::{SOI, tables};
use image::codecs::jpeg::JpegEncoder;

/// 16×16 pixels of one grey, in one pass with Huffman tables, but for a corner that takes some more codes.
pub(crate) fn grey(shade: u8) -> Vec<u8> {
    let mut rgb = [shade; 16 * 16 * 3];
    rgb[12 * 16 * 3..].iter_mut().enumerate().for_each(|(i, value)| *value = (i * 37 % 251) as u8);
    let mut bytes = Vec::new();
    JpegEncoder::new(&mut bytes).encode(&rgb, 16, 16, image::ExtendedColorType::Rgb8).unwrap();
    bytes
}

/// Without its Huffman tables.
pub(crate) fn without_tables(jpeg: &[u8]) -> Vec<u8> {
    let mut rest = SOI.to_vec();
    let mut from = SOI.len();
    for (marker, segment, end) in super::segments(jpeg, SOI.len()) {
        if marker != 0xc4 {
            rest.extend(&jpeg[from..end]);
        }
        from = end;
        if marker == 0xda {
            assert!(!segment.is_empty());
            break;
        }
    }
    rest.extend(&jpeg[from..]);
    rest
}

/// A picture made of blocks of one brightness each, with one wave over it.
pub(crate) struct Blocks<'a> {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Samples across and down of every component.
    pub(crate) factors: &'a [(usize, usize)],
    /// The components of every pass.
    pub(crate) scans: &'a [&'a [usize]],
    /// Units between two restart markers; 0 for none.
    pub(crate) restart: usize,
    /// The sample in the middle of a block, by component and place, and how strong the wave over it is (at most 3).
    pub(crate) content: fn(usize, usize, usize) -> (u8, i32),
}

/// What everything is multiplied with: 8 makes of a mean the sample itself.
const QUANTUM: i32 = 8;

impl Blocks<'_> {
    /// With the tables of the specification, all of a component's bits at once.
    pub(crate) fn sequential(&self) -> Vec<u8> {
        let mut file = self.head(0xc0);
        for parts in self.scans {
            file.extend(scan_header(parts, 0, 63, 0));
            self.scan(&mut file, parts, |writer, means, component, (mean, wave)| {
                writer.mean(component, mean - std::mem::replace(means, mean));
                writer.wave(component, 0, wave);
                writer.symbol(AC, component, 0);
            });
        }
        file.extend(super::EOI);
        file
    }

    /// The same picture in the passes of a progressive one: coarse means, coarse waves, then a bit more of both.
    pub(crate) fn progressive(&self) -> Vec<u8> {
        let mut file = self.head(0xc2);
        let all: Vec<usize> = (0..self.factors.len()).collect();
        file.extend(scan_header(&all, 0, 0, 0x01));
        self.scan(&mut file, &all, |writer, means, component, (mean, _)| {
            writer.mean(component, (mean >> 1) - std::mem::replace(means, mean >> 1));
        });
        for component in &all {
            file.extend(scan_header(&[*component], 1, 63, 0x01));
            self.scan(&mut file, &[*component], |writer, _, component, (_, wave)| {
                writer.wave(component, 0, wave / 2);
                writer.symbol(AC, component, 0);
            });
        }
        for component in &all {
            file.extend(scan_header(&[*component], 1, 63, 0x10));
            self.scan(&mut file, &[*component], |writer, _, component, (_, wave)| match wave.abs() {
                // Becomes 1 or −1 with this bit.
                1 => {
                    writer.symbol(AC, component, 1);
                    writer.bits(u32::from(wave > 0), 1);
                    writer.symbol(AC, component, 0);
                }
                size => {
                    writer.symbol(AC, component, 0);
                    // One bit for what is there already.
                    writer.bits(size as u32 & 1, if size > 1 { 1 } else { 0 });
                }
            });
        }
        file.extend(scan_header(&all, 0, 0, 0x10));
        self.scan(&mut file, &all, |writer, _, _, (mean, _)| writer.bits((mean & 1) as u32, 1));
        file.extend(super::EOI);
        file
    }

    /// All before the first scan.
    fn head(&self, frame: u8) -> Vec<u8> {
        let mut file = tables::insert(SOI.to_vec().into());
        file.extend([0xff, 0xdb, 0, 67, 0]);
        file.extend([QUANTUM as u8; 64]);
        let count = self.factors.len() as u8;
        file.extend([0xff, frame, 0, 8 + 3 * count, 8]);
        file.extend([self.height, self.width].map(|side| (side as u16).to_be_bytes()).concat());
        file.push(count);
        for (component, (across, down)) in (1..).zip(self.factors) {
            file.extend([component, (across << 4 | down) as u8, 0]);
        }
        if self.restart > 0 {
            file.extend([0xff, 0xdd, 0, 4, 0, self.restart as u8]);
        }
        file
    }

    /// Writes every block of a scan with `write`, which gets the mean of the component's block before, and its own mean and wave.
    fn scan(
        &self,
        file: &mut Vec<u8>,
        parts: &[usize],
        write: impl Fn(&mut EntropyWriter, &mut i32, usize, (i32, i32)),
    ) {
        let most = |side: fn(&(usize, usize)) -> usize| self.factors.iter().map(side).max().unwrap();
        let (most_across, most_down) = (most(|factors| factors.0), most(|factors| factors.1));
        let alone = parts.len() == 1;
        let blocks = |side: usize, factor: usize, most: usize| (side * factor).div_ceil(most).div_ceil(8);
        let (across, down) = if alone {
            let (h, v) = self.factors[parts[0]];
            (blocks(self.width, h, most_across), blocks(self.height, v, most_down))
        } else {
            (self.width.div_ceil(8 * most_across), self.height.div_ceil(8 * most_down))
        };
        let mut means = vec![0; self.factors.len()];
        let mut writer = EntropyWriter::default();
        for unit in 0..across * down {
            if self.restart > 0 && unit > 0 && unit % self.restart == 0 {
                file.extend(std::mem::take(&mut writer).finish());
                file.extend([0xff, 0xd0 + ((unit / self.restart - 1) % 8) as u8]);
                means.fill(0);
            }
            for &component in parts {
                let (h, v) = if alone { (1, 1) } else { self.factors[component] };
                for block in 0..h * v {
                    let (x, y) = (unit % across * h + block % h, unit / across * v + block / h);
                    let (sample, wave) = (self.content)(component, x, y);
                    write(&mut writer, &mut means[component], component, (i32::from(sample) - 128, wave));
                }
            }
        }
        file.extend(writer.finish());
    }
}

fn scan_header(parts: &[usize], first: u8, last: u8, bits: u8) -> Vec<u8> {
    let mut header = vec![0xff, 0xda, 0, 6 + 2 * parts.len() as u8, parts.len() as u8];
    for &component in parts {
        let table = u8::from(component > 0);
        header.extend([component as u8 + 1, table << 4 | table]);
    }
    header.extend([first, last, bits]);
    header
}

const DC: usize = 0;
const AC: usize = 1;

#[derive(Default)]
struct EntropyWriter {
    bytes: Vec<u8>,
    pending: u32,
    count: u32,
}

impl EntropyWriter {
    fn bits(&mut self, value: u32, count: u32) {
        for bit in (0..count).rev() {
            self.pending = self.pending << 1 | value >> bit & 1;
            self.count += 1;
            if self.count == 8 {
                self.bytes.push(self.pending as u8);
                if self.pending as u8 == 0xff {
                    self.bytes.push(0);
                }
                (self.pending, self.count) = (0, 0);
            }
        }
    }

    fn symbol(&mut self, class: usize, component: usize, symbol: u8) {
        let (code, length) = tables::code(class, usize::from(component > 0), symbol);
        self.bits(code, length);
    }

    /// A difference of means.
    fn mean(&mut self, component: usize, difference: i32) {
        let size = 32 - difference.unsigned_abs().leading_zeros();
        self.symbol(DC, component, size as u8);
        self.number(difference, size);
    }

    /// A first coefficient after `zeros` others, where it is not 0.
    fn wave(&mut self, component: usize, zeros: u8, wave: i32) {
        let size = 32 - wave.unsigned_abs().leading_zeros();
        if size > 0 {
            self.symbol(AC, component, zeros << 4 | size as u8);
            self.number(wave, size);
        }
    }

    fn number(&mut self, number: i32, size: u32) {
        let coded = if number < 0 { number + (1 << size) - 1 } else { number };
        self.bits(coded as u32, size);
    }

    /// Ones up to the end of the byte.
    fn finish(mut self) -> Vec<u8> {
        self.bits(0x7f, (8 - self.count) % 8);
        self.bytes
    }
}
