//! The frame of a command line program: signals, arguments, and the message of an error.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use super::terminal::{Plain, is_active};
use crate::UserError;

/// Parses the arguments, runs `command` and returns the exit code of the process: 2 after an error.
pub fn main<A: Parser>(command: impl FnOnce(&A) -> Result<ExitCode, UserError>) -> ExitCode {
    #[cfg(unix)]
    // SAFETY: no handler runs. If the reader closes the pipe (`clearpage | head`), SIGPIPE ends the
    // program silently; past `ulimit -f` a write fails, and its file is removed.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
    };
    let args = match A::try_parse() {
        Ok(args) => args,
        Err(error) => usage(&error),
    };
    command(&args).unwrap_or_else(|error| {
        eprintln!("error: {}", Plain(error));
        ExitCode::from(2)
    })
}

/// Ends the program as clap does. clap prints arguments unescaped: if one needs escapes, the message
/// is printed without colours.
fn usage(error: &clap::Error) -> ! {
    let raw = |arg: OsString| arg.to_string_lossy().contains(is_active);
    if error.use_stderr() && std::env::args_os().any(raw) {
        error.to_string().lines().for_each(|line| eprintln!("{}", Plain(line)));
        std::process::exit(error.exit_code());
    }
    error.exit()
}
