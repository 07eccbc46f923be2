//! Lists of names in text files, one a line, as editors of all systems save them.

/// The lines of `text` with their numbers, from 1, without a UTF-8 byte-order mark in front of the first and without blanks
/// and carriage returns around each.
///
/// ```
/// let lines: Vec<_> = mda_data::names::lines("\u{feff}cat\r\n dog\r\n").collect();
/// assert_eq!(lines, [(1, "cat"), (2, "dog")]);
/// ```
pub fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()))
}
