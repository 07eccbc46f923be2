//! The Rust side of `cargo xtask bench`: writes the networks, and serves timed passes over them.
//!
//! `bench write FOLDER NETWORK IMAGES [CATEGORIES [WIDTH [SIZE]]]` makes the files that every contestant reads;
//! `bench forward FOLDER IMAGES THREADS [BACKEND]`, and `bench training`, `bench logits` and `bench attribution FOLDER IMAGES THREADS`
//! then answer one line of figures for every line on the standard input.

mod network;
mod serve;

use anyhow::{Context, bail};
use std::path::Path;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let text = |index: usize| arguments.get(index).map(String::as_str);
    let number = |index: usize| text(index).map(str::parse::<usize>).transpose();
    let required = |index: usize| number(index)?.with_context(|| format!("argument {index} is a number"));
    let folder = Path::new(text(1).context("the folder of the network's files")?);
    match text(0) {
        Some("write") => {
            let width = text(5).map(str::parse::<f64>).transpose()?.unwrap_or(1.0);
            let name = text(2).context("the name of an architecture")?;
            let network = network::Network { name, categories: number(4)?, width, size: number(6)? };
            network.write(folder, required(3)?)
        }
        Some("forward") => serve::forward(folder, required(2)?, required(3)?, text(4).unwrap_or("cpu")),
        Some("training") => serve::training(folder, required(2)?, required(3)?),
        Some("logits") => serve::walk(folder, required(2)?, required(3)?, false),
        Some("attribution") => serve::walk(folder, required(2)?, required(3)?, true),
        _ => bail!("expected `write`, `forward`, `training`, `logits` or `attribution`"),
    }
}
