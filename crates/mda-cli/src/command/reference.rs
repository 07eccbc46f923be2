//! `mda reference`: the book's page of all commands and flags, from what parses them.

use crate::args::Arguments;
use crate::printer;
use clap::{Arg, ArgAction, CommandFactory};
use std::fmt::Write as _;

const HEAD: &str = "# Every command and every flag\n\nThis page is what `mda reference` prints; a test compares them. \
    `mda COMMAND --help` tells the same.\n";

/// Of the program itself.
const OWN: [&str; 2] = ["help", "version"];

pub(super) fn run() -> anyhow::Result<()> {
    let mut whole = Arguments::command().disable_help_subcommand(true);
    whole.build();
    let mut page = HEAD.to_owned();
    for command in whole.get_subcommands().filter(|command| !command.is_hide_set()) {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        let usage = command.clone().render_usage().to_string();
        let usage = usage.trim_start_matches("Usage: ");
        let _ = write!(page, "\n## mda {}\n\n{}.\n\n```usage\n{usage}\n```\n\n", command.get_name(), sentence(&about));
        command
            .get_arguments()
            .filter(|own| !own.is_global_set() && is_told(own))
            .for_each(|own| entry(&mut page, own));
    }
    page.push_str("\n## Flags of every command\n\n");
    whole.get_arguments().filter(|own| is_told(own)).for_each(|own| entry(&mut page, own));
    Ok(printer::raw(page.replace("\n\n\n", "\n\n").as_bytes())?)
}

fn is_told(argument: &Arg) -> bool {
    !argument.is_hide_set() && !OWN.contains(&argument.get_id().as_str())
}

/// One line of a list: how it is written, what it means, and what it is where it is not given.
fn entry(page: &mut String, argument: &Arg) {
    let values: Vec<String> = argument.get_value_names().unwrap_or_default().iter().map(ToString::to_string).collect();
    let value = values.join(" ");
    let name = match (argument.get_long(), argument.get_short()) {
        (Some(long), short) => {
            let short = short.map(|short| format!("-{short}, ")).unwrap_or_default();
            let value = if argument.get_action().takes_values() { format!(" {value}") } else { String::new() };
            format!("{short}--{long}{value}")
        }
        (None, _) => value,
    };
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let _ = write!(page, "- `{name}`: {}.", sentence(&help));
    if matches!(argument.get_action(), ArgAction::Append) && !help.contains("be given again") {
        page.push_str(" May be given again.");
    }
    let values = argument.get_possible_values();
    if argument.get_action().takes_values() && !argument.is_hide_possible_values_set() && !values.is_empty() {
        let names: Vec<String> = values.iter().map(|value| format!("`{}`", value.get_name())).collect();
        let _ = write!(page, " One of {}.", names.join(", "));
    }
    let defaults: Vec<String> =
        argument.get_default_values().iter().map(|value| format!("`{}`", value.to_string_lossy())).collect();
    if argument.get_action().takes_values() && !defaults.is_empty() {
        let _ = write!(page, " Where absent: {}.", defaults.join(", "));
    }
    if let Some(variable) = argument.get_env() {
        let _ = write!(page, " Also the variable `{}`.", variable.to_string_lossy());
    }
    page.push('\n');
}

/// A help text that ends without a full stop.
fn sentence(help: &str) -> &str {
    help.trim().trim_end_matches('.')
}
