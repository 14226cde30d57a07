//! Runs the tool as a user does.

#![allow(dead_code, reason = "not every test file needs all of it")]

mod process;

use std::process::{Command, Output};

#[allow(unused_imports, reason = "not every test file needs all of it")]
pub use process::{Temporary, refused, stdout};

pub fn clearpage(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

pub fn command(args: &[&str]) -> Command {
    let mut command =
        clearpage_testkit::emulator::command(env!("CARGO_BIN_EXE_clearpage").as_ref());
    command.args(args).env_remove("CLEARPAGE_FORCE").env_remove("CLEARPAGE_TUNING");
    command
}
