//! The frame of a command line program: signals, arguments, and the message of an error.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use super::output::note;
use super::terminal::Plain;
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

/// Prints what clap prints: the help, or an error, which becomes a line. clap prints arguments unescaped.
fn usage(error: &clap::Error) -> Result<ExitCode, UserError> {
    // Without any argument, a command that needs one prints its help as an error.
    let is_help = error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    if error.use_stderr() && !is_help {
        note(&Plain(in_a_line(&error.to_string())));
    } else if let Err(error) = error.print().and_then(|()| io::stdout().flush()) {
        return Err(UserError(format!("standard output: {error}")));
    }
    Ok(ExitCode::from(error.exit_code() as u8))
}

/// Joins the lines of a message of clap.
fn in_a_line(message: &str) -> String {
    let mut out = String::new();
    for line in message.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let line = match line.strip_prefix("For more information, try ") {
            Some(option) => format!("see {}", option.trim_end_matches('.')),
            None => line.replacen("Usage: ", "usage: ", 1),
        };
        // Allowed values, and a list of arguments.
        let continues = out.ends_with(':') || line.starts_with(['[', '<']);
        out += match (out.is_empty(), continues) {
            (true, _) => "",
            (false, true) => " ",
            (false, false) => "; ",
        };
        out += &line;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_arguments_are_a_line() {
        let cases = [
            (
                "error: invalid value 'a' for '--b <B>'\n  [possible values: c, d]\n\n\
                 For more information, try '--help'.\n",
                "error: invalid value 'a' for '--b <B>' [possible values: c, d]; see '--help'",
            ),
            (
                "error: the following required arguments were not provided:\n  <A>\n  <B>...\n\n\
                 Usage: x <A> <B>...\n\nFor more information, try '--help'.\n",
                "error: the following required arguments were not provided: <A> <B>...; \
                 usage: x <A> <B>...; see '--help'",
            ),
        ];
        for (message, line) in cases {
            assert_eq!(in_a_line(message), line);
        }
    }

    #[test]
    fn recorded_arguments_have_no_paths() {
        let args =
            "bench --json /home/me/a --size 4K --svg=/home/me/b --share=/home/me --html --quick";
        let kept = without_files(args.split(' ').map(str::to_owned));
        assert_eq!(kept, ["bench", "--size", "4K", "--share"]);
    }
}
