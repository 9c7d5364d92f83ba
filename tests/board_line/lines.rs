//! Lines that do what no line should.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Small, and the same on every machine.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}

/// Writes all of it, however often the port has to be waited for.
fn put(port: &mut impl Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match port.write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Bytes are turned, lost, invented, cut off and repeated, in both directions, so many times of a thousand reads and writes.
pub(crate) struct BadLine<P> {
    port: P,
    random: Random,
    permille: usize,
    written: Vec<u8>,
    read: Vec<u8>,
    coming: VecDeque<u8>,
}

impl<P> BadLine<P> {
    pub(crate) fn new(port: P, seed: u64, permille: usize) -> Self {
        Self { port, random: Random::new(seed), permille, written: vec![], read: vec![], coming: VecDeque::new() }
    }

    /// What becomes of some bytes, the bytes before being `last`.
    fn distort(&mut self, bytes: &[u8], last: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        if self.random.below(1000) >= self.permille {
            return bytes;
        }
        let at = self.random.below(bytes.len());
        match self.random.below(6) {
            0 => bytes[at] ^= 1 << self.random.below(8),
            1 => bytes.clear(),
            2 => bytes.truncate(at),
            3 => {
                let count = self.random.below(200);
                let garbage = self.random.bytes(count);
                bytes.splice(at..at, garbage);
            }
            4 => bytes.extend_from_slice(last),
            _ => drop(bytes.drain(at..(at + 3).min(bytes.len()))),
        }
        bytes
    }
}

impl<P: Write> Write for BadLine<P> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let last = std::mem::replace(&mut self.written, bytes.to_vec());
        let distorted = self.distort(bytes, &last);
        put(&mut self.port, &distorted)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.port.flush()
    }
}

impl<P: Read> Read for BadLine<P> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.coming.is_empty() {
            let count = self.port.read(bytes)?;
            let last = std::mem::replace(&mut self.read, bytes[..count].to_vec());
            self.coming = self.distort(&bytes[..count], &last).into();
        }
        let count = self.coming.len().min(bytes.len());
        if count == 0 {
            return Err(io::ErrorKind::TimedOut.into());
        }
        bytes.iter_mut().zip(self.coming.drain(..count)).for_each(|(to, from)| *to = from);
        Ok(count)
    }
}

/// Turns a bit of the program before its CRC is made, as a fault in the host's memory or in the board would: in every packet of
/// the program whose number `is_hit` picks, counted from the first.
pub(crate) struct Tampering<P, F> {
    pub(crate) port: P,
    pub(crate) seen: usize,
    pub(crate) is_hit: F,
}

const PROGRAM: u8 = 3;

impl<P: Write, F: FnMut(usize) -> bool> Write for Tampering<P, F> {
    /// The driver writes whole packets.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut packet = unescape(bytes);
        if packet.get(2) == Some(&PROGRAM) && packet.len() > 100 {
            if (self.is_hit)(self.seen) {
                packet[50] ^= 4;
            }
            self.seen += 1;
        }
        let end = packet.len().saturating_sub(4);
        let crc = crc32fast::hash(&packet[..end]);
        packet.truncate(end);
        packet.extend(crc.to_le_bytes());
        put(&mut self.port, &escape(&packet))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.port.flush()
    }
}

impl<P: Read, F> Read for Tampering<P, F> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.port.read(bytes)
    }
}

/// Repeats packets of the board that came long before, where `is_hit` says so for a read's number.
pub(crate) struct Replaying<P> {
    pub(crate) port: P,
    pub(crate) kept: Vec<Vec<u8>>,
    pub(crate) random: Random,
}

impl<P: Read> Read for Replaying<P> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if !self.kept.is_empty() && self.random.below(3) == 0 {
            let old = &self.kept[self.random.below(self.kept.len())];
            let count = old.len().min(bytes.len());
            bytes[..count].copy_from_slice(&old[..count]);
            return Ok(count);
        }
        let count = self.port.read(bytes)?;
        // As a packet of its own, whatever stood before.
        self.kept.push([&[0x7e], &bytes[..count], &[0x7e]].concat());
        Ok(count)
    }
}

impl<P: Write> Write for Replaying<P> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.port.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.port.flush()
    }
}

/// Brings pixels of long ago, of the same session and number, right before those that are due.
pub(crate) struct Returning<P> {
    pub(crate) port: P,
    pub(crate) kept: BTreeMap<[u8; 2], Vec<u8>>,
    pub(crate) returned: Arc<AtomicU64>,
}

