//! Every engine that this machine has, on the pictures whose answers are known.

use super::finding::{Finding, Tell};
use super::golden::{Fingerprint, NETWORKS, PICTURES, pictures};
use crate::engine::cpu::Level;
use crate::engines::{self, EngineChoice, Setup};
use crate::network::Network;
use crate::network::shipped::Shipped;
use anyhow::{Context, Result};
use std::sync::Arc;

/// What to do about a machine that computes something else than others do.
pub(super) const REMEDY: &str =
    "switch the machine off and on; if it stays so, choose another engine with --engine, or another machine";

/// The engines of this machine, and the level that was asked for where it is none of them; boards have a check of their own.
pub(super) fn check(asked: Option<&EngineChoice>, tell: Tell<'_>) {
    let mut choices: Vec<EngineChoice> = here().collect();
    if let Some(level @ EngineChoice::Cpu(Some(_))) = asked.filter(|asked| !choices.contains(asked)) {
        choices.push(level.clone());
    }
    for choice in choices {
        let name = format!("engine {choice}");
        tell(match look(&choice) {
            Ok(Ok(layers)) => {
                let networks = NETWORKS.each_ref().map(|golden| golden.name).join(" and ");
                Finding::well(name, format!("{networks} are right, {layers} layers of test pictures"))
            }
            Ok(Err(says)) => Finding::fault(name, says, REMEDY),
            Err(error) => Finding::of_error(name, &format_args!("{error:#}")),
        });
    }
}

/// The engines that can be had here without a board.
pub(super) fn here() -> impl Iterator<Item = EngineChoice> {
    let levels = Level::ALL.into_iter().filter(|level| level.is_available());
    [EngineChoice::Reference].into_iter().chain(levels.map(|level| EngineChoice::Cpu(Some(level))))
}

/// How many layers were looked at, or what is wrong with one. Of the reference, which takes long, one picture tells enough.
fn look(choice: &EngineChoice) -> Result<Result<usize, String>> {
    let count = if *choice == EngineChoice::Reference { 1 } else { PICTURES };
    let mut layers = 0;
    for golden in &NETWORKS {
        let network = inside(golden.name)?;
        let edge = network.edge();
        let mut engine = engines::open(choice, Arc::clone(&network), Setup::new(edge, threads()))?;
        for (number, (picture, right)) in pictures(edge).iter().zip(golden.answers(&network)).take(count).enumerate() {
            let answer = Fingerprint::of(&mut *engine, picture)?;
            if let Some(layer) = answer.first_difference(&right) {
                return Ok(Err(told(&network, layer, number)));
            }
            layers += answer.seen();
        }
    }
    Ok(Ok(layers))
}

/// Where an answer goes wrong.
pub(super) fn told(network: &Network, layer: usize, picture: usize) -> String {
    let layer = &network.layers()[layer].name;
    format!("`{}` goes wrong in layer `{layer}` on test picture {}", network.name(), picture + 1)
}

/// One of the networks inside the program.
pub(super) fn inside(name: &'static str) -> Result<Arc<Network>> {
    let shipped = Shipped::named(name).context("is not inside: install the program again")?;
    Ok(Arc::new(shipped.load().with_context(|| format!("`{name}` cannot be read: install the program again"))?))
}

/// All cores, as a run has them.
pub(super) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
