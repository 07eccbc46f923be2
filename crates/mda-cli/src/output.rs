//! Where output goes: results to stdout as tables or JSON, everything else to stderr.

use serde::Serialize;

/// How the user wants to be told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    /// Results as JSON instead of tables.
    pub(crate) json: bool,
    /// No progress on stderr.
    pub(crate) quiet: bool,
}

impl Output {
    /// A line of progress on stderr.
    pub(crate) fn progress(self, line: impl AsRef<str>) {
        if !self.quiet {
            eprintln!("{}", line.as_ref());
        }
    }

    /// The result: `text` for people, or `value` as JSON.
    pub(crate) fn result<T: Serialize>(self, value: &T, text: impl FnOnce() -> String) -> anyhow::Result<()> {
        if self.json {
            println!("{}", serde_json::to_string_pretty(value)?);
        } else {
            print!("{}", text());
        }
        Ok(())
    }
}
