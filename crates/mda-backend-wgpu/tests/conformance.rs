//! The wgpu backend in the conformance suite, on its default device; skipped with a reason where there is none.

use mda_backend_wgpu::WgpuBackend;
use mda_core::run::backend::Backend;
use mda_testkit::conformance;

#[test]
fn the_wgpu_backend_conforms() {
    let backend = WgpuBackend::new();
    println!("devices: {:#?}", backend.devices());
    let report = conformance::run(&backend, None);
    println!("{report}");
    report.assert_passed();
}
