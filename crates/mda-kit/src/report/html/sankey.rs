//! Decision routes as flows between the strongest channels of every layer.

use super::text::{escaped, gaps, percent};
use crate::report::value::{Channel, Column, Report, Route, Section};

pub(super) const WHAT: &str = "The route of a category, from the image on the left to its logit on the right. A block is a \
channel, as tall as the share of the decision that passes through it; grey blocks are all weaker channels together. Point at a \
channel, or tap it, to see the train images that excite it most.";

/// Pixels for the whole decision, between columns at least, for a layer's name, and of a block.
const TALL: f64 = 210.0;
const APART: f64 = 50.0;
const NAME: f64 = 90.0;
const BLOCK: f64 = 11.0;
const BETWEEN: f64 = 5.0;
const TOP: f64 = 10.0;
/// Fewer columns take the width of the page.
const WIDE: f64 = 860.0;

pub(super) fn routes(report: &Report) -> String {
    let Some(routes) = &report.routes else { return gaps(&report.missing, Section::Routes) };
    let name = |route: &Route| escaped(&report.categories[route.category]);
    let mut tabs = "<div class=\"tabs\" role=\"tablist\">".to_owned();
    let mut panels = String::new();
    for (index, route) in routes.routes.iter().enumerate() {
        tabs.push_str(&format!(
            "<button type=\"button\" role=\"tab\" data-panel=\"route-{index}\" aria-selected=\"{}\">{}</button>",
            index == 0,
            name(route)
        ));
        panels.push_str(&format!(
            "<div class=\"panel\" id=\"route-{index}\" role=\"tabpanel\"><h3>{}</h3><div class=\"scroll\">{}</div></div>\n",
            name(route),
            drawn(route, &report.categories[route.category])
        ));
    }
    let left = report.categories.len().saturating_sub(routes.routes.len());
    let more = match left {
        0 => String::new(),
        left => format!(" {left} more categories are not drawn."),
    };
    format!(
        "{tabs}</div>\n{panels}<p class=\"small\">Shares of relative contribution over {} train images of a category at most; \
         where values are added, in the shares of their size. The thinnest flows are left out.{more}</p>{}",
        routes.images,
        gaps(&report.missing, Section::Routes)
    )
}

/// A block on the page.
struct Placed {
    x: f64,
    y: f64,
    tall: f64,
    /// How much of it already has links on its left and on its right.
    taken: [f64; 2],
}

fn drawn(route: &Route, category: &str) -> String {
    let columns = &route.columns;
    let apart = ((WIDE - 80.0) / (columns.len().max(2) - 1) as f64).max(APART);
    let width = 80.0 + apart * (columns.len().max(2) - 1) as f64;
    let mut placed: Vec<Vec<Placed>> =
        columns.iter().enumerate().map(|(at, column)| stacked(column, 34.0 + at as f64 * apart)).collect();
    let height = placed.iter().flatten().map(|block| block.y + block.tall).fold(TOP + TALL, f64::max) + 26.0;
    // Names that would meet stand in two lines by turns.
    let lines = if apart < NAME { 2 } else { 1 };
    let height = height + 15.0 * f64::from(lines - 1);
    let mut svg = format!(
        "<svg width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" \
         aria-label=\"decision route of {}\">",
        escaped(category)
    );
    let mut order: Vec<usize> = (0..route.links.len()).collect();
    // Links leave and enter in the order of the blocks at their other end, so that they cross little.
    order.sort_by_key(|&index| (route.links[index].to, route.links[index].from));
    let mut starts = vec![0.0; route.links.len()];
    let mut by_start = order.clone();
    by_start.sort_by_key(|&index| (route.links[index].from, route.links[index].to));
    for index in by_start {
        let link = route.links[index];
        let from = &mut placed[link.from.0][link.from.1];
        starts[index] = from.y + from.taken[1] + link.flow * TALL / 2.0;
        from.taken[1] += link.flow * TALL;
    }
    for index in order {
        let link = route.links[index];
        let thick = link.flow * TALL;
        let left = placed[link.from.0][link.from.1].x + BLOCK;
        let to = &mut placed[link.to.0][link.to.1];
        let (right, end) = (to.x, to.y + to.taken[0] + thick / 2.0);
        to.taken[0] += thick;
        let (start, half) = (starts[index], (left + right) / 2.0);
        svg.push_str(&format!(
            "<path class=\"flow\" stroke-width=\"{:.1}\" d=\"M{left:.0} {start:.1}C{half:.0} {start:.1} {half:.0} {end:.1} \
             {right:.0} {end:.1}\" data-tip=\"{}\"/>",
            thick.max(0.6),
            percent(100.0 * link.flow)
        ));
    }
    for (column, (blocks, told)) in placed.iter().zip(columns).enumerate() {
        for (block, channel) in blocks.iter().zip(&told.channels) {
            svg.push_str(&node(block, channel, told, column == 0, (column + 1 == columns.len()).then_some(category)));
        }
        let x = blocks.first().map_or(0.0, |block| block.x + BLOCK / 2.0);
        let line = column as u32 % lines;
        svg.push_str(&format!(
            "<text x=\"{x:.0}\" y=\"{:.0}\" text-anchor=\"middle\">{}</text>",
            height - 6.0 - 15.0 * f64::from(lines - 1 - line),
            escaped(&shortened(&told.layer, (apart * f64::from(lines) / 6.8) as usize))
        ));
    }
    svg + "</svg>"
}

/// The blocks of a column, the strongest on top.
fn stacked(column: &Column, x: f64) -> Vec<Placed> {
    let mut y = TOP;
    let mut blocks = Vec::new();
    for channel in &column.channels {
        let tall = (channel.flow * TALL).max(1.5);
        blocks.push(Placed { x, y, tall, taken: [0.0; 2] });
        y += tall + BETWEEN;
    }
    blocks
}

fn node(block: &Placed, channel: &Channel, column: &Column, is_image: bool, logit: Option<&str>) -> String {
    let flow = percent(100.0 * channel.flow);
    let (class, tip) = match (channel.channel, logit) {
        (_, Some(category)) => ("node", format!("the logit of {category}")),
        (Some(number), _) if is_image => {
            let colours = ["red", "green", "blue"];
            let colour =
                if column.channels.len() == 1 { "grey" } else { colours.get(number).copied().unwrap_or("channel") };
            ("node", format!("{colour} of the image: {flow} of the decision"))
        }
        (Some(number), _) => ("node", format!("{}, channel {number}: {flow} of the decision", column.layer)),
        (None, _) => {
            ("node rest", format!("{}: {} weaker channels, {flow} of the decision", column.layer, channel.count))
        }
    };
    let tiles = match channel.tiles.as_slice() {
        [] => String::new(),
        tiles => {
            let tiles: Vec<String> = tiles.iter().map(usize::to_string).collect();
            format!(" data-tiles=\"{}\"", tiles.join(","))
        }
    };
    format!(
        "<rect class=\"{class}\" tabindex=\"0\" x=\"{:.0}\" y=\"{:.1}\" width=\"{BLOCK}\" height=\"{:.1}\" rx=\"2\" \
         data-tip=\"{}\"{tiles}/>",
        block.x,
        block.y,
        block.tall,
        escaped(&tip)
    )
}

/// The end of a name, which is what tells layers apart, in at most `most` characters.
fn shortened(name: &str, most: usize) -> String {
    let count = name.chars().count();
    if count <= most.max(4) {
        return name.to_owned();
    }
    format!("\u{2026}{}", name.chars().skip(count + 1 - most.max(4)).collect::<String>())
}
