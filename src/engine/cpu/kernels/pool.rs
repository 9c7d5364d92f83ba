//! Threads that wait for work, a part each.
//!
//! A layer takes microseconds, so handing it over must take less: workers look for work a short while before they sleep, and
//! handing over allocates nothing. A system may wake a sleeper on the core of the thread that wakes it, though another one is
//! idle, and leave it there for longer than a frame takes: such a worker moves away ([`cores`]).

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{JoinHandle, Thread};

/// Most threads; more is no faster for one picture.
pub(in super::super) const MAX_THREADS: usize = 64;
/// How often a worker looks for work before it sleeps: longer than most layers take that are not shared, some 200 µs.
const LOOKS_FOR_WORK: usize = if cfg!(miri) { 4 } else { 10_000 };
/// How often the caller looks whether workers are done before it sleeps, some 2 ms: who wakes may come to the core of who wakes it.
const LOOKS_FOR_END: usize = if cfg!(miri) { 4 } else { 100_000 };

/// The workers; dropping it joins them.
pub(in super::super) struct Pool {
    shared: Arc<PoolShared>,
    workers: Vec<JoinHandle<()>>,
}

struct PoolShared {
    /// Counts the jobs; changes only while `state` is locked.
    jobs: AtomicU64,
    /// Workers that have not finished the job.
    busy: AtomicUsize,
    /// Whether a worker's part has panicked.
    panicked: AtomicBool,
    state: Mutex<PoolState>,
    wake: Condvar,
}

#[derive(Default)]
struct PoolState {
    job: Option<Job>,
    sleepers: usize,
    stop: bool,
}

/// Some parts to work on, their type forgotten.
#[derive(Clone)]
struct Job {
    /// Works on the part of this number, if there is one.
    call: unsafe fn(*const (), usize),
    /// The [`Parts`].
    parts: *const (),
    /// Who waits.
    caller: Thread,
    /// The core that it runs on.
    core: usize,
}

// SAFETY: `parts` points at a `Parts<T, F>` with `T: Send` and `F: Sync`, which `Pool::run` keeps alive until every worker has
// finished; each worker touches the one part of its own number.
unsafe impl Send for Job {}

/// Parts that threads share, each working on its own.
struct Parts<T, F> {
    first: *mut T,
    count: usize,
    work: F,
}

impl<T: Send, F: Fn(&mut T) + Sync> Parts<T, F> {
    /// # Safety
    /// `parts` points at a `Self` whose `count` parts live, and nobody else uses part `index`.
    unsafe fn call(parts: *const (), index: usize) {
        // SAFETY: the caller's promise.
        let parts = unsafe { &*parts.cast::<Self>() };
        if index < parts.count {
            // SAFETY: the part lives, and it is ours alone.
            (parts.work)(unsafe { &mut *parts.first.add(index) });
        }
    }
}

impl Pool {
    /// `threads` threads, the caller's among them.
    pub(in super::super) fn new(threads: usize) -> Self {
        let shared = Arc::new(PoolShared {
            jobs: AtomicU64::new(0),
            busy: AtomicUsize::new(0),
            panicked: AtomicBool::new(false),
            state: Mutex::default(),
            wake: Condvar::new(),
        });
        let spawn = |index| {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new().name(format!("ernscope-cpu-{index}")).spawn(move || shared.serve(index))
        };
        // A machine that gives no more threads gets by with those it has given.
        let workers = (1..threads.clamp(1, MAX_THREADS)).map_while(|index| spawn(index).ok()).collect();
        Self { shared, workers }
    }

    /// Threads that work, the caller's among them.
    pub(in super::super) fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Works on all parts, each on a thread of its own, and returns when all are done. There are at most
    /// [`Pool::threads`] parts.
    pub(in super::super) fn run<T: Send, F: Fn(&mut T) + Sync>(&mut self, parts: &mut [T], work: F) {
        assert!(parts.len() <= self.threads());
        assert!(!self.shared.panicked.load(Ordering::Relaxed), "a worker thread has panicked before");
        if parts.len() < 2 {
            parts.iter_mut().for_each(work);
            return;
        }
        let parts = Parts { first: parts.as_mut_ptr(), count: parts.len(), work };
        let pointer = (&raw const parts).cast();
        let call = Parts::<T, F>::call;
        let job = Job { call, parts: pointer, caller: std::thread::current(), core: cores::current() };
        self.shared.hand_over(job, self.workers.len());
        // Waits even if our own part panics: the workers still use `parts`.
        let waiting = Waiting(&self.shared);
        // SAFETY: the parts live until `waiting` is dropped; part 0 is the caller's, worker i uses part i.
        unsafe { call(pointer, 0) };
        drop(waiting);
        assert!(!self.shared.panicked.load(Ordering::Relaxed), "a worker thread panicked");
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.jobs.fetch_add(1, Ordering::Release);
        self.shared.wake.notify_all();
        for worker in self.workers.drain(..) {
            // A worker that panicked has been reported where its part was waited for.
            let _ = worker.join();
        }
    }
}

