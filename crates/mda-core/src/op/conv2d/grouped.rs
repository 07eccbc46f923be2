//! Cutting and joining convolutions whose filters see only a part of the input channels.

use super::{Conv2d, stack_bias};
use crate::op::{Cut, Join, Joined, Lane, Op, Part, RewriteError};
use crate::tensor::Tensor;

/// The kept groups and their weight. Groups without any kept channel disappear; the others must keep equal counts.
pub(super) fn cut(conv: &Conv2d, cut: &Cut<'_>) -> Result<(usize, Tensor), RewriteError> {
    let groups = conv.groups;
    let per_group = |kept: &[usize], channels: usize| {
        let size = channels / groups;
        let mut members = vec![Vec::new(); groups];
        for &channel in kept {
            members[channel / size].push(channel % size);
        }
        members
    };
    let inputs = per_group(cut.kept_inputs[0], cut.inputs[0].channels());
    let outputs = per_group(cut.kept, conv.out_channels);
    let alive: Vec<usize> = (0..groups).filter(|&g| !inputs[g].is_empty() || !outputs[g].is_empty()).collect();
    for (side, members) in [("input", &inputs), ("output", &outputs)] {
        let counts: Vec<usize> = alive.iter().map(|&g| members[g].len()).collect();
        if counts.iter().any(|&count| count == 0 || count != counts[0]) {
            return Err(RewriteError::UnequalGroups { groups, side, counts });
        }
    }
    let weight = cut.parameters.get("weight");
    let filter_size = conv.out_channels / groups;
    let mut data = Vec::new();
    for &g in &alive {
        for &q in &outputs[g] {
            data.extend_from_slice(weight.select(0, &[g * filter_size + q]).select(1, &inputs[g]).data());
        }
    }
    let width = alive.first().map_or(0, |&g| inputs[g].len());
    let [kh, kw] = conv.window.kernel;
    let weight = Tensor::new([cut.kept.len(), width, kh, kw], data).expect("one kernel a kept pair");
    Ok((alive.len(), weight))
}

/// Whether all parts are depthwise with as many filters a channel. One that was cut down to a single channel is dense as
/// well as depthwise; all of them dense is not this case.
pub(super) fn all_depthwise(join: &Join<'_>) -> bool {
    let filters = |part: &Part<'_>| match part.op {
        Op::Conv2d(conv) if conv.groups == part.inputs[0].channels() => Some(conv.out_channels / conv.groups),
        _ => None,
    };
    let first = filters(&join.parts[0]);
    let grouped = |part: &Part<'_>| matches!(part.op, Op::Conv2d(conv) if conv.groups > 1);
    first.is_some() && join.parts.iter().all(|part| filters(part) == first) && join.parts.iter().any(grouped)
}

/// Depthwise filters follow the lanes of the channels that they see.
pub(super) fn join_depthwise(conv: &Conv2d, join: &Join<'_>) -> Joined {
    let multiplier = conv.out_channels / conv.groups;
    let filters = |lane: &Lane| {
        let Lane { part, channel } = *lane;
        (0..multiplier).map(move |m| Lane { part, channel: channel * multiplier + m })
    };
    let lanes: Vec<Lane> = join.lanes[0].iter().flat_map(filters).collect();
    let kernel = |lane: &Lane| join.parts[lane.part].parameters.get("weight").row(lane.channel);
    let data = lanes.iter().flat_map(kernel).copied().collect();
    let [kh, kw] = conv.window.kernel;
    let weight = Tensor::new([lanes.len(), 1, kh, kw], data).expect("one kernel a lane");
    let bias = conv.bias.then(|| stack_bias(join, &lanes));
    Joined { node: conv.rewritten(join.lanes[0].len(), weight, bias), lanes }
}

/// Writes the kernel between input `p` and filter `q` of one part, which stays zero where the filter does not see `p`.
pub(super) fn copy_kernel(part: &Part<'_>, q: usize, p: usize, kernel: &mut [f32]) {
    let Op::Conv2d(conv) = part.op else { unreachable!("the caller compared the operations") };
    let channels = part.inputs[0].channels();
    let seen = channels / conv.groups;
    let first = conv.first_input(q, channels);
    if (first..first + seen).contains(&p) {
        let start = (p - first) * kernel.len();
        kernel.copy_from_slice(&part.parameters.get("weight").row(q)[start..start + kernel.len()]);
    }
}
