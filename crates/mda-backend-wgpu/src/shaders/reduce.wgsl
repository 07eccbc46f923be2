// Sums over the positions of a channel: means, moments, and window sums. LANES invocations share a sum: each adds up some
// of the numbers, then pairs of invocations add up what they have.

override LANES: u32 = 64;

@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

var<workgroup> partial: array<vec2<f32>, 64>;

fn total(own: vec2<f32>, local: u32) -> vec2<f32> {
    partial[local] = own;
    for (var distance = LANES / 2u; distance > 0u; distance /= 2u) {
        workgroupBarrier();
        if local % LANES < distance {
            partial[local] += partial[local + distance];
        }
    }
    return partial[local];
}

// The sum and the sum of squares that an invocation finds in a plane.
fn own_moments(start: i32, lane: i32) -> vec2<f32> {
    var sums = vec2(0.0);
    for (var position = lane; position < i32(x_positions()); position += i32(LANES)) {
        let number = x[start + position];
        sums += vec2(number, number * number);
    }
    return sums;
}

fn start_of(image: u32, channel: u32) -> i32 {
    return i32(params.x_offset + image * params.x_stride + channel * x_positions());
}

// A channel of an image, and the sums over it.
struct Plane {
    image: u32,
    channel: u32,
    sums: vec2<f32>,
}

// The plane that this invocation helps to add up; behind the last image there is none.
fn plane(group: u32, local: u32) -> Plane {
    let index = group * (64u / LANES) + local / LANES;
    let image = index / params.x_channels;
    let channel = index % params.x_channels;
    var own = vec2(0.0);
    if image < params.images {
        own = own_moments(start_of(image, channel), i32(local % LANES));
    }
    return Plane(image, channel, total(own, local));
}

@compute @workgroup_size(64)
fn mean(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let plane = plane(workgroup_number(id, count), local);
    if plane.image < params.images && local % LANES == 0u {
        let at = params.out_offset + plane.image * params.out_stride + plane.channel;
        out[at] = plane.sums.x / f32(x_positions());
    }
}

@compute @workgroup_size(64)
fn moments(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let plane = plane(workgroup_number(id, count), local);
    if plane.image < params.images && local % LANES == 0u {
        let at = params.out_offset + plane.image * params.out_stride + plane.channel * 2u;
        out[at] = plane.sums.x;
        out[at + 1u] = plane.sums.y;
    }
}

@compute @workgroup_size(64)
fn window_sums(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let index = workgroup_number(id, count) * (64u / LANES) + local / LANES;
    let taps = u32(params.kernel_y * params.kernel_x);
    let image = index / (params.x_channels * taps);
    let element = index % (params.x_channels * taps);
    let tap = i32(element % taps);
    var own = vec2(0.0);
    if image < params.images {
        let start = start_of(image, element / taps);
        let row_of_tap = tap / params.kernel_x * params.dilation_y;
        let column_of_tap = tap % params.kernel_x * params.dilation_x;
        for (var position = i32(local % LANES); position < i32(out_positions()); position += i32(LANES)) {
            let row = window_row(position) + row_of_tap;
            let column = window_column(position) + column_of_tap;
            if row >= 0 && row < params.x_height && column >= 0 && column < params.x_width {
                own.x += x[start + row * params.x_width + column];
            }
        }
    }
    let sums = total(own, local);
    if image < params.images && local % LANES == 0u {
        out[params.out_offset + image * params.out_stride + element] = sums.x;
    }
}
