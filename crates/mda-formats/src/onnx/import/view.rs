//! How the file arranges a value that the graph holds as `[N, C, H, W]` or `[N, F]`.
//!
//! Reshapes, transpositions and the like compute nothing. They change the view of a value, and only a consumer that
//! cannot take the view as it is makes a node of it, or fails.

use mda_core::tensor::Shape;

/// One axis of the graph's value; features are the channels of one position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    Batch,
    Channel,
    Row,
    Column,
}

/// An extent, which may be a multiple of the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dim {
    pub batch: bool,
    pub count: i64,
}

impl Dim {
    pub(super) const BATCH: Self = Self { batch: true, count: 1 };

    pub(super) fn known(count: i64) -> Self {
        Self { batch: false, count }
    }

    /// The number, where it does not depend on the batch.
    pub(super) fn value(self) -> Option<i64> {
        (!self.batch).then_some(self.count)
    }
}

/// The roles that every axis of the file's value covers, in row-major order; roles of extent 1 are left out, since they
/// can stand anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct View(Vec<Vec<Role>>);

/// No value of a real network has as many axes.
const MAX_RANK: usize = 16;

/// The extent of `role` in one sample of a value of `shape`.
fn extent(shape: Shape, role: Role) -> i64 {
    let [height, width] = shape.spatial();
    match role {
        Role::Batch => 1,
        Role::Channel => shape.channels() as i64,
        Role::Row => height as i64,
        Role::Column => width as i64,
    }
}

impl View {
    /// The view that has an axis for each of `roles`.
    pub(super) fn of(shape: Shape, roles: &[Role]) -> Self {
        let axis = |&role| if role == Role::Batch || extent(shape, role) != 1 { vec![role] } else { Vec::new() };
        Self(roles.iter().map(axis).collect())
    }

    /// `[N, C, H, W]` for maps, `[N, F]` for features.
    pub(super) fn plain(shape: Shape) -> Self {
        match shape {
            Shape::Map { .. } => Self::of(shape, &[Role::Batch, Role::Channel, Role::Row, Role::Column]),
            Shape::Features(_) => Self::of(shape, &[Role::Batch, Role::Channel]),
        }
    }

    pub(super) fn rank(&self) -> usize {
        self.0.len()
    }

    /// What `axis` covers.
    pub(super) fn roles(&self, axis: usize) -> &[Role] {
        &self.0[axis]
    }

    /// The extent of `axis`.
    pub(super) fn dim(&self, axis: usize, shape: Shape) -> Dim {
        let roles = &self.0[axis];
        Dim { batch: roles.contains(&Role::Batch), count: roles.iter().map(|&role| extent(shape, role)).product() }
    }

    /// The extents of all axes.
    pub(super) fn dims(&self, shape: Shape) -> Vec<Dim> {
        (0..self.rank()).map(|axis| self.dim(axis, shape)).collect()
    }

    /// The order in which the roles of one sample follow one another, where the first axis is the batch.
    pub(super) fn sample(&self) -> Option<Vec<Role>> {
        let (first, rest) = self.0.split_first()?;
        (first[..] == [Role::Batch]).then(|| rest.concat())
    }

    /// The view with its axes in another order; `order` is a permutation of them.
    pub(super) fn permuted(&self, order: &[usize]) -> Self {
        Self(order.iter().map(|&axis| self.0[axis].clone()).collect())
    }

    /// The view of two axes, split before `axis`.
    pub(super) fn flattened(&self, axis: usize) -> Self {
        Self(vec![self.0[..axis].concat(), self.0[axis..].concat()])
    }

    /// The view without `axes`, ascending; `None` where one is not of extent 1.
    pub(super) fn squeezed(&self, axes: &[usize]) -> Option<Self> {
        if axes.iter().any(|&axis| !self.0[axis].is_empty()) {
            return None;
        }
        Some(self.without(axes))
    }

    /// The view without `axes`, whatever they cover.
    pub(super) fn without(&self, axes: &[usize]) -> Self {
        let kept = self.0.iter().enumerate().filter(|(axis, _)| !axes.contains(axis));
        Self(kept.map(|(_, roles)| roles.clone()).collect())
    }

    /// The view with an axis of extent 1 at every place in `axes`, ascending; `None` where one is out of range, or there
    /// are more axes than any value has.
    pub(super) fn unsqueezed(&self, axes: &[usize]) -> Option<Self> {
        if self.rank() + axes.len() > MAX_RANK {
            return None;
        }
        let mut view = self.clone();
        for &axis in axes {
            if axis > view.rank() {
                return None;
            }
            view.0.insert(axis, Vec::new());
        }
        Some(view)
    }

    /// The view with nothing but `roles` under `axis`, and them nowhere else.
    pub(super) fn with_axis(&self, axis: usize, roles: &[Role]) -> Self {
        let mut view = self.clone();
        for kept in &mut view.0 {
            kept.retain(|role| !roles.contains(role));
        }
        view.0[axis] = roles.to_vec();
        view
    }

