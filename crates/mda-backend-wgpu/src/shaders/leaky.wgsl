// A leaky ReLU with a slope a channel.

@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> slopes: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn leaky(
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
    let number = x[params.x_offset + image * params.x_stride + element];
    out[params.out_offset + image * params.out_stride + element] = leaked(number, slopes[element / out_positions()]);
}
