//! Values brought into the form that the graph's operations take.

use super::builder::Shaped;
use super::fault::Fault;
use super::importer::Importer;
use super::value::Activation;
use super::view::Role;
use mda_core::op::{Flatten, SelectChannels};
use mda_core::tensor::Shape;

impl<'a> Importer<'a> {
    /// The node and shape of `value` as `[N, F]`, in the order in which the file has its features.
    pub(super) fn features(&mut self, value: Activation<'a>) -> Result<Shaped, Fault> {
        let value = value.settled()?;
        let Some(order) = value.view.sample().filter(|_| value.view.rank() == 2) else {
            return Err(Fault::new("features [N, F]", value.describe()));
        };
        let (mut node, mut shape) = (value.node.clone(), value.shape);
        if matches!(shape, Shape::Map { .. }) {
            let name = value.flattened_by.map_or_else(|| format!("{node}.flatten"), str::to_owned);
            (node, shape) = self.add(&name, Flatten {}, &[(node, shape)])?;
        }
        if order.is_sorted() {
            return Ok((node, shape));
        }
        self.budget.take(shape.channels())?;
        let channels = rearranged(value.shape, &order).into_iter().map(Some).collect();
        self.add(&format!("{node}.order"), SelectChannels { channels }, &[(node, shape)])
    }
}

/// Where every feature lies in a flattened map of `shape`, for features that run over its axes in `order`.
fn rearranged(shape: Shape, order: &[Role]) -> Vec<usize> {
    let [height, width] = shape.spatial();
    let stride = |role: Role| match role {
        Role::Channel => (shape.channels(), height * width),
        Role::Row => (height, width),
        Role::Column | Role::Batch => (width, 1),
    };
    order.iter().fold(vec![0], |places, &role| {
        let (extent, step) = stride(role);
        places.iter().flat_map(|place| (0..extent).map(move |at| place + at * step)).collect()
    })
}
