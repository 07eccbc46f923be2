//! The page: one HTML file with its pictures, its style and its script inside. It loads nothing, and says so to the browser.

mod layers;
mod plot;
mod sankey;
mod tables;
mod text;
mod trust;
mod verdict;

pub(crate) use text::thousands;

use super::value::{Kind, Report};
use mda_formats::target::REPORT;
use text::{escaped, sheet_rule};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
/// Nothing from anywhere else.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

pub(super) fn page(report: &Report) -> String {
    let name = escaped(&report.name);
    let kind = match report.kind {
        Kind::Component => "Component",
        Kind::Assembled => "Assembled model",
        Kind::Model => "Model",
    };
    let train = &report.sheets.train;
    let [high, wide] = train.tile;
    let mut page = format!(
        "{REPORT}<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"generator\" content=\"MDA\">\n<title>{name}</title>\n<style>\n{STYLE}{}{}</style>\n</head>\n<body \
         data-high=\"{high}\" data-wide=\"{wide}\" data-across=\"{}\">\n<main>\n<header>\n<div class=\"kind\">{kind}</div>\n\
         <h1>{name}</h1>\n",
        sheet_rule("train", train),
        sheet_rule("test", &report.sheets.test),
        train.across.max(1),
    );
    page.push_str(&chips(report));
    page.push_str(&verdict::sentence(report));
    page.push_str(&verdict::figures(report));
    page.push_str("</header>\n");
    for (id, head, what, body) in [
        ("verdict", "How good is it?", verdict::WHAT, verdict::rows(report)),
        ("curve", "How small can it be?", plot::WHAT, plot::curves(report)),
        ("layers", "What was cut?", layers::WHAT, layers::layers(report)),
        ("routes", "How does it decide?", sankey::WHAT, sankey::routes(report)),
        ("overlap", "Which categories come cheaply together?", tables::OVERLAP, tables::overlap(report)),
        ("confusion", "Where does it err?", tables::CONFUSION, tables::confusion(report)),
        ("takes", "Who takes whose images?", tables::TAKES, tables::takes(report)),
        ("trust", "Can I trust it?", trust::WHAT, trust::looked_at(report)),
        ("origin", "How was it made?", trust::HOW, trust::origin(report)),
    ] {
        if !body.is_empty() {
            page.push_str(&format!(
                "<section id=\"{id}\">\n<h2>{head}</h2>\n<p class=\"what\">{what}</p>\n{body}\n</section>\n"
            ));
        }
    }
    page.push_str(&format!(
        "<footer>Made by MDA {}. This file loads nothing from elsewhere.</footer>\n</main>\n<div id=\"tip\" role=\"status\" \
         hidden></div>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n",
        env!("CARGO_PKG_VERSION")
    ));
    page
}

/// The categories; of many the first.
fn chips(report: &Report) -> String {
    const MOST: usize = 30;
    let chip = |name: &String| format!("<span class=\"chip\">{}</span>", escaped(name));
    let chips: String = report.categories.iter().take(MOST).map(chip).collect();
    let more = match report.categories.len().saturating_sub(MOST) {
        0 => String::new(),
        more => format!("<span class=\"chip\">and {more} more</span>"),
    };
    format!("<div class=\"chips\" aria-label=\"categories\">{chips}{more}</div>\n")
}
