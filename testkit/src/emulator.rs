//! Child processes on the same CPU as their parent, emulated or not.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Returns the emulator that runs this process, if any.
pub fn emulator() -> Option<PathBuf> {
    let exe = std::env::current_exe().unwrap();
    fs::read_link("/proc/thread-self/exe").ok().filter(|path| *path != exe)
}

/// Returns a command that runs `program` with the emulator and the options of this process, if any.
/// QEMU hides itself from its guest in `/proc/self`, but not in `/proc/thread-self`.
pub fn command(program: &Path) -> Command {
    let exe = std::env::current_exe().unwrap();
    // If the path does not exist, binfmt_misc loaded the emulator, and does so for a child too.
    let Some(emulator) = emulator().filter(|path| path.exists()) else {
        return Command::new(program);
    };
    let words = fs::read_to_string("/proc/thread-self/cmdline").unwrap();
    let is_option = |word: &&str| !fs::canonicalize(word).is_ok_and(|path| path == exe);
    let options = words.split('\0').skip(1).take_while(is_option);
    let mut command = Command::new(emulator);
    command.args(options).arg(program);
    command
}
