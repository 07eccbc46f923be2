//! Batches that are decoded ahead of their use.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};

use mda_core::run::{Batch, Batches, SourceError};
use mda_core::tensor::{Tensor, element_count};
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::DataError;
use crate::prepare::Preparation;
use crate::store::Store;

/// How many finished batches wait; one more is being made or held by the thread that makes them.
const WAITING: usize = 1;

/// A walk over some images, independent of the data set that it came from.
pub(crate) struct Work {
    pub(crate) store: Arc<Store>,
    /// `(index in the set, position in the store, label)` of every image, in the order of the walk.
    pub(crate) items: Vec<(usize, usize, usize)>,
    pub(crate) batch_size: usize,
    pub(crate) preparation: Option<Preparation>,
    /// `[C, H, W]` of every image in the batches.
    pub(crate) shape: [usize; 3],
}

/// Starts a thread that makes the batches of `work`; an error in `work` is what the iterator gives first.
pub(crate) fn start(work: Result<Work, DataError>) -> Batches<'static> {
    match work.and_then(Prefetch::start) {
        Ok(prefetch) => Box::new(prefetch),
        Err(error) => Box::new(std::iter::once(Err(error.into()))),
    }
}

/// The receiving end of the thread that makes batches. Ends after the first error.
struct Prefetch {
    /// `None` once there is nothing more to come.
    receiver: Option<Receiver<Result<Batch, DataError>>>,
    worker: Option<JoinHandle<()>>,
    remaining: usize,
}

impl Prefetch {
    fn start(work: Work) -> Result<Self, DataError> {
        if work.batch_size == 0 {
            return Err(DataError::EmptyBatches);
        }
        let remaining = work.items.len().div_ceil(work.batch_size);
        if remaining == 0 {
            return Ok(Self { receiver: None, worker: None, remaining });
        }
        let pool = decoding_threads()?;
        let (sender, receiver) = sync_channel(WAITING);
        let worker = thread::Builder::new()
            .name("mda-data-batches".to_string())
            .spawn(move || work.run(pool, &sender))
            .map_err(|error| DataError::Threads(error.to_string()))?;
        Ok(Self { receiver: Some(receiver), worker: Some(worker), remaining })
    }

    /// Stops the thread, which at most finishes the batch that it has begun.
    fn stop(&mut self) {
        // Without a receiver the next send fails, and the thread returns.
        self.receiver = None;
        if let Some(worker) = self.worker.take() {
            // Why it panicked has been printed, and the iterator has reported it.
            let _ = worker.join();
        }
    }
}

impl Iterator for Prefetch {
    type Item = Result<Batch, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.remaining == 0 {
            return None;
        }
        self.remaining -= 1;
        let batch = self.receiver.as_ref()?.recv().unwrap_or(Err(DataError::Panicked));
        if batch.is_err() {
            self.remaining = 0;
            self.stop();
        }
        Some(batch.map_err(SourceError::from))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.remaining))
    }
}

impl Drop for Prefetch {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Work {
    fn run(&self, pool: &ThreadPool, sender: &SyncSender<Result<Batch, DataError>>) {
        for items in self.items.chunks(self.batch_size) {
            let batch = pool.install(|| self.batch(items));
            let failed = batch.is_err();
            if sender.send(batch).is_err() || failed {
                return;
            }
        }
    }

    fn batch(&self, items: &[(usize, usize, usize)]) -> Result<Batch, DataError> {
        let [channels, height, width] = self.shape;
        let values = channels * height * width;
        let shape = [items.len(), channels, height, width];
        let count = element_count(&shape).ok_or(DataError::BatchTooLarge { images: items.len(), values })?;
        let mut data = vec![0.0; count];
        let images = data.par_chunks_exact_mut(values).zip(items);
        images.try_for_each(|(out, &(_, position, _))| self.image(position, out))?;
        let images = Tensor::new(shape, data).map_err(|_| DataError::BatchTooLarge { images: items.len(), values })?;
        let indices = items.iter().map(|item| item.0).collect();
        let labels = items.iter().map(|item| item.2).collect();
        Ok(Batch { images, labels, indices })
    }

    fn image(&self, position: usize, out: &mut [f32]) -> Result<(), DataError> {
        let pixels = self.store.pixels(position)?;
        let pixels = match self.preparation {
            Some(preparation) => preparation.apply(pixels),
            None => pixels,
        };
        let [_, height, width] = self.shape;
        if (pixels.height, pixels.width) != (height, width) {
            let found = (pixels.height, pixels.width);
            return Err(DataError::MixedSizes { name: self.store.name(position), expected: (height, width), found });
        }
        pixels.write_planes(out);
        Ok(())
    }
}

/// Threads of our own: on rayon's global pool, a walk that is consumed from inside that pool could wait for itself.
fn decoding_threads() -> Result<&'static ThreadPool, DataError> {
    static POOL: OnceLock<Result<ThreadPool, String>> = OnceLock::new();
    let build = || ThreadPoolBuilder::new().thread_name(|n| format!("mda-data-decode-{n}")).build();
    let pool = POOL.get_or_init(|| build().map_err(|error| error.to_string()));
    pool.as_ref().map_err(|error| DataError::Threads(error.clone()))
}
