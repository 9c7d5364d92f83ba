//! Why a network answers as it does: the command line's questions, asked from outside.

mod isolate;
