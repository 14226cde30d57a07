//! An environment variable and its value, for messages.

use std::ffi::CStr;
use std::fmt::{self, Write};

/// An environment variable, with the value that was read.
///
/// `Display` writes `NAME=value` and escapes characters that are not printable, and backslashes,
/// except on Windows, where paths have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable {
    name: &'static CStr,
    value: &'static CStr,
}

impl Variable {
    pub(super) const fn new(name: &'static CStr, value: &'static CStr) -> Self {
        Self { name, value }
    }

    /// Returns the name of the variable.
    pub fn name(&self) -> &'static str {
        self.name.to_str().unwrap_or_default()
    }

    /// Returns the bytes of the value, which need not be UTF-8.
    pub fn value(&self) -> &'static [u8] {
        self.value.to_bytes()
    }

    /// Returns the value as a path for a system call.
    pub(crate) fn path(&self) -> &'static CStr {
        self.value
    }
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=", self.name())?;
        for chunk in self.value().utf8_chunks() {
            for c in chunk.valid().chars() {
                match c {
                    // `escape_debug` escapes them, which an unquoted value does not need.
                    '\'' | '"' => f.write_char(c)?,
                    '\\' if cfg!(windows) => f.write_char(c)?,
                    _ => write!(f, "{}", c.escape_debug())?,
                }
            }
            write!(f, "{}", chunk.invalid().escape_ascii())?;
        }
        Ok(())
    }
}
