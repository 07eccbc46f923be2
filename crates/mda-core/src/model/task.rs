//! Tasks as people write them: `0-2`, `0,3,5-7`, `Bag,Sneaker`, `n02*`, `"Bag, leather",Sneaker`.

mod pattern;

use std::fmt;
use std::ops::Deref;
use thiserror::Error;

/// What a component is to tell apart: at least one category of a model, by its number there, ascending, each once. It reads as a
/// slice of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Task(Vec<usize>);

impl Task {
    /// The task of these categories, in whatever order; `None` where there are none.
    pub fn new(categories: impl IntoIterator<Item = usize>) -> Option<Self> {
        let mut task: Vec<usize> = categories.into_iter().collect();
        task.sort_unstable();
        task.dedup();
        (!task.is_empty()).then_some(Self(task))
    }
}

impl Deref for Task {
    type Target = [usize];

    fn deref(&self) -> &[usize] {
        &self.0
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&describe_task(self))
    }
}

/// Why a task cannot be understood.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TaskError {
    /// Nothing named.
    #[error("a task names at least one category, as in `0-2` or `{example}`")]
    Empty {
        /// A category of the model, for the message, as a task names it.
        example: String,
    },
    /// Neither a category's name nor a number or range in bounds.
    #[error("`{item}` is no category of the model, which has 0 to {} ({known}){}", .count - 1, meant(.similar))]
    Unknown {
        /// What was written.
        item: String,
        /// How many categories there are.
        count: usize,
        /// The first names.
        known: String,
        /// A category whose name begins so and goes on behind a comma, as a task names it.
        similar: Option<String>,
    },
    /// Nothing that is not left out.
    #[error("nothing is left of the task: all of its categories are left out")]
    Nothing,
    /// A double quote without its partner.
    #[error(
        "the double quote at the begin of `{item}` is not closed; a name in quotes is written as in `\"Bag, leather\"`"
    )]
    Unclosed {
        /// What was written from the quote on.
        item: String,
    },
    /// Something between a closing double quote and the next comma.
    #[error(
        "`{rest}` stands behind the closing quote of `{name}`; expected a comma, or two quotes for one in the name"
    )]
    BehindQuote {
        /// The name in quotes.
        name: String,
        /// What stands behind it.
        rest: String,
    },
}

fn meant(similar: &Option<String>) -> String {
    similar.as_ref().map(|name| format!("; a name with a comma stands in double quotes: `{name}`")).unwrap_or_default()
}

/// The task that `text` names. Items are separated by commas; each is a category's name, its number,
/// a range of numbers `low-high`, or a pattern with `*` for any characters and `?` for one, names taking precedence.
///
/// An item in double quotes is a name, whatever it holds: commas, spaces at its ends, digits. Two double quotes within it
/// stand for one.
///
/// # Errors
/// [`TaskError`] where nothing or an unknown category is named, or quotes do not match.
pub fn parse_task(text: &str, categories: &[String]) -> Result<Task, TaskError> {
    let mut task = Vec::new();
    let mut rest = Some(text);
    while let Some(items) = rest {
        let found = match items.trim_start().strip_prefix('"') {
            Some(quoted) => {
                let (name, behind) = split_quoted(quoted)?;
                rest = behind;
                categories.iter().position(|category| *category == name).map(|k| vec![k]).ok_or(name)
            }
            None => {
                let (item, behind) = items.split_once(',').map_or((items, None), |(item, behind)| (item, Some(behind)));
                rest = behind;
                match item.trim() {
                    "" => continue,
                    item => parse_item(item, categories).ok_or_else(|| item.to_owned()),
                }
            }
        };
        task.extend(found.map_err(|item| unknown(item, categories))?);
    }
    let example = || categories.first().map(|name| quoted(name)).unwrap_or_default();
    Task::new(task).ok_or_else(|| TaskError::Empty { example: example() })
}

