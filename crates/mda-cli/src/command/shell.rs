//! `mda completions` and `mda manual`: what shells and `man` know of the command line.

use crate::args::{Arguments, Completions, Manual};
use anyhow::Context as _;
use clap::CommandFactory;

/// Prints completions for a shell.
pub(crate) fn completions(arguments: &Completions) {
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "mda", &mut std::io::stdout());
}

/// Writes a page for every command.
pub(crate) fn manual(arguments: &Manual) -> anyhow::Result<()> {
    let folder = &arguments.output;
    let written = std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(Arguments::command(), folder));
    written.with_context(|| format!("writing manual pages into {}", folder.display()))
}
