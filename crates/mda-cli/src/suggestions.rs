//! Values that completions know. What is written is not limited to them: its own reader says what is wrong with it.

use crate::backends;
use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::error::Error;
use clap::{Arg, Command};
use mda_core::method::{REPAIRS, presets as formulation_presets};
use mda_data::Preset;
use std::ffi::OsStr;

/// Takes any text and suggests some.
#[derive(Clone)]
pub(crate) struct Suggestions(Vec<(&'static str, &'static str)>);

pub(crate) fn formulations() -> Suggestions {
    Suggestions(std::iter::once(("auto", "the best of several within a budget")).chain(formulation_presets()).collect())
}

pub(crate) fn repairs() -> Suggestions {
    Suggestions(REPAIRS.map(|name| (name, "")).to_vec())
}

pub(crate) fn presets() -> Suggestions {
    Suggestions(Preset::ALL.map(|preset| (preset.name(), "")).to_vec())
}

pub(crate) fn backends() -> Suggestions {
    let names = std::iter::once("reference").chain(backends::FEATURES);
    Suggestions(names.map(|name| (name, "")).collect())
}

pub(crate) fn architectures() -> Suggestions {
    Suggestions(mda_models::all().map(|architecture| (architecture.name, "")).collect())
}

impl TypedValueParser for Suggestions {
    type Value = String;

    fn parse_ref(&self, command: &Command, argument: Option<&Arg>, value: &OsStr) -> Result<String, Error> {
        StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.0.iter().map(|(name, what)| match *what {
            "" => PossibleValue::new(*name),
            what => PossibleValue::new(*name).help(what),
        })))
    }
}
