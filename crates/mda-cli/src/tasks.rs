//! Tasks as the command line has them: `--task`, with files of names as `@FILE`, and `--without`.

use anyhow::Context as _;
use mda_core::model::task::{Task, parse_task_without, quoted};
use std::path::Path;

/// The categories that `task` and `without` leave, ascending.
pub(crate) fn chosen(task: Option<&str>, without: Option<&str>, categories: &[String]) -> anyhow::Result<Task> {
    let written = |text: Option<&str>| text.map(|text| expanded(text, categories)).transpose();
    let (task, without) = (written(task)?, written(without)?);
    Ok(parse_task_without(task.as_deref(), without.as_deref(), categories).map_err(mda::Error::from)?)
}

/// `text` with the names of the file where it is `@FILE` and no category: one name a line, empty lines left out.
fn expanded(text: &str, categories: &[String]) -> anyhow::Result<String> {
    let Some(file) = text.strip_prefix('@').filter(|_| !categories.iter().any(|name| name == text)) else {
        return Ok(text.to_owned());
    };
    let names = std::fs::read_to_string(Path::new(file)).with_context(|| format!("reading the names in {file}"))?;
    let names = names.lines().map(str::trim).filter(|line| !line.is_empty());
    // A line may be a number, a range or a pattern as well; only a name may need quotes.
    let item = |line: &str| if categories.iter().any(|name| name == line) { quoted(line) } else { line.to_owned() };
    Ok(names.map(item).collect::<Vec<_>>().join(","))
}
