//! Images that nobody has labelled: the source's own answers speak.

use crate::data::{Data, preparation};
use crate::error::Error;
use crate::progress::{Progress, Stoppable};
use crate::runtime::Runtime;
use crate::source::Source;
use mda_core::evaluate::arg_max;
use mda_core::run::{Batch, Batches, ImageSource};
use mda_data::{DataSet, Prepared, Split};
use std::path::PathBuf;

/// As many images are asked about as the source answers with so many multiply-adds, and so many at least.
const ASKING_MACS: u64 = 2_000_000_000_000;
const LEAST_ASKED: usize = 2000;

impl Data {
    /// The images at `path` without their labels, if they have any: what `source` takes an image for is its label. A folder of
    /// image files (and of folders of them) will do, as will a data set, whose train images are taken. Of very many images, some
    /// that are spread evenly over their order are looked at, as many as the source answers in minutes.
    ///
    /// There are no test images: what a component gets right is a question to labelled ones.
    ///
    /// # Errors
    /// [`Error::Data`] and [`Error::Preparation`] for images that cannot be read or brought to what the source takes, and
    /// [`Error::Run`].
    pub fn unlabelled(
        path: impl Into<PathBuf>,
        source: &Source,
        runtime: &Runtime,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let (path, model) = (path.into(), source.model());
        let failed = |source| Error::Data { path: path.clone(), split: Split::Train, source: Box::new(source) };
        let preparation = preparation(&path, model.input_shape())?;
        let set = DataSet::unlabelled(&path).map_err(failed)?;
        let left_out: Vec<String> = set.left_out().iter().map(ToString::to_string).collect();
        let (macs, count) = (model.size().macs, set.len());
        let asked = count.min(((ASKING_MACS / macs.max(1)) as usize).max(LEAST_ASKED));
        let spread: Vec<usize> = (0..asked).map(|number| number * count / asked).collect();
        let images = set.subset(&spread).map_err(failed)?.prepare(preparation);
        let all: Vec<usize> = (0..asked).collect();
        let labels = progress.running("asking the source", &runtime.runner(), macs * asked as u64, |runner, _| {
            let images = Stoppable { images: &images, progress };
            let answers = runner.logits(model, &images, &all)?;
            let likeliest = |image: usize| arg_max(answers.logits.row(image), None).unwrap_or(0);
            Ok::<_, Error>((0..asked).map(likeliest).collect::<Vec<_>>())
        })?;
        Ok(Self::of_train(Box::new(Answered { images, labels, categories: model.categories().to_vec() }), left_out))
    }
}

/// Images with the labels that a source gives them.
struct Answered {
    images: Prepared,
    labels: Vec<usize>,
    categories: Vec<String>,
}

impl ImageSource for Answered {
    fn categories(&self) -> &[String] {
        &self.categories
    }

    fn labels(&self) -> &[usize] {
        &self.labels
    }

    fn name(&self, index: usize) -> Option<String> {
        self.images.name(index)
    }

    fn batches<'a>(&'a self, indices: &'a [usize], batch_size: usize) -> Batches<'a> {
        Box::new(self.images.batches(indices, batch_size).map(|batch| {
            let batch = batch?;
            let labels = batch.indices.iter().map(|&index| self.labels[index]).collect();
            Ok(Batch { labels, ..batch })
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;
    use crate::samples::MNIST;

    #[test]
    fn labels_are_what_the_source_says() {
        let folder = tempfile::tempdir().unwrap();
        let unpacked = MNIST.unpack(folder.path()).unwrap();
        let (source, runtime) = (Source::read(&unpacked.model).unwrap(), Runtime::cpu());
        let data = Data::unlabelled(&unpacked.data, &source, &runtime, &Silent).unwrap();
        let labelled = Data::open(&unpacked.data, source.model()).unwrap();
        let (own, true_ones) = (data.train().unwrap(), labelled.train().unwrap());
        assert_eq!((own.categories(), own.labels().len()), (source.model().categories(), true_ones.labels().len()));
        let all: Vec<usize> = (0..own.labels().len()).collect();
        let answers = runtime.runner().logits(source.model(), true_ones, &all).unwrap();
        let told: Vec<usize> = all.iter().map(|&image| arg_max(answers.logits.row(image), None).unwrap()).collect();
        assert_eq!(own.labels(), told);
        let right = told.iter().zip(true_ones.labels()).filter(|(a, b)| a == b).count();
        assert!(right * 100 > 95 * told.len(), "{right} of {}", told.len());
        let batch = own.batches(&[3, 1], 2).next().unwrap().unwrap();
        assert_eq!((batch.labels, batch.indices), (vec![told[3], told[1]], vec![3, 1]));
        assert!(matches!(data.test(), Err(Error::NoTest)));
        let component = crate::disassemble(&source, &data).task("0-2").unwrap().keep_params(0.3).run(&runtime).unwrap();
        let accuracy = crate::accuracy::of_own(&component.model, &labelled, &runtime).unwrap();
        assert!(accuracy.percent() > 90.0, "{accuracy:?}");
    }
}
