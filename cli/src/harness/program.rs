//! The frame of a command line program: signals, arguments, and the message of an error.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use super::output::note;
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
    let code = match A::try_parse() {
        Ok(args) => command(&args),
        Err(error) => usage(&error),
    };
    code.unwrap_or_else(|error| {
        note(&format_args!("error: {}", Plain(error)));
        ExitCode::from(2)
    })
}

/// Returns the arguments of this process for a report, without the files that they name: a report has
/// no paths of its writer.
pub fn recorded_arguments() -> Vec<String> {
    without_files(std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()))
}

fn without_files(args: impl Iterator<Item = String>) -> Vec<String> {
    const FILES: [&str; 4] = ["--json", "--csv", "--svg", "--html"];
    let mut is_file = false;
    let kept = args.filter(|arg| {
        let was_file = std::mem::replace(&mut is_file, FILES.contains(&&**arg));
        let option = arg.split_once('=').map_or(&**arg, |(option, _)| option);
        !was_file && !FILES.contains(&option)
    });
    // The folder is optional.
    kept.map(|arg| if arg.starts_with("--share=") { "--share".to_owned() } else { arg }).collect()
}

/// Prints what clap prints: the help, or an error. clap prints arguments unescaped: if one needs
/// escapes, the message is printed without colours.
fn usage(error: &clap::Error) -> Result<ExitCode, UserError> {
    let raw = |arg: OsString| arg.to_string_lossy().contains(is_active);
    if error.use_stderr() && std::env::args_os().any(raw) {
        error.to_string().lines().for_each(|line| note(&Plain(line)));
    } else if let Err(error) = error.print().and_then(|()| io::stdout().flush()) {
        return Err(UserError(format!("standard output: {error}")));
    }
    Ok(ExitCode::from(error.exit_code() as u8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_arguments_have_no_paths() {
        let args =
            "bench --json /home/me/a --size 4K --svg=/home/me/b --share=/home/me --html --quick";
        let kept = without_files(args.split(' ').map(str::to_owned));
        assert_eq!(kept, ["bench", "--size", "4K", "--share"]);
    }
}
