//! The plugin, loaded from its library, in what of the conformance suite can differ there.

use mda_core::run::backend::Backend;
use mda_testkit::{cdylib, conformance};

#[test]
fn the_tch_plugin_conforms() -> Result<(), Box<dyn std::error::Error>> {
    // With the test itself, which is there already: packages get the same features then, and nothing is compiled twice.
    let built = cdylib::build(&cdylib::workspace(), &["--locked", "--package=mda-plugin-tch", "--lib", "--tests"]);
    let plugin = mda_plugin::host::load(&built["mda_plugin_tch"], None)?;
    assert_eq!(plugin.id(), "tch");
    let report = conformance::run_loaded(&plugin, None);
    println!("{report}");
    report.assert_passed();
    Ok(())
}
