//! The board's line: its packets, and a session with a board on a line that loses, repeats and damages them.

use super::{Choices, check_error};
use crate::fpga::link::packets::{PacketLink, Patience};
use crate::fpga::link::protocol::{
    Damage, Deframer, FLAG, Opened, PacketKind, Reason, Reply, Says, Status, encode, seal,
};
use crate::fpga::link::{Beats, End, Link, ReadBack};
use crate::fpga::program::{AcceleratorCommand, FrameFormat};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::time::Duration;

/// What an accelerator of ours says first, and the version of the protocol.
const OPENED: [u8; 5] = [0x31, 0x4e, 0x52, 0x45, 1];

/// Bytes of a line, and packets that are written and read again.
pub fn packets(data: &[u8]) {
    let mut deframer = Deframer::default();
    data.iter().for_each(|&byte| drop(deframer.push(byte)));
    let mut choices = Choices(data);
    let mut line = Vec::new();
    let mut expected = Vec::new();
    // Whatever came before, a flag is a new start.
    drop(deframer.push(FLAG));
    while !choices.are_over() {
        if choices.below(4) == 0 {
            line.extend(choices.bytes(8));
            line.push(FLAG);
            replies(&mut deframer, &mut line);
        }
        let reply = reply(&mut choices);
        write(&reply, &mut line);
        expected.push(Ok(reply));
        assert_eq!(replies(&mut deframer, &mut line), expected.split_off(0));
    }
    let mut choices = Choices(data);
    let (session, number) = (choices.byte(), choices.byte());
    let kind =
        choices.of(&[PacketKind::Open, PacketKind::Query, PacketKind::Program, PacketKind::Pixels, PacketKind::Codes]);
    let body = choices.bytes(usize::MAX);
    encode(session, number, kind, body, &mut line);
    let mut received = Received::default();
    let packets: Vec<Packet> = line.iter().filter_map(|&byte| received.push(byte)).collect();
    assert_eq!(packets, [Packet { session, number, kind: kind as u8, body: body.to_vec() }]);
}

fn replies(deframer: &mut Deframer, line: &mut Vec<u8>) -> Vec<Result<Reply, Damage>> {
    line.drain(..).filter_map(|byte| deframer.push(byte)).collect()
}

/// Any reply that a board may give.
fn reply(choices: &mut Choices<'_>) -> Reply {
    let (session, number) = (choices.byte(), choices.byte());
    let says = match choices.below(4) {
        0 => Says::Opened(Opened {
            slots: 1 + choices.byte() % 64,
            body: 64 + u16::from(choices.byte()) * 8,
            clock_khz: choices.word().max(1),
        }),
        1 => Says::Status(status(choices)),
        2 => Says::Read { checksum: choices.word(), words: words(choices) },
        _ => Says::Result { checksum: choices.word(), sums: words(choices), cycles: choices.word() },
    };
    Reply { session, number, says }
}

const REASONS: [Reason; 6] =
    [Reason::Agreed, Reason::Damaged, Reason::Session, Reason::Sequence, Reason::Unknown, Reason::Full];

fn status(choices: &mut Choices<'_>) -> Status {
    let (reason, busy) = (choices.of(&REASONS), choices.below(2) == 1);
    Status { reason, expected: choices.byte(), used_up: choices.byte(), busy, checksum: choices.word() }
}

fn words(choices: &mut Choices<'_>) -> Vec<u32> {
    (0..choices.below(5)).map(|_| choices.word()).collect()
}

/// Writes a reply as a board does.
fn write(reply: &Reply, line: &mut Vec<u8>) {
    let little = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>();
    let (kind, body) = match &reply.says {
        Says::Opened(Opened { slots, body, clock_khz }) => {
            (0x81, [&OPENED[..], &[*slots], &body.to_le_bytes(), &clock_khz.to_le_bytes()].concat())
        }
        Says::Status(Status { reason, expected, used_up, busy, checksum }) => {
            let head = [*reason as u8, *expected, *used_up, u8::from(*busy)];
            (0x82, [&head[..], &checksum.to_le_bytes()].concat())
        }
        Says::Read { checksum, words } => (0x83, little(&[&[*checksum], &words[..]].concat())),
        Says::Result { checksum, sums, cycles } => (0x84, little(&[&[*checksum], &sums[..], &[*cycles]].concat())),
    };
    seal([reply.session, reply.number, kind], &body, line);
}

