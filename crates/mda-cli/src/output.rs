//! How the user wants to be told: results on stdout as tables or JSON, everything else on stderr.

use crate::printer;
use serde::Serialize;

/// How the user wants to be told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    /// Results as JSON instead of tables.
    pub(crate) json: bool,
    /// No progress and no notes on stderr.
    pub(crate) quiet: bool,
}

impl Output {
    /// A line of progress on stderr.
    pub(crate) fn progress(self, line: impl AsRef<str>) {
        if !self.quiet {
            printer::tell(line.as_ref());
        }
    }

    /// Something on stderr that is worth knowing: what was assumed, or left out.
    pub(crate) fn note(self, line: impl AsRef<str>) {
        self.progress(format!("note: {}", line.as_ref()));
    }

    /// Something on stderr that probably is not as it was meant; told even to those who want to hear nothing.
    pub(crate) fn warning(self, line: impl AsRef<str>) {
        printer::tell(&format!("warning: {}", line.as_ref()));
    }

    /// The result: `text` for people, or `value` as JSON.
    pub(crate) fn result<T: Serialize>(self, value: &T, text: impl FnOnce() -> String) -> anyhow::Result<()> {
        if self.json {
            printer::raw((serde_json::to_string_pretty(value)? + "\n").as_bytes())?;
        } else {
            printer::result(&text())?;
        }
        Ok(())
    }
}
