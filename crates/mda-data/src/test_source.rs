//! Labels without images, for tests of what never reads a pixel.

use mda_core::run::{Batches, ImageSource};

pub(crate) struct Labels {
    names: Vec<String>,
    labels: Vec<usize>,
}

impl Labels {
    pub(crate) fn new(names: &[&str], labels: Vec<usize>) -> Self {
        Self { names: names.iter().map(|&name| name.to_owned()).collect(), labels }
    }
}

impl ImageSource for Labels {
    fn categories(&self) -> &[String] {
        &self.names
    }

    fn labels(&self) -> &[usize] {
        &self.labels
    }

    fn batches<'a>(&'a self, _indices: &'a [usize], _batch_size: usize) -> Batches<'a> {
        Box::new(std::iter::empty())
    }
}
