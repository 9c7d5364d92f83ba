//! The driver: a board at the other end of a line, by the packets of [`super::protocol`].
//!
//! No call lasts longer than its [`Patience`] allows, whatever the line does: a line that is silent is given up after
//! `silence`, a board that answers but does not go on after `standstill`, an answer that is lost after [`TRIES`] attempts.

use super::protocol::{Damage, Deframer, FLAG, Opened, PacketKind, Reason, Reply, Says, Status, encode};
use super::{Beats, End, Link, LinkError, ReadBack};
use crate::fpga::program::FrameFormat;
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use web_time::{Duration, Instant};

/// How often anything is tried before it is given up.
pub(crate) const TRIES: usize = 5;
/// Beats of an answer that is read at once: a packet about as long as the longest request.
const BEATS_AT_ONCE: usize = 256;
/// Numbers are told apart up to half of them, so that more would not be known from old ones.
const MOST_UNDER_WAY: usize = 64;

/// How long to wait for what.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// A line on which nothing came for so long is asked whether it still lives.
    pub ask: Duration,
    /// One that then says nothing for so long is silent.
    pub silence: Duration,
    /// A board that answers, but has done nothing for so long, stands still.
    pub standstill: Duration,
}

impl Patience {
    /// For hardware: a board is given up after a second of silence.
    pub(crate) const BOARD: Self =
        Self { ask: Duration::from_millis(50), silence: Duration::from_secs(1), standstill: Duration::from_secs(5) };
    /// For a simulation, which takes seconds for what hardware does in a millisecond.
    pub const SIMULATION: Self =
        Self { ask: Duration::from_millis(200), silence: Duration::from_secs(5), standstill: Duration::from_secs(120) };
}

/// A request that the board has not taken yet, ready for the line.
struct Sent {
    number: u8,
    packet: Vec<u8>,
}

/// What a session counted of its line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineCounts {
    /// Packets of the board that could not be read.
    pub damaged: u64,
    /// Requests that were sent again.
    pub repeated: u64,
    /// Answers that were asked for again.
    pub lost: u64,
    /// Answers that nobody had asked for.
    pub stale: u64,
}

/// An open session with a board. `P` gives what has come with `read`, which waits some milliseconds for it, as ports do.
pub struct PacketLink<P> {
    pub(crate) port: P,
    patience: Patience,
    deframer: Deframer,
    session: u8,
    opened: Opened,
    /// The number of the next request, and the one behind the last that was used up.
    next: u8,
    used_up: u8,
    unaccepted: VecDeque<Sent>,
    /// Of all that the board was told.
    checksum: crc32fast::Hasher,
    last_status: Option<Status>,
    /// Answers that have come and nobody has taken yet.
    answers: VecDeque<Awaited>,
    /// What the frames under way will answer to.
    frames: VecDeque<u32>,
    runs: u32,
    heard: Instant,
    moved: Instant,
    repeated: Option<Instant>,
    asked: Instant,
    counts: LineCounts,
}

struct Awaited {
    checksum: u32,
    is_result: bool,
    words: Vec<u32>,
    cycles: u32,
}

impl<P: Read + Write + Send> PacketLink<P> {
    /// Opens a session with whatever is at the other end of `port`; `seed` makes sessions differ from earlier ones.
    ///
    /// # Errors
    /// [`LinkError`], where there is no accelerator of ours.
    pub fn open(port: P, patience: Patience, seed: u8) -> Result<Self, LinkError> {
        let now = Instant::now();
        let mut link = Self {
            port,
            patience,
            deframer: Deframer::default(),
            session: seed,
            opened: Opened { slots: 1, body: 64, clock_khz: 1 },
            next: 0,
            used_up: 0,
            unaccepted: VecDeque::new(),
            checksum: crc32fast::Hasher::new(),
            last_status: None,
            answers: VecDeque::new(),
            frames: VecDeque::new(),
            runs: 0,
            heard: now,
            moved: now,
            repeated: None,
            asked: now,
            counts: LineCounts::default(),
        };
        link.begin()?;
        Ok(link)
    }

