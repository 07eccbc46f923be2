//! Kinds of file: what their names promise, and how one that is there is told.

use super::TargetError;
use crate::{native, onnx, pytorch};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind<'a> {
    /// MDA's model file.
    Model,
    /// What a source saw of images.
    Statistics,
    /// An ONNX file.
    Onnx,
    /// A page for `man`.
    ManualPage,
    /// A report of MDA, for a browser.
    Report,
    /// A card that describes a model, in Markdown.
    Card,
    /// A file of these very bytes.
    Exactly(&'a [u8]),
}

/// What every report of MDA begins with.
pub const REPORT: &str = "<!doctype html>\n<!-- A report of MDA. -->\n";
/// What every model card of MDA begins with.
pub const CARD: &str = "---\nlibrary_name: mda\n";

/// Endings that belong to one format.
const ENDINGS: [(&str, &str); 8] = [
    ("onnx", "an ONNX file"),
    ("pth", "a PyTorch checkpoint"),
    ("pt", "a PyTorch checkpoint"),
    ("ckpt", "a PyTorch checkpoint"),
    ("safetensors", "a safetensors file"),
    ("toml", "a recipe"),
    ("html", "an HTML page"),
    ("md", "a Markdown text"),
];

impl Kind<'_> {
    /// What such a file is called in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Model => "a model file of MDA",
            Self::Statistics => "statistics of MDA",
            Self::Onnx => "an ONNX file",
            Self::ManualPage => "a manual page",
            Self::Report => "a report of MDA",
            Self::Card => "a model card of MDA",
            Self::Exactly(_) => "a file of other content",
        }
    }

    /// Refuses names that promise another kind.
    pub(super) fn check_name(self, path: &Path) -> Result<(), TargetError> {
        let own = match self {
            Self::Model | Self::Statistics => "safetensors",
            Self::Onnx => "onnx",
            Self::Report => "html",
            Self::Card => "md",
            Self::ManualPage | Self::Exactly(_) => return Ok(()),
        };
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
        match ENDINGS.iter().find(|(known, _)| *known == ending && *known != own) {
            Some(&(_, promised)) => Err(TargetError::Name { path: path.to_owned(), promised, expected: self.name() }),
            None => Ok(()),
        }
    }

    /// Refuses to replace a file of another kind, unless it is empty or `force` is given.
    pub(super) fn check_content(self, path: &Path, force: bool) -> Result<(), TargetError> {
        if force || self.is_kind_of(path) {
            return Ok(());
        }
        match describe(path) {
            None => Ok(()),
            Some(found) => Err(TargetError::OtherKind { path: path.to_owned(), expected: self.name(), found }),
        }
    }

    /// Whether the file at `path` is of this kind.
    pub(super) fn is_kind_of(self, path: &Path) -> bool {
        match self {
            Self::Model => native::is_model(path).unwrap_or(false),
            Self::Statistics => native::statistics::is_statistics(path),
            Self::Onnx => onnx::looks_like_onnx(&start(path)),
            // What `clap_mangen` and other generators begin with: a macro for quotes, or the title.
            Self::ManualPage => [&b".ie \\n(.g"[..], b".TH "].iter().any(|begin| start(path).starts_with(begin)),
            Self::Report => start(path).starts_with(REPORT.as_bytes()),
            Self::Card => start(path).starts_with(CARD.as_bytes()),
            Self::Exactly(bytes) => std::fs::read(path).is_ok_and(|found| found == bytes),
        }
    }
}

/// What is there, where it is a file with something in it.
fn describe(path: &Path) -> Option<&'static str> {
    if !std::fs::metadata(path).is_ok_and(|found| found.len() > 0) {
        return None;
    }
    let start = start(path);
    Some(if Kind::Model.is_kind_of(path) {
        Kind::Model.name()
    } else if Kind::Statistics.is_kind_of(path) {
        Kind::Statistics.name()
    } else if pytorch::is_zip(&start) {
        "a PyTorch checkpoint or another zip archive"
    } else if pytorch::is_legacy(&start) || pytorch::is_pickle(&start) {
        "a PyTorch checkpoint or another pickle"
    } else if crate::safetensors::is_safetensors(&start) {
        "a safetensors file without a graph"
    } else if onnx::looks_like_onnx(&start) {
        Kind::Onnx.name()
    } else {
        "a file of another kind"
    })
}

/// The first bytes of a file; none of one that cannot be read.
fn start(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Ok(file) = File::open(path) {
        // What cannot be read looks like nothing that is known.
        let _ = file.take(64).read_to_end(&mut bytes);
    }
    bytes
}
