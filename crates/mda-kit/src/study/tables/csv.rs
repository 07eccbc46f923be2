//! The runs of a study as CSV, to compute with.

use super::super::record::Record;
use serde::Serialize;

/// What there is of every image stays in the JSON.
const IMAGES: &str = "right";

/// Every component run, a row each, nested settings flattened.
pub(in super::super) fn components(records: &[Record]) -> String {
    table(records.iter().filter_map(|record| match record {
        Record::Component(run) => Some(flat(run)),
        Record::Assembly(_) => None,
    }))
}

/// Every assembly run likewise.
pub(in super::super) fn assemblies(records: &[Record]) -> String {
    table(records.iter().filter_map(|record| match record {
        Record::Component(_) => None,
        Record::Assembly(run) => Some(flat(run)),
    }))
}

/// Rows of named cells, with the names above the first.
fn table(rows: impl Iterator<Item = Vec<(String, String)>>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for (index, row) in rows.enumerate() {
        if index == 0 {
            writer.write_record(row.iter().map(|(head, _)| head)).expect("memory takes all bytes");
        }
        writer.write_record(row.iter().map(|(_, cell)| cell)).expect("rows of one kind are of one length");
    }
    let bytes = writer.into_inner().expect("memory takes all bytes");
    String::from_utf8(bytes).expect("text stays text")
}

fn flat<T: Serialize>(run: &T) -> Vec<(String, String)> {
    let mut cells = Vec::new();
    flatten("", &serde_json::to_value(run).expect("a run is written as JSON"), &mut cells);
    cells
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

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn names_stand_above_and_commas_are_quoted() {
        let row = |text: &str| vec![("formulation".to_owned(), text.to_owned()), ("area".to_owned(), String::new())];
        let written = table([row("graph,alpha=0.1"), row("plain")].into_iter());
        assert_eq!(written, "formulation,area\n\"graph,alpha=0.1\",\nplain,\n");
        assert_eq!(table(std::iter::empty()), "");
    }
}
