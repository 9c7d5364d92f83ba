//! While the demo stands in for a camera that nobody has plugged in yet: looking for one.

use super::cameras::{Cameras, WantedCamera};
use crate::source::{CameraInfo, Polled, Source, SourceError};
use web_time::{Duration, Instant};

/// How often the list of cameras is looked at.
const PERIOD: Duration = Duration::from_secs(2);

/// The longest pause before cameras that did not work are tried again.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Tries cameras beside the demo until one delivers.
pub(crate) struct Lookout {
    /// Why the demo runs.
    pub(crate) reason: SourceError,
    seen: Vec<CameraInfo>,
    next_look: Instant,
    next_trial: Instant,
    pause: Duration,
    trial: Option<(WantedCamera, Box<dyn Source>)>,
}

impl Lookout {
    /// `seen`: the cameras that were there (and did not work) when the demo took over.
    pub(crate) fn new(reason: SourceError, seen: Vec<CameraInfo>) -> Self {
        let now = Instant::now();
        let next_look = now + PERIOD;
        Self { reason, seen, next_look, next_trial: now + 2 * PERIOD, pause: 2 * PERIOD, trial: None }
    }

    /// A camera that has just begun to deliver. Never waits.
    pub(crate) fn look(&mut self, cameras: &dyn Cameras) -> Option<(WantedCamera, Box<dyn Source>)> {
        match self.trial.as_mut().map(|(_, source)| source.next(Duration::ZERO)) {
            Some(Ok(Polled::NotYet | Polled::LeftOut { .. })) => return None,
            Some(Ok(Polled::Picture(_))) => return self.trial.take(),
            Some(Ok(Polled::End) | Err(_)) => self.give_up(cameras),
            None => {}
        }
        let now = Instant::now();
        if now < self.next_look {
            return None;
        }
        self.next_look = now + PERIOD;
        let list = cameras.list();
        if list != self.seen {
            self.seen = list;
            (self.next_trial, self.pause) = (now, 2 * PERIOD);
        }
        if now >= self.next_trial {
            let wanted = WantedCamera::choose(None, false, self.seen.clone());
            self.trial = wanted.ok().and_then(|wanted| open(wanted, cameras));
            self.next_trial = now + self.pause;
        }
        None
    }

    /// Ends a trial that failed: the next camera, or a longer pause.
    fn give_up(&mut self, cameras: &dyn Cameras) {
        let Some((mut wanted, source)) = self.trial.take() else { return };
        drop(source);
        if wanted.try_another(&self.reason) {
            self.trial = open(wanted, cameras);
        } else {
            self.next_trial = Instant::now() + self.pause;
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        }
    }
}

fn open(wanted: WantedCamera, cameras: &dyn Cameras) -> Option<(WantedCamera, Box<dyn Source>)> {
    let source = cameras.open(wanted.camera.clone()).ok()?;
    Some((wanted, source))
}