/// The name at the start of `text`, which begins behind a double quote, and what is behind the comma after it.
fn split_quoted(text: &str) -> Result<(String, Option<&str>), TaskError> {
    let mut name = String::new();
    let mut rest = text;
    loop {
        let Some((part, behind)) = rest.split_once('"') else {
            return Err(TaskError::Unclosed { item: format!("\"{text}") });
        };
        name.push_str(part);
        rest = behind;
        match rest.strip_prefix('"') {
            Some(behind) => {
                name.push('"');
                rest = behind;
            }
            None => break,
        }
    }
    let (between, behind) = rest.split_once(',').map_or((rest, None), |(between, behind)| (between, Some(behind)));
    match between.trim() {
        "" => Ok((name, behind)),
        between => Err(TaskError::BehindQuote { name, rest: between.to_owned() }),
    }
}

fn unknown(item: String, categories: &[String]) -> TaskError {
    let known = categories.iter().take(8).map(|name| format!("`{}`", quoted(name))).collect::<Vec<_>>().join(", ");
    let goes_on = |name: &&String| name.strip_prefix(&item).is_some_and(|rest| rest.trim_start().starts_with(','));
    let similar = categories.iter().find(goes_on).map(|name| quoted(name));
    TaskError::Unknown { item, count: categories.len(), known, similar }
}

/// A name as a task has to write it: in double quotes where it would not be read as one item without.
pub fn quoted(name: &str) -> String {
    if name.contains(',') || name.starts_with('"') || name.trim() != name || name.is_empty() {
        format!("\"{}\"", name.replace('"', "\"\""))
    } else {
        name.to_owned()
    }
}

fn parse_item(item: &str, categories: &[String]) -> Option<Vec<usize>> {
    if let Some(k) = categories.iter().position(|name| name == item) {
        return Some(vec![k]);
    }
    let number = |text: &str| text.trim().parse::<usize>().ok().filter(|&k| k < categories.len());
    if let Some(k) = number(item) {
        return Some(vec![k]);
    }
    if pattern::is_pattern(item) {
        let fits = |(k, name): (usize, &String)| pattern::fits(item, name).then_some(k);
        let found: Vec<usize> = categories.iter().enumerate().filter_map(fits).collect();
        return (!found.is_empty()).then_some(found);
    }
    let (low, high) = item.split_once('-')?;
    let (low, high) = (number(low)?, number(high)?);
    (low <= high).then(|| (low..=high).collect())
}

/// The categories that `without` does not name, ascending: of `task` where there is one, else of all.
///
/// # Errors
/// [`TaskError`] as [`parse_task`], and [`TaskError::Nothing`] where none is left.
pub fn parse_task_without(task: Option<&str>, without: Option<&str>, categories: &[String]) -> Result<Task, TaskError> {
    let mut left = match task {
        Some(task) => parse_task(task, categories)?.to_vec(),
        None => (0..categories.len()).collect(),
    };
    if let Some(without) = without {
        let gone = parse_task(without, categories)?;
        left.retain(|category| !gone.contains(category));
    }
    Task::new(left).ok_or(TaskError::Nothing)
}

