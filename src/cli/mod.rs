//! The command-line program: what the commands are, and what they leave behind.
//!
//! Each command is one file with its arguments and `fn run(&self) -> io::Result<Outcome>`.

mod check;
mod completions;
mod describe;
mod design;
mod diff;
mod draw;
mod dry_run;
mod init;
mod outputs;
pub(crate) mod panic;
mod plan;
mod populate;
mod progress;
mod render;
mod run;
mod schema;
mod schemes;
pub(crate) mod signals;
mod simulate;
mod validate;
mod weigh;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use rakewell::diagnostic::Diagnostics;

/// Survey weights that can be trusted, and small-group estimates that say how far.
#[derive(Debug, Parser)]
#[command(
    name = "rakewell",
    version,
    arg_required_else_help = true,
    after_help = "\
A day with rakewell:
  rakewell init                 write a commented study file to start from
  rakewell describe data.csv    what is in a data file: variables, levels, missing codes
  rakewell draw design.toml     select a sample from a frame
  rakewell plan design.toml     how many to sample, where, at what cost, how precisely
  rakewell check study.toml     see every mistake in it, with its place and the way out
  rakewell run study.toml       weights, estimates and a report
  rakewell weigh study.toml     the weights alone, with diagnostics by step and group
  rakewell validate             our numbers beside published ones

Exit codes:
  0    done
  1    a file has mistakes, or cannot be read or written, or a published number is not met
  2    the command was given wrong arguments
  130  stopped by Ctrl-C (143 by `kill`); no file is left half-written
  101  rakewell itself is at fault: please report it"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Init),
    Describe(describe::Describe),
    Populate(populate::Populate),
    Draw(draw::Draw),
    Simulate(simulate::Simulate),
    Design(design::Design),
    Plan(plan::Plan),
    Check(check::Check),
    Run(run::Run),
    Weigh(weigh::Weigh),
    Diff(diff::Diff),
    Schemes(schemes::Schemes),
    Schema(schema::Schema),
    Validate(validate::Validate),
    Completions(completions::Completions),
    Man(completions::Man),
}

/// How much a command says.
#[derive(Debug, Clone, Copy, Default, Args)]
struct Loudness {
    /// Print nothing but mistakes
    #[arg(short, long)]
    quiet: bool,
    /// Say what is done when, and how long it took
    #[arg(short, long, conflicts_with = "quiet")]
    verbose: bool,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// As it should.
    Done,
    /// With mistakes in a file, which have been shown.
    Mistakes,
}

/// Runs the command that was asked for.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        Command::Init(command) => command.run(),
        Command::Design(command) => command.run(),
        Command::Plan(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::Run(command) => command.run(),
        Command::Weigh(command) => command.run(),
        Command::Diff(command) => command.run(),
        Command::Describe(command) => command.run(),
        Command::Populate(command) => command.run(),
        Command::Draw(command) => command.run(),
        Command::Simulate(command) => command.run(),
        Command::Schemes(command) => command.run(),
        Command::Completions(command) => command.run(),
        Command::Man(command) => command.run(),
        Command::Schema(command) => command.run(),
        Command::Validate(command) => command.run(),
    };
    match outcome {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Mistakes) => ExitCode::from(1),
        Err(error) => {
            let _ = writeln!(io::stderr(), "rakewell: cannot write the output: {error}");
            ExitCode::from(1)
        }
    }
}

/// Shows mistakes on standard error.
fn refuse(mistakes: &Diagnostics) -> io::Result<Outcome> {
    let style = render::Style::of_stderr();
    io::stderr().write_all(render::text(mistakes, &style).as_bytes())?;
    Ok(Outcome::Mistakes)
}

/// Writes to standard output. That nobody reads to the end (`| head`) is no fault.
fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }
}
