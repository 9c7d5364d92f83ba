//! The weight stream, cycle by cycle, as `rtl/ernscope_weight_window.sv` takes it from `rtl/ernscope_weight_memory.sv` or `rtl/ernscope_weight_receiver.sv`.

use super::program::Program;

/// What the model assumes of a memory beside the board: bytes a cycle on average, in beats of [`BEAT_BYTES`].
const PORT_BYTES: u64 = 12;
/// A beat of the weight stream from outside.
const BEAT_BYTES: u64 = 16;
/// From the start of a frame until the first word may be taken, in cycles: out of a memory, and by beats.
const FIRST_WORD: u64 = 3;
const FIRST_BEAT: u64 = 2;
/// Cycles until the window knows that a word is needed no more.
const FREED_BEHIND: usize = 4;

/// Words that have come, and what there is room for.
pub(super) struct WeightFeed {
    source: WeightSource,
    /// Words that may be in the window when another one comes.
    room: u64,
    left: u64,
    written: u64,
    freed: u64,
    freed_behind: [u64; FREED_BEHIND],
    ready: bool,
    cycle: u64,
}

/// Where words come from.
enum WeightSource {
    /// A memory of the board's own: one a cycle, again and again.
    Memory,
    /// Beats from outside.
    Port {
        beats_a_word: u64,
        /// Bytes that may come; not more are saved up than a beat's and a cycle's.
        credit: u64,
        gathered: u64,
        is_word: bool,
        beats_left: u64,
    },
}

impl WeightFeed {
    /// At the cycle in which the frame starts.
    pub(super) fn new(program: &Program) -> Self {
        let board = &program.capabilities;
        let words = program.needs.weights as u64;
        let beats_a_word = board.word_bits() as u64 / 8 / BEAT_BYTES;
        let source = match board.weight_depth {
            0 => WeightSource::Port {
                beats_a_word,
                credit: BEAT_BYTES + PORT_BYTES,
                gathered: 0,
                is_word: false,
                beats_left: words * beats_a_word,
            },
            _ => WeightSource::Memory,
        };
        Self {
            left: if board.weight_depth == 0 { words } else { u64::MAX },
            source,
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
        let saved_up = match self.source {
            WeightSource::Memory => true,
            WeightSource::Port { credit, is_word, .. } => credit == BEAT_BYTES + PORT_BYTES && is_word,
        };
        self.left == 0 || full && saved_up
    }

    fn step(&mut self) {
        let taken = self.offers() && self.ready && self.left > 0;
        self.gather(taken);
        let [.., behind] = self.freed_behind;
        self.ready = self.cycle > 0 && self.written - behind < self.room;
        self.freed_behind.rotate_right(1);
        self.freed_behind[0] = self.freed;
        self.written += u64::from(taken);
        self.left -= u64::from(taken);
        self.cycle += 1;
    }

    /// Whether a word stands before the window.
    fn offers(&self) -> bool {
        match self.source {
            WeightSource::Memory => self.cycle >= FIRST_WORD,
            WeightSource::Port { is_word, .. } => is_word,
        }
    }

    /// A beat of the next word, where the last one is gone.
    fn gather(&mut self, taken: bool) {
        let begun = self.cycle >= FIRST_BEAT;
        let WeightSource::Port { beats_a_word, credit, gathered, is_word, beats_left } = &mut self.source else {
            return;
        };
        let moves = begun && *credit >= BEAT_BYTES && (!*is_word || taken) && *beats_left > 0;
        *is_word &= !taken;
        if moves {
            *credit -= BEAT_BYTES;
            *beats_left -= 1;
            *gathered = (*gathered + 1) % *beats_a_word;
            *is_word = *gathered == 0;
        }
        *credit = (*credit + PORT_BYTES).min(BEAT_BYTES + PORT_BYTES);
    }
}
