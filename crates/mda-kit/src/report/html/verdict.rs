//! The verdict: one sentence, four figures, and the model beside what it is compared with.

use super::text::{escaped, gaps, listed, milliseconds, percent, share, speeds, thousands};
use crate::report::value::{Group, Kind, Measure, Report, Row, Section};

pub(super) const WHAT: &str = "A dot is what was measured on test images, which had no part in making the model; the band \
around it is its 95 % interval: with other images of the same kind it would likely fall in there.";

/// The rows that the sentence tells of, by how their texts begin.
const SOURCE: &str = "its source";
const RANDOM: &str = "as small, channels at random";

/// How many points below the model a score stands at the edge.
const FAR: f64 = 30.0;

/// Everything in one sentence or two.
pub(super) fn sentence(report: &Report) -> String {
    let verdict = &report.verdict;
    let score = verdict.score;
    let count = report.categories.len();
    let what = match report.kind {
        Kind::Component if count == 1 => {
            format!("This component tells {} from everything else.", listed(&report.categories))
        }
        Kind::Component => format!("This component tells {count} categories apart: {}.", listed(&report.categories)),
        Kind::Assembled => format!(
            "This model joins {} components and tells {count} categories apart: {}.",
            report.parts.len(),
            listed(&report.categories)
        ),
        Kind::Model => format!("This model tells {count} categories apart: {}.", listed(&report.categories)),
    };
    let measured = match verdict.measure {
        Measure::Accuracy => "it is right in",
        Measure::Area => "the area under its ROC curve is",
    };
    let mut text = format!(
        "{what} On {} test images {measured} <b>{}</b> (95 % interval {} to {})",
        thousands(score.images as u64),
        percent(score.percent),
        percent(score.low),
        percent(score.high)
    );
    if let Some(whole) = &verdict.source {
        let sources = if report.parts.len() > 1 { "its sources'" } else { "its source's" };
        text.push_str(&format!(
            " with <b>{}</b> of {sources} parameters and <b>{}</b> of the multiply-adds",
            percent(share(verdict.size.parameters, whole.size.parameters)),
            percent(share(verdict.size.macs, whole.size.macs))
        ));
    }
    text.push('.');
    if let Some(group) = verdict.groups.first() {
        text.push_str(&beside(group));
    }
    if let Some(takes) = &report.takes {
        let all: usize = takes.iter().flatten().sum();
        let home: usize = takes.iter().enumerate().map(|(part, counts)| counts[part]).sum();
        let away = percent(share((all - home) as u64, all as u64));
        text.push_str(&format!(" Of all images {away} went to a component that does not know them."));
    }
    format!("<p class=\"lead\">{text}</p>\n")
}

/// What the source reaches, and whether the difference can be told; what chance reaches.
fn beside(group: &Group) -> String {
    let own = group.rows.iter().find(|row| row.own);
    let row = |begin: &str| group.rows.iter().find(|row| row.what.starts_with(begin));
    let mut text = String::new();
    if let (Some(own), Some(source)) = (own, row(SOURCE)) {
        let gap = source.score.percent - own.score.percent;
        let apart = match source.score.percent < own.score.low || source.score.percent > own.score.high {
            true => format!("{:.1} points {}", gap.abs(), if gap > 0.0 { "more" } else { "less" }),
            false => "which these images cannot tell from that".into(),
        };
        text.push_str(&format!(
            " Its source, given the same choice, reaches {}, {apart}.",
            percent(source.score.percent)
        ));
    }
    if let Some(random) = row(RANDOM) {
        let reached = percent(random.score.percent);
        text.push_str(&format!(" As many channels drawn at random and repaired alike reach {reached}."));
    }
    text
}

