// Pools over a window: one invocation an output number.

@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

struct Place {
    start: i32,
    row: i32,
    column: i32,
    out: u32,
}

fn place(image: u32, index: u32) -> Place {
    let positions = out_positions();
    let channel = index / positions % params.out_channels;
    let position = i32(index % positions);
    var place: Place;
    place.start = i32(params.x_offset + image * params.x_stride + channel * x_positions());
    place.row = window_row(position);
    place.column = window_column(position);
    place.out = params.out_offset + image * params.out_stride + channel * positions + u32(position);
    return place;
}

// The first number at or after 0 among `start`, `start + step`, ...
fn first_inside(start: i32, step: i32) -> i32 {
    return select(start, start + (step - 1 - start) / step * step, start < 0);
}

// What the window reaches along one axis with its padding: the divisor's share.
fn reach(start: i32, kernel: i32, extent: i32, after: i32) -> f32 {
    if params.count_include_pad != 0u {
        return f32(min(start + kernel, extent + after) - start);
    }
    return f32(min(start + kernel, extent) - max(start, 0));
}

@compute @workgroup_size(64)
fn maximum(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let index = workgroup_number(id, count) * 64u + local;
    let image = index / (params.out_channels * out_positions());
    if image >= params.images {
        return;
    }
    let place = place(image, index);
    let last_row = min(place.row + (params.kernel_y - 1) * params.dilation_y, params.x_height - 1);
    let last_column = min(place.column + (params.kernel_x - 1) * params.dilation_x, params.x_width - 1);
    let first_row = first_inside(place.row, params.dilation_y);
    let first_column = first_inside(place.column, params.dilation_x);
    var best = x[place.start + first_row * params.x_width + first_column];
    for (var row = first_row; row <= last_row; row += params.dilation_y) {
        for (var column = first_column; column <= last_column; column += params.dilation_x) {
            best = larger(best, x[place.start + row * params.x_width + column]);
        }
    }
    out[place.out] = best;
}

@compute @workgroup_size(64)
fn average(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let index = workgroup_number(id, count) * 64u + local;
    let image = index / (params.out_channels * out_positions());
    if image >= params.images {
        return;
    }
    let place = place(image, index);
    let last_row = min(place.row + params.kernel_y, params.x_height);
    let last_column = min(place.column + params.kernel_x, params.x_width);
    var sum = 0.0;
    for (var row = max(place.row, 0); row < last_row; row++) {
        for (var column = max(place.column, 0); column < last_column; column++) {
            sum += x[place.start + row * params.x_width + column];
        }
    }
    let rows = reach(place.row, params.kernel_y, params.x_height, params.bottom);
    out[place.out] = sum / (rows * reach(place.column, params.kernel_x, params.x_width, params.right));
}
