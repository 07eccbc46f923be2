//! The table of a catalogue.

use super::Entry;

const HEADS: [&str; 12] = [
    "name",
    "task",
    "file",
    "formulation",
    "parameters",
    "source_parameters",
    "macs",
    "source_macs",
    "accuracy",
    "source_accuracy",
    "seconds",
    "sha256",
];

/// A row a component, as comma-separated values.
pub fn csv(entries: &[Entry]) -> String {
    let row = |entry: &Entry| -> Vec<String> {
        let accuracy = |side: usize| entry.accuracy.map(|both| both[side].to_string()).unwrap_or_default();
        let texts = [
            entry.name.clone(),
            entry.categories.join(";"),
            entry.file.to_string_lossy().into_owned(),
            entry.formulation.clone(),
        ];
        let sizes = entry.parameters.iter().chain(&entry.macs).map(u64::to_string);
        let rest = [accuracy(0), accuracy(1), format!("{:.2}", entry.seconds), entry.sha256.clone()];
        texts.into_iter().chain(sizes).chain(rest).collect()
    };
    let heads = HEADS.iter().map(|&head| head.to_owned()).collect();
    let mut table = csv::Writer::from_writer(Vec::new());
    for row in std::iter::once(heads).chain(entries.iter().map(row)) {
        table.write_record(&row).expect("writing to memory, rows of one length");
    }
    String::from_utf8(table.into_inner().expect("writing to memory")).expect("texts in, text out")
}
