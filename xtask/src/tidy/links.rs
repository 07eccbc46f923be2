//! Links of the documentation: to files that are there, to headings that are there, and to every page of the book.

use anyhow::Context;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Where documentation lies.
const FOLDERS: [&str; 2] = ["", "docs/src"];
/// The book's list of pages.
const SUMMARY: &str = "docs/src/SUMMARY.md";

/// Says which links lead nowhere.
pub(super) fn check(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut problems = Vec::new();
    let mut files = Vec::new();
    for folder in FOLDERS {
        files.extend(markdown(&root.join(folder))?);
    }
    for entry in std::fs::read_dir(root.join("crates")).context("listing crates")? {
        files.extend(markdown(&entry?.path())?);
    }
    files.sort();
    for file in &files {
        let name = file.strip_prefix(root).unwrap_or(file).display();
        for link in links(&read(file)?) {
            problems.extend(problem(file, &link)?.map(|problem| format!("{name}: {problem}")));
        }
    }
    let listed: Vec<String> = links(&read(&root.join(SUMMARY))?);
    for page in markdown(&root.join("docs/src"))? {
        let name = page.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        if !listed.contains(&name) && !SUMMARY.ends_with(&name) {
            problems.push(format!("{SUMMARY}: the page {name} is not in it"));
        }
    }
    Ok(problems)
}

fn markdown(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))?;
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<Vec<_>>>()?;
    Ok(paths.into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "md")).collect())
}

fn read(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))
}

/// Why a link of `file` leads nowhere; what lies elsewhere is not looked at.
fn problem(file: &Path, link: &str) -> anyhow::Result<Option<String>> {
    if link.contains("://") || link.starts_with("mailto:") {
        return Ok(None);
    }
    let (path, heading) = link.split_once('#').map_or((link, None), |(path, heading)| (path, Some(heading)));
    let target = match path {
        "" => file.to_owned(),
        path => file.parent().unwrap_or(file).join(path),
    };
    if !target.exists() {
        return Ok(Some(format!("nothing is at the link `{link}`")));
    }
    match heading {
        Some(heading) if !headings(&read(&target)?).contains(heading) => {
            Ok(Some(format!("there is no such heading as in the link `{link}`")))
        }
        _ => Ok(None),
    }
}

/// The lines outside of blocks.
fn prose(text: &str) -> String {
    let mut in_block = false;
    let mut prose = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if !in_block {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    prose
}

/// Where the links of a page lead.
fn links(text: &str) -> Vec<String> {
    let prose = prose(text);
    // Every second piece stands between backticks.
    let plain: String = prose.split('`').step_by(2).collect::<Vec<_>>().join("`");
    let targets = plain.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    targets.map(|(target, _)| target.trim().to_owned()).collect()
}

/// What a page's headings are called in links, here and on the web: small letters and digits, blanks as hyphens, nothing else.
fn headings(text: &str) -> HashSet<String> {
    let mut names = HashSet::new();
    for line in prose(text).lines().filter(|line| line.starts_with('#')) {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = |c: char| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
            _ => None,
        };
        names.insert(title.chars().filter_map(kept).collect());
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_headings_are_found() {
        let text = "# What it is, in `code`\n[a](b.md#c) and `[no](link)`, ![d](e.png)\n```text\n# none\n[f](g)\n```\n## 2 x\n";
        assert_eq!(links(text), ["b.md#c", "e.png"]);
        let headings = headings(text);
        assert!(headings.contains("what-it-is-in-code") && headings.contains("2-x") && headings.len() == 2);
    }

    #[test]
    fn a_link_that_leads_nowhere_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.md");
        std::fs::write(&file, "# One\n").unwrap();
        let wrong = |link: &str| problem(&file, link).unwrap().is_some();
        assert!(!wrong("#one") && !wrong("a.md") && !wrong("a.md#one") && !wrong("https://example.org/none"));
        assert!(wrong("#two") && wrong("b.md") && wrong("a.md#two"));
    }
}
