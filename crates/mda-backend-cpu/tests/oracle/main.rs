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
    mda_testkit::conformance::run(&mda_backend_cpu::CpuBackend::new(), None).assert_passed();
    mda_testkit::conformance::run(&mda_backend_cpu::CpuBackend::portable(), None).assert_passed();
}
