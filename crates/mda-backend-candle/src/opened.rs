//! What is opened once and kept: opening a GPU anew for every model would cost a context, a stream and its libraries each
//! time.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Things by number, each opened when it is first asked for. What fails to open is tried again.
pub(crate) struct Opened<T>(Mutex<BTreeMap<usize, T>>);

impl<T: Clone> Opened<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    /// The one of this number, opened by `open` where that has not been done. Who asks meanwhile waits.
    pub(crate) fn get<E>(&self, number: usize, open: impl FnOnce(usize) -> Result<T, E>) -> Result<T, E> {
        // A panic while opening leaves the map as it was.
        let mut opened = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = opened.get(&number) {
            return Ok(open.clone());
        }
        let new = open(number)?;
        opened.insert(number, new.clone());
        Ok(new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    #[test]
    fn each_is_opened_once() {
        let (opened, count) = (Opened::new(), AtomicUsize::new(0));
        let open = |number: usize| {
            count.fetch_add(1, Relaxed);
            Ok::<usize, String>(10 * number)
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..100).for_each(|n| assert_eq!(opened.get(n % 2, open), Ok(10 * (n % 2)))));
            }
        });
        assert_eq!(count.into_inner(), 2);
    }

    #[test]
    fn what_fails_to_open_is_tried_again() {
        let opened = Opened::new();
        assert_eq!(opened.get(0, |_| Err("busy")), Err("busy"));
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            opened.get(0, |_| -> Result<i32, &str> { panic!("a library that is not there") })
        }));
        assert!(panic.is_err());
        assert_eq!(opened.get(0, |_| Ok::<i32, &str>(7)), Ok(7));
        assert_eq!(opened.get(0, |_| Err("never asked")), Ok(7));
    }
}
