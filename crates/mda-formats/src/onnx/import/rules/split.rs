//! Parts of the channels.

use super::channels::{pickable, select};
use super::{Call, Fault, Importer, Value};
use crate::onnx::import::call::axis;
use crate::onnx::import::outputs::{PART, PARTS};
use crate::onnx::import::view::Role;

/// One part of a Split, which [`crate::onnx::import::outputs`] has taken apart.
pub(super) fn split<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    let value = importer.activation(call, 0)?;
    let value = pickable(importer, value)?;
    let along = axis(call.int("axis", 0)?, value.view.rank())?;
    if value.view.roles(along) != [Role::Channel] {
        let got = format!("axis {along} of {}", value.describe());
        return Err(Fault::new("channels to be split", got));
    }
    let channels = value.shape.channels();
    let extent = |number: i64| usize::try_from(number).unwrap_or(0);
    let (part, parts) = (extent(call.int(PART, 0)?), extent(call.int(PARTS, 1)?).max(1));
    let sizes = match importer.ints(call, 1)? {
        Some(sizes) => Some(sizes),
        None => call.ints("split")?.map(<[i64]>::to_vec),
    };
    let ends: Option<Vec<usize>> = match &sizes {
        // Equal parts, the last of which may be smaller.
        None => Some((1..=parts).map(|part| (part * channels.div_ceil(parts)).min(channels)).collect()),
        Some(sizes) => {
            let next = |end: &mut usize, &size: &i64| {
                *end = usize::try_from(size).ok().and_then(|size| end.checked_add(size)).unwrap_or(usize::MAX);
                Some(*end)
            };
            let ends: Vec<usize> = sizes.iter().scan(0, next).collect();
            (ends.len() == parts && ends.last() == Some(&channels)).then_some(ends)
        }
    };
    let bounds = ends.and_then(|ends| {
        Some((part.checked_sub(1).map_or(Some(0), |before| ends.get(before).copied())?, *ends.get(part)?))
    });
    let Some((start, end)) = bounds else {
        let got = format!("{:?}", sizes.unwrap_or_default());
        return Err(Fault::new(format!("{parts} sizes of parts of {channels} channels"), got));
    };
    importer.budget.take(2 * (end - start))?;
    let picked = (start..end).map(Some).collect();
    select(importer, call, value, along, picked).map(Value::Activation)
}