/// The four figures.
pub(super) fn figures(report: &Report) -> String {
    let verdict = &report.verdict;
    let (score, size) = (verdict.score, verdict.size);
    let mut tiles = Vec::new();
    let measure = match verdict.measure {
        Measure::Accuracy => "accuracy",
        Measure::Area => "area under the ROC curve",
    };
    tiles.push((percent(score.percent), format!("{measure}, {} to {}", percent(score.low), percent(score.high))));
    let sized = |part: u64, whole: Option<u64>, what: &str| match whole {
        Some(whole) => (percent(share(part, whole)), format!("of the {what}: {} of {}", short(part), short(whole))),
        None => (short(part), what.to_owned()),
    };
    let whole = verdict.source.map(|whole| whole.size);
    tiles.push(sized(size.parameters, whole.map(|whole| whole.parameters), "parameters"));
    tiles.push(sized(size.macs, whole.map(|whole| whole.macs), "multiply-adds an image"));
    if let Some(speed) = verdict.speed {
        let mut what = format!("an image here, {} at a time", speed.batch);
        if let Some(source) = verdict.source.and_then(|whole| whole.speed) {
            let sources = if report.parts.len() > 1 { "sources" } else { "source" };
            what.push_str(&format!("; its {sources} {}", milliseconds(source.many)));
        }
        tiles.push((milliseconds(speed.many), what));
    }
    let tiles: String = tiles
        .into_iter()
        .map(|(figure, what)| format!("<div class=\"kpi\"><b>{figure}</b><span>{what}</span></div>"))
        .collect();
    format!("<div class=\"tiles\">{tiles}</div>\n")
}

/// A large number in three digits.
fn short(number: u64) -> String {
    let scaled = |by: f64, unit: &str| {
        let value = number as f64 / by;
        let digits = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
        format!("{value:.digits$}\u{a0}{unit}")
    };
    match number {
        0..10_000 => thousands(number),
        10_000..1_000_000 => scaled(1e3, "k"),
        1_000_000..1_000_000_000 => scaled(1e6, "M"),
        _ => scaled(1e9, "G"),
    }
}

/// All scores, in groups that can be compared.
pub(super) fn rows(report: &Report) -> String {
    let mut out = String::new();
    let verdict = &report.verdict;
    for group in &verdict.groups {
        if verdict.groups.len() > 1 {
            out.push_str(&format!("<h3>{}</h3>\n", escaped(&group.of)));
        }
        out.push_str(&dots(group));
    }
    let mut speed = Vec::new();
    speed.extend(verdict.speed.map(|own| format!("This model takes {}.", speeds(own))));
    let sources = if report.parts.len() > 1 { "Its sources together take" } else { "Its source takes" };
    speed.extend(verdict.source.and_then(|whole| whole.speed).map(|whole| format!("{sources} {}.", speeds(whole))));
    out.push_str(&format!("<p class=\"small\">{}</p>", speed.join(" ")));
    out + &gaps(&report.missing, Section::Verdict)
}

fn dots(group: &Group) -> String {
    // What is far below everything else would leave no room to tell the others apart; it stands at the edge.
    let own = group.rows.iter().find(|row| row.own).map_or(100.0, |row| row.score.percent);
    let is_far = |row: &&Row| row.score.percent < own - FAR;
    let low = group.rows.iter().filter(|row| !is_far(row)).map(|row| row.score.low).fold(100.0, f64::min);
    let step = if low < 50.0 {
        20.0
    } else if low < 80.0 {
        10.0
    } else if low < 92.0 {
        5.0
    } else {
        2.0
    };
    let start = (low / step).floor() * step;
    let start = if start >= 100.0 { 100.0 - step } else { start };
    let at = |value: f64| (100.0 * (value - start) / (100.0 - start)).max(0.0);
    let mut out = "<div class=\"dots\">\n".to_owned();
    for row in &group.rows {
        let Row { what, own, score } = row;
        let (label, track) = match (*own, is_far(&row)) {
            (true, _) => (" own", " own-row"),
            (false, true) => ("", " far"),
            (false, false) => ("", ""),
        };
        let tip = format!(
            "{}: {}, interval {} to {}, {} images",
            what,
            percent(score.percent),
            percent(score.low),
            percent(score.high),
            score.images
        );
        out.push_str(&format!(
            "<div class=\"label{label}\">{}</div><div class=\"track{track}\" data-tip=\"{}\"><span class=\"range\" \
             style=\"left:{:.2}%;width:{:.2}%\"></span><span class=\"dot\" style=\"left:{:.2}%\"></span></div><div \
             class=\"num{label}\">{}</div>\n",
            escaped(what),
            escaped(&tip),
            at(score.low),
            at(score.high) - at(score.low),
            at(score.percent),
            percent(score.percent)
        ));
    }
    let ticks = (0..).map(|tick| start + f64::from(tick) * step).take_while(|&tick| tick <= 100.0);
    let ticks: String =
        ticks.map(|tick| format!("<span style=\"left:{:.2}%\">{tick:.0}&nbsp;%</span>", at(tick))).collect();
    out + &format!("<div class=\"axis-label\"></div><div class=\"axis\">{ticks}</div><div></div>\n</div>\n")
}
