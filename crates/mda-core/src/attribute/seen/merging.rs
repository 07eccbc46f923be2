//! What was seen at several times, together.

use super::{Seen, Speaking};
use crate::attribute::attribution::first_by_sureness;
use crate::attribute::measure::Looks;
use crate::graph::NodeId;
use crate::tensor::Tensor;
use std::collections::{BTreeMap, HashSet};

impl Seen {
    /// What was seen by both together, of which the `top_k` surest images of each category stay.
    ///
    /// # Errors
    /// A sentence on what one has and the other lacks.
    pub fn merged(&self, other: &Self, top_k: usize) -> Result<Self, String> {
        let sides = [self, other];
        let mut all: BTreeMap<usize, Vec<(usize, f64, usize, usize)>> = BTreeMap::new();
        let mut known = HashSet::new();
        for (side, seen) in sides.iter().enumerate() {
            for (row, one) in seen.images.iter().enumerate().filter(|(_, one)| known.insert((one.category, one.image)))
            {
                all.entry(one.category).or_default().push((one.image, one.sureness, side, row));
            }
        }
        let (mut images, mut rows) = (Vec::new(), Vec::new());
        for (category, own) in all {
            let chosen = first_by_sureness(own.iter().map(|&(image, sureness, ..)| (image, sureness)).collect(), top_k);
            for (image, sureness) in chosen {
                images.push(Speaking { category, image, sureness });
                rows.extend(own.iter().filter(|one| one.0 == image).map(|&(.., side, row)| (side, row)));
            }
        }
        let mut looks = BTreeMap::new();
        let shapes = |seen: &Self| -> Vec<(String, NodeId, Vec<usize>)> {
            let of = |(name, looks): (&String, &Looks)| {
                looks
                    .iter()
                    .map(|(&layer, numbers)| (name.clone(), layer, numbers.shape()[1..].to_vec()))
                    .collect::<Vec<_>>()
            };
            seen.looks.iter().flat_map(of).collect()
        };
        if shapes(self) != shapes(other) {
            return Err("what is kept of an image differs: other measures, other layers or other positions".into());
        }
        for (name, own) in &self.looks {
            let joined = |(&layer, numbers): (&NodeId, &Tensor)| {
                let tensors = [numbers, &other.looks[name][&layer]];
                let mut shape = numbers.shape().to_vec();
                shape[0] = rows.len();
                let kept = rows.iter().flat_map(|&(side, row)| tensors[side].row(row)).copied().collect();
                (layer, Tensor::new(shape, kept).expect("rows of one size"))
            };
            looks.insert(name.clone(), own.iter().map(joined).collect::<Looks>());
        }
        Ok(Self { images, looks })
    }
}