/// A packet of the host.
#[derive(Debug, PartialEq)]
struct Packet {
    session: u8,
    number: u8,
    kind: u8,
    body: Vec<u8>,
}

/// The board's side of the line.
#[derive(Default)]
struct Received {
    bytes: Vec<u8>,
    escaped: bool,
}

impl Received {
    fn push(&mut self, byte: u8) -> Option<Packet> {
        match byte {
            FLAG => {
                self.escaped = false;
                let packet = std::mem::take(&mut self.bytes);
                let (rest, crc) = packet.split_last_chunk::<4>()?;
                let is_whole = crc32fast::hash(rest) == u32::from_le_bytes(*crc);
                let (&[session, number, kind], body) = rest.split_first_chunk().filter(|_| is_whole)?;
                return Some(Packet { session, number, kind, body: body.to_vec() });
            }
            0x7d => self.escaped = true,
            _ => {
                self.bytes.push(if self.escaped { byte ^ 0x20 } else { byte });
                self.escaped = false;
            }
        }
        None
    }
}

/// Bytes of a frame, and sums that it gives.
const FRAME: usize = 12;
const SUMS: usize = 2;

/// A session of uploading, frames and reading back, on a line whose faults are the fuzzer's. Nothing that comes out of it is wrong.
pub fn link(data: &[u8]) {
    let patience = Patience {
        ask: Duration::from_micros(2),
        silence: Duration::from_micros(60),
        standstill: Duration::from_micros(90),
    };
    let mut choices = Choices(data);
    let (seed, steps) = (choices.byte(), choices.bytes(12));
    let board = Board { choices, ..Board::default() };
    let mut link = match PacketLink::open(board, patience, seed) {
        Ok(link) => link,
        Err(error) => return check_error(&error),
    };
    let mut under_way = VecDeque::new();
    let mut uploaded = None;
    let mut is_sound = true;
    for &step in steps {
        let done = match step % 4 {
            0 => {
                under_way.clear();
                let program = [u32::from(step); 40];
                link.upload(&program).map(|()| {
                    uploaded = Some(program);
                    is_sound = true;
                })
            }
            // As an engine does: what passes is cured by a new session, all else ends it.
            _ if !is_sound => continue,
            1 if under_way.len() < 2 => {
                let beats = Beats { format: FrameFormat::Pixels, size: 3, bytes: &[step; FRAME] };
                link.start(End::Results(0), beats).map(|()| under_way.push_back([step; FRAME]))
            }
            2 => link.results(SUMS).map(|(sums, _)| {
                let frame = under_way.pop_front();
                if !link.port.has_lied {
                    assert_eq!(sums, results(&frame.expect("a frame is under way")), "of a frame");
                }
            }),
            _ => {
                let address = usize::from(step) * 4;
                link.read(ReadBack::Codes, address, 3, 2).map(|words| {
                    if !link.port.has_lied {
                        assert_eq!(words, memory(address as u32, 6), "read back");
                    }
                })
            }
        };
        if let Err(error) = done {
            check_error(&error);
            if !error.is_passing() {
                return;
            }
            uploaded = None;
            is_sound = false;
        }
        // What was taken for uploaded has arrived.
        let Board { program: told, has_lied, .. } = &link.port;
        assert!(*has_lied || uploaded.is_none_or(|program| told.starts_with(&program)), "{told:?}");
    }
}

fn results(frame: &[u8]) -> Vec<u32> {
    (0..SUMS as u8).map(|class| crc32fast::hash(&[frame, &[class]].concat())).collect()
}

fn memory(address: u32, words: usize) -> Vec<u32> {
    (0..words as u32).map(|word| address.wrapping_mul(31).wrapping_add(word)).collect()
}

/// A board, and a line with faults to it.
#[derive(Default)]
struct Board<'a> {
    choices: Choices<'a>,
    received: Received,
    session: u8,
    expected: u8,
    checksum: crc32fast::Hasher,
    /// All words of the program port since the session began, up to the first command that runs or reads.
    program: Vec<u32>,
    has_run: bool,
    /// Whether it said what no board says and no line makes of it: then it need only do no harm.
    has_lied: bool,
    /// Of the frame that comes in.
    frame: Vec<u8>,
    /// On its way to the host, and what was sent before, which may come again.
    outgoing: VecDeque<u8>,
    past: Vec<Vec<u8>>,
}

