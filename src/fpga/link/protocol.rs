//! Packets between host and board: what a line carries. The board's side is `rtl/ernscope_packet_receiver.sv`, `rtl/ernscope_request_port.sv` and
//! `rtl/ernscope_packet_transmitter.sv`.
//!
//! # Frames on the line
//!
//! As asynchronous HDLC: a packet stands between flags `7e`; where `7e` or `7d` occur within, they go as `7d` and the byte
//! with bit 5 turned over. So that after garbage the next flag is a new start. Two flags may stand together.
//!
//! # A packet
//!
//! Numbers are little-endian.
//!
//! | bytes | what |
//! | --- | --- |
//! | 1 | session: chosen by the host for every [`PacketKind::Open`]; 0 at power-up |
//! | 1 | number: of a request, counting up by one and around |
//! | 1 | kind |
//! | 0… | body; of a request no more than the board said when it was opened (1 024) |
//! | 4 | CRC-32 (IEEE 802.3) of all that stands before |
//!
//! # What the host sends
//!
//! | kind | body | what the board does |
//! | --- | --- | --- |
//! | `01` open | none | takes session and number, resets all but its memories, answers *opened* |
//! | `02` query | none | answers *status*; its number does not count |
//! | `03` program | words, 4 bytes each | gives them to the core: commands and what they write (`program.rs`) |
//! | `04` pixels | pixels, 3 bytes each | gives them to the core, beats of a frame |
//! | `05` codes | words of codes, 2 · PARALLEL_IN / 8 bytes each: low bits, then high bits | the same |
//!
//! Program, pixels and codes are requests: taken in the order of their numbers only, one each; a packet that is damaged, of
//! another session, not the next one or too many is refused, and the status tells why. The board holds some (4) that wait for the
//! core; the host sends no more than that before they are used up. A packet of the program waits until the core has done what came
//! before. It holds at most one command that is answered, at its end.
//!
//! # What the board sends
//!
//! | kind | number | body |
//! | --- | --- | --- |
//! | `81` opened | the next request's | magic u32, protocol version u8, places for requests u8, largest body u16, clock in kHz u32 |
//! | `82` status | the next request's | reason u8, next request's number u8, number behind the last one used up u8, bit 0: something is under way, checksum u32 |
//! | `83` read | the request's | checksum u32, words u32… |
//! | `84` result | the request's that started the frame | checksum u32, sums u32…, cycles u32 from the frame's first beat to its first result |
//!
//! A status comes whenever a request is used up or refused, or when it is asked for; one that says that nothing is under way
//! comes behind all answers. Later versions keep *open* and the first five bytes of *opened*.
//!
//! # The checksum
//!
//! CRC-32 of the bodies of all requests that were used up since the session began. It stands for everything that the board
//! has been told: after an upload it proves that the program has arrived whole, and in an answer it tells to which command, after
//! which history and to which frame, this is the answer. So an answer that was delayed, repeated, or computed with a damaged
//! program or another picture is never taken for a good one, even where a request of long ago comes again and its number, which
//! goes around, fits. (That the memories hold what they were given is not read back.)
//!
//! # Loss
//!
//! Requests are sent again from the one on that the board expects. Answers are not: reading is repeated under a new number, a frame
//! whose result was lost is run again. What a line may do is thereby covered; a session that the board does not know any longer (its
//! reset) is opened again, with a new upload.

use super::super::capabilities::MAGIC;

/// Between packets.
pub(crate) const FLAG: u8 = 0x7e;
const ESCAPE: u8 = 0x7d;
const ESCAPED: u8 = 0x20;
const HEAD: usize = 3;
const CRC: usize = 4;
/// What an accelerator of ours says first.
const PROTOCOL_VERSION: u8 = 1;
/// Bytes of the largest packet that is listened to: sums of 65 536 classes.
const LONGEST: usize = 4 * 65_536 + 64;

/// What a packet of the host is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PacketKind {
    /// Starts a session.
    Open = 0x01,
    /// Asks for a status.
    Query = 0x02,
    /// Words for the core's program port.
    Program = 0x03,
    /// Pixels of a frame.
    Pixels = 0x04,
    /// Words of codes of a frame.
    Codes = 0x05,
}

/// A packet of the host, escaped and between flags, at the end of `out`.
pub(crate) fn encode(session: u8, number: u8, kind: PacketKind, body: &[u8], out: &mut Vec<u8>) {
    seal([session, number, kind as u8], body, out);
}

/// Any packet, escaped and between flags, at the end of `out`.
pub(crate) fn seal(head: [u8; HEAD], body: &[u8], out: &mut Vec<u8>) {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&head);
    crc.update(body);
    out.push(FLAG);
    for &byte in head.iter().chain(body).chain(&crc.finalize().to_le_bytes()) {
        if byte == FLAG || byte == ESCAPE {
            out.extend([ESCAPE, byte ^ ESCAPED]);
        } else {
            out.push(byte);
        }
    }
    out.push(FLAG);
}

