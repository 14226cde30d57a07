//! `clearpage completions`: output that clap generates from `args`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::args::Cli;

#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    pub shell: Shell,
}

/// Returns a completion script for the shell.
pub fn completions(args: &Completions) -> String {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "clearpage", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}
