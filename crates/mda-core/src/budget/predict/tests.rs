//! What is predicted is the error that the ridge leaves.

use super::*;
use crate::attribute::{Relevance, Selection, statistics};
use crate::budget::{Budget, Chosen, Criterion, Quality, Ranking, Request, Strategy, choose};
use crate::observe::regression::{Regression, spd, strength};
use crate::run::Runner;
use crate::run::reference::Reference;
use crate::tensor::Uniform;
use crate::test_graphs::{Images, random_batch, random_model};
use faer::Mat;

/// A random model, its statistics and what its loss minds, from 12 images.
fn observed(uniform: &mut Uniform) -> (Model, Statistics, Importance) {
    const IMAGES: usize = 12;
    let model = random_model(uniform);
    let images = Images::new(random_batch(&model, IMAGES, uniform));
    let runner = Runner { backend: &Reference, device: None, batch_size: 5 };
    let all: Vec<usize> = (0..IMAGES).collect();
    let statistics = statistics(&runner, &model, &images, &Selection::new(vec![(0, all.clone())])).unwrap();
    let importance = Importance::observe(&runner, &model, &images, &all, &[0, 1, 2]).unwrap();
    (model, statistics, importance)
}

fn relevance(model: &Model, uniform: &mut Uniform) -> Relevance {
    let channels: Vec<usize> = model.graph().nodes().iter().map(|node| node.shape.channels()).collect();
    Relevance {
        relevant: channels.iter().map(|&count| vec![true; count]).collect(),
        score: channels.iter().map(|&count| (0..count).map(|_| uniform.next()).collect()).collect(),
    }
}

/// `sum of F_q / 2 * W_R (G_RR - G_RS (G_SS + l)^-1 G_SR) W_R^T` of a dense layer, worked out as it is written.
fn expected(model: &Model, id: usize, regression: &Regression, minds: &[f64], kept: &[usize]) -> f64 {
    let moments = match regression {
        Regression::Moments(moments) => moments.clone(),
        Regression::Rows(rows) => rows.moments(),
    };
    let weight = model.node_parameters(id).get("weight");
    let channels = model.graph().node(model.graph().node(id).inputs[0]).shape.channels();
    let taps = moments.xx.nrows() / channels;
    let part =
        |stays: bool| -> Vec<usize> { (0..channels * taps).filter(|d| kept.contains(&(d / taps)) == stays).collect() };
    let (own, gone) = (part(true), part(false));
    let block = |rows: &[usize], columns: &[usize]| {
        Mat::from_fn(rows.len(), columns.len(), |r, c| moments.xx[(rows[r], columns[c])])
    };
    let mut left = block(&gone, &gone);
    if !own.is_empty() {
        let mut system = block(&own, &own);
        let strength = strength(layer::LAMBDA, moments.mean_square(), moments.floor);
        (0..own.len()).for_each(|d| system[(d, d)] += strength);
        let mut explained = block(&own, &gone);
        spd::solve(&spd::factor(system).unwrap(), &mut explained);
        left -= block(&gone, &own) * explained;
    }
    let of_output = |q: usize| {
        let w = Mat::from_fn(1, gone.len(), |_, d| f64::from(weight.row(q)[gone[d]]));
        0.5 * minds[q] / moments.rows * (&w * &left * w.transpose())[(0, 0)]
    };
    (0..minds.len()).map(of_output).sum()
}