const PIXELS: u8 = 4;

impl<P: Write> Write for Returning<P> {
    /// The driver writes whole packets, one or several.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for packet in bytes.split(|&byte| byte == 0x7e).map(unescape).filter(|packet| !packet.is_empty()) {
            if packet.get(2) == Some(&PIXELS) {
                let old = self.kept.insert([packet[0], packet[1]], packet.clone());
                if let Some(old) = old.filter(|old| *old != packet) {
                    self.returned.fetch_add(1, Ordering::Relaxed);
                    put(&mut self.port, &escape(&old))?;
                }
            }
            put(&mut self.port, &escape(&packet))?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.port.flush()
    }
}

impl<P: Read> Read for Returning<P> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.port.read(bytes)
    }
}

/// Counts the bytes that are sent.
pub(crate) struct Counting<P> {
    pub(crate) port: P,
    pub(crate) sent: Arc<AtomicU64>,
}

impl<P: Read> Read for Counting<P> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.port.read(bytes)
    }
}

impl<P: Write> Write for Counting<P> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.port.write(bytes)?;
        self.sent.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.port.flush()
    }
}

/// Alters what the board says before its CRC is made: as a board would that is wrong, not as a line.
pub(crate) struct Altering<P, F> {
    port: P,
    alter: F,
    packet: Vec<u8>,
    coming: VecDeque<u8>,
}

const READ: u8 = 0x83;
const RESULT: u8 = 0x84;
/// Session, number, kind; the checksum of what the board was told.
const BEFORE_WORDS: usize = 3 + 4;
const CAPABILITY_WORDS: usize = 20;

/// Puts another value into a word of what the board tells of its sizes.
pub(crate) fn boasting<P>(port: P, word: usize, says: u32) -> Altering<P, impl FnMut(&mut [u8])> {
    Altering::new(port, move |packet| {
        if packet[2] == READ && packet.len() == BEFORE_WORDS + 4 * CAPABILITY_WORDS {
            let at = BEFORE_WORDS + 4 * word;
            packet[at..at + 4].copy_from_slice(&says.to_le_bytes());
        }
    })
}

/// Turns a bit of one sum of every answer.
pub(crate) fn wrong<P>(port: P) -> Altering<P, impl FnMut(&mut [u8])> {
    Altering::new(port, |packet| {
        if packet[2] == RESULT {
            packet[BEFORE_WORDS + 4 * 5] ^= 1;
        }
    })
}

impl<P, F: FnMut(&mut [u8])> Altering<P, F> {
    pub(crate) fn new(port: P, alter: F) -> Self {
        Self { port, alter, packet: Vec::new(), coming: VecDeque::new() }
    }

    /// A packet of the board is whole.
    fn pass(&mut self) {
        let mut packet = unescape(&std::mem::take(&mut self.packet));
        if packet.len() > BEFORE_WORDS {
            packet.truncate(packet.len() - 4);
            (self.alter)(&mut packet);
            packet.extend(crc32fast::hash(&packet).to_le_bytes());
        }
        if !packet.is_empty() {
            self.coming.extend(escape(&packet));
        }
    }
}

impl<P: Read, F: FnMut(&mut [u8])> Read for Altering<P, F> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        while self.coming.is_empty() {
            let mut came = [0; 4096];
            let count = self.port.read(&mut came)?;
            for &byte in &came[..count] {
                if byte == 0x7e {
                    self.pass();
                } else {
                    self.packet.push(byte);
                }
            }
        }
        let count = self.coming.len().min(bytes.len());
        bytes.iter_mut().zip(self.coming.drain(..count)).for_each(|(to, from)| *to = from);
        Ok(count)
    }
}

impl<P: Write, F> Write for Altering<P, F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.port.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.port.flush()
    }
}

fn unescape(bytes: &[u8]) -> Vec<u8> {
    let mut escaped = false;
    let mut packet = Vec::new();
    for &byte in bytes {
        match byte {
            0x7e => {}
            0x7d => escaped = true,
            _ => packet.push(if std::mem::take(&mut escaped) { byte ^ 0x20 } else { byte }),
        }
    }
    packet
}

/// A packet that has its CRC, ready for the line.
pub(crate) fn escape(packet: &[u8]) -> Vec<u8> {
    let escaped = packet.iter().flat_map(|&byte| match byte {
        0x7d | 0x7e => vec![0x7d, byte ^ 0x20],
        _ => vec![byte],
    });
    [0x7e].into_iter().chain(escaped).chain([0x7e]).collect()
}
