//! What `mda demo` computes: the whole job on two embedded networks, every step beside its baselines.

use crate::accuracy::{Accuracies, of_own};
use crate::assemble::{Assembled, Calibration, Measured, Part, assemble};
use crate::data::Data;
use crate::disassemble::{Component, disassemble};
use crate::error::Error;
use crate::progress::Progress;
use crate::runtime::Runtime;
use crate::samples::{FASHION_MNIST, MNIST, Sample};
use crate::source::Source;
use mda_core::Model;
use mda_core::evaluate::Accuracy;
use mda_core::method::Formulation;
use mda_core::rescale::Rescaling;

/// The embedded sources and what is cut out of each.
pub const SHARES: [(Sample, &str); 2] = [(MNIST, "0-2"), (FASHION_MNIST, "3-9")];

/// Of what the components are compared with: random channels, and those with the largest filters.
const BASELINES: [&str; 2] = ["random", "l1"];

/// One source's part of the demo.
pub struct Share {
    /// The component, a quarter of the source.
    pub component: Component,
    /// What it is worth.
    pub accuracy: Accuracies,
    /// Components with as many channels in every layer.
    pub baselines: Vec<Baseline>,
    /// The source with the task's logits and nothing else cut.
    pub uncut: Model,
}

/// A component of the same size whose channels another formulation chose, repaired alike.
pub struct Baseline {
    /// Which formulation.
    pub formulation: &'static str,
    /// On the test images of its categories.
    pub accuracy: Accuracy,
}

/// An assembled model.
pub struct Joined {
    /// What it is, in words.
    pub what: &'static str,
    /// The model.
    pub assembled: Assembled,
    /// What each of its components' test images say.
    pub measured: Vec<Measured>,
}

/// Makes one source's component, called `name`, and what it is compared with; only then test images are looked at.
///
/// # Errors
/// [`Error`].
pub fn share(
    source: &Source,
    data: &Data,
    (task, name): (&str, String),
    runtime: &Runtime,
    progress: &dyn Progress,
) -> Result<Share, Error> {
    // All images that nothing else needs may speak; there are few.
    let disassembly = disassemble(source, data).task(task)?.keep_params(0.25).candidates(None);
    let disassembly = disassembly.calibration(usize::MAX).named(name).progress(progress);
    let component = disassembly.run(runtime)?;
    let accuracy = disassembly.measure(&component, runtime)?;
    let baselines = progress.step("comparing with other formulations at the same size", || {
        let other = |name| disassembly.same_size(&component, &Formulation::preset(name)?, runtime);
        let others = BASELINES.map(other).into_iter().collect::<Result<Vec<Model>, Error>>()?;
        let measured =
            |(formulation, model): (_, &Model)| Ok(Baseline { formulation, accuracy: of_own(model, data, runtime)? });
        BASELINES.into_iter().zip(&others).map(measured).collect::<Result<Vec<_>, Error>>()
    })?;
    Ok(Share { uncut: disassembly.uncut(runtime)?, component, accuracy, baselines })
}

/// The assembled model, first, and what it is compared with, each on the test images of all data sets.
///
/// # Errors
/// [`Error`].
pub fn joint(shares: &[(&Share, &Data)], runtime: &Runtime, progress: &dyn Progress) -> Result<Vec<Joined>, Error> {
    let data: Vec<&Data> = shares.iter().map(|(_, data)| *data).collect();
    let cut: Vec<Part> = shares.iter().map(|(share, _)| Part::from(&share.component)).collect();
    let uncut: Vec<Part> = shares.iter().map(|(share, _)| share.uncut.clone().into()).collect();
    let calibration = Calibration { per_category: usize::MAX, ..Calibration::default() };
    let joined = |(what, parts, rescaling): (&'static str, &Vec<Part>, Rescaling)| {
        let assembly = assemble(parts.iter().cloned()).calibrated(data.iter().copied());
        let assembly = assembly.calibration(calibration).rescaling(rescaling).named("mda-demo");
        progress.step(what, || {
            let assembled = assembly.run(runtime)?;
            let measured = assembled.measure(&data, runtime)?;
            Ok(Joined { what, assembled, measured })
        })
    };
    let all = [
        ("assembled components, calibrated", &cut, Rescaling::Evidence),
        ("assembled components, as they are", &cut, Rescaling::None),
        ("assembled components, Model-LEGO's ratio", &cut, Rescaling::Ratio),
        ("uncut sources, calibrated", &uncut, Rescaling::Evidence),
        ("uncut sources, as they are", &uncut, Rescaling::None),
    ];
    all.into_iter().map(joined).collect()
}
