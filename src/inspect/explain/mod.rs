//! Why one value is what it is: every code that a position of a channel reads, the weight it gives each, and where it looks in the
//! picture. All of it is exact: for binary layers Σ weight · code is the integer that the engine holds.
//!
//! A [`Neuron`] is asked about; a [`gathering::Gathering`] is the probe that keeps what it reads, and becomes an [`Explanation`]. What the first
//! layer makes follows from the picture and is computed here, so that no engine, and no board, is asked for it.

mod area;
mod csv;
mod explanation;
mod gathering;
mod groups;
mod neuron;
mod reading;
#[cfg(test)]
mod tests;

pub(crate) use csv::{INPUT, write_csv};
pub(crate) use explanation::{Explanation, Term};
pub(crate) use gathering::{Gathering, explain};
pub(crate) use groups::{Group, GroupBy, LookedUp};
pub(crate) use neuron::{Neuron, layer_named};
