//! What every known operator becomes.

mod activation;
mod affine;
mod channels;
mod combine;
mod convolution;
mod elementwise;
mod integers;
mod linear;
mod pad;
mod pool;
mod rearrange;
mod reduce;
mod slice;
mod split;
mod window;

use super::call::Call;
use super::fault::Fault;
use super::importer::Importer;
use super::value::Value;

/// Takes over one node.
type Rule = for<'a> fn(&mut Importer<'a>, &Call<'a>) -> Result<Value<'a>, Fault>;

const RULES: &[(&str, Rule)] = &[
    ("Add", affine::add),
    ("AveragePool", pool::average),
    ("BatchNormalization", convolution::batch_norm),
    ("Cast", integers::cast),
    ("Clip", elementwise::clip),
    ("Concat", channels::concat),
    ("Constant", integers::constant),
    ("ConstantOfShape", integers::constant_of_shape),
    ("Conv", convolution::conv),
    ("Div", affine::div),
    ("Dropout", elementwise::identity),
    ("Elu", activation::elu),
    ("Flatten", rearrange::flatten),
    ("Gather", channels::gather),
    ("Gelu", activation::gelu),
    ("Gemm", linear::gemm),
    ("GlobalAveragePool", reduce::global_average),
    ("GlobalMaxPool", reduce::global_max),
    ("HardSigmoid", activation::hard_sigmoid),
    ("HardSwish", activation::hard_swish),
    ("Identity", elementwise::identity),
    ("LeakyRelu", activation::leaky_relu),
    ("LogSoftmax", elementwise::softmax),
    ("MatMul", linear::matmul),
    ("MaxPool", pool::max),
    ("Mul", affine::mul),
    ("PRelu", activation::prelu),
    ("Pad", pad::pad),
    ("ReduceMax", reduce::max),
    ("ReduceMean", reduce::mean),
    ("Relu", elementwise::relu),
    ("Reshape", rearrange::reshape),
    ("Shape", integers::shape),
    ("Sigmoid", activation::sigmoid),
    ("Slice", slice::slice),
    ("Softmax", elementwise::softmax),
    ("Split", split::split),
    ("Squeeze", rearrange::squeeze),
    ("Sub", affine::sub),
    ("Sum", affine::sum),
    ("Swish", activation::swish),
    ("Tanh", activation::tanh),
    ("Transpose", rearrange::transpose),
    ("Unsqueeze", rearrange::unsqueeze),
];

fn find(op: &str) -> Option<Rule> {
    RULES.binary_search_by(|(known, _)| (*known).cmp(op)).ok().map(|index| RULES[index].1)
}

/// Whether `op` is an operator that this module takes over.
pub(super) fn is_known(op: &str) -> bool {
    find(op).is_some()
}

/// The value that `call` computes.
pub(super) fn apply<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    match find(&call.node.op_type) {
        Some(rule) => rule(importer, call),
        None => Err(Fault::new("a known operator", &call.node.op_type)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order() {
        assert!(RULES.is_sorted_by_key(|(op, _)| *op));
    }
}
