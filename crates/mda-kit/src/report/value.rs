//! What a report tells, as plain values.

use mda_core::model::ModelSize;
use serde::Serialize;

/// Everything that a report tells.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// What the model is called.
    pub name: String,
    /// Whether it was cut out of a source, put together of components, or neither.
    pub kind: Kind,
    /// Its categories, in the order of its logits.
    pub categories: Vec<String>,
    /// How good it is.
    pub verdict: Verdict,
    /// What it is made of; of a component itself.
    pub parts: Vec<Part>,
    /// How its categories are decided.
    pub routes: Option<Routes>,
    /// What is taken for what.
    pub confusion: Option<Confusion>,
    /// Whose images go to whom, where there are several parts: `takes[own][taker]`.
    pub takes: Option<Vec<Vec<usize>>>,
    /// How it was made, and how the report was.
    pub origin: Origin,
    /// What is not told, and what would bring it.
    pub missing: Vec<Missing>,
    /// The images that the report shows.
    #[serde(skip)]
    pub sheets: Sheets,
}

/// What kind of model a report is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Cut out of a source.
    Component,
    /// Put together of components.
    Assembled,
    /// Neither.
    Model,
}

/// A part of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Section {
    /// How good it is beside others.
    Verdict,
    /// Accuracy against size.
    Curve,
    /// The network before and after.
    Layers,
    /// How categories are decided.
    Routes,
    /// What is taken for what.
    Confusion,
    /// What was looked at.
    Trust,
}

/// What is not told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// Where it would stand.
    pub section: Section,
    /// Why it is not there, and what would bring it.
    pub sentence: String,
}

/// A measured percentage with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Score {
    /// In percent.
    pub percent: f64,
    /// The interval's lower end.
    pub low: f64,
    /// The interval's upper end.
    pub high: f64,
    /// How many images it is of.
    pub images: usize,
}

/// What scores count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// Images that are told right.
    Accuracy,
    /// The area under the ROC curve, for a single category.
    Area,
}

/// How good a model is, beside others.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// What scores count.
    pub measure: Measure,
    /// The model's own score.
    pub score: Score,
    /// Its size.
    pub size: ModelSize,
    /// How long it takes here.
    pub speed: Option<Speed>,
    /// What it was made of, where that was given: all sources together.
    pub source: Option<Whole>,
    /// The model and what it is compared with, in groups.
    pub groups: Vec<Group>,
}

/// Sizes and times of the sources.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Whole {
    /// Their size.
    pub size: ModelSize,
    /// How long they take here.
    pub speed: Option<Speed>,
}

/// How long a model takes here.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Speed {
    /// Milliseconds for one image alone.
    pub alone: f64,
    /// Milliseconds an image, many at a time.
    pub many: f64,
    /// How many at a time.
    pub batch: usize,
}

/// Scores that can be compared with one another.
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    /// What they are of, in words.
    pub of: String,
    /// The scores, the model's own first.
    pub rows: Vec<Row>,
}

/// One score.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Of what.
    pub what: String,
    /// Whether it is of the model that the report is about.
    pub own: bool,
    /// The score.
    pub score: Score,
}

/// One component.
#[derive(Clone, Debug, Serialize)]
pub struct Part {
    /// What it is called.
    pub name: String,
    /// Its categories.
    pub categories: Vec<String>,
    /// What it was cut out of.
    pub source: Option<String>,
    /// How it was made.
    pub made: Vec<Fact>,
    /// Accuracy against size.
    pub curve: Option<Curve>,
    /// Its layers, in order of computation.
    pub layers: Vec<Layer>,
    /// Who looked at which train images.
    pub looked_at: Option<LookedAt>,
}

/// Something that is told in two columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// What it is.
    pub what: String,
    /// How it is.
    pub is: String,
    /// Whether a check of it went well, where there was one.
    pub holds: Option<bool>,
}

/// Accuracy against size, on train images that nothing was fitted to.
#[derive(Clone, Debug, Serialize)]
pub struct Curve {
    /// Images that it was measured on.
    pub images: usize,
    /// What the uncut source reaches, in percent.
    pub whole: f64,
    /// Other sizes of the same source: the share of the parameters and the accuracy, in percent.
    pub points: Vec<(f64, f64)>,
    /// Plans that were tried and not taken.
    pub tried: Vec<(f64, f64)>,
    /// The component.
    pub chosen: (f64, f64),
}

/// One layer, before and after.
#[derive(Clone, Debug, Serialize)]
pub struct Layer {
    /// What it is called.
    pub name: String,
    /// Channels that stayed.
    pub kept: usize,
    /// Channels of the source; of one that is not known as many as stayed.
    pub of: usize,
    /// Parameters after and before.
    pub parameters: (u64, u64),
    /// Multiply-adds after and before.
    pub macs: (u64, u64),
    /// The relative error of its outputs as cut and as it is.
    pub errors: Option<(f64, f64)>,
    /// The loss where it alone is cut, by how many channels stay; the last one is uncut.
    pub losses: Vec<(usize, f64)>,
    /// Whether that is the rise of the loss that is expected after a repair, and not the loss as measured without.
    pub foreseen: bool,
    /// The layers that it keeps the same channels as, itself included, where there are others.
    pub tied: Option<String>,
}

