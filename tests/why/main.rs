//! Why a network answers as it does: the command line's questions, asked from outside.

mod check;
mod moments;

use std::process::{Command, Output};

fn ernscope(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ernscope")).args(arguments).output().expect("the binary runs")
}
