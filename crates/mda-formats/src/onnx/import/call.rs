//! One node of the file: its attributes and the names of its inputs.

use super::fault::Fault;
use crate::onnx::proto::{self, attribute_type};
use mda_core::op::Padding;

/// No window of a real network comes near it.
const MAX_EXTENT: i64 = 1 << 16;

/// A node, and the operator set by which its attributes are read.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub node: &'a proto::Node,
    pub opset: i64,
}

impl<'a> Call<'a> {
    /// The name of input `index`; absent inputs have none.
    pub(super) fn input(&self, index: usize) -> Option<&'a str> {
        self.node.input.get(index).map(String::as_str).filter(|name| !name.is_empty())
    }

    /// The name of the first output.
    pub(super) fn output(&self) -> &'a str {
        self.node.output.first().map_or("", String::as_str)
    }

    /// The node's name, or that of its output.
    pub(super) fn name(&self) -> &'a str {
        if self.node.name.is_empty() { self.output() } else { &self.node.name }
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&'a proto::Attribute> {
        self.node.attribute.iter().find(|attribute| attribute.name == name)
    }

    pub(super) fn int(&self, name: &str, default: i64) -> Result<i64, Fault> {
        match self.attribute(name) {
            None => Ok(default),
            // A writer may leave out a zero.
            Some(attribute) if attribute.kind == attribute_type::INT => Ok(attribute.i.unwrap_or(0)),
            Some(_) => Err(wrong_type(name, "an integer")),
        }
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, Fault> {
        Ok(self.int(name, 0)? != 0)
    }

    pub(super) fn float(&self, name: &str, default: f32) -> Result<f32, Fault> {
        match self.attribute(name) {
            None => Ok(default),
            Some(attribute) if attribute.kind == attribute_type::FLOAT => Ok(attribute.f.unwrap_or(0.0)),
            Some(_) => Err(wrong_type(name, "a number")),
        }
    }

    pub(super) fn ints(&self, name: &str) -> Result<Option<&'a [i64]>, Fault> {
        match self.attribute(name) {
            None => Ok(None),
            Some(attribute) if attribute.kind == attribute_type::INTS => Ok(Some(&attribute.ints)),
            Some(_) => Err(wrong_type(name, "a list of integers")),
        }
    }

    pub(super) fn string(&self, name: &str) -> Result<Option<&'a str>, Fault> {
        let Some(attribute) = self.attribute(name) else { return Ok(None) };
        let bytes = attribute.s.as_deref().ok_or_else(|| wrong_type(name, "a string"))?;
        std::str::from_utf8(bytes).map(Some).map_err(|_| wrong_type(name, "a string of UTF-8"))
    }

    /// A list of `[rows, columns]`, 1 and 1 where it is absent.
    pub(super) fn pair(&self, name: &str) -> Result<[usize; 2], Fault> {
        self.ints(name)?.map_or(Ok([1, 1]), |ints| extents(name, ints))
    }

    /// The padding of a window: `[top, left, bottom, right]`, 0 where it is absent.
    pub(super) fn pads(&self) -> Result<Padding, Fault> {
        let [top, left, bottom, right] = self.ints("pads")?.map_or(Ok([0; 4]), |ints| extents("pads", ints))?;
        Ok(Padding { top, left, bottom, right })
    }
}

fn wrong_type(name: &str, expected: &str) -> Fault {
    Fault::new(format!("attribute `{name}` to be {expected}"), "another type")
}

/// `COUNT` extents of the attribute `name`.
pub(super) fn extents<const COUNT: usize>(name: &str, ints: &[i64]) -> Result<[usize; COUNT], Fault> {
    let wrong = || {
        let shown: Vec<String> = ints.iter().take(8).map(i64::to_string).collect();
        Fault::new(format!("{COUNT} extents of 0 to {MAX_EXTENT} in `{name}`"), shown.join(", "))
    };
    let ints: &[i64; COUNT] = ints.try_into().map_err(|_| wrong())?;
    if ints.iter().any(|extent| !(0..=MAX_EXTENT).contains(extent)) {
        return Err(wrong());
    }
    Ok(ints.map(|extent| extent as usize))
}

/// An axis of a value of rank `rank`, counted from the end where it is negative.
pub(super) fn axis(axis: i64, rank: usize) -> Result<usize, Fault> {
    let from_start = if axis < 0 { axis.checked_add(rank as i64) } else { Some(axis) };
    let in_range = from_start.and_then(|axis| usize::try_from(axis).ok()).filter(|&axis| axis < rank);
    in_range.ok_or_else(|| Fault::new(format!("an axis of a value of rank {rank}"), axis.to_string()))
}

/// The axes of a value of rank `rank`, ascending, each once.
pub(super) fn axes(axes: &[i64], rank: usize) -> Result<Vec<usize>, Fault> {
    if axes.len() > rank {
        return Err(Fault::new(format!("at most {rank} axes"), axes.len().to_string()));
    }
    let mut axes = axes.iter().map(|&a| axis(a, rank)).collect::<Result<Vec<_>, _>>()?;
    axes.sort_unstable();
    axes.dedup();
    Ok(axes)
}
