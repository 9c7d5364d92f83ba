//! How long networks take on one thread, as tables: `cargo run --release --example time_networks -- [SECONDS [MODEL…]]`;
//! where LAYERS is in the environment, every layer's time as well, and where APART is, with float layers that round apart.
//!
//! It knows no file and no process, so that it runs wherever the library does: `benches/web` runs it natively and as WebAssembly.

use ernscope::engine::cpu::{CpuEngine, Level};
use ernscope::engine::{Engine, Probe};
use ernscope::frame::InputImage;
use ernscope::network::Network;
use ernscope::network::published::PublishedShape;
use ernscope::network::shipped::Shipped;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A shipped network, or one of random weights of a published shape.
fn network(name: &str) -> Result<Network, Box<dyn Error>> {
    if let Some(shape) = name.strip_prefix("random:") {
        let (shape, float_input) = shape.strip_suffix("-float-input").map_or((shape, false), |shape| (shape, true));
        return Ok(PublishedShape::named(shape).ok_or("no such shape")?.random(1, float_input)?);
    }
    Ok(Shipped::named(name).ok_or("no such network")?.load()?)
}

/// Bytes that neither repeat nor jump about, as those of pictures.
fn picture(edge: usize) -> InputImage {
    let mut picture = InputImage::black(edge);
    let mut noise = 1_u32;
    for (at, byte) in picture.rgb_mut().iter_mut().enumerate() {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (y, x, colour) = (at / 3 / edge, at / 3 % edge, at % 3);
        *byte = ((y * 160 / edge) + (x * 60 / edge) + colour * 8) as u8 + (noise >> 28) as u8;
    }
    picture
}

/// The shortest time of every layer.
struct Layers(Vec<Duration>);

impl Probe for Layers {
    fn time(&mut self, layer: usize, elapsed: Duration) {
        self.0[layer] = self.0[layer].min(elapsed);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let seconds: f64 = arguments.next().as_deref().unwrap_or("1").parse()?;
    let mut names: Vec<String> = arguments.collect();
    if names.is_empty() {
        names = ["cards", "random:erns18"].map(str::to_owned).to_vec();
    }
    for name in names {
        let network = Arc::new(network(&name)?);
        let edge = network.edge();
        let image = picture(edge);
        let mut engine = CpuEngine::new(network, edge, Level::best_for(0), 1)?;
        engine.round_apart(std::env::var_os("APART").is_some());
        let (start, mut best) = (Instant::now(), Duration::MAX);
        while start.elapsed().as_secs_f64() < seconds {
            let start = Instant::now();
            engine.run(&image)?;
            best = best.min(start.elapsed());
        }
        if std::env::var_os("LAYERS").is_some() {
            let mut layers = Layers(vec![Duration::MAX; engine.network().layers().len()]);
            let start = Instant::now();
            while start.elapsed().as_secs_f64() < seconds {
                engine.run_probed(&image, &mut layers)?;
            }
            let shapes = engine.network().shapes(edge);
            for ((time, shape), kernel) in layers.0.iter().zip(shapes).zip(engine.info().kernels) {
                let (ms, gmacs) = (time.as_secs_f64() * 1e3, shape.macs as f64 / time.as_secs_f64() / 1e9);
                println!("\t{ms:.4}\t{gmacs:.1} GMAC/s\t{} × {}²\t{kernel}", shape.channels, shape.edge);
            }
        }
        println!("{name}\t{}\t{:.4}", engine.info().name, best.as_secs_f64() * 1e3);
    }
    Ok(())
}
