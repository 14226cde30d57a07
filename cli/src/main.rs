//! The `clearpage` tool: see `clearpage --help`.

use std::process::ExitCode;

use clap::Parser;
use clearpage_cli::args::{Cli, Command};
use clearpage_cli::{UserError, bench, info, list, render};

fn main() -> ExitCode {
    #[cfg(unix)]
    // SAFETY: no handler runs: a reader that goes away (`clearpage | head`) ends the program
    // quietly, as it does any other.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL)
    };
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(cli: &Cli) -> Result<(), UserError> {
    clearpage::init().map_err(|error| UserError(error.to_string()))?;
    match &cli.command {
        Some(Command::Info) => info::print(),
        Some(Command::List) => list::print(),
        Some(Command::Bench(args)) => bench::run(args)?,
        Some(Command::Render(args)) => render::run(args)?,
        Some(Command::Gallery(args)) => render::gallery::run(args)?,
        None => {
            info::print();
            println!();
            list::print();
            println!();
            bench::run(&cli.bench)?;
        }
    }
    Ok(())
}