#[test]
fn the_rise_of_a_plan_is_the_sum_of_what_ridges_leave() {
    let (mut nested, mut others) = (0, 0);
    for seed in 0..30 {
        let mut uniform = Uniform::new(seed);
        let (model, statistics, importance) = observed(&mut uniform);
        let graph = model.graph();
        if graph.nodes().iter().any(|node| matches!(&node.op, crate::op::Op::Conv2d(conv) if conv.groups > 1)) {
            continue;
        }
        let predictor = Predictor::new(&model, Foresight { statistics: &statistics, importance: &importance });
        let first = relevance(&model, &mut uniform);
        let sites = Sites::new(graph, &first, &[0, 1, 2]);
        let orders = predictor.orders(&sites);
        let second = relevance(&model, &mut uniform);
        for ranking in [&first, &second] {
            let other = Sites::new(graph, ranking, &[0, 1, 2]);
            let counts: Vec<usize> = other.totals().iter().map(|&total| 1 + uniform.below(total)).collect();
            let plan = other.plan(&counts);
            let of_layer = |id: usize| {
                let (regression, minds) = (statistics.regression(id).unwrap(), importance.of(id).unwrap());
                expected(&model, id, regression, minds, plan.kept(graph.node(id).inputs[0]))
            };
            let expected: f64 = layers(graph).map(of_layer).sum();
            let rise = predictor.rise(&orders, &plan);
            assert!((rise - expected).abs() <= 1e-6 * (1e-6 + expected), "seed {seed}: {rise} against {expected}");
            if std::ptr::eq(ranking, &first) { nested += 1 } else { others += 1 }
        }
        assert!(predictor.rise(&orders, &sites.everything()).abs() < 1e-12);
    }
    assert!(nested > 5 && others > 5);
}

#[test]
fn a_curve_is_the_rise_where_one_site_alone_is_cut() {
    for seed in 0..30 {
        let mut uniform = Uniform::new(seed);
        let (model, statistics, importance) = observed(&mut uniform);
        let predictor = Predictor::new(&model, Foresight { statistics: &statistics, importance: &importance });
        let relevance = relevance(&model, &mut uniform);
        let sites = Sites::new(model.graph(), &relevance, &[0, 1, 2]);
        let orders = predictor.orders(&sites);
        let totals = sites.totals();
        for (site, curve) in curves(&predictor, &sites, &orders).into_iter().enumerate() {
            for kept in 1..=totals[site] {
                let counts: Vec<usize> = (0..totals.len()).map(|s| if s == site { kept } else { totals[s] }).collect();
                let plan = sites.plan(&counts);
                if sites.counts_of(&plan) != counts {
                    continue;
                }
                let (told, rise) = (curve.at(kept), predictor.rise(&orders, &plan));
                assert!((told - rise).abs() <= 1e-6 * (1e-6 + rise), "seed {seed}, {site}: {told} against {rise}");
            }
        }
    }
}

#[test]
fn images_decide_between_those_that_are_expected_to_lose_least() {
    let mut uniform = Uniform::new(4);
    let (model, statistics, importance) = observed(&mut uniform);
    let relevance = relevance(&model, &mut uniform);
    let rankings = [Ranking { name: "random", relevance: &relevance, fixed: None }];
    let everything = Sites::new(model.graph(), &relevance, &[0, 1]).everything();
    let asked = std::cell::RefCell::new(Vec::new());
    // The later a plan is asked about, the better.
    let evaluate = |plans: &[&KeepPlan]| {
        let quality = |&plan: &&KeepPlan| {
            asked.borrow_mut().push(plan.clone());
            let loss = if *plan == everything { 0.0 } else { 100.0 - asked.borrow().len() as f64 };
            Quality { accuracy: 50.0, loss }
        };
        Ok(plans.iter().map(quality).collect())
    };
    for finalists in [1, 2, 3] {
        asked.take();
        let request = Request {
            model: &model,
            rankings: &rankings,
            strategies: &Strategy::ALL,
            criterion: Criterion::Loss,
            logits: &[0, 1],
            foresight: Some(Foresight { statistics: &statistics, importance: &importance }),
            finalists,
            sensitivity: &evaluate,
            evaluate: &evaluate,
        };
        let Chosen { plan, explanation, .. } = choose(&request, Budget::Params(0.5)).unwrap();
        let asked = asked.borrow();
        // Nothing is asked where there is nothing to decide.
        assert_eq!(asked.len(), if finalists == 1 { 0 } else { finalists });
        let expected = |plan: &KeepPlan| {
            let predictor = Predictor::new(&model, request.foresight.unwrap());
            predictor.rise(&predictor.orders(&Sites::new(model.graph(), &relevance, &[0, 1])), plan)
        };
        let untried = explanation.trials.iter().filter(|trial| trial.quality.is_none());
        let least = untried.filter_map(|trial| trial.predicted).fold(f64::INFINITY, f64::min);
        assert!(asked.iter().all(|plan| expected(plan) <= least), "the most promising ones");
        assert!(finalists == 1 || plan == asked[finalists - 1], "the best of them");
    }
}