/// A task as people write it: runs of three or more numbers as ranges.
pub fn describe_task(task: &[usize]) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut start = 0;
    while start < task.len() {
        let mut end = start;
        while end + 1 < task.len() && task[end + 1] == task[end] + 1 {
            end += 1;
        }
        if end >= start + 2 {
            parts.push(format!("{}-{}", task[start], task[end]));
        } else {
            parts.extend(task[start..=end].iter().map(usize::to_string));
        }
        start = end + 1;
    }
    parts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn categories() -> Vec<String> {
        ["T-shirt/top", "Bag", "7", "x-1", "c4"].map(str::to_owned).to_vec()
    }

    #[test]
    fn names_come_before_numbers_and_ranges() {
        assert_eq!(*parse_task("Bag, T-shirt/top", &categories()).unwrap(), [0, 1]);
        assert_eq!(*parse_task("7", &categories()).unwrap(), [2]);
        assert_eq!(*parse_task("x-1,2-4", &categories()).unwrap(), [2, 3, 4]);
    }

    #[test]
    fn patterns_find_names_that_exist() {
        let names = ["n021", "n0234", "n03", "a*b", "axb"].map(str::to_owned);
        assert_eq!(*parse_task("n02*", &names).unwrap(), [0, 1]);
        assert_eq!(*parse_task("n0?,*b", &names).unwrap(), [2, 3, 4]);
        // A name comes before a pattern, and in quotes nothing is one.
        assert_eq!(*parse_task("a*b", &names).unwrap(), [3]);
        assert!(parse_task("\"n02*\"", &names).is_err());
        assert!(matches!(parse_task("m*", &names), Err(TaskError::Unknown { .. })));
    }

    #[test]
    fn everything_but_some() {
        let parse = |task, without| parse_task_without(task, without, &categories());
        assert_eq!(*parse(None, Some("Bag,c*")).unwrap(), [0, 2, 3]);
        assert_eq!(*parse(Some("0-1"), Some("Bag")).unwrap(), [0]);
        assert_eq!(parse(Some("Bag"), Some("*")), Err(TaskError::Nothing));
        assert!(matches!(parse(None, Some("hat")), Err(TaskError::Unknown { .. })));
    }

    #[test]
    fn what_is_unknown_is_named() {
        for bad in ["9", "3-1", "0-5", "nothing", "-", "99999999999999999999999"] {
            assert!(matches!(parse_task(bad, &categories()), Err(TaskError::Unknown { .. })), "{bad}");
        }
        assert!(matches!(parse_task(" , ", &categories()), Err(TaskError::Empty { .. })));
    }

    #[test]
    fn names_with_commas_stand_in_double_quotes() {
        let names = ["Bag, leather", "Bag", "say \"hi\"", "\"x\"", " y ", "1", "a\",b"].map(str::to_owned);
        let parse = |text: &str| parse_task(text, &names);
        assert_eq!(*parse("\"Bag, leather\"").unwrap(), [0]);
        assert_eq!(*parse("1, \"Bag, leather\" ,Bag").unwrap(), [0, 1, 5]);
        assert_eq!(*parse("say \"hi\",\"say \"\"hi\"\"\"").unwrap(), [2]);
        assert_eq!(*parse("\"\"\"x\"\"\",\" y \"").unwrap(), [3, 4]);
        for (k, name) in names.iter().enumerate() {
            assert_eq!(*parse(&quoted(name)).unwrap(), [k], "{name}");
        }
        // A quoted item is a name, never a number or a range.
        assert!(matches!(parse("\"2\""), Err(TaskError::Unknown { .. })));
    }

    #[test]
    fn quotes_that_do_not_match_and_names_cut_at_their_comma() {
        let names = ["Bag, leather", "Coat"].map(str::to_owned);
        let say = |text: &str| parse_task(text, &names).unwrap_err().to_string();
        assert!(say("\"Bag, leather").contains("not closed"));
        assert!(say("Coat,\"").contains("not closed"));
        assert!(say("\"Coat\"s,0").contains("`s` stands behind the closing quote of `Coat`"));
        assert!(say("Bag, leather").contains("double quotes: `\"Bag, leather\"`"), "{}", say("Bag, leather"));
        assert!(!say("Hat").contains("quotes"));
    }

    #[test]
    fn descriptions_are_short_and_parse_again() {
        let names: Vec<String> = (0..20).map(|k| format!("c{k}")).collect();
        let task = [0, 1, 2, 5, 7, 8, 9, 10];
        assert_eq!(describe_task(&task), "0-2,5,7-10");
        assert_eq!(*parse_task(&describe_task(&task), &names).unwrap(), task);
    }
}
