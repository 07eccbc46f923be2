//! Every operation, fused chains, buffer sharing and probes against the reference evaluation, on every instruction set
//! that runs here.

mod check;
mod convolutions;
mod fusion;
mod pointwise;
mod pools;
mod probes;
mod sessions;

#[test]
fn conformance() {
    for backend in mda_backend_cpu::CpuBackend::available() {
        mda_testkit::conformance::run(&backend, None).assert_passed();
    }
}
