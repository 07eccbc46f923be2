//! The network before and after: a bar for each layer.

use super::plot::losses;
use super::text::{escaped, gaps, percent, share, thousands};
use crate::report::value::{Layer, Report, Section};

pub(super) const WHAT: &str = "A bar for each layer, in order of computation, as long as the layer had channels: what was kept \
and what was cut. Click a layer to see how well its repair did and how much the task suffers where it alone is cut.";

pub(super) fn layers(report: &Report) -> String {
    let mut out = String::new();
    for part in report.parts.iter().filter(|part| !part.layers.is_empty()) {
        if report.parts.len() > 1 {
            out.push_str(&format!("<h3>{}</h3>", escaped(&part.name)));
        }
        out.push_str(
            "<div class=\"legend\"><span><i style=\"background:var(--accent)\"></i>kept</span><span><i \
             style=\"background:var(--faint);border:1px solid var(--line)\"></i>cut</span></div>",
        );
        let most = part.layers.iter().map(|layer| layer.of).max().unwrap_or(1).max(1);
        part.layers.iter().for_each(|layer| out.push_str(&row(layer, most)));
    }
    out + &gaps(&report.missing, Section::Layers)
}

fn row(layer: &Layer, most: usize) -> String {
    let width = |channels: usize| 100.0 * channels as f64 / most as f64;
    let Layer { kept, of, .. } = *layer;
    // A bar that is too short to see says nothing.
    let whole = width(of).max(1.5);
    let own = whole * kept as f64 / of.max(1) as f64;
    format!(
        "<details class=\"layer\"><summary><span class=\"name\">{}</span><span class=\"bar\"><i class=\"kept\" \
         style=\"width:{own:.2}%\"></i>{}</span><span class=\"num\">{kept} of {of}</span></summary><div \
         class=\"more\">{}{}</div></details>\n",
        escaped(&layer.name),
        if kept < of { format!("<i class=\"gone\" style=\"width:{:.2}%\"></i>", whole - own) } else { String::new() },
        numbers(layer),
        if layer.losses.len() > 1 { losses(&layer.losses, kept, layer.foreseen) } else { String::new() }
    )
}

fn numbers(layer: &Layer) -> String {
    let mut out = "<dl>".to_owned();
    let mut fact = |what: &str, is: String| out.push_str(&format!("<dt>{what}</dt><dd>{is}</dd>"));
    let pair = |(after, before): (u64, u64)| {
        format!("{} of {} ({})", thousands(after), thousands(before), percent(share(after, before)))
    };
    fact("parameters", pair(layer.parameters));
    fact("multiply-adds", pair(layer.macs));
    if let Some((cut, own)) = layer.errors {
        fact("error as cut", percent(100.0 * cut));
        fact("error repaired", percent(100.0 * own));
        fact(
            "",
            "<span class=\"small\">of what it computes, against the source, on held-out train images</span>".into(),
        );
    }
    if let Some(tied) = &layer.tied {
        fact("keeps the same channels as", escaped(tied));
    }
    out + "</dl>"
}
