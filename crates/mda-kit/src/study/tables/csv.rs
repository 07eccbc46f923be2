//! The runs of a study as CSV, to compute with.

use super::super::record::Record;
use serde::Serialize;

/// What there is of every image stays in the JSON.
const IMAGES: &str = "right";

/// Every component run, a row each, nested settings flattened.
pub(in super::super) fn csv(records: &[Record], components: bool) -> anyhow::Result<String> {
    let mut heads: Vec<String> = Vec::new();
    let mut text = String::new();
    for record in records {
        let (cells, wanted) = match record {
            Record::Component(run) => (flat(run)?, components),
            Record::Assembly(run) => (flat(run)?, !components),
        };
        if !wanted {
            continue;
        }
        if heads.is_empty() {
            heads = cells.iter().map(|(head, _)| head.clone()).collect();
            text.push_str(&(heads.join(",") + "\n"));
        }
        text.push_str(&(cells.iter().map(|(_, cell)| quoted(cell)).collect::<Vec<_>>().join(",") + "\n"));
    }
    Ok(text)
}

fn flat<T: Serialize>(run: &T) -> anyhow::Result<Vec<(String, String)>> {
    let mut cells = Vec::new();
    flatten("", &serde_json::to_value(run)?, &mut cells);
    Ok(cells)
}

fn flatten(prefix: &str, value: &serde_json::Value, cells: &mut Vec<(String, String)>) {
    match value {
        serde_json::Value::Object(fields) => {
            for (name, value) in fields.iter().filter(|(name, _)| *name != IMAGES) {
                let name = if prefix.is_empty() || prefix == "run" { name.clone() } else { format!("{prefix}_{name}") };
                flatten(&name, value, cells);
            }
        }
        serde_json::Value::Null => cells.push((prefix.into(), String::new())),
        serde_json::Value::String(text) => cells.push((prefix.into(), text.clone())),
        other => cells.push((prefix.into(), other.to_string())),
    }
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn cells_with_commas_are_quoted() {
        assert_eq!(quoted("graph,alpha=0.1"), "\"graph,alpha=0.1\"");
        assert_eq!(quoted("plain"), "plain");
    }
}