/// A packet of a board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    /// The board's session.
    pub session: u8,
    /// What it is about: a request's number.
    pub number: u8,
    /// What it says.
    pub says: Says,
}

/// What a board says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Says {
    /// It begins a session.
    Opened(Opened),
    /// How far it is.
    Status(Status),
    /// Words that were read back.
    Read {
        /// Of what it was told so far.
        checksum: u32,
        /// The words.
        words: Vec<u32>,
    },
    /// What a frame gave.
    Result {
        /// Of what it was told so far.
        checksum: u32,
        /// Sums, one a class.
        sums: Vec<u32>,
        /// From the frame's first beat to its first result.
        cycles: u32,
    },
}

/// What a board tells of itself when a session begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opened {
    /// Requests that it holds.
    pub slots: u8,
    /// Bytes of the largest body.
    pub body: u16,
    /// Its clock.
    pub clock_khz: u32,
}

/// How far a board is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Status {
    /// Why it says so.
    pub reason: Reason,
    /// The next request's number.
    pub expected: u8,
    /// The number behind the last request that was used up.
    pub used_up: u8,
    /// Whether anything is under way.
    pub busy: bool,
    /// Of what it was told so far.
    pub checksum: u32,
}

/// Why a status was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// A request was used up, or the status was asked for.
    Agreed,
    /// A packet came too short, too long or with a wrong CRC.
    Damaged,
    /// A packet was of another session.
    Session,
    /// A request was not the one that is expected.
    Sequence,
    /// A packet was of no known kind.
    Unknown,
    /// There was no room for a request.
    Full,
}

/// A packet that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Damage {
    /// Too short, too long, a wrong CRC, or a body that its kind cannot have.
    Packet,
    /// Whole, but by a board of another version of the protocol.
    Version(u8),
}

/// Puts bytes of the line together to packets. Holds at most one packet.
#[derive(Default)]
pub(crate) struct Deframer {
    bytes: Vec<u8>,
    escaped: bool,
    too_long: bool,
}

impl Deframer {
    /// Takes a byte; at a packet's end, the packet.
    pub(crate) fn push(&mut self, byte: u8) -> Option<Result<Reply, Damage>> {
        match byte {
            FLAG => return self.end(),
            ESCAPE => self.escaped = true,
            _ if self.bytes.len() == LONGEST => self.too_long = true,
            _ => {
                self.bytes.push(if self.escaped { byte ^ ESCAPED } else { byte });
                self.escaped = false;
            }
        }
        None
    }

    fn end(&mut self) -> Option<Result<Reply, Damage>> {
        let is_whole = !self.escaped && !self.too_long;
        (self.escaped, self.too_long) = (false, false);
        if self.bytes.is_empty() {
            return None;
        }
        let reply = if is_whole { parse(&self.bytes) } else { Err(Damage::Packet) };
        self.bytes.clear();
        Some(reply)
    }
}

fn parse(bytes: &[u8]) -> Result<Reply, Damage> {
    let (packet, &crc) = bytes.split_last_chunk::<CRC>().ok_or(Damage::Packet)?;
    if crc32fast::hash(packet) != u32::from_le_bytes(crc) {
        return Err(Damage::Packet);
    }
    let (&[session, number, kind], body) = packet.split_first_chunk::<HEAD>().ok_or(Damage::Packet)?;
    let says = match kind {
        0x81 => Says::Opened(opened(body)?),
        0x82 => Says::Status(status(body).ok_or(Damage::Packet)?),
        0x83 => {
            let (checksum, words) = answer(body).ok_or(Damage::Packet)?;
            Says::Read { checksum, words }
        }
        0x84 => {
            let (checksum, mut sums) = answer(body).ok_or(Damage::Packet)?;
            let cycles = sums.pop().ok_or(Damage::Packet)?;
            Says::Result { checksum, sums, cycles }
        }
        _ => return Err(Damage::Packet),
    };
    Ok(Reply { session, number, says })
}

fn opened(body: &[u8]) -> Result<Opened, Damage> {
    let (&[m0, m1, m2, m3, version], rest) = body.split_first_chunk().ok_or(Damage::Packet)?;
    if u32::from_le_bytes([m0, m1, m2, m3]) != MAGIC {
        return Err(Damage::Packet);
    }
    if version != PROTOCOL_VERSION {
        return Err(Damage::Version(version));
    }
    let &[slots, b0, b1, c0, c1, c2, c3] = rest.first_chunk().ok_or(Damage::Packet)?;
    let (body, clock_khz) = (u16::from_le_bytes([b0, b1]), u32::from_le_bytes([c0, c1, c2, c3]));
    // A body holds at least the largest beat, and a board at least a request; numbers are told apart up to half of them.
    let is_possible = (1..=64).contains(&slots) && body >= 64 && clock_khz > 0;
    is_possible.then_some(Opened { slots, body, clock_khz }).ok_or(Damage::Packet)
}

