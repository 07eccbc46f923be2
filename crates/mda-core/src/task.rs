//! Tasks as people write them: `0-2`, `0,3,5-7`, `Bag,Sneaker`.

use thiserror::Error;

/// Why a task cannot be understood.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TaskError {
    /// Nothing named.
    #[error("a task names at least one category, as in `0-2` or `{example}`")]
    Empty {
        /// A category of the model, for the message.
        example: String,
    },
    /// Neither a category's name nor a number or range in bounds.
    #[error("`{item}` is no category of the model, which has 0 to {} ({known})", .count - 1)]
    Unknown {
        /// What was written.
        item: String,
        /// How many categories there are.
        count: usize,
        /// The first names.
        known: String,
    },
}

/// The categories of a task, ascending, each once. Items are separated by commas; each is a category's name, its number,
/// or a range of numbers `low-high`, names taking precedence.
///
/// # Errors
/// [`TaskError`] where nothing or an unknown category is named.
pub fn parse_task(text: &str, categories: &[String]) -> Result<Vec<usize>, TaskError> {
    let mut task = Vec::new();
    for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        match parse_item(item, categories) {
            Some(range) => task.extend(range),
            None => {
                let known = categories.iter().take(8).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                return Err(TaskError::Unknown { item: item.into(), count: categories.len(), known });
            }
        }
    }
    if task.is_empty() {
        return Err(TaskError::Empty { example: categories.first().cloned().unwrap_or_default() });
    }
    task.sort_unstable();
    task.dedup();
    Ok(task)
}

fn parse_item(item: &str, categories: &[String]) -> Option<std::ops::RangeInclusive<usize>> {
    if let Some(k) = categories.iter().position(|name| name == item) {
        return Some(k..=k);
    }
    let number = |text: &str| text.trim().parse::<usize>().ok().filter(|&k| k < categories.len());
    if let Some(k) = number(item) {
        return Some(k..=k);
    }
    let (low, high) = item.split_once('-')?;
    let (low, high) = (number(low)?, number(high)?);
    (low <= high).then_some(low..=high)
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
        assert_eq!(parse_task("Bag, T-shirt/top", &categories()).unwrap(), [0, 1]);
        assert_eq!(parse_task("7", &categories()).unwrap(), [2]);
        assert_eq!(parse_task("x-1,2-4", &categories()).unwrap(), [2, 3, 4]);
    }

    #[test]
    fn what_is_unknown_is_named() {
        for bad in ["9", "3-1", "0-5", "nothing", "-", "99999999999999999999999"] {
            assert!(matches!(parse_task(bad, &categories()), Err(TaskError::Unknown { .. })), "{bad}");
        }
        assert!(matches!(parse_task(" , ", &categories()), Err(TaskError::Empty { .. })));
    }

    #[test]
    fn descriptions_are_short_and_parse_again() {
        let names: Vec<String> = (0..20).map(|k| format!("c{k}")).collect();
        let task = [0, 1, 2, 5, 7, 8, 9, 10];
        assert_eq!(describe_task(&task), "0-2,5,7-10");
        assert_eq!(parse_task(&describe_task(&task), &names).unwrap(), task);
    }
}
