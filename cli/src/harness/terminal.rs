//! What the terminal can display, and untrusted text on it.

use std::fmt::{self, Display, Write};
use std::io::{self, IsTerminal};

use textwrap::{Options, WordSplitter};

/// Returns the columns of `COLUMNS` or of the terminal, 80 if the terminal does not report them, or
/// `None` if standard output is no terminal.
pub fn width() -> Option<u16> {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let stdout = io::stdout();
    let reported = || terminal_size::terminal_size_of(&stdout).map(|(width, _)| width.0);
    let terminal = || stdout.is_terminal().then(|| reported().unwrap_or(80));
    columns.filter(|&columns| columns > 0).or_else(terminal)
}

/// Returns whether the terminal displays ASCII alone: `TERM=dumb`.
pub fn is_ascii() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// Returns the sign before a deviation.
pub fn plus_minus() -> &'static str {
    if is_ascii() { "+/-" } else { "±" }
}

/// Returns text and a line break, wrapped between words for the terminal.
pub fn paragraph(text: &str) -> String {
    wrap(text, width().map_or(usize::MAX, usize::from))
}

/// Returns text and a line break, wrapped between words.
pub fn wrap(text: &str, width: usize) -> String {
    let options = Options::new(width).break_words(false).word_splitter(WordSplitter::NoHyphenation);
    textwrap::fill(text, options) + "\n"
}

/// Displays text without what a terminal acts on: control characters, line breaks among them, and
/// those that change the direction of writing are displayed as `\u{1b}`.
///
/// Every field of a report, file name and argument is printed through this.
#[derive(Clone, Copy, Debug)]
pub struct Plain<T>(pub T);

impl<T: Display> Display for Plain<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Filter(f), "{}", self.0)
    }
}

struct Filter<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl Write for Filter<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for part in text.split_inclusive(is_active) {
            match part.chars().next_back() {
                Some(last) if is_active(last) => {
                    self.0.write_str(&part[..part.len() - last.len_utf8()])?;
                    write!(self.0, "{}", last.escape_unicode())?;
                }
                _ => self.0.write_str(part)?,
            }
        }
        Ok(())
    }
}

/// Whether a terminal may act on `c`: C0, DEL and C1, and Unicode's `Bidi_Control`.
pub fn is_active(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_and_other_text_is_unchanged() {
        let cases = [
            ("Zen 5 \"x\" \\ é漢字 ±", "Zen 5 \"x\" \\ é漢字 ±"),
            ("\u{1b}[2J", "\\u{1b}[2J"),
            ("a\r\n\tb\0", "a\\u{d}\\u{a}\\u{9}b\\u{0}"),
            ("\u{7f}\u{80}\u{9b}2J\u{9f}\u{a0}", "\\u{7f}\\u{80}\\u{9b}2J\\u{9f}\u{a0}"),
            ("\u{202e}x\u{2066}\u{200f}", "\\u{202e}x\\u{2066}\\u{200f}"),
        ];
        for (text, plain) in cases {
            assert_eq!(Plain(text).to_string(), plain);
        }
    }
}
