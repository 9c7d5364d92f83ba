//! Whether every block of a picture is there: its codes are walked through, and no pixel is made.
//!
//! The decoders do not tell. They fill what is missing with grey, and a picture whose end marker is missing may lack that
//! marker alone or half of its blocks.

use super::segments;

/// More passes than this has no picture that anybody made.
const MOST_SCANS: usize = 100;

/// As many blocks of a progressive picture are walked through for every byte of it, however many its passes repeat: runs of
/// empty blocks take next to no bytes.
const BLOCKS_A_BYTE: usize = 1024;

/// Where the picture's last block ends; `None` where one is missing, something makes no sense, or the picture claims more than
/// `most` pixels.
///
/// Of a progressive picture 8 bytes a block are held.
pub(crate) fn end(bytes: &[u8], most: u64) -> Option<usize> {
    let mut walk = CodeWalk { most, blocks_left: bytes.len().saturating_mul(BLOCKS_A_BYTE), ..CodeWalk::default() };
    let mut at = 2;
    for _ in 0..MOST_SCANS {
        at = walk.scan(bytes, at)?;
        if walk.is_complete() {
            return Some(at);
        }
    }
    None
}

/// A Huffman table: how many codes there are of every length, and what they stand for.
#[derive(Clone, Default)]
struct HuffmanTable {
    counts: [u8; 16],
    values: Vec<u8>,
}

/// A component, as the frame has it.
struct Component {
    name: u8,
    /// Samples across and down, where others have more or fewer.
    factors: (usize, usize),
    /// Blocks across and down, where it is alone in a scan.
    blocks: (usize, usize),
    /// Blocks across, those included that fill up the right edge.
    stride: usize,
    /// Of every block, which coefficients are not 0. Only of a progressive picture, where later passes depend on it.
    set: Vec<u64>,
    /// Which coefficients have all of their bits.
    complete: u64,
}

/// A component in a scan.
#[derive(Clone, Copy)]
struct Part {
    component: usize,
    dc: usize,
    ac: usize,
}

/// Which coefficients a scan has, and which of their bits.
#[derive(Clone, Copy)]
struct Band {
    first: usize,
    last: usize,
    refines: bool,
}

#[derive(Default)]
struct CodeWalk {
    dc: [HuffmanTable; 4],
    ac: [HuffmanTable; 4],
    components: Vec<Component>,
    /// Units across and down: what all components together repeat.
    units: (usize, usize),
    progressive: bool,
    /// Units between two restart markers; 0 for none.
    restart: usize,
    /// The most pixels.
    most: u64,
    /// How many blocks more are walked through.
    blocks_left: usize,
}

impl CodeWalk {
    /// Whether nothing more is to come.
    fn is_complete(&self) -> bool {
        !self.components.is_empty() && self.components.iter().all(|component| component.complete == u64::MAX)
    }

    /// Walks from `from` through the next scan, to its end.
    fn scan(&mut self, bytes: &[u8], from: usize) -> Option<usize> {
        for (marker, segment, after) in segments(bytes, from) {
            match marker {
                0xc4 => self.tables(segment)?,
                0xc0..=0xc2 => self.frame(segment, marker == 0xc2)?,
                0xdd => self.restart = usize::from(u16::from_be_bytes([*segment.get(2)?, *segment.get(3)?])),
                0xda => return self.blocks(segment, bytes, after),
                0xd8 | 0xd9 => return None,
                _ => {}
            }
        }
        None
    }

    fn tables(&mut self, segment: &[u8]) -> Option<()> {
        let mut rest = segment.get(2..)?;
        while let [kind, counts @ ..] = rest {
            let (counts, values) = counts.split_first_chunk::<16>()?;
            let length = counts.iter().map(|&count| usize::from(count)).sum();
            let (values, others) = values.split_at_checked(length)?;
            let tables = if kind >> 4 == 0 { &mut self.dc } else { &mut self.ac };
            *tables.get_mut(usize::from(kind & 15))? = HuffmanTable { counts: *counts, values: values.to_vec() };
            rest = others;
        }
        Some(())
    }

