//! Convolutions and linear layers.

use super::packing::{Filters, Part};
use super::{Constants, Finish};
use crate::command::{Dispatch, Source, View};
use crate::error::unsupported;
use crate::kernel::{Kernel, Work};
use crate::params::{Added, FilterParams, Params};
use mda_core::graph::Node;
use mda_core::op::Window;
use mda_core::run::backend::BackendError;

/// Groups of fewer filters than this leave most of a matrix product's tile empty.
const NARROW: usize = 16;

/// A convolution; a linear layer is one over a single position.
pub(crate) struct Convolution<'a> {
    pub node: &'a Node,
    pub window: Window,
    pub groups: usize,
    pub x: View,
    pub out: View,
    pub finish: Finish,
}

impl Convolution<'_> {
    /// The dispatches, one for every part of the weights that a shader can see.
    ///
    /// # Errors
    /// [`BackendError::Unsupported`] where a single filter or a table is too large for the device, or all are.
    pub(crate) fn dispatches(
        &self,
        constants: &mut Constants<'_>,
        weight: &[f32],
        affine: &[(f64, f64)],
    ) -> Result<Vec<Dispatch>, BackendError> {
        let depth = self.group_channels() * self.window.taps();
        let filters = Filters { weight, affine, groups: self.groups, filters: affine.len() / self.groups, depth };
        let limits = constants.limits();
        let direct = self.groups > 1 && filters.filters < NARROW;
        let parts = if direct { filters.ranges(limits) } else { filters.parts(limits) };
        let parts = parts.ok_or_else(|| {
            let seen = limits.bytes;
            let reason = format!("one filter has {depth} weights; a shader of this device sees {seen} bytes at once");
            unsupported(&self.node.name, reason)
        })?;
        let shift = constants.add("the table of its shifts", affine.len(), || filters.shift())?;
        let weights = "a part of its weights";
        if direct {
            let dispatch = |&part: &Part| {
                let weight = constants.add(weights, filters.plain_size(part), || filters.plain(part))?;
                Ok(self.direct(&filters, part, [weight, shift]))
            };
            return parts.iter().map(dispatch).collect();
        }
        let taps = constants.add("the table of its taps", depth, || self.taps())?;
        let dispatch = |&part: &Part| {
            let weight = constants.add(weights, filters.blocked_size(part), || filters.blocked(part))?;
            Ok(self.gemm(&filters, part, [weight, taps, shift]))
        };
        parts.iter().map(dispatch).collect()
    }

    /// Input channels that a filter sees.
    fn group_channels(&self) -> usize {
        self.x.shape.channels() / self.groups
    }

    /// For every product of a sum: where its channel's plane starts, its row and its column under the window.
    fn taps(&self) -> Vec<[i32; 4]> {
        let Window { kernel, dilation, .. } = self.window;
        let mut taps = Vec::with_capacity(self.group_channels() * self.window.taps());
        for channel in 0..self.group_channels() {
            for (ky, kx) in (0..kernel[0]).flat_map(|ky| (0..kernel[1]).map(move |kx| (ky, kx))) {
                let start = channel * self.x.shape.positions();
                taps.push([start, ky * dilation[0], kx * dilation[1], 0].map(|number| number as i32));
            }
        }
        taps
    }

    fn gemm(&self, filters: &Filters<'_>, part: Part, [weight, taps, shift]: [Source; 3]) -> Dispatch {
        let [groups, rows, positions] =
            [part.groups, part.filters, self.out.shape.positions()].map(|count| count as u64);
        Dispatch {
            work: Work::Product { groups, filters: rows, positions },
            params: self.params(filters, part),
            bindings: vec![self.x.buffer, weight, taps, shift, self.other().buffer, self.out.buffer],
        }
    }

    fn direct(&self, filters: &Filters<'_>, part: Part, [weight, shift]: [Source; 2]) -> Dispatch {
        let numbers = (part.filters * self.out.shape.positions()) as u64;
        Dispatch {
            work: Work::Numbers { kernel: Kernel::Direct, numbers },
            params: self.params(filters, part),
            bindings: vec![self.x.buffer, weight, shift, self.other().buffer, self.out.buffer],
        }
    }

    /// What is bound as the value to add; a binding cannot be empty.
    fn other(&self) -> View {
        self.finish.other.unwrap_or(self.x)
    }

    fn params(&self, filters: &Filters<'_>, part: Part) -> Params {
        let added = self.finish.other.map_or(Added::Nothing, Added::Value);
        let params = Params::new(self.x, self.out).with_window(&self.window).with_finish(added, self.finish);
        let filters = FilterParams {
            group_filters: filters.filters as u32,
            group_channels: self.group_channels() as u32,
            depth: filters.depth as u32,
            first_group: part.first_group as u32,
            groups: part.groups as u32,
            first_filter: part.first_filter as u32,
            filters: part.filters as u32,
        };
        params.with_filters(filters)
    }
}