    /// What was counted of the line.
    pub fn counts(&self) -> LineCounts {
        self.counts
    }

    /// Begins a session: the board forgets everything but what its memories hold.
    fn begin(&mut self) -> Result<(), LinkError> {
        let mut why = LinkError::Silent;
        for _ in 0..TRIES {
            // 0 is what a board has that was reset.
            self.session = self.session.checked_add(1).unwrap_or(1);
            let mut packet = vec![FLAG];
            encode(self.session, 0, PacketKind::Open, &[], &mut packet);
            self.write(&packet)?;
            match self.opening()? {
                Ok(opened) => {
                    self.start_over(opened);
                    return Ok(());
                }
                Err(error) => why = error,
            }
        }
        Err(why)
    }

    /// Waits for the board's word that a session begins; within, why it did not come.
    fn opening(&mut self) -> Result<Result<Opened, LinkError>, LinkError> {
        let end = Instant::now() + self.patience.silence / TRIES as u32;
        let mut why = LinkError::Silent;
        while Instant::now() < end {
            for reply in self.receive()? {
                match reply {
                    Ok(Reply { session, says: Says::Opened(opened), .. }) if session == self.session => {
                        return Ok(Ok(opened));
                    }
                    // An earlier session's.
                    Ok(_) => {}
                    Err(Damage::Version(version)) => return Ok(Err(LinkError::Version(version))),
                    Err(Damage::Packet) => why = LinkError::Foreign,
                }
            }
        }
        Ok(Err(why))
    }

    fn start_over(&mut self, opened: Opened) {
        self.opened = opened;
        (self.next, self.used_up) = (1, 1);
        self.unaccepted.clear();
        self.checksum = crc32fast::Hasher::new();
        self.last_status = None;
        self.answers.clear();
        self.frames.clear();
        self.repeated = None;
        let now = Instant::now();
        (self.heard, self.moved, self.asked) = (now, now, now);
    }

    // ---- The line.

