//! Budgets are met, sizes are exact, and what is chosen is the best of what was tried.

mod competition;

use super::*;
use crate::cut::slice;
use crate::op::{Conv2d, Op};
use crate::tensor::Uniform;
use crate::test_graphs::random_model;

/// Scores from a seed, everything relevant.
fn random_relevance(model: &Model, uniform: &mut Uniform) -> Relevance {
    let channels = |value: usize| model.graph().node(value).shape.channels();
    let nodes = 0..model.graph().nodes().len();
    Relevance {
        relevant: nodes.clone().map(|value| vec![true; channels(value)]).collect(),
        score: nodes.map(|value| (0..channels(value)).map(|_| uniform.next()).collect()).collect(),
    }
}

/// A stand-in for accuracy that only the kept channels decide: their share, the first layer's counted fourfold.
fn quality(model: &Model, plan: &KeepPlan) -> Quality {
    let graph = model.graph();
    let share = |value: usize| plan.kept(value).len() as f64 / graph.node(value).shape.channels() as f64;
    let stem = graph.find("stem").unwrap();
    let mean = (0..graph.nodes().len()).map(share).sum::<f64>() / graph.nodes().len() as f64;
    let accuracy = 20.0 * (4.0 * share(stem) + mean);
    Quality { accuracy, loss: 100.0 - accuracy }
}

/// A request in which every strategy spends, loss decides, and `evaluate` is asked for everything.
fn request<'a>(
    model: &'a Model,
    rankings: &'a [Ranking<'a>],
    logits: &'a [usize],
    evaluate: &'a Evaluate<'a>,
) -> Request<'a> {
    Request {
        model,
        rankings,
        strategies: &Strategy::ALL,
        criterion: Criterion::Loss,
        logits,
        foresight: None,
        finalists: 3,
        sensitivity: evaluate,
        evaluate,
    }
}

/// What every plan is worth by itself.
fn each<E>(worth: impl Fn(&KeepPlan) -> Result<Quality, E>) -> impl Fn(&[&KeepPlan]) -> Result<Vec<Quality>, E> {
    move |plans| plans.iter().map(|&plan| worth(plan)).collect()
}

#[test]
fn counted_sizes_are_those_of_the_cut_models() {
    for seed in 0..80 {
        let mut uniform = Uniform::new(seed);
        let model = random_model(&mut uniform);
        let relevance = random_relevance(&model, &mut uniform);
        let sites = Sites::new(model.graph(), &relevance, &[0, 2]);
        let counts: Vec<usize> = sites.totals().iter().map(|&total| 1 + uniform.below(total)).collect();
        let plan = sites.plan(&counts);
        let size = size_of(model.graph(), &plan).unwrap();
        assert_eq!(size, slice(&model, &plan).unwrap().size(), "seed {seed}");
        let exact = |op: &Op| !matches!(op, Op::Conv2d(Conv2d { groups: 2, .. }) | Op::SelectChannels(_));
        if model.graph().nodes().iter().all(|node| exact(&node.op)) {
            assert_eq!(sites.counts_of(&plan), counts, "seed {seed}");
            assert_eq!(size, sites.estimate(&counts), "seed {seed}");
        }
    }
}

#[test]
fn budgets_are_met_and_the_best_trial_is_chosen() {
    for seed in 0..20 {
        let mut uniform = Uniform::new(seed);
        let model = random_model(&mut uniform);
        let relevance = random_relevance(&model, &mut uniform);
        let evaluate = each(|plan| Ok(quality(&model, plan)));
        let rankings = [Ranking { name: "random", relevance: &relevance, fixed: None }];
        let request = request(&model, &rankings, &[0, 1], &evaluate);
        for budget in [Budget::Params(0.6), Budget::Macs(0.6)] {
            let Chosen { plan, explanation, .. } = choose(&request, budget).unwrap();
            let size = slice(&model, &plan).unwrap().size();
            let (got, whole) = match budget {
                Budget::Macs(_) => (size.macs, model.size().macs),
                _ => (size.parameters, model.size().parameters),
            };
            assert!(got as f64 <= 0.6 * whole as f64, "seed {seed}: {got} of {whole}");
            assert_eq!(explanation.chosen.size, size);
            let best = explanation.trials.iter().map(|trial| trial.quality.unwrap().accuracy).fold(0.0, f64::max);
            assert_eq!(explanation.chosen.quality.unwrap().accuracy, best);
            assert!(explanation.sites.iter().all(|site| site.kept >= 1 && site.kept <= site.total));
        }
        let Chosen { plan, explanation, .. } = choose(&request, Budget::MaxDrop(10.0)).unwrap();
        assert!(quality(&model, &plan).accuracy >= explanation.whole.unwrap().accuracy - 10.0);
        assert!(explanation.chosen.size.parameters < explanation.source.parameters);
    }
}