    /// The view of a value that is now of `shape`: without the roles that have become of extent 1.
    pub(super) fn fitted(mut self, shape: Shape) -> Self {
        for roles in &mut self.0 {
            roles.retain(|&role| role == Role::Batch || extent(shape, role) != 1);
        }
        self
    }

    /// The view with the extents `target`, of which one may be -1; `None` where an axis would begin or end inside a role.
    pub(super) fn reshaped(&self, shape: Shape, target: &[Dim]) -> Option<Self> {
        let target = resolve(shape, target).filter(|target| target.len() <= MAX_RANK)?;
        let mut roles = self.0.iter().flatten().copied().peekable();
        let mut axes = Vec::with_capacity(target.len());
        for wanted in target {
            let mut axis = Vec::new();
            let mut found = Dim::known(1);
            while found != wanted {
                let role = roles.next()?;
                found.batch |= role == Role::Batch;
                found.count *= extent(shape, role);
                axis.push(role);
                if found.count > wanted.count {
                    return None;
                }
            }
            axes.push(axis);
        }
        roles.peek().is_none().then_some(Self(axes))
    }
}

/// Puts the missing extent in the place of -1.
fn resolve(shape: Shape, target: &[Dim]) -> Option<Vec<Dim>> {
    let missing = |dim: &Dim| *dim == Dim::known(-1);
    let known: Vec<Dim> = target.iter().filter(|dim| !missing(dim)).copied().collect();
    let positive = known.iter().all(|dim| dim.count > 0);
    let product = known.iter().try_fold(1i64, |product, dim| product.checked_mul(dim.count))?;
    let total = shape.elements() as i64;
    let batches = known.iter().filter(|dim| dim.batch).count();
    match target.len() - known.len() {
        _ if !positive || batches > 1 || total % product != 0 => None,
        0 => Some(known),
        1 => {
            let inferred = Dim { batch: batches == 0, count: total / product };
            Some(target.iter().map(|dim| if missing(dim) { inferred } else { *dim }).collect())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Role::{Batch, Channel, Column, Row};
    use super::*;

    const MAP: Shape = Shape::Map { channels: 6, height: 4, width: 5 };

    fn known(counts: &[i64]) -> Vec<Dim> {
        counts.iter().map(|&count| Dim::known(count)).collect()
    }

    fn with_batch(counts: &[i64]) -> Vec<Dim> {
        [vec![Dim::BATCH], known(counts)].concat()
    }

    #[test]
    fn reshapes_to_features_are_told_apart_from_others() {
        let plain = View::plain(MAP);
        let flat = plain.flattened(1);
        assert_eq!(plain.reshaped(MAP, &with_batch(&[-1])), Some(flat.clone()));
        assert_eq!(plain.reshaped(MAP, &with_batch(&[120])), Some(flat.clone()));
        assert_eq!(plain.reshaped(MAP, &known(&[-1, 120])), Some(flat.clone()));
        assert_eq!(flat.sample(), Some(vec![Channel, Row, Column]));
        assert_eq!(plain.reshaped(MAP, &with_batch(&[6, -1])).unwrap().roles(2), [Row, Column]);
        // Channel shuffles split the channels.
        assert_eq!(plain.reshaped(MAP, &with_batch(&[2, 3, 4, 5])), None);
        assert_eq!(plain.reshaped(MAP, &with_batch(&[7, -1])), None);
        assert_eq!(plain.reshaped(MAP, &with_batch(&[-1, -1])), None);
        assert_eq!(plain.reshaped(MAP, &with_batch(&[60])), None);
        assert_eq!(plain.reshaped(MAP, &with_batch(&[0])), None);
        assert_eq!(plain.reshaped(MAP, &known(&[i64::MAX, i64::MAX])), None);
        assert_eq!(plain.reshaped(MAP, &known(&[-1])).unwrap().sample(), None);
    }

    #[test]
    fn transpositions_cancel() {
        let last = View::plain(MAP).permuted(&[0, 2, 3, 1]);
        assert_eq!(last, View::of(MAP, &[Batch, Row, Column, Channel]));
        assert_eq!(last.permuted(&[0, 3, 1, 2]), View::plain(MAP));
        assert_eq!(last.flattened(1).sample(), Some(vec![Row, Column, Channel]));
    }

    #[test]
    fn axes_of_extent_one_can_stand_anywhere() {
        let pooled = Shape::Map { channels: 6, height: 1, width: 1 };
        let plain = View::plain(pooled);
        assert_eq!(plain.squeezed(&[2, 3]), Some(View::plain(Shape::Features(6))));
        assert_eq!(plain.squeezed(&[1]), None);
        assert_eq!(plain.squeezed(&[2, 3]).unwrap().unsqueezed(&[2, 3]), Some(plain.clone()));
        assert_eq!(plain.permuted(&[0, 2, 3, 1]).flattened(1), plain.flattened(1));
        assert_eq!(plain.unsqueezed(&[7]), None);
    }
}
