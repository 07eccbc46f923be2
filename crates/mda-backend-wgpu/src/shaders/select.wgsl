// Channels moved: SelectChannels, and values that Concat joins.

// Numbers are moved as bits, so that nothing can change them.
@group(0) @binding(1) var<storage, read> x: array<u32>;
// The channel that every output channel comes from, or -1 for zeros.
@group(0) @binding(2) var<storage, read> sources: array<i32>;
@group(0) @binding(3) var<storage, read_write> out: array<u32>;

@compute @workgroup_size(64)
fn moved(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let index = workgroup_number(id, count) * 64u + local;
    let positions = out_positions();
    let elements = params.out_channels * positions;
    let image = index / elements;
    if image >= params.images {
        return;
    }
    let element = index % elements;
    let source = sources[element / positions];
    var bits = 0u;
    if source >= 0 {
        let position = element % positions;
        bits = x[params.x_offset + image * params.x_stride + u32(source) * positions + position];
    }
    out[params.out_offset + image * params.out_stride + element] = bits;
}
