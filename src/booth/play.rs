//! What the stage shows when: the demo while nobody is there, the camera as soon as somebody is, and after a long rest a question.

use super::config::PlayConfig;
use web_time::{Duration, Instant};

/// How long a sentence about the demo stands.
const SENTENCE: Duration = Duration::from_secs(6);

/// What the stage shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StageScene {
    /// The title, before the play begins.
    Opening,
    /// The demo, and this sentence about it, counted from 0 without end.
    Attract(usize),
    /// The camera.
    Live,
    /// The camera, and whether somebody is still there, with the seconds that are left.
    StillThere(u64),
}

/// What the camera saw since the last look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sight {
    /// The class that the network names and is sure of.
    pub named: Option<usize>,
    /// Whether anything moved.
    pub motion: bool,
}

/// The play: from what is seen to what is shown.
#[derive(Debug)]
pub(crate) struct Play {
    scene: Playing,
    /// The last motion, and the last card or motion.
    moved: Instant,
    seen: Instant,
    /// What lay there when nobody answered: alone it is nobody.
    left_behind: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Playing {
    Attract { since: Instant },
    Live,
    StillThere { since: Instant },
}

impl Play {
    /// Begins with the demo.
    pub(crate) fn new(now: Instant) -> Self {
        Self { scene: Playing::Attract { since: now }, moved: now, seen: now, left_behind: None }
    }

    /// Goes on to `now`. Whether all is to be as at the start, since nobody answered.
    pub(crate) fn advance(&mut self, pace: &PlayConfig, sight: Sight, now: Instant) -> bool {
        if sight.named != self.left_behind {
            self.left_behind = None;
        }
        let named = sight.named.filter(|class| self.left_behind != Some(*class));
        if sight.motion {
            self.moved = now;
        }
        if sight.motion || named.is_some() {
            self.seen = now;
        }
        let rested = |since: Instant| now.saturating_duration_since(since);
        match self.scene {
            Playing::Attract { .. } if sight.motion || named.is_some() => {
                // A card that lies there without a hand has its whole time.
                self.moved = now;
                self.scene = Playing::Live;
            }
            Playing::Live if rested(self.seen) >= pace.attract_after => self.scene = Playing::Attract { since: now },
            Playing::Live if rested(self.moved) >= pace.reset_after => self.scene = Playing::StillThere { since: now },
            Playing::StillThere { .. } if sight.motion => self.scene = Playing::Live,
            Playing::StillThere { since } if rested(since) >= pace.countdown => {
                self.left_behind = sight.named;
                self.scene = Playing::Attract { since: now };
                return true;
            }
            _ => {}
        }
        false
    }

    /// The demo, whatever is seen: the camera shows nothing.
    pub(crate) fn rest(&mut self, now: Instant) {
        if !matches!(self.scene, Playing::Attract { .. }) {
            self.scene = Playing::Attract { since: now };
        }
        (self.moved, self.seen) = (now, now);
    }

    /// What is shown at `now`.
    pub(crate) fn scene(&self, pace: &PlayConfig, now: Instant) -> StageScene {
        let rested = |since: Instant| now.saturating_duration_since(since);
        match self.scene {
            Playing::Attract { since } => StageScene::Attract((rested(since).as_secs() / SENTENCE.as_secs()) as usize),
            Playing::Live => StageScene::Live,
            Playing::StillThere { since } => {
                StageScene::StillThere(pace.countdown.saturating_sub(rested(since)).as_secs_f32().ceil() as u64)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: &PlayConfig = &PlayConfig {
        attract_after: Duration::from_secs(20),
        reset_after: Duration::from_secs(60),
        countdown: Duration::from_secs(10),
    };
    const NOBODY: Sight = Sight { named: None, motion: false };
    const HAND: Sight = Sight { named: None, motion: true };
    const CARD: Sight = Sight { named: Some(3), motion: false };

    /// Plays second by second from `from` to `to`; whether it began anew.
    fn play(play: &mut Play, start: Instant, seconds: std::ops::Range<u64>, sight: Sight) -> bool {
        let at = |second| start + Duration::from_secs(second);
        seconds.map(|second| play.advance(PACE, sight, at(second))).fold(false, |any, anew| any | anew)
    }

    #[test]
    fn the_demo_goes_on_until_somebody_comes_and_begins_again_without() {
        let start = Instant::now();
        let at = |second| start + Duration::from_secs(second);
        let mut stage = Play::new(start);
        play(&mut stage, start, 0..13, NOBODY);
        assert_eq!(stage.scene(PACE, at(13)), StageScene::Attract(2));
        stage.advance(PACE, HAND, at(13));
        assert_eq!(stage.scene(PACE, at(13)), StageScene::Live);
        play(&mut stage, start, 14..33, NOBODY);
        assert_eq!(stage.scene(PACE, at(32)), StageScene::Live);
        stage.advance(PACE, NOBODY, at(33));
        assert_eq!(stage.scene(PACE, at(33)), StageScene::Attract(0));
    }

    #[test]
    fn a_card_is_somebody_and_one_that_was_left_behind_is_not() {
        let start = Instant::now();
        let at = |second| start + Duration::from_secs(second);
        let mut stage = Play::new(start);
        assert!(!play(&mut stage, start, 1..61, CARD));
        assert_eq!(stage.scene(PACE, at(60)), StageScene::Live);
        stage.advance(PACE, CARD, at(61));
        assert_eq!(stage.scene(PACE, at(61)), StageScene::StillThere(10));
        assert_eq!(stage.scene(PACE, at(70)), StageScene::StillThere(1));
        assert!(play(&mut stage, start, 62..72, CARD), "nobody answered");
        assert!(!play(&mut stage, start, 72..200, CARD));
        assert!(matches!(stage.scene(PACE, at(199)), StageScene::Attract(_)), "the card alone is nobody");
        stage.advance(PACE, Sight { named: Some(4), motion: false }, at(200));
        assert_eq!(stage.scene(PACE, at(200)), StageScene::Live, "another card is somebody");
    }

    #[test]
    fn any_motion_answers() {
        let start = Instant::now();
        let at = |second| start + Duration::from_secs(second);
        let mut stage = Play::new(start);
        play(&mut stage, start, 1..62, CARD);
        assert!(matches!(stage.scene(PACE, at(62)), StageScene::StillThere(_)));
        assert!(!stage.advance(PACE, HAND, at(63)));
        assert_eq!(stage.scene(PACE, at(63)), StageScene::Live);
    }

    #[test]
    fn without_a_picture_the_demo_plays() {
        let start = Instant::now();
        let at = |second| start + Duration::from_secs(second);
        let mut stage = Play::new(start);
        stage.advance(PACE, HAND, at(1));
        stage.rest(at(2));
        assert_eq!(stage.scene(PACE, at(9)), StageScene::Attract(1));
    }
}
