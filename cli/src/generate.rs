//! `clearpage completions` and `clearpage man`: output that clap generates from `args`.

use std::io::{self, Write};

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::UserError;
use crate::args::Cli;

#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    pub shell: Shell,
}

#[derive(Debug, Args)]
pub struct Man {
    /// The command [default: the tool itself]
    pub command: Option<String>,
}

/// Prints a completion script for the shell.
///
/// # Errors
/// Standard output cannot be written.
pub fn completions(args: &Completions) -> Result<(), UserError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "clearpage", &mut script);
    printed(&script)
}

/// Prints a manual page, as roff.
///
/// # Errors
/// There is no such command, or standard output cannot be written.
pub fn man(args: &Man) -> Result<(), UserError> {
    let mut tool = Cli::command().disable_help_subcommand(true);
    tool.build();
    let command = match &args.command {
        None => tool,
        Some(name) => tool.find_subcommand(name).cloned().ok_or_else(|| {
            let allowed: Vec<_> = tool.get_subcommands().map(clap::Command::get_name).collect();
            UserError(format!("man {name}: no such command; allowed are {}", allowed.join(", ")))
        })?,
    };
    let mut page = Vec::new();
    let source = concat!("clearpage ", env!("CARGO_PKG_VERSION"));
    let rendered = clap_mangen::Man::new(command).source(source).render(&mut page);
    rendered.map_err(|error| UserError(format!("man: {error}")))?;
    printed(&page)
}

fn printed(text: &[u8]) -> Result<(), UserError> {
    let written = io::stdout().write_all(text);
    written.map_err(|error| UserError(format!("standard output: {error}")))
}
