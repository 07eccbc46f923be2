//! The LibTorch backend in the conformance suite.

use mda_backend_tch::TchBackend;
use mda_testkit::conformance;

#[test]
fn the_tch_backend_conforms() {
    let report = conformance::run(&TchBackend::new(), None);
    println!("{report}");
    report.assert_passed();
}
