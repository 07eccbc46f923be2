// Convolutions whose groups have few filters, depthwise ones among them: one invocation an output number.

@group(0) @binding(1) var<storage, read> x: array<f32>;
// [filters, depth]
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> shift: array<f32>;
@group(0) @binding(4) var<storage, read> other: array<f32>;
@group(0) @binding(5) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn direct(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let index = workgroup_number(id, count) * 64u + local;
    let positions = out_positions();
    let image = index / (params.filters * positions);
    if image >= params.images {
        return;
    }
    let filter_of_part = index / positions % params.filters;
    let filter_of_layer = params.first_filter + filter_of_part;
    let position = i32(index % positions);
    let row = window_row(position);
    let column = window_column(position);
    let first_channel = filter_of_layer / params.group_filters * params.group_channels;
    let plane = i32(x_positions());
    var start = i32(params.x_offset + image * params.x_stride) + i32(first_channel) * plane;
    var weights = filter_of_part * params.depth;
    var sum = shift[filter_of_layer];
    for (var channel = 0u; channel < params.group_channels; channel++) {
        for (var ky = 0; ky < params.kernel_y; ky++) {
            let y = row + ky * params.dilation_y;
            if y >= 0 && y < params.x_height {
                for (var kx = 0; kx < params.kernel_x; kx++) {
                    let at = column + kx * params.dilation_x;
                    if at >= 0 && at < params.x_width {
                        sum += weight[weights + u32(kx)] * x[start + y * params.x_width + at];
                    }
                }
            }
            weights += u32(params.kernel_x);
        }
        start += plane;
    }
    let at = filter_of_layer * positions + u32(position);
    if params.added != 0u {
        sum += other[params.other_offset + image * params.other_stride + at];
    }
    out[params.out_offset + image * params.out_stride + at] = finished(sum);
}
