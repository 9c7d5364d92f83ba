//! A source that is open, and when its next frame is due.

use super::cameras::WantedCamera;
use super::command::Delivery;
use super::lookout::Lookout;
use crate::source::{Picture, Polled, Source, SourceError, SourceState};
use web_time::{Duration, Instant};

/// How long a camera is waited for before commands are looked at again.
const PATIENCE: Duration = Duration::from_millis(20);

/// An open source.
pub(crate) struct Running {
    pub(crate) source: Box<dyn Source>,
    /// Where the source is a camera: which.
    pub(crate) camera: Option<WantedCamera>,
    /// Where the source is the demo for want of a camera: the search for one.
    pub(crate) lookout: Option<Lookout>,
    /// Pictures since it was opened.
    pub(crate) pictures: u64,
    /// Whether it has started over: what is left out was counted.
    rewound: bool,
    /// The size last told to the user.
    told: Option<(u32, u32)>,
    /// Time spent on the picture that is awaited.
    took: Duration,
    /// When the next frame is due, where the source is paced.
    due: Instant,
    /// A picture that stays, and until when (`None`: for ever).
    still: Option<(Picture, Option<Instant>)>,
}

impl Running {
    pub(crate) fn new(source: Box<dyn Source>) -> Self {
        let (took, due) = (Duration::ZERO, Instant::now());
        Self { source, camera: None, lookout: None, pictures: 0, rewound: false, told: None, took, due, still: None }
    }

    pub(crate) fn camera(source: Box<dyn Source>, wanted: WantedCamera) -> Self {
        Self { camera: Some(wanted), ..Self::new(source) }
    }

    /// The demo, while `lookout` looks for a camera.
    pub(crate) fn stand_in(demo: Box<dyn Source>, lookout: Lookout) -> Self {
        Self { lookout: Some(lookout), ..Self::new(demo) }
    }

    /// Whether every picture has to arrive.
    pub(crate) fn loses_nothing(&self, delivery: Delivery) -> bool {
        match delivery {
            Delivery::Window => false,
            Delivery::Terminal => self.source.dwell().is_some(),
            Delivery::Lossless => self.camera.is_none(),
        }
    }

    /// When the next frame is due; `None`: as soon as it can be had.
    pub(crate) fn due(&self, delivery: Delivery) -> Option<Instant> {
        (self.source.rate().is_some() && !self.loses_nothing(delivery)).then_some(self.due)
    }

    /// What comes next.
    ///
    /// # Errors
    /// Of the source.
    pub(crate) fn next(&mut self, delivery: Delivery) -> Result<Next, Over> {
        self.keep_pace();
        if let Some(picture) = self.still_shown() {
            return Ok(Next::Picture(picture, Duration::ZERO));
        }
        let asked = Instant::now();
        let mut polled = self.source.next(PATIENCE);
        if matches!(polled, Ok(Polled::End)) && delivery == Delivery::Window && self.pictures > 0 {
            self.rewound = true;
            polled = self.source.rewind().and_then(|()| self.source.next(PATIENCE));
        }
        self.took += asked.elapsed();
        match polled {
            Ok(Polled::NotYet) => Ok(Next::Nothing),
            Ok(Polled::LeftOut { .. }) if self.rewound => Ok(Next::Nothing),
            Ok(Polled::LeftOut { count, why }) => Ok(Next::LeftOut(count, why)),
            Ok(Polled::End) => Err(Over::End),
            Err(error) => Err(Over::Error(error)),
            Ok(Polled::Picture(picture)) => {
                self.pictures += 1;
                if delivery == Delivery::Window {
                    let until = self.source.dwell().map(|dwell| asked.checked_add(dwell));
                    self.still = until.map(|until| (picture.clone(), until));
                }
                Ok(Next::Picture(picture, std::mem::take(&mut self.took)))
            }
        }
    }

    /// The state that `picture` brings, where it is not the one of the picture before.
    pub(crate) fn new_state(&mut self, picture: &Picture) -> Option<SourceState> {
        let (width, height) = (picture.width, picture.height);
        if self.told.replace((width, height)) == Some((width, height)) {
            return None;
        }
        let reason = self.lookout.as_ref().map(|lookout| lookout.reason.clone());
        Some(match reason {
            Some(reason) => SourceState::Fallback { reason, width, height },
            None => SourceState::Live { name: self.source.name(), width, height },
        })
    }

    /// Goes on to the next picture at the next beat, however long the present one was meant to stay.
    pub(crate) fn step_on(&mut self) {
        if let Some((_, until @ Some(_))) = &mut self.still {
            *until = Some(Instant::now());
        }
        self.due = Instant::now();
    }

    /// The next beat is one period after this one, or now where we are late by more than that.
    fn keep_pace(&mut self) {
        if let Some(rate) = self.source.rate() {
            let now = Instant::now();
            let next = self.due + Duration::from_secs_f32(1.0 / rate);
            self.due = next.max(now);
        }
    }

    /// The picture that stays, as if it came now.
    fn still_shown(&self) -> Option<Picture> {
        let (picture, until) = self.still.as_ref()?;
        let now = Instant::now();
        let stays = until.is_none_or(|until| now < until);
        stays.then(|| Picture { captured: now, skipped: 0, ..picture.clone() })
    }
}

/// What comes of a beat.
pub(crate) enum Next {
    Nothing,
    /// A picture to show, and how long the source took for it.
    Picture(Picture, Duration),
    /// How many cannot be decoded, and what is wrong with the first of them.
    LeftOut(u64, SourceError),
}

/// Why a source gives no more pictures.
pub(crate) enum Over {
    /// It came to its end.
    End,
    /// It broke.
    Error(SourceError),
}
