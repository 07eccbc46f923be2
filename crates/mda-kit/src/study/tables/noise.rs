//! What of a difference is noise: two components are compared image by image over the same test images.

use super::super::record::ComponentRun;

/// How many standard errors behind is clearly behind: where ten others are as good, one of them seems this far ahead in
/// one column of twenty.
pub const CLEARLY: f64 = 2.6;

/// How often each test image was told right, over seeds: from 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rights(Vec<f64>);

impl Rights {
    /// `None` where a run does not tell, as records of older versions do not.
    pub(super) fn of<'a>(runs: impl Iterator<Item = &'a ComponentRun>) -> Option<Self> {
        let mut sums = Vec::<f64>::new();
        let mut seeds = 0;
        for run in runs {
            let right = run.right.read(run.images);
            if right.len() != run.images || (seeds > 0 && right.len() != sums.len()) {
                return None;
            }
            sums.resize(right.len(), 0.0);
            sums.iter_mut().zip(&right).for_each(|(sum, &right)| *sum += f64::from(u8::from(right)));
            seeds += 1;
        }
        sums.iter_mut().for_each(|sum| *sum /= f64::from(seeds));
        (!sums.is_empty()).then_some(Self(sums))
    }

    /// Whether `better` is ahead by more than [`CLEARLY`] standard errors of the mean difference between the two.
    pub(super) fn clearly_behind(&self, better: &Self) -> bool {
        let differences: Vec<f64> = better.0.iter().zip(&self.0).map(|(better, own)| better - own).collect();
        let count = differences.len() as f64;
        let mean = differences.iter().sum::<f64>() / count;
        let squares: f64 = differences.iter().map(|difference| (difference - mean).powi(2)).sum();
        count > 1.0 && mean > CLEARLY * (squares / (count - 1.0) / count).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::Rights;

    /// Of 1000 images the first `wrong` are told wrong.
    fn rights(wrong: usize) -> Rights {
        Rights((0..1000).map(|image| if image < wrong { 0.0 } else { 1.0 }).collect())
    }

    #[test]
    fn a_few_images_are_noise() {
        // k images differ, all one way: the mean is k/n, its standard error about sqrt(k)/n.
        assert!(!rights(10).clearly_behind(&rights(6)), "4 of 1000: 2 standard errors");
        assert!(rights(18).clearly_behind(&rights(8)), "10 of 1000: 3.2 standard errors");
        assert!(!rights(8).clearly_behind(&rights(18)), "ahead");
        assert!(!rights(8).clearly_behind(&rights(8)));
    }
}
