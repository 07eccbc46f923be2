//! Medians with their spread.

use std::fmt;

/// Some measurements of one thing.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Figures(Vec<f64>);

impl Figures {
    /// Of numbers that are not NaN, at least one.
    pub(super) fn new(numbers: impl IntoIterator<Item = f64>) -> Self {
        let mut numbers: Vec<f64> = numbers.into_iter().collect();
        numbers.sort_by(f64::total_cmp);
        Self(numbers)
    }

    /// The ratio `above / below` of each round.
    pub(super) fn ratios(above: &[f64], below: &[f64]) -> Self {
        Self::new(above.iter().zip(below).map(|(above, below)| above / below))
    }

    pub(super) fn median(&self) -> f64 {
        let middle = self.0.len() / 2;
        if self.0.len() % 2 == 1 { self.0[middle] } else { (self.0[middle - 1] + self.0[middle]) / 2.0 }
    }
}

/// Median, least and largest: `1.20 (1.18 to 1.25)`.
impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} ({:.2} to {:.2})", self.median(), self.0[0], self.0[self.0.len() - 1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_spread() {
        assert_eq!(Figures::new([3.0, 1.0, 2.0]).to_string(), "2.00 (1.00 to 3.00)");
        assert_eq!(Figures::new([4.0, 1.0]).median(), 2.5);
        assert_eq!(Figures::ratios(&[2.0, 9.0], &[1.0, 3.0]), Figures(vec![2.0, 3.0]));
    }
}
