//! Running a picture allocates nothing after the first one, probed or not, on one thread or several.
#![allow(unsafe_code)]

use ernscope::engine::cpu::{CpuEngine, Level};
use ernscope::engine::{Engine, Probe, Sums, Wants};
use ernscope::frame::InputImage;
use ernscope::network::published::PublishedShape;
use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The system's allocator, counting.
struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Wants everything of every second layer, the others' codes.
struct Looker(u64);

impl Probe for Looker {
    fn wants(&self, layer: usize) -> Wants {
        Wants { codes: true, histogram: true, sums: layer.is_multiple_of(2) }
    }

    fn codes(&mut self, _: usize, codes: &[u8]) {
        self.0 += codes.len() as u64;
    }

    fn sums(&mut self, _: usize, sums: Sums<'_>) {
        black_box(sums);
    }

    fn time(&mut self, _: usize, elapsed: Duration) {
        black_box(elapsed);
    }
}

/// No test harness: what it allocates beside the test would be counted as well. Who runs tests by asking for their list first, as
/// nextest does, gets one.
fn main() {
    let asked: Vec<String> = std::env::args().collect();
    let has = |argument: &str| asked.iter().any(|asked| asked == argument);
    if has("--list") {
        if !has("--ignored") {
            println!("a_run_allocates_nothing: test");
        }
        return;
    }
    a_run_allocates_nothing();
    println!("test a_run_allocates_nothing ... ok");
}

fn a_run_allocates_nothing() {
    let shape = PublishedShape::named("erns18-0.75x").expect("published");
    let network = Arc::new(shape.random(1, false).expect("well formed"));
    let edge = if cfg!(target_arch = "x86_64") { 128 } else { 96 };
    let mut image = InputImage::black(edge);
    // An emulated processor is slow enough without the scalar level.
    let wanted = |level: &Level| level.is_available() && (cfg!(target_arch = "x86_64") || *level != Level::Scalar);
    for level in Level::ALL.into_iter().filter(wanted) {
        for threads in [1, 3] {
            let mut engine = CpuEngine::new(Arc::clone(&network), edge, level, threads).expect("available");
            let mut looker = Looker(0);
            engine.run(&image).expect("fits");
            engine.run_probed(&image, &mut looker).expect("fits");
            let before = ALLOCATIONS.load(Ordering::Relaxed);
            for i in 0..3 {
                image.rgb_mut()[i] = 77;
                black_box(engine.run(&image).expect("fits"));
                black_box(engine.run_probed(&image, &mut looker).expect("fits"));
            }
            let made = ALLOCATIONS.load(Ordering::Relaxed) - before;
            assert_eq!(made, 0, "allocations at {level} with {threads} threads");
            println!("{level}, {threads} threads: no allocation");
        }
    }
}
