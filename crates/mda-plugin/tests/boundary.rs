//! The reference backend through the boundary: nothing is lost on the way. With it, and with the bad plugins, the boundary
//! runs under AddressSanitizer.

use mda_core::run::backend::{Backend, Probe};
use mda_core::run::reference::Reference;
use mda_plugin::host::load;
use mda_testkit::generate::{model_from_seed, random_images};
use mda_testkit::{cdylib, conformance};

#[test]
fn a_plugin_answers_what_the_backend_in_it_answers() -> Result<(), Box<dyn std::error::Error>> {
    let plugin = load(&cdylib::example("honest"), None)?;
    conformance::run(&plugin, None).assert_passed();
    for seed in 100..110 {
        let model = model_from_seed(seed);
        let probes: Vec<Probe> = (0..model.graph().nodes().len()).map(Probe::Value).collect();
        let batch = random_images(&model, 3, seed);
        let inside = Reference.compile(&model, None, &probes)?.session()?.run(&batch)?;
        assert_eq!(plugin.compile(&model, Some("cpu"), &probes)?.session()?.run(&batch)?, inside, "seed {seed}");
    }
    Ok(())
}
