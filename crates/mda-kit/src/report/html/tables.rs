//! Overlap of routes, confusion, and whose images go to whom: tables whose cells are shaded.

use super::text::{escaped, gaps, listed, percent, share, thousands, tile};
use crate::report::value::{Report, Section};

pub(super) const OVERLAP: &str = "How much of two decision routes is the same. Categories that share much of their route cost \
little more together than one of them alone; those that share little need channels of their own.";
pub(super) const CONFUSION: &str = "Rows are what test images show, columns what they were taken for.";
pub(super) const TAKES: &str = "Rows are whose test images they are, columns whose category they were taken for.";

/// Larger tables are not legible; their largest cells are listed.
const MOST: usize = 24;
/// How many pairs are listed.
const PAIRS: usize = 6;

/// A table of shaded cells.
fn table(names: &[String], cells: impl Fn(usize, usize) -> String) -> String {
    let heads: String =
        names.iter().map(|name| format!("<th class=\"turn\"><span>{}</span></th>", escaped(name))).collect();
    let row = |own: usize| {
        let cells: String = (0..names.len()).map(|other| cells(own, other)).collect();
        format!("<tr><th title=\"{0}\">{0}</th>{cells}</tr>\n", escaped(&names[own]))
    };
    let rows: String = (0..names.len()).map(row).collect();
    format!("<div class=\"scroll\"><table><thead><tr><th></th>{heads}</tr></thead><tbody>{rows}</tbody></table></div>")
}

fn pairs(rows: impl IntoIterator<Item = (String, String)>) -> String {
    let rows =
        rows.into_iter().map(|(what, is)| format!("<li><span>{what}</span><span class=\"num\">{is}</span></li>"));
    format!("<ul class=\"pairs\">{}</ul>", rows.collect::<String>())
}

pub(super) fn overlap(report: &Report) -> String {
    let Some(routes) = report.routes.as_ref().filter(|routes| routes.compared.len() > 1) else { return String::new() };
    let names: Vec<String> = routes.compared.iter().map(|&category| report.categories[category].clone()).collect();
    let part = |category: usize| {
        let mut end = 0;
        report.parts.iter().position(|part| {
            end += part.categories.len();
            category < end
        })
    };
    let same_part = |a: usize, b: usize| part(routes.compared[a]) == part(routes.compared[b]);
    let mut order: Vec<(usize, usize)> =
        (0..names.len()).flat_map(|a| (a + 1..names.len()).map(move |b| (a, b))).collect();
    order.retain(|&(a, b)| same_part(a, b));
    order.sort_by(|&(a, b), &(c, d)| routes.overlap[c][d].total_cmp(&routes.overlap[a][b]).then((a, b).cmp(&(c, d))));
    let pair = |&(a, b): &(usize, usize)| format!("<b>{}</b> and <b>{}</b>", escaped(&names[a]), escaped(&names[b]));
    let value = |&(a, b): &(usize, usize)| percent(100.0 * routes.overlap[a][b]);
    let mut out = match order.as_slice() {
        [first, .., last] => format!(
            "<p>{} share most of their route ({}), {} least ({}).</p>",
            pair(first),
            value(first),
            pair(last),
            value(last)
        ),
        [only] => format!("<p>{} share {} of their route.</p>", pair(only), value(only)),
        [] => String::new(),
    };
    let of = |&(a, b): &(usize, usize)| 100.0 * routes.overlap[a][b];
    let (most, least) = (order.first().map_or(100.0, of), order.last().map_or(0.0, of));
    let cell = |a: usize, b: usize| {
        let value = 100.0 * routes.overlap[a][b];
        let shade = 12.0 + 76.0 * (value - least) / (most - least).max(1.0);
        match (a == b, same_part(a, b)) {
            (true, _) => "<td class=\"none\">\u{b7}</td>".to_owned(),
            (_, false) => "<td class=\"none\"></td>".to_owned(),
            _ => shaded("hot", shade, &format!("{value:.0}"), &format!("{} and {}: {value:.1} %", names[a], names[b])),
        }
    };
    if names.len() <= MOST {
        out.push_str(&table(&names, cell));
    } else {
        out.push_str(&pairs(order.iter().take(PAIRS).map(|one| (pair(one), value(one)))));
    }
    let left = report.categories.len() - names.len();
    if left > 0 {
        out.push_str(&format!("<p class=\"small\">{left} more categories were not compared.</p>"));
    }
    out
}

