// Number by number: BatchNorm, Normalize, Clamp, activations and Add.

@group(0) @binding(1) var<storage, read> x: array<f32>;
// Scale and shift of every channel.
@group(0) @binding(2) var<storage, read> affine: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read> other: array<f32>;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn pointwise(
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
    let channel = affine[element / out_positions()];
    let at = params.out_offset + image * params.out_stride + element;
    var number = channel.x * x[params.x_offset + image * params.x_stride + element] + channel.y;
    if params.added == 1u {
        number += other[params.other_offset + image * params.other_stride + element];
    } else if params.added == 2u {
        number += out[at];
    }
    out[at] = finished(number);
}
