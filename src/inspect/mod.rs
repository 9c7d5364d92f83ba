//! What a probe records and what can be asked of it.
