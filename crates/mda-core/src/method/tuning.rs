//! How a model is tuned: what a person may say about it; how is in `tune`.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How a model is tuned: by small steps down the slope of a loss, over and over the same images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Tuning {
    /// How often every image is seen.
    pub epochs: usize,
    /// Images a step.
    pub batch: usize,
    /// How many train images of a category, at most.
    pub images: usize,
    /// What makes steps of slopes.
    pub optimiser: Optimiser,
    /// How large steps are, from the first to the last.
    pub schedule: Schedule,
    /// The largest rate.
    pub rate: f64,
    /// What weights of layers lose of themselves in a step, as a multiple of the rate.
    pub weight_decay: f64,
    /// How soft answers are made before they are compared.
    pub temperature: f64,
    /// How much labels count beside the source's answers, `0.0..=1.0`.
    pub labels: f64,
    /// Whether half of the images are seen in a mirror.
    pub flip: bool,
    /// By how many rows and columns images are shifted at most, at random; black comes in.
    pub shift: usize,
    /// After how many epochs without a better one it ends.
    pub patience: usize,
    /// What draws the order of the images and what is done to them.
    pub seed: u64,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            epochs: 10,
            batch: 64,
            images: 2000,
            optimiser: Optimiser::AdamW,
            schedule: Schedule::OneCycle,
            rate: 1e-3,
            weight_decay: 0.0,
            temperature: 2.0,
            labels: 0.0,
            flip: true,
            shift: 0,
            patience: 5,
            seed: 0,
        }
    }
}

/// What makes steps of slopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Optimiser {
    /// Stochastic gradient descent with Nesterov's momentum, 0.9.
    Sgd,
    /// AdamW (Loshchilov and Hutter 2019).
    #[serde(rename = "adamw")]
    AdamW,
}

/// How the rate goes from the first step to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// Up for three tenths of the steps and down to nothing for the rest (Smith and Topin 2018).
    OneCycle,
    /// Down to nothing, as half a wave of the cosine goes (Loshchilov and Hutter 2017).
    Cosine,
}

/// A setting that means nothing.
#[derive(Clone, Debug, Error, PartialEq)]
#[error("{what} of a tuning: expected {expected}, got {got}")]
pub struct TuningError {
    /// Which setting.
    pub what: &'static str,
    /// What is needed.
    pub expected: &'static str,
    /// What was given.
    pub got: f64,
}

impl Tuning {
    /// Checks that every setting means something.
    ///
    /// # Errors
    /// [`TuningError`] with the first that does not.
    pub fn check(&self) -> Result<(), TuningError> {
        let positive = |x: f64| x > 0.0 && x.is_finite();
        let counts = [("epochs", self.epochs), ("batch", self.batch), ("images", self.images)];
        for (what, count) in counts {
            require(what, "at least 1", count as f64, count >= 1)?;
        }
        require("batch", "at most 65536", self.batch as f64, self.batch <= 1 << 16)?;
        require("rate", "a number above 0", self.rate, positive(self.rate))?;
        require("temperature", "a number above 0", self.temperature, positive(self.temperature))?;
        let decay = self.weight_decay;
        require("weight decay", "a number of at least 0", decay, decay == 0.0 || positive(decay))?;
        require("labels", "a share in 0 to 1", self.labels, (0.0..=1.0).contains(&self.labels))
    }
}

fn require(what: &'static str, expected: &'static str, got: f64, holds: bool) -> Result<(), TuningError> {
    if holds { Ok(()) } else { Err(TuningError { what, expected, got }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_mean_nothing_are_named() {
        assert_eq!(Tuning::default().check(), Ok(()));
        let told = |tuning: Tuning| tuning.check().unwrap_err().to_string();
        assert_eq!(told(Tuning { epochs: 0, ..Default::default() }), "epochs of a tuning: expected at least 1, got 0");
        assert!(told(Tuning { rate: f64::NAN, ..Default::default() }).contains("got NaN"));
        assert!(told(Tuning { labels: 1.5, ..Default::default() }).contains("a share in 0 to 1"));
    }
}
