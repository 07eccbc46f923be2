//! `mda completions` and `mda manual`: what shells and `man` know of the command line.

use super::Context;
use crate::args::{Arguments, Completions, Manual};
use crate::printer;
use anyhow::Context as _;
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use mda_formats::target::Kind;
use std::path::PathBuf;

/// Prints completions for a shell.
pub(crate) fn completions(arguments: &Completions) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "mda", &mut script);
    Ok(printer::raw(&script)?)
}

/// Writes a page for every command.
pub(crate) fn manual(context: &Context, arguments: &Manual) -> anyhow::Result<()> {
    let mut command = Arguments::command().disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    add_pages(&command, &mut pages);
    let contents: Vec<_> = pages.iter().map(|page| (PathBuf::from(page.get_filename()), Kind::ManualPage)).collect();
    let folder = context.folder(&arguments.output, &contents)?;
    let written = pages
        .iter()
        .zip(&contents)
        .try_for_each(|(page, (name, _))| folder.file(name).write(|mut out| page.render(&mut out)));
    let written = written.and_then(|()| folder.finish());
    written.with_context(|| format!("writing manual pages into {}", arguments.output.display()))
}

/// The page of `command` and those of its subcommands.
fn add_pages(command: &Command, pages: &mut Vec<Man>) {
    command.get_subcommands().filter(|command| !command.is_hide_set()).for_each(|command| add_pages(command, pages));
    pages.push(Man::new(command.clone()));
}