/// Waits for the workers when dropped.
struct Waiting<'a>(&'a PoolShared);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let done = || self.0.busy.load(Ordering::Acquire) == 0;
        if !look_for(LOOKS_FOR_END, done) {
            while !done() {
                std::thread::park();
            }
        }
    }
}

/// Says that a worker is done, however its part ended.
struct Working<'a>(&'a PoolShared, Thread);

impl Drop for Working<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.panicked.store(true, Ordering::Relaxed);
        }
        if self.0.busy.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.1.unpark();
        }
    }
}

impl PoolShared {
    fn lock(&self) -> MutexGuard<'_, PoolState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hand_over(&self, job: Job, workers: usize) {
        let mut state = self.lock();
        state.job = Some(job);
        self.busy.store(workers, Ordering::Relaxed);
        self.jobs.fetch_add(1, Ordering::Release);
        let sleepers = state.sleepers;
        drop(state);
        if sleepers > 0 {
            self.wake.notify_all();
        }
    }

    /// A worker's life.
    fn serve(&self, index: usize) {
        let mut seen = 0;
        let allowed = cores::allowed();
        while let Some(job) = self.next_job(&mut seen) {
            cores::leave(job.core, &allowed);
            let working = Working(self, job.caller);
            // SAFETY: the parts live until `working` is dropped, and part `index` is this worker's.
            unsafe { (job.call)(job.parts, index) };
            drop(working);
        }
    }

    /// Waits for a job that is not the one `seen`; `None` when all is over.
    fn next_job(&self, seen: &mut u64) -> Option<Job> {
        look_for(LOOKS_FOR_WORK, || self.jobs.load(Ordering::Acquire) != *seen);
        let mut state = self.lock();
        state.sleepers += 1;
        while self.jobs.load(Ordering::Acquire) == *seen && !state.stop {
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.sleepers -= 1;
        *seen = self.jobs.load(Ordering::Acquire);
        if state.stop { None } else { state.job.clone() }
    }
}

/// Which core a thread runs on.
#[cfg(all(target_os = "linux", not(miri)))]
mod cores {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

    /// Where this thread runs.
    pub(super) fn current() -> usize {
        sched_getcpu()
    }

    /// Where this thread may run.
    pub(super) fn allowed() -> CpuSet {
        sched_getaffinity(None).unwrap_or_else(|_| CpuSet::new())
    }

    /// Has this thread run on another core than `core`, where it may run on others.
    pub(super) fn leave(core: usize, allowed: &CpuSet) {
        if core != current() || core >= CpuSet::MAX_CPU {
            return;
        }
        let mut others = *allowed;
        others.unset(core);
        if others.count() > 0 {
            // Where the system refuses, it is as slow as it was.
            let _ = sched_setaffinity(None, &others);
        }
    }
}

/// Other systems are left to choose.
#[cfg(not(all(target_os = "linux", not(miri))))]
mod cores {
    pub(super) fn current() -> usize {
        0
    }

    pub(super) fn allowed() {}

    pub(super) fn leave(_: usize, _: &()) {}
}

/// Looks a bounded number of times.
fn look_for(looks: usize, found: impl Fn() -> bool) -> bool {
    for _ in 0..looks {
        if found() {
            return true;
        }
        std::hint::spin_loop();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    /// A pool of so many threads; `None`, which it says, where there is one alone, as in WebAssembly.
    fn pool_of(threads: usize) -> Option<Pool> {
        let pool = Some(Pool::new(threads)).filter(|pool| pool.threads() == threads);
        if pool.is_none() {
            eprintln!("skipped: {threads} threads: there are fewer");
        }
        pool
    }

    #[test]
    fn every_part_is_worked_on_once() {
        let Some(mut pool) = pool_of(3) else { return };
        for round in 0..if cfg!(miri) { 10 } else { 2000 } {
            let mut parts = [0; 3];
            let count = 1 + round % 3;
            pool.run(&mut parts[..count], |part| *part += round + 1);
            assert!(parts[..count].iter().all(|&part| part == round + 1), "{parts:?}");
            assert!(parts[count..].iter().all(|&part| part == 0), "{parts:?}");
        }
    }

    #[test]
    fn sleepers_wake() {
        let Some(mut pool) = pool_of(2) else { return };
        for _ in 0..3 {
            std::thread::sleep(std::time::Duration::from_millis(20));
            let mut parts = [1, 2];
            pool.run(&mut parts, |part| *part *= 2);
            assert_eq!(parts, [2, 4]);
        }
    }

    #[test]
    fn a_panic_in_a_part_reaches_the_caller() {
        let Some(mut pool) = pool_of(2) else { return };
        for bad in 0..2 {
            let mut parts = [0, 1];
            let run = || pool.run(&mut parts, |part| assert_ne!(*part, bad));
            assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
        }
        // The worker is gone: waiting for it would never end.
        assert!(catch_unwind(AssertUnwindSafe(|| pool.run(&mut [0, 0], |part| *part = 1))).is_err());
    }
}