fn status(body: &[u8]) -> Option<Status> {
    let (&[reason, expected, used_up, flags], checksum) = body.split_first_chunk()?;
    let reason = match reason {
        0 => Reason::Agreed,
        1 => Reason::Damaged,
        2 => Reason::Session,
        3 => Reason::Sequence,
        4 => Reason::Unknown,
        5 => Reason::Full,
        _ => return None,
    };
    let checksum = u32::from_le_bytes(checksum.try_into().ok()?);
    Some(Status { reason, expected, used_up, busy: flags & 1 == 1, checksum })
}

/// The checksum and the words behind it.
fn answer(body: &[u8]) -> Option<(u32, Vec<u32>)> {
    let (words, rest) = body.as_chunks::<4>();
    let (&checksum, words) = words.split_first()?;
    let words = words.iter().map(|&word| u32::from_le_bytes(word)).collect();
    rest.is_empty().then_some((u32::from_le_bytes(checksum), words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A reply as a board sends it.
    fn reply(session: u8, number: u8, kind: u8, body: &[u8]) -> Vec<u8> {
        let mut packet = vec![session, number, kind];
        packet.extend(body);
        packet.extend(crc32fast::hash(&packet).to_le_bytes());
        let escaped = packet.into_iter().flat_map(|byte| match byte {
            FLAG | ESCAPE => vec![ESCAPE, byte ^ ESCAPED],
            _ => vec![byte],
        });
        [FLAG].into_iter().chain(escaped).chain([FLAG]).collect()
    }

    fn replies(bytes: &[u8]) -> Vec<Result<Reply, Damage>> {
        let mut deframer = Deframer::default();
        bytes.iter().filter_map(|&byte| deframer.push(byte)).collect()
    }

    #[test]
    fn replies_are_read() {
        let body = [3, 7, 5, 1, 0x7e, 0x7d, 0, 1];
        let status = Status { reason: Reason::Sequence, expected: 7, used_up: 5, busy: true, checksum: 0x0100_7d7e };
        let expected = Reply { session: 9, number: 0x7e, says: Says::Status(status) };
        assert_eq!(replies(&reply(9, 0x7e, 0x82, &body)), [Ok(expected)]);
        let result = Says::Result { checksum: 1, sums: vec![2, 3], cycles: 4 };
        let body: Vec<u8> = [1_u32, 2, 3, 4].iter().flat_map(|word| word.to_le_bytes()).collect();
        assert_eq!(replies(&reply(1, 2, 0x84, &body)), [Ok(Reply { session: 1, number: 2, says: result })]);
    }

    #[test]
    fn garbage_before_a_packet_costs_no_packet() {
        let mut line = vec![1, 2, 3, ESCAPE];
        line.extend(reply(1, 2, 0x83, &[0; 8]));
        let says = Says::Read { checksum: 0, words: vec![0] };
        assert_eq!(replies(&line), [Err(Damage::Packet), Ok(Reply { session: 1, number: 2, says })]);
    }

    #[test]
    fn other_versions_are_told_apart_from_damage() {
        let mut body = MAGIC.to_le_bytes().to_vec();
        body.push(2);
        assert_eq!(replies(&reply(1, 1, 0x81, &body)), [Err(Damage::Version(2))]);
        body[0] ^= 1;
        assert_eq!(replies(&reply(1, 1, 0x81, &body)), [Err(Damage::Packet)]);
        for impossible in [[0, 0, 4, 1, 0, 0, 0], [4, 1, 0, 1, 0, 0, 0], [4, 0, 4, 0, 0, 0, 0], [65, 0, 4, 1, 0, 0, 0]]
        {
            let body = [&MAGIC.to_le_bytes()[..], &[PROTOCOL_VERSION], &impossible].concat();
            assert_eq!(replies(&reply(1, 1, 0x81, &body)), [Err(Damage::Packet)], "{impossible:?}");
        }
    }

    proptest! {
        #[test]
        fn a_turned_bit_is_noticed(body in prop::collection::vec(any::<u8>(), 4..64), at in any::<prop::sample::Index>(), bit in 0_u32..8) {
            let words = body.len() / 4 * 4;
            let good = reply(1, 2, 0x83, &body[..words]);
            let mut bad = good.clone();
            let at = 1 + at.index(good.len() - 2);
            bad[at] ^= 1_u8 << bit;
            prop_assert!(replies(&bad).iter().all(|reply| reply.is_err()));
        }

        #[test]
        fn anything_may_come(bytes in prop::collection::vec(any::<u8>(), 0..4096)) {
            replies(&bytes);
        }
    }
}
