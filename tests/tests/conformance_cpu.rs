//! The CPU backend in the conformance suite, with the instructions that it picks here and without any.

use mda_backend_cpu::CpuBackend;
use mda_testkit::conformance;

#[test]
fn the_cpu_backend_conforms() {
    let report = conformance::run(&CpuBackend::new(), None);
    println!("{report}");
    report.assert_passed();
}

#[test]
fn its_portable_kernels_conform() {
    let report = conformance::run(&CpuBackend::portable(), None);
    println!("{report}");
    report.assert_passed();
}
