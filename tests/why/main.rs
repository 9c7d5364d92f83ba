//! Why a network answers as it does: the command line's questions, asked from outside.

#[path = "../common/folder.rs"]
mod folder;
#[path = "../common/measured.rs"]
mod measured;

mod flight;
