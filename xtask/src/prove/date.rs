//! Today's date, in UTC.

use anyhow::Context;
use std::time::{SystemTime, UNIX_EPOCH};

const DAY: u64 = 24 * 60 * 60;

/// As `2026-01-31`.
pub(super) fn today() -> anyhow::Result<String> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).context("this machine's clock is before 1970")?;
    Ok(written(since.as_secs() / DAY))
}

/// The day that begins `days` days after 1970 did.
fn written(mut days: u64) -> String {
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let mut month = 1;
    for length in [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    format!("{year}-{month:02}-{:02}", days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seconds are those that `date -u -d DAY +%s` prints.
    #[test]
    fn days_are_counted_through_leap_years() {
        let days = [(0, "1970-01-01"), (951_782_400, "2000-02-29"), (1_798_675_200, "2026-12-31")];
        let more = [(1_709_164_800, "2024-02-29"), (1_709_251_200, "2024-03-01"), (4_107_542_400, "2100-03-01")];
        for (seconds, expected) in days.into_iter().chain(more) {
            assert_eq!(written(seconds / DAY), expected);
        }
    }
}