impl Board<'_> {
    fn take(&mut self, packet: Packet) {
        let Packet { session, number, kind, body } = packet;
        if kind == PacketKind::Open as u8 {
            (self.session, self.expected) = (session, 1);
            self.checksum = crc32fast::Hasher::new();
            self.program.clear();
            self.frame.clear();
            self.has_run = false;
            self.say(1, Says::Opened(Opened { slots: 4, body: 64, clock_khz: 60_000 }));
        } else if session != self.session {
            self.say_status(Reason::Session);
        } else if kind == PacketKind::Query as u8 {
            self.say_status(Reason::Agreed);
        } else if number != self.expected {
            self.say_status(Reason::Sequence);
        } else {
            self.expected = self.expected.wrapping_add(1);
            self.checksum.update(&body);
            self.obey(number, kind, &body);
            self.say_status(Reason::Agreed);
        }
    }

    fn obey(&mut self, number: u8, kind: u8, body: &[u8]) {
        let checksum = self.checksum.clone().finalize();
        if kind == PacketKind::Program as u8 {
            let words: Vec<u32> = body.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect();
            match words[..] {
                [command, count] if command >> 24 == AcceleratorCommand::ReadCodes as u32 => {
                    let words = memory(command & 0xff_ffff, count as usize * 2);
                    self.say(number, Says::Read { checksum, words });
                    self.has_run = true;
                }
                [command, _] if command >> 24 == AcceleratorCommand::Run as u32 => {
                    self.frame.clear();
                    self.has_run = true;
                }
                _ if !self.has_run => self.program.extend(words),
                _ => {}
            }
        } else {
            self.frame.extend(body);
            if self.frame.len() == FRAME {
                let sums = results(&self.frame);
                self.say(number, Says::Result { checksum, sums, cycles: 7 });
            }
        }
    }

    fn say_status(&mut self, reason: Reason) {
        let checksum = self.checksum.clone().finalize();
        let (expected, used_up) = (self.expected, self.expected);
        self.say(expected, Says::Status(Status { reason, expected, used_up, busy: false, checksum }));
    }

    /// Sends a reply over the line, which may do anything to it.
    fn say(&mut self, number: u8, says: Says) {
        let mut packet = Vec::new();
        write(&Reply { session: self.session, number, says }, &mut packet);
        match self.choices.below(12) {
            1 => packet.clear(),
            2 => packet.extend(packet.clone()),
            3 => {
                let at = self.choices.below(packet.len().min(256));
                packet[at] ^= self.choices.byte();
            }
            4 => {
                let again = self.past.len().checked_sub(1 + self.choices.below(8));
                packet.extend(again.and_then(|at| self.past.get(at)).into_iter().flatten());
            }
            5 => packet.splice(0..0, self.choices.bytes(3).iter().copied()).for_each(drop),
            6 => packet.truncate(self.choices.below(16)),
            7 => {
                write(&reply(&mut self.choices), &mut packet);
                self.has_lied = true;
            }
            _ => {}
        }
        self.outgoing.extend(&packet);
        self.past.push(packet);
    }
}

impl Write for Board<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = match self.choices.below(16) {
            1 => return Err(ErrorKind::WouldBlock.into()),
            2 => return Err(ErrorKind::BrokenPipe.into()),
            3 => 1,
            _ => bytes.len(),
        };
        let (damaged, turned) = match self.choices.below(8) {
            1 => (self.choices.below(64), self.choices.byte()),
            _ => (usize::MAX, 0),
        };
        for (at, &byte) in bytes[..count].iter().enumerate() {
            if let Some(packet) = self.received.push(if at == damaged { byte ^ turned } else { byte }) {
                self.take(packet);
            }
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Board<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.outgoing.is_empty() {
            return Err(if self.choices.below(64) == 1 { ErrorKind::BrokenPipe } else { ErrorKind::WouldBlock }.into());
        }
        let count = match self.choices.below(8) {
            1 => 1,
            _ => bytes.len(),
        };
        self.outgoing.read(&mut bytes[..count])
    }
}
