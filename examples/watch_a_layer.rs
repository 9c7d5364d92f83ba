//! What every layer holds, and one of them whole: `cargo run --release --example watch_a_layer -- PICTURE [LAYER]`.

use ernscope::engine::Engine;
use ernscope::engine::cpu::{CpuEngine, Level};
use ernscope::frame::InputImage;
use ernscope::inspect::Sampler;
use ernscope::network::ModelChoice;
use ernscope::preprocess::Preprocessor;
use ernscope::source::read_picture;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let picture = read_picture(Path::new(&arguments.next().ok_or("name a picture")?))?;
    let layer = arguments.next().map_or(Ok(0), |layer| layer.parse())?;

    let network = Arc::new(ModelChoice::default().load()?);
    let mut input = InputImage::black(network.edge());
    Preprocessor::new(1).run(&picture.rgb, picture.width, picture.height, &mut input)?;
    let mut engine = CpuEngine::new(Arc::clone(&network), network.edge(), Level::best(), 1)?;
    let mut sampler = Sampler::new(&network, layer);
    engine.run_probed(&input, &mut sampler)?;

    for (layer, sample) in network.layers().iter().zip(sampler.samples()) {
        println!("{:<36} {:>8.1} µs  codes {:?}", layer.name, sample.elapsed.as_secs_f64() * 1e6, sample.codes);
    }
    let (name, detail) = (&network.layers()[sampler.watched()].name, sampler.detail());
    println!("{name}: {} codes, the first sum is {:?}", detail.codes.len(), detail.sums.get(0));
    Ok(())
}
