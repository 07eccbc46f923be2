//! Pieces of work that are done side by side, each with its share of the threads.

use crate::error::Error;
use crate::progress::{Cancelled, Headway, Progress};
use crate::study::StudyError;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Does all `work` with `jobs` pieces at a time, one a thread where `None`; the threads are shared. Where a piece fails, or the work is
/// to stop, no other begins, and those that are going on are finished.
///
/// # Errors
/// The first of those that pieces fail with, in the order of their threads.
pub(crate) fn side_by_side<W: Sync>(
    work: &[W],
    jobs: Option<usize>,
    progress: &dyn Progress,
    headway: &Headway,
    piece: impl Fn(&W) -> Result<(), Error> + Sync,
) -> Result<(), Error> {
    let threads = rayon::current_num_threads();
    let jobs = jobs.unwrap_or(threads).clamp(1, work.len().max(1));
    let pool = |_| rayon::ThreadPoolBuilder::new().num_threads((threads / jobs).max(1)).build();
    let pools = (0..jobs).map(pool).collect::<Result<Vec<_>, _>>().map_err(StudyError::Threads)?;
    let next = AtomicUsize::new(0);
    let worker = |pool: rayon::ThreadPool| -> Result<(), Error> {
        while let Some(own) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
            let done = match progress.is_cancelled() {
                true => Err(Cancelled.into()),
                false => pool.install(|| piece(own)),
            };
            if done.is_err() {
                next.store(work.len(), Ordering::Relaxed);
            }
            done?;
            headway.add(1);
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = pools.into_iter().map(|pool| scope.spawn(|| worker(pool))).collect();
        let mut done = Ok(());
        for worker in workers {
            let own = worker.join().unwrap_or_else(|_| Err(StudyError::Panicked.into()));
            done = done.and(own);
        }
        done
    })
}
