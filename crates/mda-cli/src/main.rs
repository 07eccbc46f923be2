//! The `mda` program: arguments in, sentences and files out. The job is `mda-kit`'s.

// Everything is printed by `printer`, which can fail and knows what a terminal obeys.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod args;
mod backends;
mod command;
mod failure;
mod interrupt;
mod memory;
mod models;
mod output;
mod printer;
mod progress;
mod suggestions;
mod table;
mod tasks;
mod threads;
mod timing;

use clap::Parser;
use printer::{CLOSED_PIPE, Unprintable};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: memory::Telling = memory::Telling;

fn main() -> ExitCode {
    memory::keep_what_is_freed();
    let (done, status) = match args::Arguments::try_parse() {
        Ok(arguments) => (interrupt::clean_up().and_then(|()| command::run(&arguments)), ExitCode::SUCCESS),
        Err(answer) => {
            let status = u8::try_from(answer.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from);
            (printer::answer(&answer).map_err(anyhow::Error::from), status)
        }
    };
    match done {
        Ok(()) => status,
        Err(error) if error.downcast_ref().is_some_and(Unprintable::is_closed_pipe) => ExitCode::from(CLOSED_PIPE),
        Err(error) => {
            failure::print(&error);
            ExitCode::FAILURE
        }
    }
}
