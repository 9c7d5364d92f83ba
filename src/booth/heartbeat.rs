//! The heartbeat: a line of JSON from the stage, four times a second. It counts what was painted and predicted, since a thread may live
//! in a window that hangs.

use super::lines::each_line;
use super::snapshot::snapshot;
use crate::frame::Frame;
use crate::text::one_line;
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use web_time::{Duration, Instant};

/// Between two beats.
const EVERY: Duration = Duration::from_millis(250);
/// Between two pictures.
const PICTURE_EVERY: Duration = Duration::from_secs(1);
/// No honest beat is longer, in bytes: a picture is the most of it.
const LONGEST_BEAT: usize = 256 << 10;
/// No honest picture is larger, in bytes.
const LARGEST_PICTURE: usize = 48 << 10;
/// The longest words of a beat, in characters.
const LONGEST_WORDS: usize = 200;

/// What the stage says of itself. What it leaves out is as in the default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Heartbeat {
    /// Frames painted since the stage began.
    pub painted: u64,
    /// Predictions made since then.
    pub predicted: u64,
    /// How long ago the last frame was painted.
    pub painted_ms_ago: u64,
    /// How long ago the last prediction was seen.
    pub predicted_ms_ago: u64,
    /// Whether a person holds the picture, so that no prediction is due.
    pub held: bool,
    /// Predictions a second.
    pub frames_per_s: f32,
    /// From the capture to the prediction.
    pub latency_ms: f32,
    /// What the source does, in words.
    pub camera: String,
    /// How it stands with the board, in words; empty without one.
    pub board: String,
    /// What is wrong, in words; empty where all is well.
    pub fault: String,
    /// What the morning check found, in words; empty where there was none.
    pub selftest: String,
    /// The label that stands on the stage for what the camera sees; empty without one.
    pub card: String,
    /// What the camera sees, as a JPEG; empty where `booth.toml` does not want it shown.
    pub picture: Vec<u8>,
    /// What the stage plays.
    pub mode: StageMode,
}

/// What the stage plays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StageMode {
    /// What stands before the camera.
    #[default]
    Live,
    /// The demo, which explains itself.
    Attract,
    /// Asks whether anybody is there.
    Countdown,
    /// The title, while the machine is checked.
    Opening,
}

impl Heartbeat {
    /// As the supervisor takes it: figures that are some, words of a bounded length and without control characters.
    fn sound(mut self) -> Self {
        for figure in [&mut self.frames_per_s, &mut self.latency_ms] {
            *figure = if figure.is_finite() { figure.clamp(0.0, 1e6) } else { 0.0 };
        }
        for words in [&mut self.camera, &mut self.board, &mut self.fault, &mut self.selftest, &mut self.card] {
            *words = one_line(&words.chars().take(LONGEST_WORDS).collect::<String>());
        }
        if self.picture.len() > LARGEST_PICTURE {
            self.picture = Vec::new();
        }
        self
    }
}

/// The stage's side: counts, and writes a beat every quarter of a second until nobody reads any.
#[derive(Clone, Debug)]
pub(crate) struct Pulse(Arc<Mutex<PulseState>>);

#[derive(Debug)]
struct PulseState {
    beat: Heartbeat,
    painted: Instant,
    predicted: Instant,
    /// What the camera sees, where it is to be shown.
    frame: Option<Frame>,
}

impl Pulse {
    /// Writes to `out` from now on.
    ///
    /// # Errors
    /// The system's, where it gives no thread.
    pub(crate) fn start(out: impl Write + Send + 'static) -> io::Result<Self> {
        let now = Instant::now();
        let pulse = Self(Arc::new(Mutex::new(PulseState {
            beat: Heartbeat::default(),
            painted: now,
            predicted: now,
            frame: None,
        })));
        let theirs = pulse.clone();
        thread::Builder::new().name("heartbeat".into()).spawn(move || theirs.write(out))?;
        Ok(pulse)
    }

    /// A frame is painted.
    pub(crate) fn painted(&self) {
        let mut state = self.state();
        state.beat.painted += 1;
        state.painted = Instant::now();
    }

    /// Takes what there is to say beside.
    pub(crate) fn reported(&self, tell: impl FnOnce(&mut Heartbeat)) {
        let mut state = self.state();
        let before = state.beat.predicted;
        tell(&mut state.beat);
        if state.beat.predicted != before {
            state.predicted = Instant::now();
        }
    }

    /// What is to be shown from afar.
    pub(crate) fn shows(&self, frame: Option<&Frame>) {
        self.state().frame = frame.cloned();
    }

    fn state(&self) -> MutexGuard<'_, PulseState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn beat(&self) -> Heartbeat {
        let state = self.state();
        let ago = |then: Instant| u64::try_from(then.elapsed().as_millis()).unwrap_or(u64::MAX);
        let [painted_ms_ago, predicted_ms_ago] = [state.painted, state.predicted].map(ago);
        Heartbeat { painted_ms_ago, predicted_ms_ago, ..state.beat.clone() }.sound()
    }

    fn write(&self, mut out: impl Write) {
        let mut pictured = Instant::now();
        loop {
            thread::sleep(EVERY);
            let mut beat = self.beat();
            if pictured.elapsed() >= PICTURE_EVERY {
                pictured = Instant::now();
                let frame = self.state().frame.take();
                beat.picture = frame.as_ref().and_then(snapshot).unwrap_or_default();
            }
            let Ok(mut line) = serde_json::to_vec(&beat) else { return };
            line.push(b'\n');
            if out.write_all(&line).and_then(|()| out.flush()).is_err() {
                return;
            }
        }
    }
}

/// The supervisor's side: hears beats until the pipe closes. What is no beat is passed over.
pub(super) fn hear(input: impl Read, mut tell: impl FnMut(Heartbeat)) {
    each_line(input, LONGEST_BEAT, |line| {
        // A list would be taken for the fields in their order.
        if let Some(beat) = line.starts_with('{').then(|| serde_json::from_str::<Heartbeat>(line).ok()).flatten() {
            tell(beat.sound());
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_heard() {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        let pulse = Pulse::start(writer).expect("a thread");
        pulse.painted();
        pulse.painted();
        pulse.reported(|beat| {
            (beat.predicted, beat.latency_ms, beat.mode) = (7, f32::NAN, StageMode::Attract);
            beat.camera = "a\nb".repeat(1000);
        });
        let mut heard = None;
        each_line(reader.take(1000), LONGEST_BEAT, |line| {
            hear(line.as_bytes(), |beat| {
                heard.get_or_insert(beat);
            });
        });
        let beat = heard.expect("a beat");
        assert_eq!((beat.painted, beat.predicted, beat.latency_ms, beat.mode), (2, 7, 0.0, StageMode::Attract));
        assert!((200..5000).contains(&beat.painted_ms_ago) && beat.camera.starts_with("a\\nba"), "{beat:?}");
    }

    #[test]
    fn garbage_is_passed_over() {
        let mut text = b"\xff\xff\n{\"painted\": -1}\n{\"painted\": \"x\"}\n[1]\nnull\n{".to_vec();
        text.extend(vec![b'{'; 100_000]);
        text.extend(b"\n{\"painted\": 3, \"mode\": \"attract\", \"more\": 1}\n{\"painted\": 4");
        let mut beats = Vec::new();
        hear(text.as_slice(), |beat| beats.push((beat.painted, beat.mode)));
        assert_eq!(beats, [(3, StageMode::Attract)]);
    }
}
