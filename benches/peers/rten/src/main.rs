//! Times rten's networks on request, as `../peers.py` does those of the other runtimes; that file tells the lines.
//!
//!     rten-peer FOLDER THREADS

use anyhow::{Context, Result};
use rten::{Model, RunOptions, ThreadPool};
use rten_tensor::NdTensor;
use rten_tensor::prelude::AsView;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// As in `../models.py`.
const EDGE: usize = 256;
const NETWORKS: [&str; 3] = ["resnet18", "resnet50", "mobilenetv2"];

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().context("which folder holds the networks?")?;
    let threads = arguments.next().context("how many threads?")?.parse()?;
    let models = match load(Path::new(&folder)) {
        Ok(models) => models,
        Err(error) => {
            println!("{}", json!({ "runtime": "rten", "error": format!("{error:#}") }));
            return Ok(());
        }
    };
    let options = RunOptions::default().with_thread_pool(Some(Arc::new(ThreadPool::with_num_threads(threads))));
    println!("{}", json!({ "runtime": "rten 0.27", "networks": NETWORKS }));
    for line in std::io::stdin().lock().lines() {
        let wanted: Value = serde_json::from_str(&line?)?;
        let model = wanted["network"].as_str().and_then(|name| models.get(name)).context("no such network")?;
        let frames = wanted["frames"].as_u64().context("how many frames?")?;
        run(model, &options)?;
        let times = (0..frames).map(|_| run(model, &options)).collect::<Result<Vec<f64>>>()?;
        println!("{}", json!({ "ms": times }));
    }
    Ok(())
}

fn load(folder: &Path) -> Result<HashMap<&'static str, Model>> {
    let load = |name| Ok((name, Model::load_file(folder.join(format!("{name}.dynamic.onnx")))?));
    NETWORKS.into_iter().map(load).collect()
}

/// A frame's time in ms.
fn run(model: &Model, options: &RunOptions) -> Result<f64> {
    let picture = NdTensor::<f32, 4>::from_fn([1, 3, EDGE, EDGE], |at| (at.iter().sum::<usize>() % 5) as f32 - 2.0);
    let start = Instant::now();
    model.run_one(picture.view().into(), Some(options.clone()))?;
    Ok(start.elapsed().as_secs_f64() * 1e3)
}
