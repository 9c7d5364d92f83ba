//! The board: whether it answers, and what the networks' right answers are.

use super::engines::{inside, told};
use super::finding::{Finding, Tell};
use super::golden::{Fingerprint, NETWORKS, PICTURES, pictures};
use crate::engine::Engine;
use crate::engines::{self, EngineChoice, Setup};
use crate::fpga::BoardChoice;
use crate::fpga::link::ports::serial;
use anyhow::Result;
use std::sync::Arc;

const REMEDY: &str = "load the bitstream that comes with this program again; if it stays so, let `ernscope diff --isolate` tell which \
                      part is wrong, or choose --engine cpu";

/// The board that was asked for, or the first one that is there.
pub(super) fn check(asked: Option<EngineChoice>, tell: Tell<'_>) {
    let is_there = || serial::ports().iter().any(|port| port.is_board);
    let choice = match asked {
        Some(choice @ EngineChoice::Fpga(_)) => choice,
        _ if is_there() => EngineChoice::Fpga(BoardChoice::First),
        _ => return tell(Finding::absent("board", "none is connected")),
    };
    let name = format!("board {choice}");
    tell(match look(&choice) {
        Ok(Ok(says)) => Finding::well(name, says),
        Ok(Err(says)) => Finding::fault(name, says, REMEDY),
        Err(error) => Finding::of_error(name, &format_args!("{error:#}")),
    });
}

/// The answers to all pictures, then the layers of one: reading back takes a line's time. What was looked at, or what is wrong.
fn look(choice: &EngineChoice) -> Result<Result<String, String>> {
    let [golden, ..] = &NETWORKS;
    let network = inside(golden.name)?;
    let edge = network.edge();
    let mut board: Box<dyn Engine> = engines::open(choice, Arc::clone(&network), Setup::new(edge, 1))?;
    let (pictures, right) = (pictures(edge), golden.answers(&network));
    for (number, (picture, right)) in pictures.iter().zip(&right).enumerate() {
        if Fingerprint::of_logits(&mut *board, picture)?.first_difference(right).is_some() {
            return Ok(Err(format!("it answers wrongly: `{}` on test picture {}", network.name(), number + 1)));
        }
    }
    let seen = Fingerprint::of(&mut *board, &pictures[0])?;
    Ok(match seen.first_difference(&right[0]) {
        Some(layer) => Err(told(&network, layer, 0)),
        None => {
            let layers = seen.seen();
            Ok(format!("`{}` is right: {PICTURES} test pictures, {layers} layers of one", network.name()))
        }
    })
}