#[test]
fn fixed_thresholds_that_fit_are_never_beaten_downwards() {
    let mut uniform = Uniform::new(5);
    let model = random_model(&mut uniform);
    let relevance = random_relevance(&model, &mut uniform);
    let sites = Sites::new(model.graph(), &relevance, &[0]);
    let fixed = sites.plan(&vec![1; sites.sites.len()]);
    // An evaluation that likes nothing but the fixed plan.
    let evaluate = each(|plan| {
        let accuracy = if *plan == fixed { 90.0 } else { 50.0 };
        Ok(Quality { accuracy, loss: 1.0 })
    });
    let rankings = [Ranking { name: "random", relevance: &relevance, fixed: Some(&fixed) }];
    let request = request(&model, &rankings, &[0], &evaluate);
    let chosen = choose(&request, Budget::Params(0.9)).unwrap();
    assert_eq!((chosen.plan, chosen.explanation.chosen.strategy), (fixed.clone(), Strategy::Fixed));
}

#[test]
fn senseless_and_impossible_budgets_say_so() {
    let mut uniform = Uniform::new(6);
    let model = random_model(&mut uniform);
    let relevance = random_relevance(&model, &mut uniform);
    let evaluate = each(|plan| Ok(quality(&model, plan)));
    let rankings = [Ranking { name: "random", relevance: &relevance, fixed: None }];
    let request = request(&model, &rankings, &[0], &evaluate);
    assert!(matches!(choose(&request, Budget::Params(1.5)), Err(BudgetError::Meaningless { .. })));
    assert!(matches!(choose(&request, Budget::MaxDrop(f64::NAN)), Err(BudgetError::Meaningless { .. })));
    assert!(matches!(choose(&request, Budget::Params(1e-4)), Err(BudgetError::TooSmall { .. })));
    let failing = each(|_| Err("no images".into()));
    let request = Request { evaluate: &failing, ..request };
    assert!(matches!(choose(&request, Budget::Params(0.5)), Err(BudgetError::Evaluate(_))));
    let request = Request { rankings: &[], ..request };
    assert!(matches!(choose(&request, Budget::Params(0.5)), Err(BudgetError::NoRanking)));
}

#[test]
fn a_plan_that_cannot_be_repaired_is_a_bad_plan() {
    let mut draws = Uniform::new(6);
    let model = random_model(&mut draws);
    let relevance = random_relevance(&model, &mut draws);
    let rankings = [Ranking { name: "random", relevance: &relevance, fixed: None }];
    let uniform_plan = uniform(&model, &relevance, &[0], Budget::Params(0.5)).unwrap();
    let everything = Sites::new(model.graph(), &relevance, &[0]).everything();
    // Only the uniform plan can be repaired, though all others would seem better.
    let only = each(|plan| match () {
        () if *plan == uniform_plan => Ok(Quality { accuracy: 1.0, loss: 99.0 }),
        () if *plan == everything => Ok(quality(&model, plan)),
        () => Ok(Quality::WORST),
    });
    let anything = each(|plan| Ok(quality(&model, plan)));
    let in_trials = Request { sensitivity: &anything, ..request(&model, &rankings, &[0], &only) };
    let chosen = choose(&in_trials, Budget::Params(0.5)).unwrap();
    assert_eq!(chosen.plan, uniform_plan);
    assert!(chosen.explanation.to_string().contains("cannot be repaired"));
    let none = each(|plan| Ok(if *plan == everything { quality(&model, plan) } else { Quality::WORST }));
    let in_trials = Request { sensitivity: &anything, ..request(&model, &rankings, &[0], &none) };
    let error = choose(&in_trials, Budget::Params(0.5)).unwrap_err();
    assert!(matches!(error, BudgetError::NothingRepaired { plans: 1.., .. }), "{error}");
    // Without a plan that can be repaired the source itself drops by nothing.
    assert_eq!(choose(&in_trials, Budget::MaxDrop(100.0)).unwrap().plan, everything);
}

#[test]
fn sensitive_layers_keep_more() {
    let mut uniform = Uniform::new(7);
    let model = random_model(&mut uniform);
    let relevance = random_relevance(&model, &mut uniform);
    let sites = Sites::new(model.graph(), &relevance, &[0, 1, 2]);
    let evaluate = each(|plan| Ok(quality(&model, plan)));
    let curves = sensitivity::measured(&sites, &evaluate).unwrap();
    let at_most = model.size().parameters * 2 / 3;
    let counts = allocation::greedy(&sites, &curves, allocation::Limit { kind: Kind::Parameters, at_most }).unwrap();
    let stem = sites.sites.iter().position(|site| site.name.starts_with("stem")).unwrap();
    let shares: Vec<f64> =
        counts.iter().zip(sites.totals()).map(|(&count, total)| count as f64 / total as f64).collect();
    assert!(shares.iter().all(|&share| share <= shares[stem]), "{shares:?}");
}
