//! Elimination against the refitted error itself, in both forms, and what rows are looked at.

use super::elimination::{Removal, eliminate};
use super::inverse::{Dense, Dual, Inverse, WAITING};
use super::problem::DAMPING;
use super::*;
use crate::attribute::measure::POSITIONS;
use crate::observe::regression::Regression;
use crate::op::Window;
use crate::tensor::Uniform;
use faer::Mat;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

fn rows(count: usize, regressors: usize, seed: u64) -> Vec<f32> {
    let mut uniform = Uniform::new(seed);
    (0..count * regressors).map(|_| uniform.signed()).collect()
}

/// The same observations by their products and by themselves.
fn both(x: &[f32], regressors: usize) -> [Regression; 2] {
    let gatherers = [
        Gathered::Sums(Sums::new(regressors, 0)),
        Gathered::Rows(regression::Rows::new(regressors, 0, x.len() / regressors)),
    ];
    gatherers.map(|mut gathered| {
        gathered.add(x, &[]);
        gathered.finish()
    })
}

fn weight(outputs: usize, regressors: usize) -> Mat<f64> {
    let mut uniform = Uniform::new(9);
    Mat::from_fn(outputs, regressors, |_, _| f64::from(uniform.signed()))
}

/// The elimination of groups of `sizes` in both forms.
fn eliminated(x: &[f32], weight: &Mat<f64>, sizes: &[usize]) -> [Vec<Removal>; 2] {
    let regressors = weight.ncols();
    let [Regression::Moments(moments), Regression::Rows(rows)] = both(x, regressors) else { panic!("both forms") };
    let damping = DAMPING * moments.mean_square();
    let order: Vec<usize> = (0..regressors).collect();
    let primal = eliminate(Dense::new(&moments, damping).unwrap(), weight.clone(), sizes).unwrap();
    let dual = eliminate(Dual::new(&rows, &order, damping).unwrap(), weight.clone(), sizes).unwrap();
    [primal, dual]
}

/// What goes and what it costs, worked out anew at every step from the damped Gram matrix: removing the groups R in all costs
/// `tr(W_R (H_RR - H_RS H_SS^-1 H_SR) W_R^T)`.
fn costs_of_all(x: &[f32], weight: &Mat<f64>, gone: &[usize], damping: f64) -> f64 {
    let regressors = weight.ncols();
    let mean = |d: usize| x.iter().skip(d).step_by(regressors).map(|&v| f64::from(v)).sum::<f64>();
    let count = x.len() / regressors;
    let means: Vec<f64> = (0..regressors).map(|d| mean(d) / count as f64).collect();
    let centred = Mat::from_fn(count, regressors, |n, d| f64::from(x[n * regressors + d]) - means[d]);
    let mut gram = centred.transpose() * &centred;
    (0..regressors).for_each(|d| gram[(d, d)] += damping);
    let kept: Vec<usize> = (0..regressors).filter(|d| !gone.contains(d)).collect();
    let block =
        |rows: &[usize], columns: &[usize]| Mat::from_fn(rows.len(), columns.len(), |r, c| gram[(rows[r], columns[c])]);
    let mut explained = block(&kept, gone);
    if !kept.is_empty() {
        let factor = crate::observe::regression::spd::factor(block(&kept, &kept)).unwrap();
        crate::observe::regression::spd::solve(&factor, &mut explained);
    }
    let complement = block(gone, gone) - block(gone, &kept) * &explained;
    let own = Mat::from_fn(weight.nrows(), gone.len(), |q, d| weight[(q, gone[d])]);
    let product = &own * complement * own.transpose();
    (0..product.nrows()).map(|q| product[(q, q)]).sum()
}

fn assert_true_costs(x: &[f32], weight: &Mat<f64>, sizes: &[usize]) {
    let regressors = weight.ncols();
    let [Regression::Moments(moments), _] = both(x, regressors) else { panic!("moments") };
    let damping = DAMPING * moments.mean_square();
    let starts: Vec<usize> = sizes.iter().scan(0, |end, size| Some(std::mem::replace(end, *end + size))).collect();
    for removals in eliminated(x, weight, sizes) {
        assert_eq!(removals.len(), sizes.len());
        let (mut gone, mut sum) = (Vec::new(), 0.0);
        for Removal { group, cost } in removals {
            gone.extend(starts[group]..starts[group] + sizes[group]);
            sum += cost;
            let expected = costs_of_all(x, weight, &gone, damping);
            // Centred rows are rounded to f32, their products are not.
            assert!((sum / expected - 1.0).abs() < 1e-5, "after {group}: {sum} against {expected}");
        }
    }
}

#[test]
fn costs_are_the_rises_of_the_refitted_error() {
    assert_true_costs(&rows(80, 6, 2), &weight(3, 6), &[2, 2, 2]);
    // Fewer rows than regressors, groups of many sizes.
    assert_true_costs(&rows(5, 12, 3), &weight(4, 12), &[1, 3, 2, 1, 5]);
    // More than one block of everything: waiting removals, gaps, chunks.
    assert_true_costs(&rows(40, 150, 4), &weight(2, 150), &[3; 50]);
}

