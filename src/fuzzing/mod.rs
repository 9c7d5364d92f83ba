//! What a fuzzer calls: one function for each kind of input from outside. Built for `fuzz/` and for tests alone, which replay the
//! corpora.
//!
//! Whatever the bytes, an entry must come to its end, soon and in bounded memory; what it takes for good must keep the promises of
//! its type, and survive being written and read again where there is a writer.

mod boards;
mod checkpoints;
mod flights;
mod model_files;
mod programs;
#[cfg(test)]
mod seeds;
#[cfg(all(test, feature = "app"))]
mod settings;
mod sources;
#[cfg(test)]
mod tests;

#[path = "../../tests/common/recipe.rs"]
#[allow(unreachable_pub, reason = "shared with the tests outside")]
mod recipe;

pub use boards::{link, packets};
pub use checkpoints::{checkpoint_pickle, checkpoint_zip};
pub use flights::flight;
pub use model_files::{model, network};
pub use programs::program;
pub use sources::{capture, jpeg, mjpeg, picture, y4m};

use recipe::{Block, First, Recipe};
use std::fs;
use std::path::{Path, PathBuf};

/// Choices, made by the fuzzer byte by byte; behind the last byte all of them are 0.
#[derive(Default)]
struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    fn byte(&mut self) -> u8 {
        self.0.split_off_first().copied().unwrap_or(0)
    }

    /// A number below `end`, which is 256 at most.
    fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end
    }

    fn of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())]
    }

    fn word(&mut self) -> u32 {
        u32::from_le_bytes([0; 4].map(|_: u8| self.byte()))
    }

    /// At most `most` of the bytes to come.
    fn bytes(&mut self, most: usize) -> &'a [u8] {
        self.0.split_off(..most.min(self.0.len())).unwrap_or_default()
    }

    fn are_over(&self) -> bool {
        self.0.is_empty()
    }

    /// A network of any kind of layers, small enough for a million of them.
    fn recipe(&mut self) -> Recipe {
        const CHANNELS: [usize; 12] = [1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 17, 33];
        let seed = u64::from(self.word());
        let smallest = 1 + self.below(2);
        // A table of codes has 768 of them at least.
        let first = match self.below(8) {
            1 => First::Embedding(1 + self.below(12)),
            _ => First::Float(self.of(&CHANNELS), self.of(&[3, 1]), 1 + self.below(2)),
        };
        let convs = (0..self.below(3)).map(|_| (self.of(&CHANNELS), self.of(&[1, 3]), 1 + self.below(2))).collect();
        let blocks = (0..self.below(3)).map(|_| Block {
            bottleneck: self.below(2) == 1,
            channels: self.of(&CHANNELS),
            stride: 1 + self.below(2),
        });
        Recipe { seed, smallest, first, convs, blocks: blocks.collect(), classes: 1 + self.below(20) }
    }
}

/// Shows `look` a file of these bytes whose name ends in `.ending`; in memory, where the system has a place for that.
fn with_file<T>(bytes: &[u8], ending: &str, look: impl FnOnce(&Path) -> T) -> T {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    let file = File(folder.join(format!("ernscope-fuzzed-{}.{ending}", std::process::id())));
    fs::write(&file.0, bytes).expect("a temporary file can be written");
    look(&file.0)
}

/// Removed with this.
struct File(PathBuf);

impl Drop for File {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = fs::remove_file(&self.0);
    }
}

/// An error is a sentence for a person.
fn check_error(error: &dyn std::fmt::Display) {
    assert!(!error.to_string().is_empty());
}
