//! Frames of one's own through the pipeline, ten predictions of them: `cargo run --release --example own_source`.

use ernscope::engines::EngineChoice;
use ernscope::network::ModelChoice;
use ernscope::pipeline::{Pipeline, Prediction, Settings};
use ernscope::source::{Picture, Polled, Source, SourceError};
use std::error::Error;
use std::sync::mpsc::channel;
use std::time::Duration;

/// A square that wanders over a grey ground.
struct Wanderer {
    steps: u32,
}

const EDGE: u32 = 96;

impl Source for Wanderer {
    fn name(&self) -> String {
        "a wandering square".into()
    }

    /// Frames a second.
    fn rate(&self) -> Option<f32> {
        Some(30.0)
    }

    fn next(&mut self, _patience: Duration) -> Result<Polled, SourceError> {
        let left = self.steps % (EDGE - 20);
        self.steps += 1;
        let is_square = |x: u32, y: u32| (left..left + 20).contains(&x) && (40..60).contains(&y);
        let pixel = |place: u32| if is_square(place % EDGE, place / EDGE) { [230, 60, 40] } else { [120; 3] };
        let rgb: Vec<u8> = (0..EDGE * EDGE).flat_map(pixel).collect();
        Ok(Polled::Picture(Picture::new(EDGE, EDGE, rgb.into())))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let settings = Settings { model: ModelChoice::default(), engine: EngineChoice::Cpu(None), edge: None, threads: 1 };
    let (wake, woken) = channel();
    // After the last frame nobody listens.
    let news = move || {
        let _ = wake.send(());
    };
    let pipeline = Pipeline::start_with(settings, Box::new(Wanderer { steps: 0 }), news)?;
    let mut seen = 0;
    while seen < 10 {
        woken.recv()?;
        if let Some(report) = pipeline.report().filter(|report| report.sequence >= seen) {
            let (class, p) = Prediction::top(&report.prediction.raw, 1)[0];
            println!("frame {}: {} ({:.1} %)", report.frame.index, report.network.labels()[class], 100.0 * p);
            seen = report.sequence + 1;
        }
    }
    Ok(())
}
