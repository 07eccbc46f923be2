//! One bit an image, written as hexadecimal digits: thousands of them a run, so that runs can be compared image by image.

use serde::{Deserialize, Serialize};

/// Some flags, four a digit, the first in the highest bit; the last digit is filled up with zeros.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Flags(String);

impl Flags {
    /// `flags`, written down.
    pub(crate) fn of(flags: &[bool]) -> Self {
        let digit = |four: &[bool]| {
            let value = (0..4).fold(0, |value, index| 2 * value + u32::from(four.get(index) == Some(&true)));
            char::from_digit(value, 16).unwrap_or('0')
        };
        Self(flags.chunks(4).map(digit).collect())
    }

    /// The first `count` flags; fewer where there are fewer.
    pub fn read(&self, count: usize) -> Vec<bool> {
        let bits = self.0.chars().flat_map(|digit| {
            let value = digit.to_digit(16).unwrap_or(0);
            (0..4).map(move |index| value >> (3 - index) & 1 == 1)
        });
        bits.take(count).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Flags;

    #[test]
    fn flags_read_back_what_they_write() {
        let flags: Vec<bool> = (0..11).map(|n| n % 3 == 0).collect();
        let written = Flags::of(&flags);
        assert_eq!(serde_json::to_string(&written).unwrap(), "\"924\"");
        assert_eq!(written.read(11), flags);
        assert_eq!(Flags::default().read(5), [false; 0]);
    }
}
