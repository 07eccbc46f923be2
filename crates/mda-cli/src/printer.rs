//! The one place from which text leaves the program.
//!
//! What a result says goes to stdout and must arrive; everything else goes to stderr and may be lost. Names come from files
//! that others wrote, so characters that would command the terminal are shown instead.

use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The exit status where whoever reads stdout has had enough: that of a program that SIGPIPE ends, as `head` ends others.
pub(crate) const CLOSED_PIPE: u8 = 128 + 13;

/// Whether a line stands on the terminal that the next text takes the place of.
static DRAWN: Mutex<bool> = Mutex::new(false);

/// A result that did not arrive.
#[derive(Debug)]
pub(crate) struct Unprintable(io::Error);

impl Unprintable {
    /// Whether nobody reads any more, which is no failure to tell of.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        self.0.kind() == io::ErrorKind::BrokenPipe
    }
}

impl fmt::Display for Unprintable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "writing to stdout: {}", self.0)
    }
}

impl std::error::Error for Unprintable {}

/// Prints a result for people.
pub(crate) fn result(text: &str) -> Result<(), Unprintable> {
    raw(shown(text, Lines::Many).as_bytes())
}

/// Prints a result for programs, such as JSON or a script: the bytes as they are.
pub(crate) fn raw(bytes: &[u8]) -> Result<(), Unprintable> {
    let _drawn = cleared();
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(Unprintable)
}

/// Tells something on stderr, in lines of its own.
pub(crate) fn tell(text: &str) {
    let _drawn = cleared();
    said(&(shown(text, Lines::Many) + "\n"));
}

/// Draws a line on the terminal that stderr is, over the one that was drawn last.
pub(crate) fn draw(line: &str) {
    let mut drawn = cleared();
    said(&shown(line, Lines::One));
    *drawn = true;
}

/// Takes the line that was drawn last away.
pub(crate) fn undraw() {
    drop(cleared());
}

/// The terminal without the line that was drawn last; while this is held, nobody draws.
fn cleared() -> MutexGuard<'static, bool> {
    let mut drawn = DRAWN.lock().unwrap_or_else(PoisonError::into_inner);
    if std::mem::take(&mut *drawn) {
        said("\r\u{1b}[2K");
    }
    drawn
}

fn said(text: &str) {
    // There is nobody to tell that telling fails, and no reason to stop what goes on.
    let _ = io::stderr().write_all(text.as_bytes());
}

/// What clap answers instead of a command: help and versions on stdout, what it did not understand on stderr.
pub(crate) fn answer(answer: &clap::Error) -> Result<(), Unprintable> {
    let text = answer.render();
    if answer.use_stderr() {
        tell(text.to_string().trim_end());
        Ok(())
    } else if io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) {
        raw(text.ansi().to_string().as_bytes())
    } else {
        raw(text.to_string().as_bytes())
    }
}

/// A name as it is shown within a line.
pub(crate) fn name(text: &str) -> String {
    shown(text, Lines::One)
}

/// Names as they are shown in a list.
pub(crate) fn names<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    names.into_iter().map(|text| name(text)).collect::<Vec<_>>().join(", ")
}

/// Whether a text may have several lines.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lines {
    One,
    Many,
}

/// `text` with `\u{1b}` and the like for what a terminal would obey.
fn shown(text: &str, lines: Lines) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        let is_break = character == '\n' && lines == Lines::Many;
        if commands(character) && !is_break {
            // Writing to a String cannot fail.
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(character));
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Control characters (C0, DEL, C1), and those that separate lines or turn the direction of writing.
fn commands(character: char) -> bool {
    let turns = ['\u{61c}', '\u{200e}', '\u{200f}', '\u{2028}', '\u{2029}'];
    character.is_control()
        || turns.contains(&character)
        || ('\u{202a}'..='\u{202e}').contains(&character)
        || ('\u{2066}'..='\u{2069}').contains(&character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_shown_and_the_rest_stays() {
        assert_eq!(name("T-shirt/top, größer 猫 \u{1f600}"), "T-shirt/top, größer 猫 \u{1f600}");
        assert_eq!(name("\u{1b}[2Jgone"), "\\u{1b}[2Jgone");
        for character in ['\0', '\u{7}', '\r', '\t', '\u{7f}', '\u{80}', '\u{9b}', '\u{202e}', '\u{2066}', '\u{2028}'] {
            assert_eq!(name(&format!("a{character}b")), format!("a\\u{{{:x}}}b", u32::from(character)));
        }
        assert_eq!(name("two\nlines"), "two\\u{a}lines");
        assert_eq!(shown("two\nlines", Lines::Many), "two\nlines");
        assert_eq!(names(&["a".to_owned(), "b\n".to_owned()]), "a, b\\u{a}");
    }
}
