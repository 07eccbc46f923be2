//! Tasks as the command line has them: `--task`, with files of names as `@FILE`, and `--without`; and many at once.

use anyhow::Context as _;
use mda_core::model::task::{Task, parse_task, parse_task_without, quoted};
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

/// Many tasks with their names: `each` category, all `pairs`, the lines of a file (`NAME = TASK`, or a task alone), or the files of a
/// folder, each a list of names called like its task.
pub(crate) fn many(text: &str, categories: &[String]) -> anyhow::Result<Vec<(String, Task)>> {
    let numbers = 0..categories.len();
    let numbered = |own: Vec<usize>| {
        let name = own.iter().map(usize::to_string).collect::<Vec<_>>().join("-");
        Task::new(own).map(|task| (name, task))
    };
    let path = Path::new(text);
    let tasks: Vec<(String, Task)> = match text {
        "each" => numbers.filter_map(|category| numbered(vec![category])).collect(),
        "pairs" => {
            numbers.clone().flat_map(|a| (a + 1..categories.len()).filter_map(move |b| numbered(vec![a, b]))).collect()
        }
        _ if path.is_dir() => listed(path, categories)?,
        _ => {
            let lines = std::fs::read_to_string(path);
            let lines =
                lines.with_context(|| format!("reading the tasks in {text}, which is neither `each` nor `pairs`"))?;
            let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
            lines.map(|line| of_line(line, categories)).collect::<anyhow::Result<_>>()?
        }
    };
    anyhow::ensure!(!tasks.is_empty(), "{text} holds no task: expected lines such as `shoes = 5,7,9` or `5,7,9`");
    Ok(tasks)
}

fn of_line(line: &str, categories: &[String]) -> anyhow::Result<(String, Task)> {
    let (name, text) = match line.split_once(" = ") {
        Some((name, text)) => (name.trim().to_owned(), text.trim()),
        None => (line.replace(',', "+"), line),
    };
    let task = parse_task(&expanded(text, categories)?, categories).map_err(mda::Error::from);
    Ok((name, task.with_context(|| format!("the task `{line}`"))?))
}

/// A task for every text file in a folder, by name.
fn listed(folder: &Path, categories: &[String]) -> anyhow::Result<Vec<(String, Task)>> {
    let reading = || format!("reading the folder {}", folder.display());
    let entries =
        std::fs::read_dir(folder).with_context(reading)?.collect::<Result<Vec<_>, _>>().with_context(reading)?;
    let mut files: Vec<std::path::PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "txt"));
    files.sort();
    let task = |path: std::path::PathBuf| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let task = chosen(Some(&format!("@{}", path.display())), None, categories);
        Ok((name, task.with_context(|| format!("the task in {}", path.display()))?))
    };
    files.into_iter().map(task).collect()
}
