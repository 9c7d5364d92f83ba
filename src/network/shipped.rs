//! The networks inside the binary, by name.
