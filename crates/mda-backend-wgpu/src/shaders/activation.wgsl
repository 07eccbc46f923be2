// What is done to a number before it is stored. Built-in functions may be coarse near zero, where differences cancel, and may
// forget NaN, so both are seen to here.

// exp(x) - 1 for x of at most 0.
fn exp_m1(x: f32) -> f32 {
    let series = x * (1.0 + x * (0.5 + x * (1.0 / 6.0 + x * (1.0 / 24.0 + x * (1.0 / 120.0 + x / 720.0)))));
    return select(exp(x) - 1.0, series, x > -0.25);
}

fn sigmoid(x: f32) -> f32 {
    let small = exp(-abs(x));
    return select(small, 1.0, x >= 0.0) / (1.0 + small);
}

fn tanh_of(x: f32) -> f32 {
    let small = exp_m1(-2.0 * abs(x));
    return sign(x) * (-small / (2.0 + small));
}

// The error function: the rational approximation of Eigen.
fn erf(number: f32) -> f32 {
    let x = clamp(number, -4.0, 4.0);
    let s = x * x;
    var above = -2.7261423e-10 * s + 2.7706815e-8;
    above = above * s - 2.101024e-6;
    above = above * s - 5.6925064e-5;
    above = above * s - 7.3499065e-4;
    above = above * s - 2.9545998e-3;
    above = above * s - 1.6096033e-2;
    var below = -1.4566072e-5 * s - 2.1337405e-4;
    below = below * s - 1.682827e-3;
    below = below * s - 7.3733294e-3;
    below = below * s - 1.4264739e-2;
    return x * above / below;
}

fn leaked(x: f32, slope: f32) -> f32 {
    return select(slope * x, x, x > 0.0 || is_nan(x));
}

fn activated(x: f32) -> f32 {
    switch params.activation {
        case 1u: { return sigmoid(x); }
        case 2u: { return clamp(params.activation_first * x + params.activation_second, 0.0, 1.0); }
        case 3u: { return x * sigmoid(x); }
        case 4u: { return x * clamp(x / 6.0 + 0.5, 0.0, 1.0); }
        case 5u: { return leaked(x, params.activation_first); }
        case 6u: { return select(params.activation_first * exp_m1(min(x, 0.0)), x, x > 0.0); }
        case 7u: { return 0.5 * x * (1.0 + erf(x * 0.70710678)); }
        case 8u: {
            return 0.5 * x * (1.0 + tanh_of(x * (0.79788456 + 0.035677408 * x * x)));
        }
        default: { return tanh_of(x); }
    }
}

fn finished(x: f32) -> f32 {
    if params.activation == 0u {
        return clamped(x, params.low, params.high);
    }
    return select(activated(x), x, is_nan(x));
}
