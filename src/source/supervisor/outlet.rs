//! Where frames and news leave the thread.

use super::meter::Meter;
use crate::frame::Frame;
use crate::source::{LeftOut, Picture, SourceChoice, SourceError, SourceState, SourceStatus};
use crossbeam_channel::{Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use web_time::{Duration, Instant};

/// Of so many pictures that are left out, the log tells what is wrong with them.
const EXPLAINED: u64 = 3;

/// Numbers frames, hands them over, and keeps the status.
pub(crate) struct Outlet {
    /// A channel of one.
    pub(crate) sender: Sender<Frame>,
    /// Sources started so far.
    pub(crate) sources: u64,
    /// The other end of `sender`, to take an old frame back.
    waiting: Receiver<Frame>,
    status: Arc<Mutex<SourceStatus>>,
    on_change: Box<dyn Fn() + Send>,
    meter: Meter,
}

impl Outlet {
    pub(crate) fn new(
        (sender, waiting): (Sender<Frame>, Receiver<Frame>),
        status: Arc<Mutex<SourceStatus>>,
        on_change: Box<dyn Fn() + Send>,
    ) -> Self {
        Self { sender, sources: 0, waiting, status, on_change, meter: Meter::default() }
    }

    /// A new source, as it was asked for: its frames count from 0, and those of the one before are void.
    pub(crate) fn start_over(&mut self, choice: Option<SourceChoice>) {
        self.sources += 1;
        self.meter = Meter::default();
        let _ = self.waiting.try_recv();
        let mut status = locked(&self.status);
        let (state, paused) = (status.state.clone(), status.paused);
        *status = SourceStatus { source: self.sources, choice, state, paused, ..SourceStatus::default() };
    }

    /// Notes where in the source its last picture stands.
    pub(crate) fn at(&self, position: Option<[u64; 2]>) {
        locked(&self.status).position = position;
    }

    /// Makes the picture the next frame.
    pub(crate) fn number(&mut self, picture: Picture, took: Duration) -> Frame {
        let fps = self.meter.tick(Instant::now());
        let mut status = locked(&self.status);
        let index = status.produced.saturating_add(picture.skipped);
        status.produced = index + 1;
        status.dropped += picture.skipped;
        status.fps = fps;
        picture.into_frame(self.sources, index, status.dropped, took)
    }

    /// Counts what cannot be decoded.
    pub(crate) fn leave_out(&self, count: u64, files: bool, why: &SourceError) {
        let mut status = locked(&self.status);
        let before = status.left_out.count;
        status.left_out = LeftOut { count: before + count, files };
        if before < EXPLAINED {
            tracing::warn!("left out: {why}");
            if before + count >= EXPLAINED {
                tracing::warn!("from here on, what is left out is only counted");
            }
        }
    }

    /// Puts the frame where the newest one is waiting to be taken.
    pub(crate) fn offer(&mut self, mut frame: Frame) {
        if self.waiting.try_recv().is_ok() {
            frame.dropped += 1;
            locked(&self.status).dropped += 1;
        }
        // There is room, for nobody else sends, and somebody listens: `waiting`.
        let _ = self.sender.try_send(frame);
    }

    /// Changes the state, if it is another one.
    pub(crate) fn enter(&self, state: SourceState) {
        let old = std::mem::replace(&mut locked(&self.status).state, state.clone());
        if old != state {
            (self.on_change)();
        }
    }

    /// Changes the status and says so.
    pub(crate) fn tell(&self, change: impl FnOnce(&mut SourceStatus)) {
        change(&mut locked(&self.status));
        (self.on_change)();
    }
}

/// The status, whatever happened to a thread that held it.
pub(super) fn locked(status: &Mutex<SourceStatus>) -> MutexGuard<'_, SourceStatus> {
    status.lock().unwrap_or_else(PoisonError::into_inner)
}
