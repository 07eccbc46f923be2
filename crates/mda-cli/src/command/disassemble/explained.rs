//! Why a budget was spent as it was, laid out for reading.

use crate::printer;
use crate::table::{Table, share};
use mda::core::budget::{Explanation, Trial};

/// The shares of a site's channels whose losses are shown.
const SHARES: [(&str, f64); 5] = [("1/8 left", 0.125), ("1/4", 0.25), ("1/2", 0.5), ("3/4", 0.75), ("all", 1.0)];

/// The plans that were tried, and what was decided where.
pub(super) fn describe(explanation: &Explanation) -> String {
    let uncut = explanation.whole.map(|whole| {
        format!("; the uncut source reaches {:.2} % within the task on held-out train images", whole.accuracy)
    });
    let uncut = uncut.unwrap_or_default();
    format!("budget: {}{uncut}\n\n{}\n{}\n", explanation.budget, trials(explanation), sites(explanation))
}

/// A row a plan, the best first, the one that was taken marked.
fn trials(explanation: &Explanation) -> String {
    let accuracy = |trial: &Trial| trial.quality.filter(|quality| quality.loss.is_finite());
    let mut table =
        Table::new(&["plan", "parameters", "multiply-adds", "foreseen loss", "accuracy %", "loss", "tried"]);
    for trial in &explanation.trials {
        let mark = if *trial == explanation.chosen { "* " } else { "  " };
        let quality = accuracy(trial);
        let tried = match trial.quality {
            None => "no",
            Some(quality) if !quality.loss.is_finite() => "cannot be repaired",
            Some(_) => "yes",
        };
        table.row([
            format!("{mark}{}, {}", trial.ranking, trial.strategy),
            share(trial.size.parameters, explanation.source.parameters),
            share(trial.size.macs, explanation.source.macs),
            trial.predicted.map(|loss| format!("{loss:.4}")).unwrap_or_default(),
            quality.map(|quality| format!("{:.2}", quality.accuracy)).unwrap_or_default(),
            quality.map(|quality| format!("{:.4}", quality.loss)).unwrap_or_default(),
            tried.into(),
        ]);
    }
    table.render()
}

/// A row for all layers that keep the same channels, named after the first.
fn sites(explanation: &Explanation) -> String {
    let heads: Vec<&str> = ["layer", "kept", "of"].into_iter().chain(SHARES.map(|(head, _)| head)).collect();
    let is_known = explanation.sites.iter().any(|site| !site.losses.is_empty());
    let mut table = Table::new(if is_known { &heads } else { &heads[..3] });
    for site in &explanation.sites {
        let mut layers = site.layers.split(" + ");
        let first = printer::name(layers.next().unwrap_or_default());
        let name = match layers.count() {
            0 => first,
            tied => format!("{first} and {tied} tied"),
        };
        let losses = SHARES.iter().filter(|_| is_known).map(|(_, part)| {
            at(&site.losses, part * site.total as f64).map(|loss| format!("{loss:.4}")).unwrap_or_default()
        });
        table.row([name, site.kept.to_string(), site.total.to_string()].into_iter().chain(losses));
    }
    let what = match explanation.chosen.predicted {
        Some(_) => "how much the loss is expected to rise where a layer alone is cut, after a repair",
        None => "the loss where a layer alone is cut",
    };
    if is_known { format!("{what}:\n{}", table.render()) } else { table.render() }
}

/// The loss with `kept` channels, linear between the points that are known.
fn at(losses: &[(usize, f64)], kept: f64) -> Option<f64> {
    let after = losses.iter().position(|&(count, _)| count as f64 >= kept)?;
    let (right, high) = losses[after];
    match after.checked_sub(1).map(|before| losses[before]) {
        Some((left, low)) => Some(low + (high - low) * (kept - left as f64) / (right - left).max(1) as f64),
        None => Some(high),
    }
}

#[cfg(test)]
mod tests {
    use super::at;

    #[test]
    fn losses_lie_between_their_points() {
        let losses = [(2, 1.0), (4, 0.5), (8, 0.0)];
        assert_eq!([0.5, 2.0, 3.0, 6.0, 8.0].map(|kept| at(&losses, kept).unwrap()), [1.0, 1.0, 0.75, 0.25, 0.0]);
        assert_eq!(at(&losses, 9.0), None);
    }
}