#[test]
fn fewer_rows_than_regressors_give_the_same_elimination() {
    for (count, regressors, size) in [(7, 40, 4), (30, 400, 1), (3, 350, 7)] {
        let x = rows(count, regressors, 5);
        let [primal, dual] = eliminated(&x, &weight(5, regressors), &vec![size; regressors / size]);
        let same = primal.iter().zip(&dual).filter(|(a, b)| a.group == b.group).count();
        assert!(same * 10 >= primal.len() * 9, "{same} of {}", primal.len());
        let total = |removals: &[Removal]| removals.iter().map(|removal| removal.cost).sum::<f64>();
        assert!((total(&primal) / total(&dual) - 1.0).abs() < 1e-4);
    }
}

#[test]
fn a_layer_of_12_544_regressors_is_eliminated_by_its_rows() {
    // Half of VGG-16's behind its Flatten; the squared number of its regressors would take 1.3 GB.
    let (count, regressors) = (12, 12_544);
    let mut gathered = Gathered::Rows(regression::Rows::new(regressors, 0, count));
    gathered.add(&rows(count, regressors, 6), &[]);
    let Regression::Rows(rows) = gathered.finish() else { panic!("rows") };
    let order: Vec<usize> = (0..regressors).collect();
    let damping = DAMPING * rows.mean_square();
    let removals = eliminate(Dual::new(&rows, &order, damping).unwrap(), weight(2, regressors), &[49; 256]).unwrap();
    assert_eq!(removals.len(), 256);
    assert!(removals.iter().all(|removal| removal.cost > 0.0));
}

#[test]
fn a_copy_goes_first_and_its_twin_stays() {
    let mut x = rows(200, 4, 3);
    x.chunks_mut(4).for_each(|row| row[3] = row[1]);
    for removals in eliminated(&x, &Mat::full(1, 4, 1.0), &[1; 4]) {
        let mut twins = [removals[0].group, removals[3].group];
        twins.sort_unstable();
        assert_eq!(twins, [1, 3]);
    }
}

/// Counts the multiply-adds of what an elimination asks of it: what waits is taken from every row that is asked for, and what is
/// removed from everything that is left.
struct Counted<'a> {
    own: Dense,
    columns: usize,
    done: &'a AtomicU64,
}

impl Counted<'_> {
    fn count(&self, products: usize) {
        self.done.fetch_add(products as u64, Ordering::Relaxed);
    }
}

impl Inverse for Counted<'_> {
    fn block(&self, group: Range<usize>) -> Mat<f64> {
        self.own.block(group)
    }

    fn rows(&mut self, group: Range<usize>) -> Mat<f64> {
        self.count(group.len() * self.columns * WAITING);
        self.own.rows(group)
    }

    fn remove(&mut self, factor: &Mat<f64>, explained: Mat<f64>) {
        self.count(explained.nrows() * self.columns * self.columns);
        self.own.remove(factor, explained);
    }

    fn keep(&mut self, columns: &[usize]) {
        self.columns = columns.len();
        self.own.keep(columns);
    }
}

#[test]
fn an_elimination_takes_about_the_cube_of_its_regressors() {
    for (size, groups) in [(1, 400), (9, 60)] {
        let regressors = size * groups;
        let Regression::Moments(moments) = &both(&rows(2 * regressors, regressors, 8), regressors)[0] else { panic!() };
        let own = Dense::new(moments, DAMPING * moments.mean_square()).unwrap();
        let done = AtomicU64::new(0);
        let counted = Counted { own, columns: regressors, done: &done };
        eliminate(counted, weight(4, regressors), &vec![size; groups]).unwrap();
        let share = done.into_inner() as f64 / (regressors as f64).powi(3);
        assert!((0.3..1.0).contains(&share), "{share} of {regressors} cubed");
    }
}

#[test]
fn memory_is_bounded_whatever_there_is() {
    let shape = |channels, height, width| crate::op::Input { channels, height, width };
    let mut graph = crate::graph::Graph::new();
    graph.push("image", shape(512, 7, 7), &[]);
    let conv = crate::op::Conv2d { out_channels: 8, window: Window::square(7, 1, 3), groups: 1, bias: false };
    graph.push("conv", conv, &["image"]);
    graph.push("flat", crate::op::Flatten {}, &["image"]);
    graph.push("conv flat", crate::op::Flatten {}, &["conv"]);
    graph.push("all", crate::op::Concat {}, &["flat", "conv flat"]);
    graph.push("fc", crate::op::Linear { out_features: 2, bias: false }, &["all"]);
    let graph = graph.validate().unwrap();
    for layer in ["conv", "fc"] {
        let geometry = Geometry::of(&graph, graph.find(layer).unwrap()).unwrap();
        assert!(geometry.regressors() >= 25_088);
        for images in [1, 300, 100_000] {
            let of = |images| sampling(&geometry, images, POSITIONS, usize::MAX);
            assert!(of(images).rows() <= MOST_ROWS);
            assert!(matches!(gatherer(&geometry, of(images.min(10))), Gathered::Rows(_)));
        }
    }
}