    fn frame(&mut self, segment: &[u8], progressive: bool) -> Option<()> {
        let (head, components) = segment.split_first_chunk::<8>()?;
        let side = |at: usize| usize::from(head[at]) << 8 | usize::from(head[at + 1]);
        let (height, width) = (side(3), side(5));
        let components = components.as_chunks::<3>().0;
        // The size was checked of one frame, with as many components as a decoder takes.
        let is_second = !self.components.is_empty();
        if is_second || !matches!(components.len(), 1 | 3 | 4) || (width * height) as u64 > self.most {
            return None;
        }
        let factors = |component: &[u8; 3]| (usize::from(component[1] >> 4), usize::from(component[1] & 15));
        let most = |side: fn((usize, usize)) -> usize| components.iter().map(|c| side(factors(c))).max();
        let (across, down) = (most(|(across, _)| across)?, most(|(_, down)| down)?);
        if components.iter().any(|component| !matches!(factors(component), (1..=4, 1..=4))) {
            return None;
        }
        self.units = (width.div_ceil(8 * across), height.div_ceil(8 * down));
        self.progressive = progressive;
        let component = |component: &[u8; 3]| {
            let factors = factors(component);
            let stride = self.units.0 * factors.0;
            let held = if progressive { stride * self.units.1 * factors.1 } else { 0 };
            Component {
                name: component[0],
                factors,
                blocks: (
                    (width * factors.0).div_ceil(across).div_ceil(8),
                    (height * factors.1).div_ceil(down).div_ceil(8),
                ),
                stride,
                set: vec![0; held],
                complete: 0,
            }
        };
        self.components = components.iter().map(component).collect();
        Some(())
    }

    /// The blocks of the scan with this header, which start at `at`.
    fn blocks(&mut self, header: &[u8], bytes: &[u8], at: usize) -> Option<usize> {
        let (named, [first, last, bits]) = header.get(3..)?.split_last_chunk::<3>()?;
        let part = |[name, tables]: &[u8; 2]| {
            let component = self.components.iter().position(|component| component.name == *name)?;
            Some(Part { component, dc: usize::from(tables >> 4 & 3), ac: usize::from(tables & 3) })
        };
        let parts: Vec<Part> = named.as_chunks::<2>().0.iter().map(part).collect::<Option<_>>()?;
        let band = if self.progressive {
            Band { first: (*first).into(), last: (*last).into(), refines: bits >> 4 != 0 }
        } else {
            Band { first: 0, last: 63, refines: false }
        };
        if band.last > 63 || band.first > band.last || (self.progressive && band.first == 0 && band.last > 0) {
            return None;
        }
        let (across, down) = match parts.as_slice() {
            [] => return None,
            [alone] => self.components[alone.component].blocks,
            _ => self.units,
        };
        let blocks = |part: &Part| {
            let (across, down) = self.components[part.component].factors;
            if parts.len() == 1 { 1 } else { across * down }
        };
        let a_unit: usize = parts.iter().map(blocks).sum();
        self.blocks_left = self.blocks_left.checked_sub(across * down * a_unit)?;
        let mut bits_left = Bits { bytes, at, byte: 0, left: 0, end_of_band_run: 0 };
        for unit in 0..across * down {
            if self.restart > 0 && unit > 0 && unit.is_multiple_of(self.restart) {
                bits_left.restart()?;
            }
            self.unit(&parts, band, (unit % across, unit / across), &mut bits_left)?;
        }
        if !self.progressive || bits & 15 == 0 {
            let done = (u64::MAX >> (63 - band.last)) & (u64::MAX << band.first);
            parts.iter().for_each(|part| self.components[part.component].complete |= done);
        }
        Some(bits_left.at)
    }

    /// The blocks of one unit: one where a component is alone, else those of all components that belong together.
    fn unit(&mut self, parts: &[Part], band: Band, (x, y): (usize, usize), bits: &mut Bits<'_>) -> Option<()> {
        for part in parts {
            let component = &mut self.components[part.component];
            let (across, down) = if parts.len() == 1 { (1, 1) } else { component.factors };
            for block in 0..across * down {
                let place = (y * down + block / across) * component.stride + x * across + block % across;
                let (dc, ac) = (&self.dc[part.dc], &self.ac[part.ac]);
                match component.set.get_mut(place) {
                    None if self.progressive => return None,
                    None => bits.sequential(dc, ac)?,
                    Some(set) if band.first > 0 && band.refines => bits.refine(ac, band, set)?,
                    Some(set) if band.first > 0 => bits.first_pass(ac, band, set)?,
                    Some(_) if band.refines => bits.skip(1)?,
                    Some(_) => bits.mean(dc)?,
                }
            }
        }
        Some(())
    }
}

/// The bits of a scan. Everything is `None` where they are over: at a marker, or at the end of the bytes.
struct Bits<'a> {
    bytes: &'a [u8],
    /// The next byte.
    at: usize,
    byte: u8,
    /// How many bits of `byte` have not been taken.
    left: u32,
    /// For how many blocks more nothing but refinements comes.
    end_of_band_run: usize,
}

