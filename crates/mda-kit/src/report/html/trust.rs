//! What was looked at, and how the model was made.

use super::text::{escaped, facts, gaps, share, thousands};
use crate::report::value::{LookedAt, Part, Report, Section};

pub(super) const WHAT: &str = "Every train image has one part in a component at most: what chose its channels did not repair \
it, and what compared cuts was fitted to by neither. Test images only measured.";
pub(super) const HOW: &str =
    "What is recorded in the model's file, and checks of it against the files that were given.";

pub(super) fn looked_at(report: &Report) -> String {
    let mut out = String::new();
    for part in &report.parts {
        if let Some(looked_at) = &part.looked_at {
            if report.parts.len() > 1 {
                out.push_str(&format!("<h3>{}</h3>", escaped(&part.name)));
            }
            out.push_str(&roles(looked_at));
        }
    }
    if out.is_empty() {
        out.push_str(
            "<p class=\"gap\">Which train images had which part needs the sources: give them with --source FILE.</p>",
        );
    }
    out
}

fn roles(LookedAt { roles, seed }: &LookedAt) -> String {
    let total: usize = roles.iter().map(|(_, count)| count).sum();
    let mut bars = String::new();
    let mut legend = String::new();
    for (index, (what, count)) in roles.iter().enumerate() {
        let tip = format!("{} images {what}", thousands(*count as u64));
        let part = share(*count as u64, total as u64);
        bars.push_str(&format!("<div class=\"r{index}\" style=\"width:{part:.2}%\" data-tip=\"{tip}\"></div>"));
        legend.push_str(&format!("<span><i class=\"r{index}\"></i>{tip}</span>"));
    }
    format!(
        "<div class=\"shares\">{bars}</div><div class=\"legend\">{legend}</div><p class=\"small\">{} train images of its \
         categories, parted by seed {seed}.</p>",
        thousands(total as u64)
    )
}

pub(super) fn origin(report: &Report) -> String {
    let mut out = String::new();
    if let Some(command) = &report.origin.command {
        out.push_str(&format!("<pre>{}</pre>", escaped(command)));
    }
    out.push_str(&facts(&report.origin.facts));
    for Part { name, made, .. } in report.parts.iter().filter(|part| !part.made.is_empty()) {
        if report.parts.len() > 1 {
            out.push_str(&format!("<h3>{}</h3>", escaped(name)));
        }
        out.push_str(&facts(made));
    }
    out + &gaps(&report.missing, Section::Trust)
}
