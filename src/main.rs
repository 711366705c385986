//! The command-line program.
#![forbid(unsafe_code)]

mod cli;

fn main() -> std::process::ExitCode {
    cli::panic::install();
    cli::signals::watch();
    cli::main()
}