impl Bits<'_> {
    fn bit(&mut self) -> Option<usize> {
        if self.left == 0 {
            self.byte = *self.bytes.get(self.at)?;
            // Only before a 00 that is no data is ff data itself.
            if self.byte == 0xff && *self.bytes.get(self.at + 1)? != 0 {
                return None;
            }
            self.at += if self.byte == 0xff { 2 } else { 1 };
            self.left = 8;
        }
        self.left -= 1;
        Some(usize::from(self.byte >> self.left & 1))
    }

    fn number(&mut self, bits: u8) -> Option<usize> {
        (0..bits).try_fold(0, |number, _| Some(number << 1 | self.bit()?))
    }

    fn skip(&mut self, bits: u8) -> Option<()> {
        self.number(bits).map(|_| ())
    }

    /// What the next code stands for.
    fn symbol(&mut self, table: &HuffmanTable) -> Option<u8> {
        let (mut code, mut first, mut before) = (0, 0, 0);
        for &count in &table.counts {
            code = code << 1 | self.bit()?;
            first <<= 1;
            let count = usize::from(count);
            if let Some(nth) = usize::checked_sub(code, first).filter(|&nth| nth < count) {
                return table.values.get(before + nth).copied();
            }
            first += count;
            before += count;
        }
        None
    }

    /// Passes the marker between two runs of units.
    fn restart(&mut self) -> Option<()> {
        (self.left, self.end_of_band_run) = (0, 0);
        while self.bytes.get(self.at..)?.starts_with(&[0xff, 0xff]) {
            self.at += 1;
        }
        let [0xff, 0xd0..=0xd7] = self.bytes.get(self.at..self.at + 2)? else { return None };
        self.at += 2;
        Some(())
    }

    /// The difference of a block's mean to the one before.
    fn mean(&mut self, dc: &HuffmanTable) -> Option<()> {
        let bits = self.symbol(dc)?;
        self.skip(bits.min(16))
    }

    /// A block of a picture that has all of it in one pass.
    fn sequential(&mut self, dc: &HuffmanTable, ac: &HuffmanTable) -> Option<()> {
        self.mean(dc)?;
        let mut at = 1;
        while at < 64 {
            let symbol = self.symbol(ac)?;
            match (usize::from(symbol >> 4), symbol & 15) {
                (15, 0) => at += 16,
                (_, 0) => break,
                (zeros, bits) => {
                    self.skip(bits)?;
                    at += zeros + 1;
                }
            }
        }
        Some(())
    }

    /// A block's band for the first time.
    fn first_pass(&mut self, ac: &HuffmanTable, band: Band, set: &mut u64) -> Option<()> {
        if self.end_of_band_run > 0 {
            self.end_of_band_run -= 1;
            return Some(());
        }
        let mut at = band.first;
        while at <= band.last {
            let symbol = self.symbol(ac)?;
            match (symbol >> 4, symbol & 15) {
                (15, 0) => at += 16,
                (run, 0) => {
                    self.end_of_band_run = (1 << run) - 1 + self.number(run)?;
                    break;
                }
                (zeros, bits) => {
                    at += usize::from(zeros);
                    *set |= 1u64.checked_shl(at as u32)?;
                    self.skip(bits)?;
                    at += 1;
                }
            }
        }
        Some(())
    }

    /// A block's band once more: one bit for every coefficient that is not 0, and those that become so.
    fn refine(&mut self, ac: &HuffmanTable, band: Band, set: &mut u64) -> Option<()> {
        let mut at = band.first;
        while self.end_of_band_run == 0 && at <= band.last {
            let symbol = self.symbol(ac)?;
            let (mut zeros, bits) = (symbol >> 4, symbol & 15);
            if bits == 0 && zeros < 15 {
                self.end_of_band_run = (1 << zeros) + self.number(zeros)?;
                break;
            }
            self.skip(bits.min(1))?;
            while at <= band.last {
                if *set >> at & 1 == 1 {
                    self.skip(1)?;
                } else if zeros == 0 {
                    break;
                } else {
                    zeros -= 1;
                }
                at += 1;
            }
            if bits > 0 && at <= band.last {
                *set |= 1 << at;
            }
            at += 1;
        }
        if self.end_of_band_run > 0 {
            let here = (u64::MAX >> (63 - band.last)) & u64::MAX.checked_shl(at as u32).unwrap_or(0);
            (0..(*set & here).count_ones()).try_for_each(|_| self.skip(1))?;
            self.end_of_band_run -= 1;
        }
        Some(())
    }
}
