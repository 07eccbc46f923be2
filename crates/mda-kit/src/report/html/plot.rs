//! Accuracy against size.

use super::text::{escaped, gaps, percent, thousands};
use crate::report::value::{Curve, Report, Section};

pub(super) const WHAT: &str = "Each point is a cut of the same source to another size. These are held-out train images, which \
chose and were fitted to by nothing else, so the numbers are not those of the test images above.";

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 24.0;
const BOTTOM: f64 = 42.0;

pub(super) fn curves(report: &Report) -> String {
    let mut out = String::new();
    for part in &report.parts {
        let measure = if part.categories.len() > 1 { "accuracy" } else { "area under the ROC curve" };
        let Some(curve) = &part.curve else { continue };
        if report.parts.len() > 1 {
            out.push_str(&format!("<h3>{}</h3>", escaped(&part.name)));
        }
        out.push_str(&plot(curve, measure));
        out.push_str(&format!(
            "<p class=\"small\">{} images. The dashed line is the uncut source among the same categories. The line through \
             the points keeps the formulation and repairs quickly{}.</p>",
            thousands(curve.images as u64),
            if curve.tried.is_empty() { "" } else { "; grey dots are plans that were tried and not taken" }
        ));
    }
    out + &gaps(&report.missing, Section::Curve)
}

/// Where a share of the parameters stands, on a logarithmic scale from 1 to 100 %.
fn across(share: f64) -> f64 {
    let t = (share.max(1.0).ln() / 100f64.ln()).clamp(0.0, 1.0);
    LEFT + t * (WIDTH - LEFT - RIGHT)
}

fn plot(curve: &Curve, measure: &str) -> String {
    let all = curve.points.iter().chain(&curve.tried).chain([&curve.chosen]).map(|&(_, accuracy)| accuracy);
    let least = all.fold(curve.whole, f64::min).max(0.0);
    let step = if least < 50.0 {
        20.0
    } else if least < 80.0 {
        10.0
    } else if least < 92.0 {
        5.0
    } else {
        2.0
    };
    let start = ((least - 0.2 * step) / step).floor().max(0.0) * step;
    let up = |accuracy: f64| TOP + (100.0 - accuracy.max(start)) / (100.0 - start) * (HEIGHT - TOP - BOTTOM);
    let mut svg = format!(
        "<div class=\"scroll\"><svg width=\"{WIDTH}\" height=\"{HEIGHT}\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-label=\"{measure} against size\">"
    );
    for tick in (0..).map(|tick| start + f64::from(tick) * step).take_while(|&tick| tick <= 100.0) {
        let y = up(tick);
        svg.push_str(&format!(
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.0}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/><text x=\"{:.0}\" y=\"{:.1}\" \
             text-anchor=\"end\">{tick:.0} %</text>",
            WIDTH - RIGHT,
            LEFT - 8.0,
            y + 4.0
        ));
    }
    for share in [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0] {
        let (x, anchor) = (across(share), if share == 100.0 { "end" } else { "middle" });
        svg.push_str(&format!(
            "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{share} %</text>",
            HEIGHT - BOTTOM + 18.0
        ));
    }
    svg.push_str(&format!(
        "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">share of the source's parameters</text><text x=\"{LEFT}\" \
         y=\"12\" text-anchor=\"start\">{measure}</text>",
        WIDTH - RIGHT,
        HEIGHT - 6.0
    ));
    let y = up(curve.whole);
    svg.push_str(&format!(
        "<line class=\"uncut\" x1=\"{LEFT}\" x2=\"{:.0}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>",
        WIDTH - RIGHT
    ));
    let mut line = curve.points.clone();
    line.sort_by(|a, b| a.0.total_cmp(&b.0));
    let path: Vec<String> =
        line.iter().map(|&(share, accuracy)| format!("{:.1},{:.1}", across(share), up(accuracy))).collect();
    svg.push_str(&format!("<polyline class=\"curve\" points=\"{}\"/>", path.join(" ")));
    let dot = |class: &str, radius: f64, (share, accuracy): (f64, f64), what: &str| {
        format!(
            "<circle class=\"{class}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"{radius}\" data-tip=\"{what}: {} with {} of the \
             parameters\"/>",
            across(share),
            up(accuracy),
            percent(accuracy),
            percent(share)
        )
    };
    curve.tried.iter().for_each(|&point| svg.push_str(&dot("tried", 3.5, point, "another plan")));
    line.iter().for_each(|&point| svg.push_str(&dot("point", 4.5, point, "another size")));
    svg.push_str(&dot("chosen", 8.0, curve.chosen, "this component"));
    let (x, y) = (across(curve.chosen.0), up(curve.chosen.1));
    // Below the point, where the curve is not.
    let (anchor, shift) = if x > WIDTH - 220.0 { ("end", -12.0) } else { ("start", 12.0) };
    svg.push_str(&format!(
        "<text class=\"strong\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">this component: {}</text></svg></div>",
        x + shift,
        (y + 22.0).min(HEIGHT - BOTTOM - 6.0),
        percent(curve.chosen.1)
    ));
    svg
}

/// A small curve of losses by kept channels, with the chosen count marked.
pub(super) fn losses(losses: &[(usize, f64)], kept: usize, foreseen: bool) -> String {
    let (width, height) = (300.0, 110.0);
    let most_kept = losses.iter().map(|&(kept, _)| kept).max().unwrap_or(1).max(1) as f64;
    let (least, most) =
        losses.iter().fold((f64::MAX, f64::MIN), |(low, high), &(_, loss)| (low.min(loss), high.max(loss)));
    let x = |kept: usize| 8.0 + kept as f64 / most_kept * (width - 16.0);
    let y = |loss: f64| 18.0 + (most - loss) / (most - least).max(1e-9) * (height - 50.0);
    let points: Vec<String> = losses.iter().map(|&(kept, loss)| format!("{:.1},{:.1}", x(kept), y(loss))).collect();
    let dots: String = losses
        .iter()
        .map(|&(kept, loss)| {
            let (x, y) = (x(kept), y(loss));
            format!(
                "<circle class=\"point\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" data-tip=\"{kept} kept: loss {loss:.3}\"/>"
            )
        })
        .collect();
    let (at, bottom) = (x(kept), height - 24.0);
    let told = match foreseen {
        true => "expected rise of the loss, this layer alone cut",
        false => "loss with this layer alone cut",
    };
    format!(
        "<svg width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"loss by kept \
         channels\"><text x=\"8\" y=\"11\">{told}</text><line class=\"grid\" x1=\"8\" x2=\"{:.0}\" \
         y1=\"{bottom}\" y2=\"{bottom}\"/><line class=\"uncut\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"16\" y2=\"{bottom}\"/>\
         <polyline class=\"curve\" points=\"{}\"/>{dots}<text x=\"8\" y=\"{height}\">1</text><text x=\"{:.0}\" y=\"{height}\" \
         text-anchor=\"end\">{most_kept} channels</text><text x=\"{:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{kept} kept</text>\
         </svg>",
        width - 8.0,
        points.join(" "),
        width - 8.0,
        at.clamp(40.0, width - 110.0),
        height - 10.0
    )
}
