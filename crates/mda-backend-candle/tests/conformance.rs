//! The candle backend in the conformance suite.

use mda_backend_candle::CandleBackend;
use mda_testkit::conformance;

#[test]
fn the_candle_backend_conforms() {
    let report = conformance::run(&CandleBackend::new(), None);
    println!("{report}");
    report.assert_passed();
}
