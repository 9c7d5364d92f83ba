//! The program.

fn main() -> std::process::ExitCode {
    ernscope::commands::main()
}
