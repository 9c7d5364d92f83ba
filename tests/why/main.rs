//! Why a network answers as it does: the command line's questions, asked from outside.

#[path = "../common/folder.rs"]
mod folder;
#[path = "../common/measured.rs"]
mod measured;
#[path = "../common/skipped.rs"]
mod skipped;

mod check;
mod evidence;
mod explain;
mod flight;
mod isolate;
mod moments;
mod occlusion;

use std::process::{Command, Output};

fn ernscope(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ernscope")).args(arguments).output().expect("the binary runs")
}
