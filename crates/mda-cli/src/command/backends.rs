//! `mda backends`: what can run models here.

use super::Context;
use crate::backends;
use crate::table::Table;
use serde::Serialize;

#[derive(Serialize)]
struct Row {
    backend: String,
    device: String,
    description: String,
}

pub(crate) fn run(context: &Context) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    for backend in backends::all() {
        rows.extend(backend.devices().into_iter().map(|device| Row {
            backend: backend.id().to_owned(),
            device: device.id,
            description: device.description,
        }));
    }
    context.output.result(&rows, || {
        let mut table = Table::new(&["backend", "device", "what"]);
        for row in &rows {
            table.row([row.backend.clone(), row.device.clone(), row.description.clone()]);
        }
        table.render()
    })
}
