//! Runs a command on a pseudo terminal.

use std::fs::File;
use std::io::Read;
use std::os::fd::FromRawFd;
use std::process::{Command, Stdio};
use std::ptr;

/// Returns what a command prints on a terminal that reports the given number of columns.
pub fn on_terminal(command: &mut Command, columns: u16) -> String {
    let (mut ours, mut theirs) = (0, 0);
    let size = libc::winsize { ws_row: columns, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the kernel writes two descriptors and reads the size.
    let opened =
        unsafe { libc::openpty(&mut ours, &mut theirs, ptr::null_mut(), ptr::null(), &size) };
    assert_eq!(opened, 0);
    // SAFETY: both are open, and nothing else owns them.
    let [mut ours, theirs] = [ours, theirs].map(|fd| unsafe { File::from_raw_fd(fd) });
    let mut child = command.stdout(theirs).spawn().unwrap();
    // Closes the command's own copy of the other end.
    command.stdout(Stdio::null());
    let mut text = Vec::new();
    // Ends with an error when the last writer has closed the terminal.
    let _ = ours.read_to_end(&mut text);
    assert!(child.wait().unwrap().success());
    String::from_utf8(text).unwrap()
}
