//! What a data set passes over while it is opened, so that nobody wonders where images went.

use std::fmt;

/// Why something in a data set's folder or archive is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// A file in a category's folder that is no JPEG or PNG by its name.
    Format,
    /// A folder inside a category's folder.
    Nested,
    /// A file beside the folders of the categories.
    Beside,
}

/// What was left out for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The reason.
    pub reason: Reason,
    /// How many files or folders.
    pub count: usize,
    /// The first of them, by its path.
    pub example: String,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reason, count, example } = self;
        let plural = if *count == 1 { "" } else { "s" };
        match reason {
            Reason::Format => write!(f, "{count} file{plural} of other formats than .jpg, .jpeg and .png left out"),
            Reason::Nested => write!(f, "{count} folder{plural} inside a category's folder left out"),
            Reason::Beside => write!(f, "{count} file{plural} beside the categories' folders left out"),
        }?;
        write!(f, ", such as {example}")
    }
}

/// Counts one more thing that is left out.
pub(crate) fn count(list: &mut Vec<LeftOut>, reason: Reason, example: impl FnOnce() -> String) {
    match list.iter_mut().find(|left_out| left_out.reason == reason) {
        Some(left_out) => left_out.count += 1,
        None => {
            list.push(LeftOut { reason, count: 1, example: example() });
            list.sort_by_key(|left_out| left_out.reason);
        }
    }
}
