// Comparisons in which NaN stays NaN. Shader compilers may assume that there are no NaNs, so it is recognised by its bits.

fn is_nan(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

fn clamped(x: f32, low: f32, high: f32) -> f32 {
    let above = select(x, low, x < low);
    return select(select(above, high, above > high), x, is_nan(x));
}

// The larger number; NaN wins.
fn larger(a: f32, b: f32) -> f32 {
    return select(select(b, a, a > b && !is_nan(b)), a, is_nan(a));
}

// Workgroups are spread over two axes, because one axis has a limit; this is the number of a workgroup.
fn workgroup_number(id: vec3<u32>, count: vec3<u32>) -> u32 {
    return id.y * count.x + id.x;
}
