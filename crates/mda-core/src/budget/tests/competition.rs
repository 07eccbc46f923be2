//! Several rankings compete, and the better plan wins.

use super::*;

#[test]
fn the_best_of_several_rankings_is_chosen() {
    let mut uniform = Uniform::new(8);
    let model = random_model(&mut uniform);
    let all: Vec<Relevance> = (0..3).map(|_| random_relevance(&model, &mut uniform)).collect();
    let names = ["a", "b", "c"];
    let rankings: Vec<Ranking<'_>> =
        all.iter().zip(names).map(|(relevance, name)| Ranking { name, relevance, fixed: None }).collect();
    for wanted in 0..3 {
        let of_wanted = |plan: &KeepPlan| *plan == with_counts_of(&model, &all[wanted], &[0], plan);
        let evaluate = each(|plan| {
            let worth = if of_wanted(plan) { 90.0 } else { 50.0 };
            Ok(Quality { accuracy: worth, loss: 100.0 - worth })
        });
        for strategies in [&Strategy::ALL[..], &[Strategy::Uniform]] {
            let request = Request { strategies, ..request(&model, &rankings, &[0], &evaluate) };
            let Chosen { ranking, plan, explanation } = choose(&request, Budget::Params(0.5)).unwrap();
            assert_eq!((ranking, explanation.chosen.ranking.as_str()), (wanted, names[wanted]));
            assert!(of_wanted(&plan));
            assert!(explanation.trials.iter().all(|trial| strategies.contains(&trial.strategy)));
            let reads = strategies.len() > 1;
            assert!(explanation.sites.iter().all(|site| site.losses.is_empty() != reads), "only where asked for");
        }
    }
}

#[test]
fn another_ranking_never_makes_the_smallest_plan_larger() {
    for seed in 0..20 {
        let mut uniform = Uniform::new(seed);
        let model = random_model(&mut uniform);
        let all = [random_relevance(&model, &mut uniform), random_relevance(&model, &mut uniform)];
        let rankings = [0, 1].map(|index| Ranking { name: "random", relevance: &all[index], fixed: None });
        let evaluate = each(|plan| Ok(quality(&model, plan)));
        let smallest = |rankings: &[Ranking<'_>]| {
            let request = request(&model, rankings, &[0, 1], &evaluate);
            let Chosen { explanation: Explanation { chosen, trials, whole, .. }, .. } =
                choose(&request, Budget::MaxDrop(10.0)).unwrap();
            assert!(chosen.quality.unwrap().accuracy >= whole.unwrap().accuracy - 10.0);
            assert!(trials.iter().all(|trial| trial.size.parameters >= chosen.size.parameters), "the smallest first");
            chosen.size.parameters
        };
        assert!(smallest(&rankings) <= smallest(&rankings[..1]), "seed {seed}");
    }
}

#[test]
fn the_criterion_decides() {
    let mut uniform = Uniform::new(10);
    let model = random_model(&mut uniform);
    let all = [random_relevance(&model, &mut uniform), random_relevance(&model, &mut uniform)];
    let rankings = [0, 1].map(|index| Ranking { name: "random", relevance: &all[index], fixed: None });
    // The second is more accurate at more loss.
    let evaluate = each(|plan| {
        let second = *plan == with_counts_of(&model, &all[1], &[0], plan);
        Ok(if second { Quality { accuracy: 70.0, loss: 2.0 } } else { Quality { accuracy: 60.0, loss: 1.0 } })
    });
    for (criterion, wanted) in [(Criterion::Loss, 0), (Criterion::Accuracy, 1)] {
        let request =
            Request { strategies: &[Strategy::Uniform], criterion, ..request(&model, &rankings, &[0], &evaluate) };
        assert_eq!(choose(&request, Budget::Params(0.5)).unwrap().ranking, wanted);
    }
}
