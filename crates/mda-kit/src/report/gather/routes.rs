//! How categories are decided: the strongest channels of every layer, the flow between them, and what excites them.

use super::exciting::{Exciting, Tiles};
use crate::error::Error;
use crate::progress::{Progress, Stoppable};
use crate::report::pictures;
use crate::report::subject::Subject;
use crate::report::value::{Channel, Column, Link, Route, Routes, Sheet};
use mda_core::attribute::{Place, Route as Whole, routes as routes_of};
use mda_core::graph::{NodeId, ValidGraph};
use mda_core::run::{ImageSource, Runner};
use mda_data::parts::draw;
use std::collections::HashMap;

/// How many images of a category are followed.
const IMAGES: usize = 20;
/// How many categories are compared, and how many of them are drawn.
const COMPARED: usize = 24;
const DRAWN: usize = 12;
/// How many channels of a layer are shown by themselves.
const STRONGEST: usize = 6;
/// What flows less than this share is not drawn, nor more links into one layer than so many.
const THINNEST: f32 = 0.004;
const LINKS: usize = 24;

/// A column, and a channel in it.
type Spot = (usize, usize);

/// The multiply-adds of [`routes`], at most: once to follow images, once to see what excites.
pub(super) fn effort(subject: &Subject<'_>) -> u64 {
    let categories = subject.model.categories().len();
    let images = (categories.min(COMPARED) + categories.min(DRAWN)) * IMAGES;
    images as u64 * subject.model.size().macs
}

/// The routes, and the images that they show.
pub(super) fn routes(
    subject: &Subject<'_>,
    runner: &Runner<'_>,
    progress: &dyn Progress,
) -> Result<(Option<Routes>, Sheet), Error> {
    let model = subject.model;
    let graph = model.graph();
    let mut tiles = Tiles::default();
    let (mut all, mut drawn): (Vec<Whole>, Vec<Route>) = Default::default();
    let mut trains = Vec::new();
    for part in &subject.parts {
        let train = part.data.map(|data| Ok::<_, Error>(Stoppable { images: data.train()?, progress })).transpose()?;
        trains.push(train);
    }
    let sizes: Vec<usize> = subject.parts.iter().map(|part| part.block.len()).collect();
    let (compared, shown) = (evenly(&sizes, COMPARED), evenly(&sizes, DRAWN));
    for (index, (part, train)) in subject.parts.iter().zip(&trains).enumerate() {
        let Some(train) = train else { continue };
        let map = part.labels(train)?;
        let positions = |category: usize| -> Vec<usize> {
            let own = |&at: &usize| map.category(train.labels()[at]) == Some(category);
            draw((0..train.labels().len()).filter(own).collect(), IMAGES, 0)
        };
        let followed = part.block.clone().map(|category| (category, positions(category)));
        let followed = followed.filter(|(_, images)| !images.is_empty()).take(compared[index]);
        let followed: Vec<(usize, Vec<usize>)> = followed.collect();
        let own = routes_of(runner, model, train, &followed)?;
        let shown = &followed[..followed.len().min(shown[index])];
        let exciting = Exciting::observe(runner, model, train, shown)?;
        let prefix = format!("{}.", part.name.replace('.', "-"));
        for route in own.iter().take(shown.len()) {
            let name =
                |id: NodeId| graph.node(id).name.strip_prefix(&prefix).unwrap_or(&graph.node(id).name).to_owned();
            let excite = |node: NodeId, channel: usize, tiles: &mut Tiles| exciting.tiles(index, node, channel, tiles);
            drawn.push(route_of(graph, route, name, &mut tiles, excite));
        }
        all.extend(own);
    }
    if all.is_empty() {
        return Ok((None, Sheet::default()));
    }
    let overlap = all.iter().map(|a| all.iter().map(|b| a.shared(b, graph)).collect()).collect();
    let compared = all.iter().map(|route| route.category).collect();
    let images: Vec<(&dyn ImageSource, usize)> = tiles
        .images()
        .filter_map(|(part, position)| trains[part].as_ref().map(|train| (train as &dyn ImageSource, position)))
        .collect();
    Ok((Some(Routes { images: IMAGES, routes: drawn, compared, overlap }), pictures::sheet(&images)?))
}

/// `most` handed out among `sizes`, one after another as long as they want.
fn evenly(sizes: &[usize], most: usize) -> Vec<usize> {
    let mut given = vec![0; sizes.len()];
    let mut left = most.min(sizes.iter().sum());
    while left > 0 {
        for (given, size) in given.iter_mut().zip(sizes) {
            if *given < *size && left > 0 {
                *given += 1;
                left -= 1;
            }
        }
    }
    given
}

/// The strongest channels of a route and what flows between them.
fn route_of(
    graph: &ValidGraph,
    route: &Whole,
    name: impl Fn(NodeId) -> String,
    tiles: &mut Tiles,
    excite: impl Fn(NodeId, usize, &mut Tiles) -> Vec<usize>,
) -> Route {
    let mut places: HashMap<Place, Spot> = HashMap::new();
    let mut columns = Vec::new();
    for (column, (node, flow)) in route.stations.iter().enumerate() {
        let mut order: Vec<usize> = (0..flow.len()).filter(|&channel| flow[channel] > 0.0).collect();
        order.sort_by(|&a, &b| flow[b].total_cmp(&flow[a]).then(a.cmp(&b)));
        let own = order.len().min(STRONGEST);
        let mut channels = Vec::new();
        for (at, &channel) in order[..own].iter().enumerate() {
            places.insert(Place { node: *node, channel }, (column, at));
            let tiles = if *node == graph.input() { Vec::new() } else { excite(*node, channel, tiles) };
            channels.push(Channel { channel: Some(channel), count: 1, flow: f64::from(flow[channel]), tiles });
        }
        let rest: f32 = order[own..].iter().map(|&channel| flow[channel]).sum();
        if order.len() > own {
            for &channel in &order[own..] {
                places.insert(Place { node: *node, channel }, (column, own));
            }
            let (count, flow) = (order.len() - own, f64::from(rest));
            channels.push(Channel { channel: None, count, flow, tiles: Vec::new() });
        }
        let layer = if *node == graph.input() { "image".to_owned() } else { name(*node) };
        columns.push(Column { layer, channels });
    }
    let mut flows: HashMap<(Spot, Spot), f32> = HashMap::new();
    for link in &route.links {
        if let (Some(&from), Some(&to)) = (places.get(&link.from), places.get(&link.to)) {
            *flows.entry((from, to)).or_default() += link.flow;
        }
    }
    let mut links: Vec<Link> = flows
        .into_iter()
        .filter(|(_, flow)| *flow >= THINNEST)
        .map(|((from, to), flow)| Link { from, to, flow: f64::from(flow) })
        .collect();
    links.sort_by(|a, b| a.to.0.cmp(&b.to.0).then(b.flow.total_cmp(&a.flow)).then((a.from, a.to).cmp(&(b.from, b.to))));
    let mut into = vec![0usize; columns.len()];
    links.retain(|link| {
        into[link.to.0] += 1;
        into[link.to.0] <= LINKS
    });
    Route { category: route.category, columns, links }
}
