//! What a network says of a picture: `cargo run --release --example classify -- PICTURE [MODEL]`.

use ernscope::engine::cpu::{CpuEngine, Level};
use ernscope::engine::{Engine, softmax};
use ernscope::frame::InputImage;
use ernscope::network::ModelChoice;
use ernscope::preprocess::Preprocessor;
use ernscope::source::read_picture;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let picture = read_picture(Path::new(&arguments.next().ok_or("name a picture")?))?;
    let model: ModelChoice = arguments.next().as_deref().unwrap_or("objects").parse()?;

    let network = Arc::new(model.load()?);
    let mut input = InputImage::black(network.edge());
    Preprocessor::new(1).run(&picture.rgb, picture.width, picture.height, &mut input)?;
    let mut engine = CpuEngine::new(Arc::clone(&network), network.edge(), Level::best(), 1)?;
    let outcome = engine.run(&input)?;

    let mut probabilities = Vec::new();
    softmax(outcome.logits, &mut probabilities);
    let class = outcome.class();
    println!("{}: {:.1} %", network.labels()[class], 100.0 * probabilities[class]);
    Ok(())
}
