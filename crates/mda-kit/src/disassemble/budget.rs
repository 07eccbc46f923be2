//! Budgets as people write them.

use mda_core::budget::Budget;
use thiserror::Error;

/// Why a text is no budget.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BudgetTextError {
    /// No number, or one that no share has.
    #[error("expected a percentage above 0 and up to 100, as in 30%")]
    Percent,
    /// No number, or one that no loss of accuracy has.
    #[error("expected points of accuracy from 0 to 100, as in 1.0")]
    Points,
    /// The same of a whole budget.
    #[error("the budget `{text}`: {expected}")]
    Number {
        /// What is written.
        text: String,
        /// What was expected.
        expected: Box<BudgetTextError>,
    },
    /// Something else.
    #[error("`{text}` is no budget; expected `thresholds`, `30%`, `30% macs` or `drop 1.0`")]
    Unknown {
        /// What is written.
        text: String,
    },
}

/// `30%` or `30` as 0.3.
///
/// # Errors
/// [`BudgetTextError::Percent`].
pub fn percent(text: &str) -> Result<f64, BudgetTextError> {
    let number: Result<f64, _> = text.trim().trim_end_matches('%').trim_end().parse();
    match number {
        Ok(number) if number > 0.0 && number <= 100.0 => Ok(number / 100.0),
        _ => Err(BudgetTextError::Percent),
    }
}

/// Points of accuracy that may be lost.
///
/// # Errors
/// [`BudgetTextError::Points`].
pub fn points(text: &str) -> Result<f64, BudgetTextError> {
    match text.trim().parse() {
        Ok(points) if (0.0..=100.0).contains(&points) => Ok(points),
        _ => Err(BudgetTextError::Points),
    }
}

/// `thresholds`, which is none, `30%` or `30% params`, `30% macs`, `drop 1.0`.
///
/// # Errors
/// [`BudgetTextError`].
pub fn budget(text: &str) -> Result<Option<Budget>, BudgetTextError> {
    let text = text.trim();
    if text == "thresholds" {
        return Ok(None);
    }
    let number = |expected| BudgetTextError::Number { text: text.to_owned(), expected: Box::new(expected) };
    if let Some(lost) = text.strip_prefix("drop ") {
        return Ok(Some(Budget::MaxDrop(points(lost).map_err(number)?)));
    }
    if let Some((share, kind)) = text.split_once('%') {
        let share = percent(share).map_err(number)?;
        match kind.trim() {
            "" | "params" => return Ok(Some(Budget::Params(share))),
            "macs" => return Ok(Some(Budget::Macs(share))),
            _ => {}
        }
    }
    Err(BudgetTextError::Unknown { text: text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_are_read() {
        assert_eq!(budget("thresholds").unwrap(), None);
        assert_eq!(budget("30%").unwrap(), Some(Budget::Params(0.3)));
        assert_eq!(budget("12.5 % macs").unwrap(), Some(Budget::Macs(0.125)));
        assert_eq!(budget("drop 1.5").unwrap(), Some(Budget::MaxDrop(1.5)));
        assert!(budget("30").unwrap_err().to_string().contains("expected `thresholds`"));
    }

    #[test]
    fn budgets_that_mean_nothing_are_refused_when_they_are_read() {
        for (text, expected) in [
            ("150%", "`150%`: expected a percentage above 0 and up to 100"),
            ("0% macs", "above 0"),
            ("-5%", "above 0"),
            ("NaN%", "above 0"),
            ("inf% params", "up to 100"),
            ("drop 200", "`drop 200`: expected points of accuracy from 0 to 100"),
            ("drop -1", "from 0 to 100"),
            ("drop NaN", "from 0 to 100"),
            ("drop much", "from 0 to 100"),
        ] {
            let said = budget(text).unwrap_err().to_string();
            assert!(said.contains(expected), "{text}: {said}");
        }
    }
}
