//! Runs the tool as a user does.

#![allow(dead_code, reason = "not every test file needs all of it")]

mod process;
#[cfg(target_os = "linux")]
pub mod terminal;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

#[allow(unused_imports, reason = "not every test file needs all of it")]
pub use process::{Temporary, refused, stdout};

pub fn clearpage(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

pub fn command(args: &[&str]) -> Command {
    let mut command =
        clearpage_testkit::emulator::command(env!("CARGO_BIN_EXE_clearpage").as_ref());
    command.args(args).env_remove("COLUMNS").env_remove("TERM");
    command.env_remove("CLEARPAGE_FORCE").env_remove("CLEARPAGE_TUNING");
    command
}

/// Runs the tool in a folder.
pub fn run(folder: &Path, args: &[&str]) -> Output {
    command(args).current_dir(folder).output().unwrap()
}

pub fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

/// Returns the names in a folder, sorted.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