/// A cell whose shade is `value` percent.
fn shaded(class: &str, value: f64, text: &str, tip: &str) -> String {
    let full = if value > 60.0 { " full" } else { "" };
    let value = value.clamp(0.0, 100.0);
    format!("<td class=\"{class}{full}\" style=\"--v:{value:.0}%\" data-tip=\"{}\">{text}</td>", escaped(tip))
}

/// A cell of a table of counts.
fn count(counts: &[Vec<usize>], names: &[String], own: usize, other: usize) -> String {
    let (count, total) = (counts[own][other], counts[own].iter().sum::<usize>());
    let part = share(count as u64, total as u64);
    if count == 0 {
        return "<td class=\"none\">\u{b7}</td>".to_owned();
    }
    let tip = format!("{count} of {total} images of {} were taken for {} ({part:.1} %)", names[own], names[other]);
    let text = thousands(count as u64);
    // A few mistakes should be seen too.
    if own == other {
        shaded("hot", part, &text, &tip)
    } else {
        shaded("wrong", (18.0 + 4.0 * part).min(95.0), &text, &tip)
    }
}

pub(super) fn confusion(report: &Report) -> String {
    let Some(confusion) = &report.confusion else {
        return match report.categories.as_slice() {
            // It takes nothing for another.
            [_] => String::new(),
            _ => gaps(&report.missing, Section::Confusion),
        };
    };
    let names = &report.categories;
    let mut out = String::new();
    if names.len() <= MOST {
        out.push_str(&table(names, |own, other| count(&confusion.counts, names, own, other)));
    }
    let mut order: Vec<(usize, usize)> = (0..names.len())
        .flat_map(|a| (0..names.len()).map(move |b| (a, b)))
        .filter(|&(a, b)| a != b && confusion.counts[a][b] > 0)
        .collect();
    order.sort_by_key(|&(a, b)| (std::cmp::Reverse(confusion.counts[a][b]), a, b));
    if order.is_empty() {
        return out + "<p>No test image was taken for another category.</p>";
    }
    let row = |&(a, b): &(usize, usize)| {
        let (own, total) = (confusion.counts[a][b], confusion.counts[a].iter().sum::<usize>());
        let what = format!("<b>{}</b> taken for <b>{}</b>", escaped(&names[a]), escaped(&names[b]));
        (what, format!("{own} of {total}"))
    };
    out.push_str("<h3>Most confused</h3>");
    out.push_str(&pairs(order.iter().take(PAIRS).map(row)));
    out.push_str("<h3>Worst images</h3><p class=\"small\">Those whose own category the model found least likely.</p>");
    out.push_str("<div class=\"gallery\">");
    for worst in &confusion.worst {
        let name = worst.name.as_deref().unwrap_or_default();
        out.push_str(&format!(
            "<figure title=\"{}\">{}<figcaption><b>{}</b> taken for <b>{}</b>, {:.0}&nbsp;% sure</figcaption></figure>",
            escaped(name),
            tile(&report.sheets.test, "test", worst.tile, 72.0),
            escaped(&names[worst.label]),
            escaped(&names[worst.taken]),
            worst.sure
        ));
    }
    out + "</div>"
}

pub(super) fn takes(report: &Report) -> String {
    let Some(takes) = &report.takes else { return String::new() };
    let names: Vec<String> = report.parts.iter().map(|part| part.name.clone()).collect();
    let all: usize = takes.iter().flatten().sum();
    let home: usize = (0..names.len()).map(|part| takes[part][part]).sum();
    let away = all - home;
    let told = format!(
        "<p>{} of {} test images ({}) went to a component that does not know them; {} lose most.</p>",
        thousands(away as u64),
        thousands(all as u64),
        percent(share(away as u64, all as u64)),
        listed(&losers(takes, &names))
    );
    told + &table(&names, |own, other| count(takes, &names, own, other))
}

/// The parts in the order of the share of their images that go to others, the first only.
fn losers(takes: &[Vec<usize>], names: &[String]) -> Vec<String> {
    let lost = |part: usize| 1.0 - takes[part][part] as f64 / takes[part].iter().sum::<usize>().max(1) as f64;
    let worst = (0..names.len()).max_by(|&a, &b| lost(a).total_cmp(&lost(b)).then(b.cmp(&a)));
    worst.map(|part| format!("images of {}", names[part])).into_iter().collect()
}
