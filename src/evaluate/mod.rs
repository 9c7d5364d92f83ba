//! Labelled pictures, and how many of them a network gets right.
//!
//! [`Dataset`] finds pictures and their classes, [`Views`] brings each to what a network reads, once or ten times, [`Tally`]
//! counts the answers, [`Separation`] how sure the network was of them and of pictures that show none of its classes.

mod dataset;
mod separation;
mod tally;
mod views;

pub(crate) use dataset::{ClassFolder, Dataset, DatasetError, Mapping, unlabelled};
pub(crate) use separation::Separation;
pub(crate) use tally::{Confusion, Tally};
pub(crate) use views::{Cut, Resize, Views};
