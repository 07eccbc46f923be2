//! Packing a folder: the same files give the same archive, byte by byte.

use anyhow::Context;
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Writes `SHA256SUMS` into `folder`, packs it as `name.tar.gz` beside it, and writes the archive's own sum beside that.
pub(super) fn pack(folder: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let mut sums = String::new();
    for file in files(folder)? {
        sums += &format!("{}  {}\n", sha256(&folder.join(&file))?, slashed(&file));
    }
    fs::write(folder.join("SHA256SUMS"), sums)?;
    let archive = folder.with_file_name(format!("{name}.tar.gz"));
    let file = File::create(&archive).with_context(|| format!("creating {}", archive.display()))?;
    let mut tar = tar::Builder::new(GzEncoder::new(file, Compression::best()));
    for file in files(folder)? {
        let bytes = fs::read(folder.join(&file))?;
        let runs = file == Path::new("mda") || file.starts_with("plugins");
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(if runs { 0o755 } else { 0o644 });
        header.set_mtime(0);
        tar.append_data(&mut header, format!("{name}/{}", slashed(&file)), bytes.as_slice())?;
    }
    tar.into_inner()?.finish()?;
    let sum = format!("{}  {name}.tar.gz\n", sha256(&archive)?);
    fs::write(folder.with_file_name(format!("{name}.tar.gz.sha256")), sum)?;
    Ok(archive)
}

/// All files under `folder`, relative to it, by name.
fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).with_context(|| format!("listing {}", next.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path.strip_prefix(folder)?.to_owned());
            }
        }
    }
    files.sort();
    Ok(files)
}

fn slashed(path: &Path) -> String {
    path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

fn sha256(file: &Path) -> anyhow::Result<String> {
    let bytes = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    Ok(Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect())
}
