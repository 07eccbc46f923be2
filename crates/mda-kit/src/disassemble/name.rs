//! What components are called.

use mda_core::model::task::describe_task;

/// The longest description of a task that is part of a name, in characters.
const LONGEST: usize = 40;

/// The name of a component of the source called `source`: no two tasks of a source have one name, but for long ones that
/// agree in their ends and their number of categories.
pub(super) fn of_component(source: &str, task: &[usize]) -> String {
    let described = describe_task(task);
    match (task, described.len() > LONGEST) {
        ([first, .., last], true) => format!("{source}-{}-of-{first}-{last}", task.len()),
        _ => format!("{source}-{described}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_tell_components_of_one_source_apart() {
        assert_eq!(of_component("vgg", &[0, 1, 2]), "vgg-0-2");
        assert_eq!(of_component("vgg", &[3]), "vgg-3");
        let odd: Vec<usize> = (0..40).map(|k| 2 * k + 1).collect();
        assert_eq!(of_component("vgg", &odd), "vgg-40-of-1-79");
    }
}
