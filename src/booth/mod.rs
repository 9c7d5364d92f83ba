//! A booth: the instrument among strangers, all day, without an engineer.

pub(crate) mod motion;
pub(crate) mod play;
pub(crate) mod staging;
pub(crate) mod words;