/// Who looked at which train images.
#[derive(Clone, Debug, Serialize)]
pub struct LookedAt {
    /// The role and how many of the task's images have it.
    pub roles: Vec<(&'static str, usize)>,
    /// What drew them.
    pub seed: u64,
}

/// How categories are decided.
#[derive(Clone, Debug, Serialize)]
pub struct Routes {
    /// How many train images of a category, at most.
    pub images: usize,
    /// The routes that are drawn.
    pub routes: Vec<Route>,
    /// The categories that routes were compared of.
    pub compared: Vec<usize>,
    /// `overlap[a][b]`: how much of the routes of two compared categories is the same, in 0 to 1.
    pub overlap: Vec<Vec<f64>>,
}

/// The route of one category.
#[derive(Clone, Debug, Serialize)]
pub struct Route {
    /// The category.
    pub category: usize,
    /// The images and the layers, in order of computation.
    pub columns: Vec<Column>,
    /// What flows between them.
    pub links: Vec<Link>,
}

/// A layer in a route.
#[derive(Clone, Debug, Serialize)]
pub struct Column {
    /// What it is called.
    pub layer: String,
    /// Its strongest channels, and what is left of the others.
    pub channels: Vec<Channel>,
}

/// A channel in a route.
#[derive(Clone, Debug, Serialize)]
pub struct Channel {
    /// Which one; absent for all others together.
    pub channel: Option<usize>,
    /// How many it stands for.
    pub count: usize,
    /// The share of the logit that flows through it.
    pub flow: f64,
    /// Tiles of [`Sheets::train`] that excite it most.
    pub tiles: Vec<usize>,
}

/// What flows between two channels, as positions of columns and of channels in them.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Link {
    /// Nearer to the images.
    pub from: (usize, usize),
    /// Nearer to the logit.
    pub to: (usize, usize),
    /// The share of the logit.
    pub flow: f64,
}

/// What is taken for what.
#[derive(Clone, Debug, Serialize)]
pub struct Confusion {
    /// `counts[label][prediction]`.
    pub counts: Vec<Vec<usize>>,
    /// The worst images, the worst first.
    pub worst: Vec<Worst>,
}

/// An image that was taken for another category.
#[derive(Clone, Debug, Serialize)]
pub struct Worst {
    /// Tile of [`Sheets::test`].
    pub tile: usize,
    /// Where it comes from, where it has a name.
    pub name: Option<String>,
    /// Its category.
    pub label: usize,
    /// What it was taken for.
    pub taken: usize,
    /// How sure the model was, in percent.
    pub sure: f64,
}

/// How the model and the report were made.
#[derive(Clone, Debug, Serialize)]
pub struct Origin {
    /// The command.
    pub command: Option<String>,
    /// Settings and hashes.
    pub facts: Vec<Fact>,
}

/// Images side by side in one picture each.
#[derive(Clone, Debug, Default)]
pub struct Sheets {
    /// Train images that excite channels.
    pub train: Sheet,
    /// Test images that were taken for others.
    pub test: Sheet,
}

/// Tiles of one size in one PNG.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    /// The picture.
    pub png: Vec<u8>,
    /// Rows and columns of a tile, in pixels.
    pub tile: [usize; 2],
    /// Tiles beside one another.
    pub across: usize,
    /// How many tiles there are.
    pub count: usize,
}

impl Score {
    /// A share of images with its Wilson interval (Wilson 1927).
    pub fn of(correct: usize, total: usize) -> Self {
        let n = total.max(1) as f64;
        let p = correct as f64 / n;
        let z = 1.959_964;
        let centre = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
        let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt() / (1.0 + z * z / n);
        let bound = |x: f64| (100.0 * x).clamp(0.0, 100.0);
        Self { percent: 100.0 * p, low: bound(centre - half), high: bound(centre + half), images: total }
    }

    /// An area under the ROC curve in percent with the interval of Hanley and McNeil (1982).
    pub fn area(percent: f64, positive: usize, negative: usize) -> Self {
        let a = percent / 100.0;
        let (p, n) = (positive.max(1) as f64, negative.max(1) as f64);
        let (q1, q2) = (a / (2.0 - a), 2.0 * a * a / (1.0 + a));
        let variance = (a * (1.0 - a) + (p - 1.0) * (q1 - a * a) + (n - 1.0) * (q2 - a * a)) / (p * n);
        let half = 1.959_964 * variance.max(0.0).sqrt();
        let bound = |x: f64| (100.0 * x).clamp(0.0, 100.0);
        Self { percent, low: bound(a - half), high: bound(a + half), images: positive + negative }
    }
}

impl Fact {
    /// Something that nothing checks.
    pub fn new(what: impl Into<String>, is: impl Into<String>) -> Self {
        Self { what: what.into(), is: is.into(), holds: None }
    }

    /// Something that was checked.
    pub fn checked(what: impl Into<String>, is: impl Into<String>, holds: bool) -> Self {
        Self { what: what.into(), is: is.into(), holds: Some(holds) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_of_the_literature() {
        // Newcombe 1998: 81 of 263 have the Wilson interval 0.2553 to 0.3662.
        let score = Score::of(81, 263);
        assert!((score.low - 25.53).abs() < 0.01 && (score.high - 36.62).abs() < 0.01, "{score:?}");
        assert!((Score::of(10, 10).high - 100.0).abs() < 1e-9);
        // Hanley and McNeil 1982: an area of 0.893 of 51 and 58 images has a standard error of 0.032.
        let area = Score::area(89.3, 51, 58);
        assert!(((area.high - area.percent) / 1.96 - 3.2).abs() < 0.1, "{area:?}");
    }
}
