//! The `clearpage` tool: see `clearpage --help`.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use clearpage_cli::args::{Cli, Command};
use clearpage_cli::terminal::{Plain, is_active};
use clearpage_cli::{UserError, bench, compare, generate, info, judge, list, render, replay, tune};

fn main() -> ExitCode {
    #[cfg(unix)]
    // SAFETY: no handler runs: a reader that goes away (`clearpage | head`) ends the program
    // quietly, as it does any other; past `ulimit -f` a write fails and its file is removed.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
    };
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => usage(&error),
    };
    match run(&cli) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", Plain(error));
            ExitCode::from(2)
        }
    }
}

/// Ends the program as clap does, whose message has the arguments unescaped. If one needs escapes, the
/// message is printed without colours.
fn usage(error: &clap::Error) -> ! {
    let raw = |arg: OsString| arg.to_string_lossy().contains(is_active);
    if error.use_stderr() && std::env::args_os().any(raw) {
        error.to_string().lines().for_each(|line| eprintln!("{}", Plain(line)));
        std::process::exit(error.exit_code());
    }
    error.exit()
}

fn run(cli: &Cli) -> Result<ExitCode, UserError> {
    // These need no plan: a bad one may be what they are asked to put right.
    let planless = |command: &Command| {
        use Command::{Compare, Completions, Judge, Man, Tune};
        matches!(command, Compare(_) | Judge(_) | Tune(_) | Completions(_) | Man(_))
    };
    if !cli.command.as_ref().is_some_and(planless) {
        clearpage::init().map_err(|error| UserError(error.to_string()))?;
    }
    match &cli.command {
        Some(Command::Info) => info::print(),
        Some(Command::List { markdown: true }) => list::print_markdown(),
        Some(Command::List { markdown: false }) => list::print(),
        Some(Command::Render(args)) => render::run(args)?,
        Some(Command::Gallery(args)) => render::gallery::run(args)?,
        Some(Command::Completions(args)) => generate::completions(args)?,
        Some(Command::Man(args)) => generate::man(args)?,
        Some(Command::Bench(args)) => return bench::run(args),
        Some(Command::Compare(args)) => return compare::run(args),
        Some(Command::Judge(args)) => return Ok(judge::run(args)),
        Some(Command::Tune(args)) => return tune::run(args),
        Some(Command::Replay(args)) => return replay::run(args),
        None => {
            info::print();
            println!();
            list::print();
            println!();
            return bench::run(&cli.bench);
        }
    }
    Ok(ExitCode::SUCCESS)
}
