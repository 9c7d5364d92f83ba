//! What tests of the accelerator's cycles share.

use crate::simulated_core::SimulatedCore;
use ernscope::engine::Engine;
use ernscope::fpga::BoardEngine;
use ernscope::fpga::predict;
use ernscope::frame::InputImage;

/// Cycles that the model predicts and those that the board counts are the same, but for what the loader is hindered.
pub(crate) fn check_cycles(board: &mut BoardEngine<SimulatedCore>, image: &InputImage, what: &str) {
    board.run(image).expect("it runs");
    let counted = board.counters().expect("it answers");
    let predicted = predict(board.program(), counted.get(1).map(|first| first.cycles));
    for (index, (counted, predicted)) in counted.iter().zip(&predicted).enumerate() {
        if index == 1 {
            // While it waits for the frame, tiles are drained without another stall.
            assert_eq!(counted.steps, predicted.steps, "{what}");
            assert!(counted.drain_stalls <= predicted.drain_stalls, "{what}");
            let apart = counted.cycles.abs_diff(predict(board.program(), None)[1].cycles);
            assert!(apart <= counted.cycles / 20 + 20, "descriptor 1: {counted:?}, {predicted:?}, {what}");
        } else {
            assert_eq!(counted, predicted, "descriptor {index}, {what}");
        }
    }
}
