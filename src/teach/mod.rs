//! Teaching: a few frames of new things become classes of a network, in milliseconds.
//!
//! The eyes of the network that is there stay as they are, up to one of its last layers; new is the classifier behind them, one binary
//! filter a class. What is taught is a network like any other: it has a model file, and runs on every engine.
//!
//! ```text
//! frame ──▶ varied copies (vary, cutout) ──▶ pooled codes (eyes) ──▶ sums of products (moments)
//!                                                                          │
//!           network (taught) ◀── signs and scales (signs) ◀── ridge regression (recipe)
//! ```
//!
//! `lesson` keeps what was shown and follows every frame; `validate` asks on held-out frames which layer serves best, which classes
//! are taken for each other and how sure one may be. `bank` has what the eyes see of other things.

mod bank;
mod calibrate;
mod cutout;
#[cfg(feature = "app")]
mod draft;
mod eyes;
mod kept;
mod lesson;
mod moments;
mod recipe;
mod signs;
mod taught;
#[cfg(feature = "app")]
mod teacher;
mod validate;
mod vary;
mod vectors;

pub(crate) use lesson::{Lesson, MOST_CLASSES};
#[cfg(feature = "app")]
pub(crate) use teacher::{ClassProgress, Progress, TeachCommand, Teacher};
#[cfg(feature = "app")]
pub(crate) use vectors::TAUGHT;
