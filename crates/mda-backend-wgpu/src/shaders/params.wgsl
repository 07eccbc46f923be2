// What every kernel is told, the same for all; most look at a part of it.
struct Params {
    images: u32,
    // The input: image n starts at offset + n * stride.
    x_offset: u32,
    x_stride: u32,
    x_channels: u32,
    x_height: i32,
    x_width: i32,
    out_offset: u32,
    out_stride: u32,
    out_channels: u32,
    out_height: i32,
    out_width: i32,
    // What is added: 0 nothing, 1 the value `other`, 2 what stands in the output.
    added: u32,
    other_offset: u32,
    other_stride: u32,
    low: f32,
    high: f32,
    // Which activation follows, 0 none, and its numbers.
    activation: u32,
    activation_first: f32,
    activation_second: f32,
    kernel_y: i32,
    kernel_x: i32,
    top: i32,
    left: i32,
    bottom: i32,
    right: i32,
    stride_y: i32,
    stride_x: i32,
    dilation_y: i32,
    dilation_x: i32,
    // Whether padding counts in an average pool's divisor.
    count_include_pad: u32,
    // Filters and input channels of each group of a layer.
    group_filters: u32,
    group_channels: u32,
    // Products of one sum.
    depth: u32,
    // The part of a layer's filters that the weights at hand are: `filters` from `first_filter` on in each of `groups`.
    first_group: u32,
    groups: u32,
    first_filter: u32,
    filters: u32,
}

@group(0) @binding(0) var<uniform> params: Params;

fn x_positions() -> u32 {
    return u32(params.x_height * params.x_width);
}

fn out_positions() -> u32 {
    return u32(params.out_height * params.out_width);
}

// The image that number `index` of all output numbers is of, at or beyond the last where there is none, and its number there.
fn image_and_element(index: u32) -> vec2<u32> {
    let elements = params.out_channels * out_positions();
    return vec2<u32>(index / elements, index % elements);
}

// Where the window at an output position starts in the input, which may be in the padding before it.
fn window_row(position: i32) -> i32 {
    return position / params.out_width * params.stride_y - params.top;
}

fn window_column(position: i32) -> i32 {
    return position % params.out_width * params.stride_x - params.left;
}
