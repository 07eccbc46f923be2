//! The image files that the command line names: files, folders, and lists on stdin.

use anyhow::Context as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Endings of images in folders; what is named itself may be called anything.
const ENDINGS: [&str; 3] = ["jpg", "jpeg", "png"];

/// All files, those of a folder sorted, in the order in which they were named.
pub(super) fn listed(named: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in named {
        if path.as_os_str() == "-" {
            let mut list = String::new();
            std::io::stdin().read_to_string(&mut list).context("reading the list of images on stdin")?;
            files.extend(list.lines().map(str::trim).filter(|line| !line.is_empty()).map(PathBuf::from));
        } else if path.is_dir() {
            let before = files.len();
            add_folder(path, &mut files)?;
            anyhow::ensure!(files.len() > before, "{}: no .jpg, .jpeg or .png file in it", path.display());
        } else {
            files.push(path.clone());
        }
    }
    anyhow::ensure!(!files.is_empty(), "there is no image to look at");
    Ok(files)
}

/// The images in `folder` and in those below it. What begins with a dot is passed over: systems put it there.
fn add_folder(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let entries = std::fs::read_dir(folder).and_then(|entries| entries.collect::<Result<Vec<_>, _>>());
    let entries = entries.with_context(|| format!("listing {}", folder.display()))?;
    let mut entries: Vec<_> =
        entries.into_iter().filter(|entry| !entry.file_name().to_string_lossy().starts_with('.')).collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
        // Links to folders may go round in circles.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            add_folder(&path, files)?;
        } else if ENDINGS.contains(&ending.as_str()) {
            files.push(path);
        }
    }
    Ok(())
}
