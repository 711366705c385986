//! `rakewell completions` and `rakewell man`: help for shells and for `man`.

use std::io;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, Outcome, print};

/// Print what makes a shell complete commands and options
///
/// The text goes to a file that the shell reads when it starts.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rakewell completions bash > ~/.local/share/bash-completion/completions/rakewell
  rakewell completions zsh > ~/.zfunc/_rakewell
  rakewell completions fish > ~/.config/fish/completions/rakewell.fish
  rakewell completions powershell >> $PROFILE")]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self) -> io::Result<Outcome> {
        let mut bytes = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "rakewell", &mut bytes);
        print(&String::from_utf8_lossy(&bytes))?;
        Ok(Outcome::Done)
    }
}

/// Print the manual page, of the program or of one command
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rakewell man > rakewell.1
  rakewell man run | man -l -")]
pub(super) struct Man {
    /// The command; the program itself if not given
    command: Option<String>,
}

impl Man {
    pub(super) fn run(&self) -> io::Result<Outcome> {
        let mut program = Cli::command();
        program.build();
        let command = match &self.command {
            None => program,
            Some(name) => match program.find_subcommand(name) {
                Some(found) => found.clone(),
                None => {
                    let known: Vec<String> =
                        program.get_subcommands().map(|c| c.get_name().to_string()).collect();
                    let message = format!("there is no command `{name}`");
                    let help = format!("the commands are {}", known.join(", "));
                    return super::refuse(
                        &rakewell::diagnostic::Diagnostic::error(message).help(help).into(),
                    );
                }
            },
        };
        let mut bytes = Vec::new();
        clap_mangen::Man::new(command).render(&mut bytes)?;
        print(&String::from_utf8_lossy(&bytes))?;
        Ok(Outcome::Done)
    }
}
