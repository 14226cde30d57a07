//! `clearpage completions` and `clearpage man`: output that clap generates from `args`.

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

/// Returns a completion script for the shell.
pub fn completions(args: &Completions) -> String {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "clearpage", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Returns a manual page, as roff.
///
/// # Errors
/// There is no such command.
pub fn man(args: &Man) -> Result<String, UserError> {
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
    Ok(String::from_utf8_lossy(&page).into_owned())
}
