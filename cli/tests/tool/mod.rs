//! Running the tool as a user does.

#![allow(dead_code, reason = "not every test file needs all of it")]

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

pub fn clearpage(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

pub fn command(args: &[&str]) -> Command {
    let mut command =
        clearpage_testkit::emulator::command(env!("CARGO_BIN_EXE_clearpage").as_ref());
    command.args(args).env_remove("CLEARPAGE_FORCE").env_remove("CLEARPAGE_TUNING");
    command
}

pub fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The message of a run that must end with exit code 2, before anything was printed.
pub fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A file of this test alone, gone with it.
pub struct Temporary(pub PathBuf);

impl Temporary {
    pub fn new(name: &str) -> Self {
        let name = format!("clearpage-{name}-{}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    pub fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&std::fs::read(&self.0).unwrap()).unwrap()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
