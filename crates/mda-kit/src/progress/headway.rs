//! How far a step has come, and how long the rest of it will take.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// What is done before this much of a step says nothing of the rest: files are opened, buffers made.
const TELLING: f64 = 0.02;
/// Nor does what is done before that.
const SOON: Duration = Duration::from_millis(500);

/// How far a step has come: counted while the step goes on, and to be looked at from any thread. A clone is the same.
#[derive(Clone, Debug, Default)]
pub struct Headway(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// All that there is to do, in what the step counts; 0 where that is not known.
    whole: u64,
    done: AtomicU64,
    over: AtomicBool,
}

impl Headway {
    /// Of a step with so much to do, in whatever it counts; 0 where that is not known.
    pub fn of(whole: u64) -> Self {
        Self(Arc::new(Counts { whole, ..Counts::default() }))
    }

    /// So much more is done.
    pub fn add(&self, done: u64) {
        self.0.done.fetch_add(done, Ordering::Relaxed);
    }

    /// At least `part` of `parts` alike are done.
    pub fn reach(&self, part: usize, parts: usize) {
        let done = self.0.whole as f64 * part as f64 / parts.max(1) as f64;
        self.0.done.fetch_max(done as u64, Ordering::Relaxed);
    }

    /// The step goes on no more, be it done or failed.
    pub(super) fn end(&self) {
        self.0.over.store(true, Ordering::Relaxed);
    }

    /// Whether the step goes on no more, be it done or failed.
    pub fn is_over(&self) -> bool {
        self.0.over.load(Ordering::Relaxed)
    }

    /// Which share is done, `0.0..=1.0`; `None` where it is not known how much there is to do, or more than that is done.
    pub fn fraction(&self) -> Option<f64> {
        let (whole, done) = (self.0.whole, self.0.done.load(Ordering::Relaxed));
        (whole > 0 && done <= whole).then(|| done as f64 / whole as f64)
    }

    /// How long the rest takes if it goes as what is done has gone, `elapsed` after the step began; `None` where that cannot be
    /// told yet, or at all.
    pub fn left(&self, elapsed: Duration) -> Option<Duration> {
        let done = self.fraction().filter(|&done| done >= TELLING && elapsed >= SOON)?;
        Some(elapsed.mul_f64((1.0 - done) / done))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_rest_takes_as_long_as_what_is_done() {
        let headway = Headway::of(1000);
        assert_eq!((headway.fraction(), headway.left(8 * SECOND)), (Some(0.0), None), "nothing is done yet");
        headway.add(10);
        assert_eq!(headway.left(8 * SECOND), None, "a hundredth tells nothing");
        headway.add(190);
        assert_eq!(headway.left(8 * SECOND), Some(32 * SECOND));
        assert_eq!(headway.left(SECOND / 10), None, "it has hardly begun");
        // It slows down.
        assert_eq!(headway.left(16 * SECOND), Some(64 * SECOND));
        headway.reach(1, 2);
        assert_eq!(headway.left(16 * SECOND), Some(16 * SECOND));
        headway.reach(1, 4);
        assert_eq!(headway.fraction(), Some(0.5), "it never falls");
        headway.add(500);
        assert_eq!((headway.fraction(), headway.left(20 * SECOND)), (Some(1.0), Some(Duration::ZERO)));
    }

    #[test]
    fn nothing_is_told_of_what_is_not_known() {
        let unknown = Headway::of(0);
        unknown.add(7);
        assert_eq!((unknown.fraction(), unknown.left(SECOND)), (None, None));
        let more = Headway::of(10);
        more.add(11);
        assert_eq!((more.fraction(), more.left(SECOND)), (None, None), "there was more to do than was known");
    }
}
