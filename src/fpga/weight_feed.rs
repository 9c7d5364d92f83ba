//! The weight stream, cycle by cycle, as `rtl/ernscope_weight_window.sv` takes it from `rtl/ernscope_weight_memory.sv` or `rtl/ernscope_weight_receiver.sv`.

use super::program::Program;

/// What the model assumes of a memory beside the board: bytes a cycle on average.
const PORT_BYTES: u64 = 12;
/// Cycles from the start of a frame until the first beat is taken: of those from outside, and out of a memory.
const FIRST_BEAT: u64 = 2;
const FIRST_READ: u64 = 3;
/// Cycles until the window knows that a word is needed no more.
const FREED_BEHIND: usize = 4;

/// Words that have come, and what there is room for.
pub(super) struct WeightFeed {
    beats: WeightBeats,
    /// A word stands before the window.
    offers: bool,
    /// Words that may be in the window when another one comes.
    room: u64,
    written: u64,
    freed: u64,
    freed_behind: [u64; FREED_BEHIND],
    ready: bool,
    cycle: u64,
}

/// The beats that words are made of.
struct WeightBeats {
    bytes: u64,
    a_word: u64,
    /// Bytes that come a cycle, on average.
    a_cycle: u64,
    /// Bytes that may come now; not more are saved up than a beat's and a cycle's.
    credit: u64,
    /// Beats of the next word that are there.
    gathered: u64,
    left: u64,
    /// The cycle from which on they come.
    first: u64,
}

impl WeightBeats {
    fn most_credit(&self) -> u64 {
        self.bytes + self.a_cycle
    }

    /// A cycle, in which one may come where there is room for it: whether it is the last one of a word.
    fn step(&mut self, cycle: u64, room: bool) -> bool {
        let moves = cycle >= self.first && room && self.credit >= self.bytes && self.left > 0;
        if moves {
            self.credit -= self.bytes;
            self.left -= 1;
            self.gathered = (self.gathered + 1) % self.a_word;
        }
        self.credit = (self.credit + self.a_cycle).min(self.most_credit());
        moves && self.gathered == 0
    }
}

impl WeightFeed {
    /// At the cycle in which the frame starts.
    pub(super) fn new(program: &Program) -> Self {
        let board = &program.capabilities;
        let bytes = board.weight_beat_bits() as u64 / 8;
        let a_word = board.weight_beats() as u64;
        // A memory gives its words again and again.
        let (a_cycle, left, first) = if board.weight_depth == 0 {
            (PORT_BYTES, program.needs.weights as u64 * a_word, FIRST_BEAT)
        } else {
            (bytes, u64::MAX, FIRST_READ)
        };
        Self {
            beats: WeightBeats { bytes, a_word, a_cycle, credit: bytes + a_cycle, gathered: 0, left, first },
            offers: false,
            room: board.window_room() as u64,
            written: 0,
            freed: 0,
            freed_behind: [0; FREED_BEHIND],
            ready: false,
            cycle: 0,
        }
    }

    /// So many cycles further.
    pub(super) fn advance(&mut self, cycles: u64) {
        for _ in 0..cycles {
            if self.rests() {
                return;
            }
            self.step();
        }
    }

    /// Words that are needed no more.
    pub(super) fn free(&mut self, words: u64) {
        self.freed += words;
    }

    /// Until so many words are there; the cycles that it takes.
    pub(super) fn wait_for(&mut self, words: u64) -> u64 {
        let mut waited = 0;
        while self.written - self.freed < words {
            self.step();
            waited += 1;
        }
        waited
    }

    /// Whether nothing changes any more until something is freed.
    fn rests(&self) -> bool {
        let settled = !self.ready && self.freed_behind == [self.freed; FREED_BEHIND];
        let full = settled && self.written - self.freed >= self.room;
        let is_over = self.beats.left == 0 && !self.offers;
        is_over || full && self.offers && self.beats.credit == self.beats.most_credit()
    }

    fn step(&mut self) {
        let taken = self.offers && self.ready;
        let comes = self.beats.step(self.cycle, !self.offers || taken);
        self.offers = comes || self.offers && !taken;
        let [.., behind] = self.freed_behind;
        self.ready = self.cycle > 0 && self.written - behind < self.room;
        self.freed_behind.rotate_right(1);
        self.freed_behind[0] = self.freed;
        self.written += u64::from(taken);
        self.cycle += 1;
    }
}
