//! One module a command.

mod assemble;
mod backends;
mod demo;
mod disassemble;
mod evaluate;
mod export;
mod import;
mod inspect;
mod shell;
mod study;

use crate::args::{Arguments, Command};
use crate::backends::{Choice, Folders, Sources};
use crate::output::Output;
use anyhow::Context as _;
use mda::Runtime;
use std::num::NonZeroUsize;

/// What every command is given.
pub(crate) struct Context {
    pub(crate) output: Output,
    sources: Sources,
    backend: Option<String>,
    batch_size: usize,
}

impl Context {
    /// Where models run, as the user chose.
    pub(crate) fn runtime(&self) -> anyhow::Result<Runtime> {
        let Choice { backend, device } = self.sources.choose(self.backend.as_deref())?;
        Ok(Runtime::boxed(backend).on(device).with_batch_size(self.batch_size))
    }
}

/// Runs the command that the user gave.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let common = &arguments.common;
    if let Some(threads) = common.threads {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.into());
        pool.build_global().with_context(|| format!("starting {threads} threads"))?;
    }
    let output = Output { json: common.json, quiet: common.quiet };
    let sources = Sources {
        plugins: common.plugin.clone(),
        folders: Folders::configured()?,
        threads: common.threads.and_then(|threads| NonZeroUsize::new(threads.into())),
    };
    let context = Context { output, sources, backend: common.backend.clone(), batch_size: common.batch as usize };
    match &arguments.command {
        Command::Demo(demo) => demo::run(&context, demo),
        Command::Import(import) => import::run(&context, import),
        Command::Inspect(inspect) => inspect::run(&context, inspect),
        Command::Evaluate(evaluate) => evaluate::run(&context, evaluate),
        Command::Disassemble(disassemble) => disassemble::run(&context, disassemble),
        Command::Assemble(assemble) => assemble::run(&context, assemble),
        Command::Study(study) => study::run(&context, study),
        Command::Export(export) => export::run(&context, export),
        Command::Backends => backends::run(&context),
        Command::Completions(arguments) => {
            shell::completions(arguments);
            Ok(())
        }
        Command::Manual(arguments) => shell::manual(arguments),
    }
}
