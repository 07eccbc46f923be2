// A value times another one, which has its shape or one number a channel.

@group(0) @binding(1) var<storage, read> factors: array<f32>;
@group(0) @binding(2) var<storage, read> other: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn product(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let own = image_and_element(workgroup_number(id, count) * 64u + local);
    let image = own.x;
    let element = own.y;
    if image >= params.images {
        return;
    }
    let factor = select(element / out_positions(), element, x_positions() == out_positions());
    let number = other[params.other_offset + image * params.other_stride + element]
        * factors[params.x_offset + image * params.x_stride + factor];
    out[params.out_offset + image * params.out_stride + element] = finished(number);
}