    /// Everything that came; waits for it as long as the port does.
    fn receive(&mut self) -> Result<Vec<Result<Reply, Damage>>, LinkError> {
        let mut bytes = [0; 4096];
        match self.port.read(&mut bytes) {
            Ok(0) => Err(LinkError::Unplugged(io::ErrorKind::UnexpectedEof.into())),
            Ok(count) => Ok(bytes[..count].iter().filter_map(|&byte| self.deframer.push(byte)).collect()),
            Err(error) if is_waiting(&error) => Ok(Vec::new()),
            Err(error) => Err(LinkError::broken(error)),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        let end = Instant::now() + self.patience.silence;
        let mut written = 0;
        while written < bytes.len() {
            match self.port.write(&bytes[written..]) {
                Ok(0) => return Err(LinkError::Unplugged(io::ErrorKind::WriteZero.into())),
                Ok(count) => written += count,
                Err(error) if is_waiting(&error) => {
                    if Instant::now() >= end {
                        return Err(LinkError::Silent);
                    }
                }
                Err(error) => return Err(LinkError::broken(error)),
            }
        }
        Ok(())
    }

    /// Takes in what the board says, asks where it says nothing, gives up where that does not help.
    fn attend(&mut self) -> Result<(), LinkError> {
        for reply in self.receive()? {
            match reply {
                Ok(reply) => self.take(reply)?,
                Err(_) => self.counts.damaged += 1,
            }
        }
        let now = Instant::now();
        if now - self.heard >= self.patience.silence {
            return Err(LinkError::Silent);
        }
        if now - self.moved >= self.patience.standstill {
            return Err(LinkError::Stuck);
        }
        if now - self.heard.max(self.asked) >= self.patience.ask { self.query() } else { Ok(()) }
    }

    /// Asks for a status.
    fn query(&mut self) -> Result<(), LinkError> {
        self.asked = Instant::now();
        let mut packet = Vec::new();
        encode(self.session, 0, PacketKind::Query, &[], &mut packet);
        self.write(&packet)
    }

    fn take(&mut self, reply: Reply) -> Result<(), LinkError> {
        if reply.session != self.session {
            let was_reset = matches!(reply.says, Says::Status(Status { reason: Reason::Session, .. }));
            return if was_reset { Err(LinkError::Reset) } else { Ok(()) };
        }
        self.heard = Instant::now();
        match reply.says {
            Says::Opened(_) => {}
            Says::Status(status) => self.take_status(status)?,
            Says::Read { checksum, words } => {
                self.take_answer(Awaited { checksum, is_result: false, words, cycles: 0 });
            }
            Says::Result { checksum, sums, cycles } => {
                self.take_answer(Awaited { checksum, is_result: true, words: sums, cycles });
            }
        }
        Ok(())
    }

    /// Answers that nobody will ask for, of frames that were given up, must not pile up.
    fn take_answer(&mut self, answer: Awaited) {
        self.answers.push_back(answer);
        if self.answers.len() > MOST_UNDER_WAY {
            self.answers.pop_front();
            self.counts.stale += 1;
        }
    }

    /// A status that is older than what is known already says nothing; one that cannot be says nothing either.
    fn take_status(&mut self, status: Status) -> Result<(), LinkError> {
        let accepted = usize::from(status.expected.wrapping_sub(self.first_unaccepted()));
        let used = usize::from(status.used_up.wrapping_sub(self.used_up));
        if accepted > self.unaccepted.len() || used > self.under_way() {
            return Ok(());
        }
        self.unaccepted.drain(..accepted);
        if accepted + used > 0 {
            self.moved = self.heard;
        }
        self.used_up = status.used_up;
        self.last_status = Some(status);
        let is_answer = status.reason == Reason::Agreed && self.asked >= self.moved;
        let is_refusal = matches!(status.reason, Reason::Damaged | Reason::Sequence | Reason::Full);
        if is_refusal || is_answer { self.repeat() } else { Ok(()) }
    }

    /// Sends all again that the board has not taken; not twice for one fault.
    fn repeat(&mut self) -> Result<(), LinkError> {
        if self.unaccepted.is_empty() || self.repeated.is_some_and(|last| last.elapsed() < self.patience.ask) {
            return Ok(());
        }
        self.repeated = Some(Instant::now());
        let packets: Vec<u8> = self.unaccepted.iter().flat_map(|sent| sent.packet.iter().copied()).collect();
        self.counts.repeated += self.unaccepted.len() as u64;
        self.write(&packets)
    }

    fn first_unaccepted(&self) -> u8 {
        self.unaccepted.front().map_or(self.next, |sent| sent.number)
    }

    /// Requests that are not used up yet.
    fn under_way(&self) -> usize {
        usize::from(self.next.wrapping_sub(self.used_up))
    }

    // ---- Requests.

    /// Sends a request as soon as there is room for it.
    fn request(&mut self, kind: PacketKind, body: &[u8]) -> Result<(), LinkError> {
        while self.under_way() >= usize::from(self.opened.slots) {
            self.attend()?;
        }
        let mut packet = Vec::with_capacity(body.len() + 16);
        encode(self.session, self.next, kind, body, &mut packet);
        self.checksum.update(body);
        self.write(&packet)?;
        self.unaccepted.push_back(Sent { number: self.next, packet });
        self.next = self.next.wrapping_add(1);
        Ok(())
    }

    /// After a rest, waiting begins anew.
    fn wake(&mut self) {
        let now = Instant::now();
        (self.heard, self.moved, self.asked) = (now, now, now);
    }

    /// Words for the core's program port, in as few packets as they take.
    fn program(&mut self, words: &[u32]) -> Result<(), LinkError> {
        for words in words.chunks(usize::from(self.opened.body) / 4) {
            let body: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            self.request(PacketKind::Program, &body)?;
        }
        Ok(())
    }

    fn told(&self) -> u32 {
        self.checksum.clone().finalize()
    }

    /// Whether the board has done everything and said everything about it.
    fn is_through(&self) -> bool {
        self.under_way() == 0 && self.last_status.is_some_and(|status| !status.busy)
    }

    /// Waits for the answer to what the board was told up to `checksum`; `None` where it is lost.
    fn answer(&mut self, checksum: u32, is_result: bool) -> Result<Option<Awaited>, LinkError> {
        self.wake();
        self.last_status = None;
        loop {
            while let Some(answer) = self.answers.pop_front() {
                if answer.checksum == checksum && answer.is_result == is_result {
                    return Ok(Some(answer));
                }
                self.counts.stale += 1;
            }
            if self.is_through() {
                self.counts.lost += 1;
                return Ok(None);
            }
            self.attend()?;
        }
    }
}

/// Whether an error only says that nothing came yet.
pub(in crate::fpga) fn is_waiting(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

impl<P: Read + Write + Send> Link for PacketLink<P> {
    fn clock_khz(&self) -> u32 {
        self.opened.clock_khz
    }

    fn upload(&mut self, program: &[u32]) -> Result<(), LinkError> {
        for _ in 0..TRIES {
            self.begin()?;
            self.program(program)?;
            self.last_status = None;
            while !self.is_through() {
                // It said that the last request is used up while it still stored what that brought; of the end it says nothing by itself.
                if self.under_way() == 0 && self.last_status.take_if(|status| status.busy).is_some() {
                    self.query()?;
                }
                self.attend()?;
            }
            if self.last_status.is_some_and(|status| status.checksum == self.told()) {
                return Ok(());
            }
        }
        Err(LinkError::Damaged)
    }

    fn start(&mut self, end: End, beats: Beats<'_>) -> Result<(), LinkError> {
        self.wake();
        self.runs = self.runs.wrapping_add(1);
        self.program(&end.words(self.runs))?;
        let kind = match beats.format {
            FrameFormat::Pixels => PacketKind::Pixels,
            FrameFormat::Codes => PacketKind::Codes,
        };
        for body in beats.bytes.chunks(usize::from(self.opened.body) / beats.size * beats.size) {
            self.request(kind, body)?;
        }
        if let End::Results(_) = end {
            self.frames.push_back(self.told());
        }
        Ok(())
    }

    fn results(&mut self, count: usize) -> Result<(Vec<u32>, u64), LinkError> {
        let checksum = self.frames.pop_front().ok_or(LinkError::Lost)?;
        match self.answer(checksum, true)? {
            Some(Awaited { words, cycles, .. }) if words.len() == count => Ok((words, cycles.into())),
            _ => {
                self.frames.clear();
                Err(LinkError::Lost)
            }
        }
    }

    fn read(&mut self, what: ReadBack, address: usize, words: usize, beats: usize) -> Result<Vec<u32>, LinkError> {
        let at_once = (BEATS_AT_ONCE / beats).max(1);
        let mut read = Vec::with_capacity(words * beats);
        for first in (0..words).step_by(at_once) {
            let count = at_once.min(words - first);
            read.extend(self.read_some(what, address + first, count, count * beats)?);
        }
        Ok(read)
    }
}

impl<P: Read + Write + Send> PacketLink<P> {
    fn read_some(&mut self, what: ReadBack, address: usize, words: usize, beats: usize) -> Result<Vec<u32>, LinkError> {
        for _ in 0..TRIES {
            self.program(&what.words(address, words))?;
            if let Some(answer) = self.answer(self.told(), false)?
                && answer.words.len() == beats
            {
                return Ok(answer.words);
            }
        }
        Err(LinkError::Lost)
    }
}
