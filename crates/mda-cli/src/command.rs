//! One module a command.

mod assemble;
mod backends;
mod card;
mod catalogue;
mod demo;
mod disassemble;
mod evaluate;
mod export;
mod import;
mod inspect;
mod observe;
mod predict;
mod reference;
mod report;
mod shell;
mod study;
mod tune;

use crate::args::{Arguments, Command};
use crate::backends::{Choice, Folders, Sources};
use crate::failure::Advise;
use crate::output::Output;
use crate::threads;
use mda::Runtime;
use mda_formats::target::{Folder, Guard, Kind, Target, TargetError};
use std::path::{Path, PathBuf};

/// What every command is given.
pub(crate) struct Context {
    pub(crate) output: Output,
    sources: Sources,
    backend: Option<String>,
    batch_size: usize,
    force: bool,
}

impl Context {
    /// Where models run, as the user chose.
    pub(crate) fn runtime(&self) -> anyhow::Result<Runtime> {
        let Choice { backend, device } = self.sources.choose(self.backend.as_deref())?;
        Ok(Runtime::boxed(backend).on(device).with_batch_size(self.batch_size))
    }

    /// Where a file of `kind` goes: checked now, so that what cannot be written fails before the work begins. `inputs` are
    /// what the command reads, beside the plugins.
    pub(crate) fn target(&self, path: &Path, kind: Kind<'_>, inputs: &[&Path]) -> anyhow::Result<Target> {
        let plugins = self.sources.plugins.iter().map(PathBuf::as_path);
        let inputs: Vec<&Path> = inputs.iter().copied().chain(plugins).collect();
        Target::new(path, kind, Guard { inputs: &inputs, force: self.force }).advise_on(next_step)
    }

    /// Where a folder of files goes, checked likewise.
    pub(crate) fn folder(&self, path: &Path, contents: &[(PathBuf, Kind<'_>)]) -> anyhow::Result<Folder> {
        Folder::new(path, contents, self.force).advise_on(next_step)
    }
}

/// What helps where something is not written.
fn next_step(error: &TargetError) -> Option<&'static str> {
    match error {
        TargetError::Io { .. } => None,
        TargetError::Input { .. } => Some("give the result a name of its own"),
        TargetError::OtherKind { .. } => Some("give another name, or --force to replace the file"),
        TargetError::Name { promised: "an ONNX file", .. } => {
            Some("`mda export MODEL --onnx FILE` writes ONNX files; model files are mostly called NAME.safetensors")
        }
        TargetError::Name { .. } => {
            Some("give a name that fits, such as NAME.safetensors for a model, NAME.onnx for ONNX")
        }
    }
}

/// Runs the command that the user gave.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let common = &arguments.common;
    threads::start(common.threads)?;
    let output = Output { json: common.json, quiet: common.quiet };
    let sources = Sources { plugins: common.plugin.clone(), folders: Folders::configured()?, threads: common.threads };
    let context = Context {
        output,
        sources,
        backend: common.backend.clone(),
        batch_size: common.batch as usize,
        force: common.force,
    };
    match &arguments.command {
        Command::Demo(demo) => demo::run(&context, demo),
        Command::Import(import) => import::run(&context, import),
        Command::Inspect(inspect) => inspect::run(&context, inspect),
        Command::Evaluate(evaluate) => evaluate::run(&context, evaluate),
        Command::Predict(predict) => predict::run(&context, predict),
        Command::Disassemble(disassemble) => disassemble::run(&context, disassemble),
        Command::Observe(observe) => observe::run(&context, observe),
        Command::Merge(merge) => observe::merge(&context, merge),
        Command::Catalogue(catalogue) => catalogue::run(&context, catalogue),
        Command::Tune(tune) => tune::run(&context, tune),
        Command::Assemble(assemble) => assemble::run(&context, assemble),
        Command::Report(report) => report::run(&context, report),
        Command::Study(study) => study::run(&context, study),
        Command::Export(export) => export::run(&context, export),
        Command::Backends => backends::run(&context),
        Command::Completions(arguments) => shell::completions(arguments),
        Command::Manual(arguments) => shell::manual(&context, arguments),
        Command::Reference => reference::run(),
    }
}
