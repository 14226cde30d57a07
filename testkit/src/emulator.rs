//! A child process on the very CPU of its parent, emulated or not.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The emulator that runs this process.
pub fn emulator() -> Option<PathBuf> {
    let exe = std::env::current_exe().unwrap();
    fs::read_link("/proc/thread-self/exe").ok().filter(|path| *path != exe)
}

/// `program`, run as this process is run: by the same emulator with the same options, or by none.
/// QEMU hides itself from its guest in `/proc/self`, but not in `/proc/thread-self`.
pub fn command(program: &Path) -> Command {
    let exe = std::env::current_exe().unwrap();
    // One that does not exist here was loaded by binfmt_misc, which will load it for a child too.
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
