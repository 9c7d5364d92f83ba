//! What tests of boards share: building a simulated one, comparing an engine with the reference at every layer.

use crate::skipped::skip;
use ernscope::engine::reference::ReferenceEngine;
use ernscope::engine::{Engine, Probe, Sums, Wants};
use ernscope::fpga::BoardEngine;
use ernscope::fpga::Link;
use ernscope::frame::InputImage;
use ernscope::network::Op;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Remembers codes and sums a layer.
#[derive(Default)]
pub(crate) struct Recorder {
    pub(crate) codes: BTreeMap<usize, Vec<u8>>,
    pub(crate) sums: BTreeMap<usize, Vec<i32>>,
}

impl Probe for Recorder {
    fn wants(&self, _: usize) -> Wants {
        Wants { codes: true, histogram: false, sums: true }
    }

    fn codes(&mut self, layer: usize, codes: &[u8]) {
        self.codes.insert(layer, codes.to_vec());
    }

    fn sums(&mut self, layer: usize, sums: Sums<'_>) {
        if let Sums::Integers(sums) = sums {
            self.sums.insert(layer, sums.to_vec());
        }
    }
}

pub(crate) fn observe(engine: &mut dyn Engine, image: &InputImage) -> (Recorder, Vec<u32>) {
    let mut recorder = Recorder::default();
    let outcome = engine.run_probed(image, &mut recorder).expect("it runs");
    (recorder, outcome.logits.iter().chain(outcome.others).map(|x| x.to_bits()).collect())
}

/// Programs that this process has built or is building; whoever wants one of them waits for that one alone.
static BUILT: Mutex<BTreeMap<PathBuf, Arc<OnceLock<()>>>> = Mutex::new(BTreeMap::new());

/// The program of a simulated board with these parameters, built where it is not there yet; `None` without verilator.
pub(crate) fn build(name: &str, parameters: &[&str]) -> Option<PathBuf> {
    if Command::new("verilator").arg("--version").output().is_err() {
        skip("a simulated board", "verilator is not installed (apt-get install verilator g++ make)");
        return None;
    }
    let output = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("board-sim").join(name);
    let built = Arc::clone(BUILT.lock().unwrap_or_else(PoisonError::into_inner).entry(output.clone()).or_default());
    built.get_or_init(|| {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/build-board-sim");
        let done =
            Command::new(script).arg("--output").arg(&output).args(parameters).output().expect("the script runs");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    });
    Some(output)
}

/// Compares a picture at every layer.
pub(crate) fn compare<L: Link>(board: &mut BoardEngine<L>, image: &InputImage, what: &str) {
    let network = Arc::clone(board.network());
    let mut reference = ReferenceEngine::new(Arc::clone(&network), image.edge()).expect("a size of it");
    let (expected, logits) = observe(&mut reference, image);
    let (seen, board_logits) = observe(board, image);
    for (layer, codes) in &expected.codes {
        let name = &network.layers()[*layer].name;
        assert_eq!(seen.codes.get(layer), Some(codes), "codes of layer {layer} ({name}), {what}");
    }
    for (layer, sums) in &expected.sums {
        // A convolution's sums do not leave the array.
        if !matches!(network.layers()[*layer].op, Op::Conv { .. }) {
            assert_eq!(seen.sums.get(layer), Some(sums), "sums of layer {layer}, {what}");
        }
    }
    assert_eq!(board_logits, logits, "logits, {what}");
}
