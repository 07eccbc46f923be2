//! `mda observe` and `mda merge`: statistics of a source.

use super::Context;
use crate::args::{Merge, Observe};
use crate::printer;
use crate::table::thousands;
use crate::tasks;
use crate::timing::Listener;
use mda::{Data, Source, Statistics};
use mda_formats::target::Kind;
use serde::Serialize;
use std::path::Path;

/// What statistics hold.
#[derive(Serialize)]
struct Told<'a> {
    source: &'a str,
    categories: usize,
    images: usize,
    positions: usize,
    bytes: u64,
    missing_shards: Vec<usize>,
}

pub(super) fn run(context: &Context, arguments: &Observe) -> anyhow::Result<()> {
    let target = context.target(&arguments.output, Kind::Statistics, &[&arguments.model, &arguments.data])?;
    let source = Source::read(&arguments.model)?;
    let listener = Listener::new(context.output);
    let runtime = context.runtime()?;
    let data = match arguments.unlabelled {
        true => Data::unlabelled(&arguments.data, &source, &runtime, &listener)?,
        false => Data::open(&arguments.data, source.model())?,
    };
    let mut observing = mda::observe(&source, &data)
        .candidates((arguments.candidates > 0).then_some(arguments.candidates))
        .calibration(arguments.calibration)
        .top_k(arguments.top_k as usize)
        .seed(arguments.seed)
        .progress(&listener);
    if let Some(task) = &arguments.task {
        observing = observing.categories(tasks::chosen(Some(task), None, source.model().categories())?);
    }
    if let Some(memory) = arguments.memory {
        observing = observing.memory(memory);
    }
    if let Some((shard, of)) = arguments.shard {
        observing = observing.shard(shard, of);
    }
    let statistics = observing.run(&runtime)?;
    statistics.save(&source, target.path())?;
    tell(context, &statistics, target.path())
}

pub(super) fn merge(context: &Context, arguments: &Merge) -> anyhow::Result<()> {
    let target = context.target(&arguments.output, Kind::Statistics, &[&arguments.source])?;
    let source = Source::read(&arguments.source)?;
    let (first, others) = arguments.statistics.split_first().expect("two files or more");
    let mut merged = Statistics::read(first, &source)?;
    for path in others {
        merged = merged.merged(&Statistics::read(path, &source)?)?;
    }
    merged.save(&source, target.path())?;
    tell(context, &merged, target.path())
}

fn tell(context: &Context, statistics: &Statistics, path: &Path) -> anyhow::Result<()> {
    let (origin, seen) = (statistics.origin(), statistics.seen());
    let told = Told {
        source: &origin.source,
        categories: seen.categories().len(),
        images: seen.images().len(),
        positions: origin.positions,
        bytes: std::fs::metadata(path)?.len(),
        missing_shards: statistics.missing(),
    };
    context.output.result(&told, || {
        let missing = match told.missing_shards.as_slice() {
            [] => String::new(),
            missing => format!("\nshards {missing:?} of {} are missing; `mda merge` puts them together", origin.of),
        };
        format!(
            "what {} sees of {} images of {} categories\nwritten to {}, {} bytes{missing}\n",
            printer::name(told.source),
            told.images,
            told.categories,
            path.display(),
            thousands(told.bytes)
        )
    })
}
