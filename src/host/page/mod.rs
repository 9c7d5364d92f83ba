//! A page in a browser: one thread, no files but those that a person gives, and what `browser.js` asks of it.

pub(crate) mod browser;
pub(crate) mod files;
pub(crate) mod threads;
