//! What a study finds, one line of JSON a run: a study that was interrupted goes on where it stopped.

use super::flags::Flags;
use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// One result.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(super) enum Record {
    Component(ComponentRun),
    Assembly(AssemblyRun),
}

/// How one component was made and what it is worth. Accuracies are percent of the task's test images.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ComponentRun {
    pub(super) run: ComponentSettings,
    pub(super) parameters: u64,
    pub(super) macs: u64,
    pub(super) source_parameters: u64,
    pub(super) source_macs: u64,
    /// Test images of the task.
    pub(super) images: usize,
    /// The source, choosing among all its categories.
    pub(super) base: f64,
    /// The source, choosing among the task's.
    pub(super) base_restricted: f64,
    /// The component, choosing among the task's.
    pub(super) accuracy: f64,
    /// For a single category: the area under the ROC curve of its logit, in percent, over all test images.
    pub(super) auroc: Option<f64>,
    /// The same of the source's logit.
    pub(super) source_auroc: Option<f64>,
    /// Which of the formulations that compete was taken, where counts were chosen.
    #[serde(default)]
    pub(super) winner: Option<String>,
    /// How the chosen counts were found, where a budget was given.
    pub(super) strategy: Option<String>,
    /// The loss of the plan on held-out train images when it was chosen.
    #[serde(default)]
    pub(super) held_out_loss: Option<f64>,
    /// Which of the test images are told right.
    #[serde(default)]
    pub(super) right: Flags,
    /// Train images that repaired it.
    pub(super) calibration_images: usize,
    pub(super) seconds: Seconds,
    /// The largest resident memory of the process so far, in MiB.
    pub(super) peak_mib: Option<f64>,
}

/// What tells one component run from another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ComponentSettings {
    pub(super) source: String,
    pub(super) task: String,
    pub(super) formulation: String,
    pub(super) repair: String,
    pub(super) budget: String,
    /// `chosen`, `uniform`, or `as FORMULATION`: with the counts of that run.
    pub(super) counts: String,
    pub(super) all_logits: bool,
    pub(super) seed: u64,
}

/// How long the steps of a run took; steps that several runs share are told with each of them.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Seconds {
    pub(super) select: f64,
    pub(super) attribute: f64,
    pub(super) choose: f64,
    pub(super) repair: f64,
}

/// How one model was assembled and what it is worth on the test images of all its components.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct AssemblyRun {
    pub(super) run: AssemblySettings,
    pub(super) parameters: u64,
    pub(super) macs: u64,
    /// Those of all sources together.
    pub(super) source_parameters: u64,
    pub(super) images: usize,
    /// Percent, choosing among all categories of all components.
    pub(super) accuracy: f64,
    /// The mean of the categories' own accuracies, which does not depend on how many test images each has; absent in
    /// records of older versions.
    #[serde(default)]
    pub(super) balanced: Option<f64>,
    /// Percent, every image's own component choosing among its categories.
    pub(super) bound: f64,
    /// Train images that calibrated the logits.
    pub(super) rescaling_images: usize,
    pub(super) seconds: f64,
}

/// What tells one assembly run from another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct AssemblySettings {
    /// `SOURCE TASK` of every component, joined by ` + `.
    pub(super) components: String,
    /// Absent for uncut sources.
    pub(super) formulation: Option<String>,
    pub(super) repair: String,
    /// `uncut` for uncut sources.
    pub(super) budget: String,
    pub(super) rescaling: String,
    /// The most train images of a category that calibrate.
    pub(super) rescaling_images: usize,
    pub(super) seed: u64,
}

impl Record {
    /// Equal for runs of equal settings.
    fn key(&self) -> String {
        match self {
            Self::Component(component) => key(&component.run),
            Self::Assembly(assembly) => key(&assembly.run),
        }
    }
}

fn key<T: Serialize>(settings: &T) -> String {
    serde_json::to_string(settings).unwrap_or_default()
}

/// The file of records, appended to by several threads.
pub(super) struct Store {
    path: PathBuf,
    done: HashSet<String>,
    file: Mutex<File>,
}

impl Store {
    /// Opens or begins the records in `folder`, which belong to the recipe `fingerprint`: results of another recipe's
    /// images or models are not mixed in.
    pub(super) fn open(folder: &Path, fingerprint: &str) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("creating the folder {}", folder.display()))?;
        let belongs = folder.join("fingerprint");
        match std::fs::read_to_string(&belongs) {
            Ok(found) => ensure!(
                found == fingerprint,
                "{} holds the results of other sources or image counts; give another --output",
                folder.display()
            ),
            Err(_) => {
                std::fs::write(&belongs, fingerprint).with_context(|| format!("writing {}", belongs.display()))?
            }
        }
        let path = folder.join("runs.jsonl");
        let done = read(&path)?.iter().map(Record::key).collect();
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let file = Mutex::new(file.with_context(|| format!("opening {}", path.display()))?);
        Ok(Self { path, done, file })
    }

    /// Whether an earlier call finished this run.
    pub(super) fn has<T: Serialize>(&self, settings: &T) -> bool {
        self.done.contains(&key(settings))
    }

    /// Adds a run.
    pub(super) fn add(&self, record: &Record) -> anyhow::Result<()> {
        let line = serde_json::to_string(record)? + "\n";
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(line.as_bytes()).with_context(|| format!("writing {}", self.path.display()))
    }

    /// All runs so far, this call's and earlier ones'.
    pub(super) fn records(&self) -> anyhow::Result<Vec<Record>> {
        read(&self.path)
    }
}

/// The whole lines of a file of records; a last line that was cut off while it was written is passed over.
fn read(path: &Path) -> anyhow::Result<Vec<Record>> {
    let Ok(text) = std::fs::read_to_string(path) else { return Ok(Vec::new()) };
    let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
    if whole.len() < text.len() {
        std::fs::write(path, whole).with_context(|| format!("repairing {}", path.display()))?;
    }
    let record = |(number, line): (usize, &str)| {
        serde_json::from_str(line).with_context(|| format!("{}, line {}", path.display(), number + 1))
    };
    whole.lines().enumerate().map(record).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assembly(seed: u64) -> Record {
        let run = AssemblySettings {
            components: "a 0 + b 1".into(),
            formulation: None,
            repair: "none".into(),
            budget: "uncut".into(),
            rescaling: "none".into(),
            rescaling_images: 10,
            seed,
        };
        Record::Assembly(AssemblyRun {
            run,
            parameters: 1,
            macs: 1,
            source_parameters: 1,
            images: 1,
            accuracy: 50.0,
            balanced: None,
            bound: 50.0,
            rescaling_images: 0,
            seconds: 0.0,
        })
    }

    #[test]
    fn an_interrupted_file_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), "x").unwrap();
        store.add(&assembly(0)).unwrap();
        let path = folder.path().join("runs.jsonl");
        let mut text = std::fs::read_to_string(&path).unwrap();
        text.push_str("{\"kind\":\"assem");
        std::fs::write(&path, text).unwrap();
        let store = Store::open(folder.path(), "x").unwrap();
        let (Record::Assembly(first), Record::Assembly(second)) = (assembly(0), assembly(1)) else { unreachable!() };
        assert!(store.has(&first.run) && !store.has(&second.run));
        store.add(&assembly(1)).unwrap();
        assert_eq!(store.records().unwrap().len(), 2);
        assert!(Store::open(folder.path(), "y").err().unwrap().to_string().contains("other sources"));
    }
}
