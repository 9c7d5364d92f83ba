//! Every layer of a run as one safetensors file, written while the engine runs.

use crate::engine::{Engine, EngineError, Probe, Wants};
use crate::frame::InputImage;
use crate::host::files;
use crate::network::{LayerShape, Network};
use serde_json::{Map, Value, json};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why there is no dump.
#[derive(Debug, Error)]
pub(crate) enum DumpError {
    /// The file system says no.
    #[error("cannot write {} ({why}): name a file that may be written, where there is room for it", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's words.
        why: io::Error,
    },
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Runs `engine` on `image`, of which `logits` are known, and writes to the file `path`: `logits` F32 `[1, classes]`, and
/// `activation.LAYER` U8 `[1, C, H, W]` for every layer that makes codes.
///
/// # Errors
/// [`DumpError`]; what was written by then stays.
pub(crate) fn write(engine: &mut dyn Engine, image: &InputImage, logits: &[f32], path: &Path) -> Result<(), DumpError> {
    let start = start(engine.network(), engine.edge(), logits);
    let failed = |why| DumpError::File { path: path.to_owned(), why };
    let mut file = BufWriter::new(files::File::create(path).map_err(failed)?);
    let mut writer = CodeWriter { outcome: file.write_all(&start), file };
    engine.run_probed(image, &mut writer)?;
    writer.outcome.and_then(|()| writer.file.flush()).map_err(failed)
}

/// Writes codes as they come.
struct CodeWriter {
    file: BufWriter<files::File>,
    outcome: io::Result<()>,
}

impl Probe for CodeWriter {
    fn wants(&self, _: usize) -> Wants {
        Wants { codes: self.outcome.is_ok(), ..Wants::default() }
    }

    fn codes(&mut self, _: usize, codes: &[u8]) {
        self.outcome = self.file.write_all(codes);
    }
}

/// The container's header and the logits. They come first: four bytes each, they lie at multiples of four there.
fn start(network: &Network, edge: usize, logits: &[f32]) -> Vec<u8> {
    let mut end = 0;
    let mut entry = |dtype: &str, shape: &[usize], bytes: usize| {
        let begin = end;
        end += bytes;
        json!({ "dtype": dtype, "shape": shape, "data_offsets": [begin, end] })
    };
    let mut entries: Map<String, Value> = Map::new();
    entries.insert("logits".into(), entry("F32", &[1, logits.len()], size_of_val(logits)));
    for (layer, LayerShape { channels, edge, .. }) in network.layers().iter().zip(network.shapes(edge)) {
        if layer.op.makes_codes() {
            let codes = entry("U8", &[1, channels, edge, edge], channels * edge * edge);
            entries.insert(format!("activation.{}", layer.name), codes);
        }
    }
    let mut header = Value::Object(entries).to_string().into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    let logits = logits.iter().flat_map(|x| x.to_le_bytes());
    (header.len() as u64).to_le_bytes().into_iter().chain(header).chain(logits).collect()
}
