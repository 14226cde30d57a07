//! The command line: an argument a line, of any bytes. No argument panics, an error is exit code 2,
//! and what parses is within the limits that the help names.
#![no_main]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use clap::Parser;
use clap::error::ErrorKind;
use clearpage_cli::args::{Bench, Cli, Command, Cpus, Threads};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let arguments = input.split(|&byte| byte == b'\n').map(OsStr::from_bytes);
    match Cli::try_parse_from([OsStr::new("clearpage")].into_iter().chain(arguments)) {
        Err(error) => {
            let asked = [ErrorKind::DisplayHelp, ErrorKind::DisplayVersion].contains(&error.kind());
            assert_eq!(error.exit_code(), if asked { 0 } else { 2 });
            let text = error.render().to_string();
            assert!(!text.is_empty() && text.len() < 16_384 + 8 * input.len(), "{}", text.len());
        }
        Ok(cli) => check(&cli),
    }
});

fn check(cli: &Cli) {
    match &cli.command {
        Some(Command::Bench(args)) => bench(args),
        Some(Command::Compare(args)) => {
            assert!(args.threshold.is_finite() && args.threshold >= 0.0)
        }
        Some(Command::Judge(args)) => {
            assert!((0.0..=1.0).contains(&args.floor) && !args.reports.is_empty());
        }
        Some(Command::Tune(args)) => {
            assert!(args.budget > Duration::ZERO && args.budget <= Duration::from_secs(60));
        }
        Some(Command::Render(args)) => {
            let drawings = &args.drawings;
            assert!(
                [&drawings.csv, &drawings.svg, &drawings.html].iter().any(|path| path.is_some())
            );
        }
        _ => {}
    }
}

fn bench(args: &Bench) {
    assert!(args.loops.is_none_or(|loops| loops >= 3));
    assert!(!args.threads.contains(&Threads::Some(0)));
    if let Some(Cpus::Some(ranges)) = &args.cpu {
        assert!(!ranges.is_empty() && ranges.iter().all(|range| !range.is_empty()));
    }
}
