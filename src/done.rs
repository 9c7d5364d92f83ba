//! For tests: how often what is costly was done.
#![cfg_attr(not(feature = "live"), expect(dead_code, reason = "who asks is not built then"))]

use std::cell::Cell;
use std::thread::LocalKey;

thread_local! {
    static LOADED: Cell<usize> = const { Cell::new(0) };
    static PACKED: Cell<usize> = const { Cell::new(0) };
}

/// Networks that this thread has read.
pub(crate) const LOADS: Counter = Counter(&LOADED);
/// Convolutions whose weights this thread has packed.
pub(crate) const PACKINGS: Counter = Counter(&PACKED);

/// Counts on one thread: tests run side by side.
pub(crate) struct Counter(&'static LocalKey<Cell<usize>>);

impl Counter {
    pub(crate) fn count(&self) {
        self.0.set(self.0.get() + 1);
    }

    pub(crate) fn get(&self) -> usize {
        self.0.get()
    }
}
