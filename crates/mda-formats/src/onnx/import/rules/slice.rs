//! Parts of axes: some channels, or every so many rows and columns.

use super::channels::{pickable, select};
use super::{Call, Fault, Importer, Value};
use crate::onnx::import::call::axis;
use crate::onnx::import::value::Activation;
use crate::onnx::import::view::Role;
use mda_core::op::{MaxPool, Window};

/// The part of one axis that a Slice takes.
struct Cut {
    axis: usize,
    start: i64,
    end: i64,
    step: i64,
}

impl Cut {
    /// The places that are taken of an axis of `extent`.
    fn indices(&self, extent: usize) -> impl ExactSizeIterator<Item = usize> + use<> {
        let extent = extent as i64;
        let from_start = |at: i64| if at < 0 { at.saturating_add(extent) } else { at };
        let (first, last) = if self.step > 0 { (0, extent) } else { (-1, extent - 1) };
        let start = from_start(self.start).clamp(first.max(0), last.max(0));
        let end = from_start(self.end).clamp(first, last);
        let span = if self.step > 0 { end - start } else { start - end };
        let span = if extent == 0 { 0 } else { span.max(0).unsigned_abs() };
        let step = self.step;
        let count = span.div_ceil(step.unsigned_abs().max(1)) as usize;
        (0..count).map(move |index| (start + index as i64 * step) as usize)
    }

    /// Whether everything is taken, of an axis of any extent.
    fn takes_all(&self) -> bool {
        self.start == 0 && self.step == 1 && self.end >= i64::from(i32::MAX)
    }
}

fn cuts<'a>(importer: &mut Importer<'a>, call: &Call<'a>, rank: usize) -> Result<Vec<Cut>, Fault> {
    let mut list = |index: usize, name: &str| match call.opset {
        ..10 => Ok(call.ints(name)?.map(<[i64]>::to_vec)),
        _ => importer.ints(call, index),
    };
    let (starts, ends) = (list(1, "starts")?.unwrap_or_default(), list(2, "ends")?.unwrap_or_default());
    let axes = list(3, "axes")?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = list(4, "steps")?.unwrap_or_else(|| vec![1; starts.len()]);
    let lengths = [starts.len(), ends.len(), axes.len(), steps.len()];
    if lengths.iter().any(|&length| length != starts.len()) || steps.contains(&0) || starts.len() > rank {
        return Err(Fault::new(
            "a start, end, axis and step that is not 0 for some axes",
            format!("{lengths:?} of them"),
        ));
    }
    let cut = |index: usize| {
        Ok(Cut { axis: axis(axes[index], rank)?, start: starts[index], end: ends[index], step: steps[index] })
    };
    (0..starts.len()).map(cut).collect()
}

pub(super) fn slice<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    match importer.input(call, 0)? {
        Value::Ints(ints) => {
            let mut array = (*ints).clone();
            for cut in cuts(importer, call, array.shape().len())? {
                importer.budget.take(array.data().len())?;
                let indices: Vec<usize> = cut.indices(array.shape()[cut.axis]).collect();
                array = array.gathered(cut.axis, &indices);
            }
            Ok(Value::ints(array))
        }
        Value::Activation(value) => {
            let mut value = pickable(importer, value)?;
            let mut stride = [1, 1];
            for cut in cuts(importer, call, value.view.rank())? {
                value = slice_axis(importer, call, value, &cut, &mut stride)?;
            }
            if stride == [1, 1] {
                return Ok(Value::Activation(value));
            }
            let window = Window { stride, ..Window::square(1, 1, 0) };
            let op = MaxPool { window, ceil_mode: false };
            let strided = importer.push(call, call.name(), op, &[(value.node, value.shape)])?;
            let view = value.view.fitted(strided.shape);
            Ok(Value::Activation(strided.viewed(view)))
        }
        other => Err(Fault::new("a computed value or integers", other.describe())),
    }
}

/// Cuts the channels, or makes a stride of the step along rows or columns.
fn slice_axis<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
    value: Activation<'a>,
    cut: &Cut,
    stride: &mut [usize; 2],
) -> Result<Activation<'a>, Fault> {
    let refused = |value: &Activation<'_>| {
        let got = format!("{}:{}:{} of axis {} of {}", cut.start, cut.end, cut.step, cut.axis, value.describe());
        Fault::new("some channels, or every so many rows and columns from the first on", got)
    };
    let [height, width] = value.shape.spatial();
    match value.view.roles(cut.axis) {
        [Role::Channel] => {
            let channels = value.shape.channels();
            let indices = cut.indices(channels);
            importer.budget.take(2 * indices.len())?;
            let indices: Vec<Option<usize>> = indices.map(Some).collect();
            if indices.iter().copied().eq((0..channels).map(Some)) {
                return Ok(value);
            }
            select(importer, call, value, cut.axis, indices)
        }
        [role @ (Role::Row | Role::Column)] => {
            let (axis, extent) = if *role == Role::Row { (0, height) } else { (1, width) };
            let step = usize::try_from(cut.step).map_err(|_| refused(&value))?;
            let mut indices = cut.indices(extent);
            if indices.next() != Some(0) || indices.len() + 1 != extent.div_ceil(step) {
                return Err(refused(&value));
            }
            // A step beyond the axis takes the first position only.
            stride[axis] = step.min(extent);
            Ok(value)
        }
        [] if cut.indices(1).len() == 1 => Ok(value),
        [Role::Batch] if cut.takes_all() => Ok(value),
        _ => Err(refused(&value)),
    }
}
