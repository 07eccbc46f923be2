// Convolutions and linear layers as matrix products: filters times columns, a column being one output position of one
// image. The columns are gathered from the images tile by tile and never stored. Every invocation keeps 4 filters times 4
// columns in registers.

override SIDE: u32 = 16;
const DEPTH: u32 = 16u;

@group(0) @binding(1) var<storage, read> x: array<f32>;
// [group, depth, filters / 4], filled up with zeros.
@group(0) @binding(2) var<storage, read> weight: array<vec4<f32>>;
// For every product: where its channel's plane starts, its row and its column under the window.
@group(0) @binding(3) var<storage, read> taps: array<vec4<i32>>;
@group(0) @binding(4) var<storage, read> shift: array<f32>;
@group(0) @binding(5) var<storage, read> other: array<f32>;
@group(0) @binding(6) var<storage, read_write> out: array<f32>;

var<workgroup> weight_tile: array<vec4<f32>, 256>;
var<workgroup> column_tile: array<vec4<f32>, 256>;

struct Columns {
    inside: vec4<bool>,
    start: vec4<i32>,
    row: vec4<i32>,
    column: vec4<i32>,
}

fn gathered(columns: Columns, k: u32) -> vec4<f32> {
    let tap = taps[k];
    let row = columns.row + tap.y;
    let column = columns.column + tap.z;
    let seen = columns.inside & (row >= vec4(0)) & (row < vec4(params.x_height)) & (column >= vec4(0))
        & (column < vec4(params.x_width));
    let at = select(vec4(0), columns.start + tap.x + row * params.x_width + column, seen);
    return select(vec4(0.0), vec4(x[at.x], x[at.y], x[at.z], x[at.w]), seen);
}

fn store(sums: vec4<f32>, filter_of_group: u32, group: u32, columns: vec4<u32>, total: u32) {
    let positions = out_positions();
    if filter_of_group >= params.filters {
        return;
    }
    let filter_of_layer = (params.first_group + group) * params.group_filters + params.first_filter + filter_of_group;
    for (var lane = 0u; lane < 4u; lane++) {
        let column = columns[lane];
        if column < total {
            let image = column / positions;
            let at = filter_of_layer * positions + column % positions;
            var sum = sums[lane] + shift[filter_of_layer];
            if params.added != 0u {
                sum += other[params.other_offset + image * params.other_stride + at];
            }
            out[params.out_offset + image * params.out_stride + at] = finished(sum);
        }
    }
}

@compute @workgroup_size(SIDE, SIDE)
fn gemm(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let tile = workgroup_number(id, count);
    let blocks = (params.filters + 3u) / 4u;
    let tiles_of_group = (blocks + SIDE - 1u) / SIDE;
    let filter_tiles = tiles_of_group * params.groups;
    let positions = out_positions();
    let total = params.images * positions;
    let first_column = tile / filter_tiles * 4u * SIDE;
    if first_column >= total {
        return;
    }
    let group = tile % filter_tiles / tiles_of_group;
    let first_block = tile % tiles_of_group * SIDE;

    // Neighbouring invocations have neighbouring columns, so that they read neighbouring numbers.
    let columns = vec4(first_column + local.x) + SIDE * vec4(0u, 1u, 2u, 3u);
    let position = vec4<i32>(columns % positions);
    let images = columns / positions;
    let first_channel = (params.first_group + group) * params.group_channels;
    let group_start = params.x_offset + first_channel * x_positions();
    var gather: Columns;
    gather.inside = columns < vec4(total);
    gather.start = vec4<i32>(images * params.x_stride + group_start);
    gather.row = position / params.out_width * params.stride_y - params.top;
    gather.column = position % params.out_width * params.stride_x - params.left;

    let block = first_block + local.x;
    let weight_start = group * params.depth * blocks + block;
    var sums: array<vec4<f32>, 4>;
    for (var first = 0u; first < params.depth; first += DEPTH) {
        for (var k = local.y; k < DEPTH; k += SIDE) {
            let product = first + k;
            var weights = vec4(0.0);
            var numbers = vec4(0.0);
            if product < params.depth {
                if block < blocks {
                    weights = weight[weight_start + product * blocks];
                }
                numbers = gathered(gather, product);
            }
            weight_tile[k * SIDE + local.x] = weights;
            column_tile[k * SIDE + local.x] = numbers;
        }
        workgroupBarrier();
        for (var k = 0u; k < DEPTH; k++) {
            let weights = weight_tile[k * SIDE + local.y];
            let numbers = column_tile[k * SIDE + local.x];
            sums[0] += weights.x * numbers;
            sums[1] += weights.y * numbers;
            sums[2] += weights.z * numbers;
            sums[3] += weights.w * numbers;
        }
        workgroupBarrier();
    }
    let first_filter = (first_block + local.y) * 4u;
    store(sums[0], first_filter, group, columns, total);
    store(sums[1], first_filter + 1u, group, columns, total);
    store(sums[2], first_filter + 2u, group, columns, total);
    store(sums[3], first_filter + 3u, group, columns, total);
}
