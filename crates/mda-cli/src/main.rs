//! The `mda` program: arguments in, sentences and files out. The job is `mda-kit`'s.

mod args;
mod backends;
mod command;
mod failure;
mod models;
mod output;
mod table;
mod timing;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = args::Arguments::parse();
    match command::run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            failure::print(&error);
            ExitCode::FAILURE
        }
    }
}
