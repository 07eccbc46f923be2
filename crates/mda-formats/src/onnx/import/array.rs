//! Constants of any rank, row-major.

/// Numbers with a shape.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Array<T> {
    shape: Vec<usize>,
    data: Vec<T>,
}

impl<T: Copy> Array<T> {
    /// `None` where the product of `shape` is not the length of `data`.
    pub(super) fn new(shape: Vec<usize>, data: Vec<T>) -> Option<Self> {
        (mda_core::tensor::element_count(&shape) == Some(data.len())).then_some(Self { shape, data })
    }

    pub(super) fn scalar(number: T) -> Self {
        Self { shape: Vec::new(), data: vec![number] }
    }

    pub(super) fn vector(data: Vec<T>) -> Self {
        Self { shape: vec![data.len()], data }
    }

    pub(super) fn shape(&self) -> &[usize] {
        &self.shape
    }

    pub(super) fn data(&self) -> &[T] {
        &self.data
    }

    pub(super) fn into_data(self) -> Vec<T> {
        self.data
    }

    /// The only number, where there is one.
    pub(super) fn single(&self) -> Option<T> {
        if let [number] = self.data[..] { Some(number) } else { None }
    }

    /// The same numbers in the shape `target`, of which one extent may be -1 and zeros copy unless `allow_zero`.
    pub(super) fn reshaped(self, target: &[i64], allow_zero: bool) -> Option<Self> {
        let mut shape = Vec::with_capacity(target.len());
        let mut missing = None;
        for (axis, &extent) in target.iter().enumerate() {
            match extent {
                -1 if missing.is_none() => {
                    missing = Some(axis);
                    shape.push(1);
                }
                0 if !allow_zero => shape.push(*self.shape.get(axis)?),
                extent => shape.push(usize::try_from(extent).ok()?),
            }
        }
        if let Some(axis) = missing {
            shape[axis] = self.data.len().checked_div(mda_core::tensor::element_count(&shape)?)?;
        }
        Self::new(shape, self.data)
    }

    /// The axes in the order `order`, a permutation of them.
    pub(super) fn transposed(&self, order: &[usize]) -> Self {
        let mut strides = vec![1; self.shape.len()];
        for axis in (1..self.shape.len()).rev() {
            strides[axis - 1] = strides[axis] * self.shape[axis];
        }
        let shape: Vec<usize> = order.iter().map(|&axis| self.shape[axis]).collect();
        let mut data = Vec::with_capacity(self.data.len());
        let mut position = vec![0; shape.len()];
        for _ in 0..self.data.len() {
            data.push(self.data[order.iter().zip(&position).map(|(&axis, at)| strides[axis] * at).sum::<usize>()]);
            for axis in (0..shape.len()).rev() {
                position[axis] += 1;
                if position[axis] < shape[axis] {
                    break;
                }
                position[axis] = 0;
            }
        }
        Self { shape, data }
    }

    /// The slabs `indices` of `axis`, all in range.
    pub(super) fn gathered(&self, axis: usize, indices: &[usize]) -> Self {
        let inner: usize = self.shape[axis + 1..].iter().product();
        let slab = inner * self.shape[axis];
        let mut data = Vec::new();
        if slab > 0 {
            for outer in self.data.chunks(slab) {
                indices.iter().for_each(|&index| data.extend_from_slice(&outer[index * inner..(index + 1) * inner]));
            }
        }
        let mut shape = self.shape.clone();
        shape[axis] = indices.len();
        Self { shape, data }
    }

    /// `parts` behind one another along `axis`; `None` where they differ elsewhere.
    pub(super) fn concatenated(parts: &[&Self], axis: usize) -> Option<Self> {
        let first = *parts.first()?;
        let outer: usize = first.shape.get(..axis)?.iter().product();
        let mut shape = first.shape.clone();
        *shape.get_mut(axis)? = 0;
        for part in parts {
            let extent = *part.shape.get(axis)?;
            let mut others = part.shape.clone();
            others[axis] = shape[axis];
            if others != shape {
                return None;
            }
            shape[axis] += extent;
        }
        let slab = |part: &Self| part.data.len() / outer.max(1);
        let pieces =
            (0..outer).flat_map(|o| parts.iter().map(move |part| &part.data[o * slab(part)..(o + 1) * slab(part)]));
        let data = pieces.flatten().copied().collect();
        Self::new(shape, data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(shape: &[usize]) -> Array<u8> {
        let count: usize = shape.iter().product();
        Array::new(shape.to_vec(), (0..count as u8).collect()).unwrap()
    }

    #[test]
    fn reshapes_infer_and_copy_extents() {
        let array = counted(&[2, 3]);
        assert_eq!(array.clone().reshaped(&[0, -1, 1], false).unwrap().shape(), [2, 3, 1]);
        assert_eq!(array.clone().reshaped(&[], false), None);
        assert_eq!(array.clone().reshaped(&[-1, -1], false), None);
        assert_eq!(array.clone().reshaped(&[4, -1], false), None);
        assert_eq!(array.clone().reshaped(&[0, -1], true), None);
        assert_eq!(array.reshaped(&[-2], false), None);
    }

    #[test]
    fn transposition_moves_the_numbers() {
        let turned = counted(&[2, 3, 2]).transposed(&[2, 0, 1]);
        assert_eq!(turned.shape(), [2, 2, 3]);
        assert_eq!(turned.data(), [0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11]);
        assert_eq!(turned.transposed(&[1, 2, 0]), counted(&[2, 3, 2]));
    }

    #[test]
    fn slabs_are_gathered_and_joined() {
        let array = counted(&[2, 3]);
        assert_eq!(array.gathered(1, &[2, 0]).data(), [2, 0, 5, 3]);
        assert_eq!(array.gathered(0, &[]).shape(), [0, 3]);
        let joined = Array::concatenated(&[&array.gathered(1, &[0]), &array.gathered(1, &[1, 2])], 1).unwrap();
        assert_eq!(joined, array);
        assert_eq!(Array::concatenated(&[&counted(&[2]), &counted(&[1, 2])], 0), None);
        assert_eq!(Array::<u8>::concatenated(&[], 0), None);
        assert_eq!(Array::concatenated(&[&Array::scalar(1)], 0), None);
    }
}
