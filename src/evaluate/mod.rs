//! Labelled pictures, and how many of them a network gets right.
//!
//! [`Dataset`] finds pictures and their classes, [`Views`] brings each to what a network reads, once or ten times, [`Tally`]
//! counts the answers.

mod dataset;
mod tally;
mod views;

pub(crate) use dataset::{Dataset, DatasetError, Mapping};
pub(crate) use tally::{Confusion, Tally};
pub(crate) use views::{Cut, Resize, Views};
