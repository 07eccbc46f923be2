//! The words for how far a step has come.

use std::time::Duration;

/// How many characters a bar has.
const BAR: usize = 24;
/// Lines are at least so far apart, and a step that is done sooner has none.
const OFTENEST: Duration = Duration::from_secs(5);
/// Lines of a long step are further apart, but never further than that.
const SELDOMEST: Duration = Duration::from_secs(30);
/// How much longer a step has lasted at every line, as a share.
const GROWTH: f64 = 0.1;

/// A step as it is seen now.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) name: &'a str,
    /// Since it began.
    pub(super) elapsed: Duration,
    /// Which share of it is done, where that is known.
    pub(super) done: Option<f64>,
    /// How long it will go on, where that can be told.
    pub(super) left: Option<Duration>,
}

/// Lines for where nothing is drawn over: few enough to be read.
#[derive(Default)]
pub(super) struct Lines {
    /// When the last one was told.
    told: Duration,
}

impl Lines {
    /// The line that is due `now`, on a clock that began at 0, where one is.
    pub(super) fn due(&mut self, now: Duration, seen: &Seen<'_>) -> Option<String> {
        let apart = seen.elapsed.mul_f64(GROWTH).clamp(OFTENEST, SELDOMEST);
        if seen.elapsed < OFTENEST || now.saturating_sub(self.told) < apart {
            return None;
        }
        self.told = now;
        let after = duration(seen.elapsed);
        Some(match (seen.done, seen.left) {
            (Some(done), Some(left)) => {
                format!("{}: {:.0} % after {after}, about {} left", seen.name, 100.0 * done, duration(left))
            }
            (Some(done), None) if done > 0.0 => format!("{}: {:.0} % after {after}", seen.name, 100.0 * done),
            _ => format!("{}: {after} so far", seen.name),
        })
    }
}

/// A bar with what is known beside it, in less than `width` characters.
pub(super) fn bar(seen: &Seen<'_>, width: usize) -> String {
    let elapsed = duration(seen.elapsed);
    let line = match seen.done {
        Some(done) => {
            let full = (done * BAR as f64) as usize;
            let rest = seen.left.map_or(elapsed, |left| format!("about {} left", duration(left)));
            let bar = format!(" [{}{}]", "#".repeat(full), ".".repeat(BAR - full));
            let words = |bar: &str| format!("{}{bar} {:>3.0} %, {rest}", seen.name, 100.0 * done);
            let whole = words(&bar);
            if whole.chars().count() < width { whole } else { words("") }
        }
        None => format!("{} {elapsed}", seen.name),
    };
    line.chars().take(width.saturating_sub(1)).collect()
}

/// Seconds, minutes or hours, no finer than they are known.
fn duration(of: Duration) -> String {
    match of.as_secs_f64().round() as u64 {
        seconds @ 0..100 => format!("{seconds} s"),
        seconds @ 100..6000 => format!("{} min", (seconds + 30) / 60),
        seconds => format!("{:.1} h", seconds as f64 / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mda::Headway;

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn seen(headway: &Headway, elapsed: Duration) -> Seen<'static> {
        Seen { name: "repairing", elapsed, done: headway.fraction(), left: headway.left(elapsed) }
    }

    #[test]
    fn lines_come_seldom_and_no_minute_is_silent() {
        // A step of ten minutes on a clock of quarter seconds; it began ten seconds after the program.
        let (headway, mut lines, mut told) = (Headway::of(2400), Lines::default(), Vec::new());
        for tick in 0..2400u32 {
            let elapsed = seconds(f64::from(tick) / 4.0);
            told.extend(lines.due(elapsed + seconds(10.0), &seen(&headway, elapsed)).map(|line| (elapsed, line)));
            headway.add(1);
        }
        let apart: Vec<f64> = told.windows(2).map(|pair| (pair[1].0 - pair[0].0).as_secs_f64()).collect();
        assert!(apart.iter().all(|&apart| (5.0..=30.5).contains(&apart)), "{apart:?}");
        assert_eq!(told[0], (seconds(5.0), "repairing: 1 % after 5 s".to_owned()));
        assert_eq!(told[2], (seconds(15.0), "repairing: 2 % after 15 s, about 10 min left".to_owned()));
        assert!(told.len() < 40 && told.last().unwrap().1.ends_with("s left"), "{told:?}");
    }

    #[test]
    fn what_is_soon_done_has_no_line_and_what_is_not_known_is_not_told() {
        let (unknown, mut lines) = (Headway::of(0), Lines::default());
        assert_eq!(lines.due(seconds(60.0), &seen(&unknown, seconds(4.9))), None);
        assert_eq!(lines.due(seconds(60.1), &seen(&unknown, seconds(5.0))).unwrap(), "repairing: 5 s so far");
        assert_eq!(lines.due(seconds(65.0), &seen(&unknown, seconds(9.9))), None);
    }

    #[test]
    fn a_bar_fits_its_line() {
        let headway = Headway::of(100);
        headway.add(25);
        let quarter = seen(&headway, seconds(10.0));
        assert_eq!(bar(&quarter, 80), "repairing [######..................]  25 %, about 30 s left");
        assert_eq!(bar(&quarter, 40), "repairing  25 %, about 30 s left");
        assert_eq!(bar(&quarter, 12), "repairing  ");
        assert_eq!(bar(&seen(&Headway::of(0), seconds(200.0)), 80), "repairing 3 min");
    }

    #[test]
    fn times_are_told_no_finer_than_they_are_known() {
        let told = [0.4, 99.4, 100.0, 5999.0, 9000.0].map(|time| duration(seconds(time)));
        assert_eq!(told, ["0 s", "99 s", "2 min", "100 min", "2.5 h"]);
    }
}
