//! Components within a budget, as a user asks for them: what choosing and repairing take.

use super::figures::Figures;
use super::setup::{Setup, run as execute};
use anyhow::Context;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// How often every command runs.
const ROUNDS: usize = 3;

/// One component of a network of MDA_SHARED.
#[derive(Clone, Copy)]
struct Job {
    /// In `models`.
    file: &'static str,
    /// In `data`.
    data: &'static str,
    /// How the file is imported; `@NAME` is a file of `models`.
    import: &'static [&'static str],
    task: &'static str,
    budget: [&'static str; 2],
}

const JOBS: [Job; 3] = [
    Job {
        file: "vgg16-w0.375-cifar10.pth",
        data: "cifar10",
        import: &["--preset", "cifar10"],
        task: "0-2",
        budget: ["--keep-params", "20%"],
    },
    Job {
        file: "resnet32-cifar10.th",
        data: "cifar10",
        import: &["--preset", "cifar10", "--mean", "0.485,0.456,0.406", "--std", "0.229,0.224,0.225"],
        task: "3-9",
        budget: ["--keep-params", "50%"],
    },
    Job {
        file: "efficientnet-lite1.onnx",
        data: "tiny-imagenet-32",
        import: &["--mean", "0.498,0.498,0.498", "--std", "0.502,0.502,0.502", "--categories", "@imagenet-wnids.txt"],
        task: "n02165456,n04146614,n07873807,n02125311,n03393912",
        budget: ["--keep-macs", "50%"],
    },
];

/// Wall seconds of `mda disassemble --no-evaluate`, else at its defaults, and beside them those of another build where there is
/// one, in turn.
pub(super) fn run(setup: &Setup) -> anyhow::Result<()> {
    let Some(shared) = std::env::var_os("MDA_SHARED").map(PathBuf::from) else {
        eprintln!("MDA_SHARED is not set: no trained networks to choose channels of");
        return Ok(());
    };
    let (mda, folder) = (setup.mda()?, setup.empty("choosing")?);
    std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    println!(
        "## Components within a budget\n\nWall seconds of `mda disassemble --no-evaluate`, all cores: median (least to largest).\n"
    );
    println!("| source | task | budget | s | other build, s | ratio |\n|---|---|---|---|---|---|");
    let jobs = if setup.quick { &JOBS[..1] } else { &JOBS[..] };
    for job in jobs {
        let model = job.import(&mda, &shared, &folder)?;
        let other = match setup.other.as_deref() {
            Some(program) => Some((program, job.import(program, &shared, &folder)?)),
            None => None,
        };
        let (mut own, mut others) = (Vec::new(), Vec::new());
        for _ in 0..if setup.quick { 1 } else { ROUNDS } {
            own.push(job.disassemble(&mda, &model, &shared, &folder)?);
            if let Some((program, model)) = &other {
                others.push(job.disassemble(program, model, &shared, &folder)?);
            }
        }
        let beside = match others.is_empty() {
            true => "| |".to_owned(),
            false => format!("{} | {} |", Figures::new(others.clone()), Figures::ratios(&own, &others)),
        };
        let Job { file, task, budget: [flag, share], .. } = job;
        println!("| {file} | {task} | `{flag} {share}` | {} | {beside}", Figures::new(own));
    }
    println!();
    if setup.quick { Ok(()) } else { pairs(&mda, &shared, &folder) }
}

/// The first job's network: one pair of its categories, and all 45 of them in a catalogue.
fn pairs(mda: &Path, shared: &Path, folder: &Path) -> anyhow::Result<()> {
    let job = Job { task: "3,5", ..JOBS[0] };
    let model = job.import(mda, shared, folder)?;
    let (mut alone, mut all) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        alone.push(job.disassemble(mda, &model, shared, folder)?);
        let (start, parts) = (Instant::now(), folder.join(format!("pairs-{round}")));
        let mut command = Command::new(mda);
        command.arg("catalogue").arg(&model).arg("--data").arg(shared.join("data").join(job.data));
        command.args(["--tasks", "pairs"]).args(job.budget).args(["--no-evaluate", "--quiet", "--output"]);
        execute(command.arg(parts))?;
        all.push(start.elapsed().as_secs_f64());
    }
    println!("| {} | s |\n|---|---|", job.file);
    println!("| `mda disassemble --task 3,5` | {} |", Figures::new(alone.clone()));
    println!("| `mda catalogue --tasks pairs` | {} |", Figures::new(all.clone()));
    println!("| ratio | {} |\n", Figures::ratios(&all, &alone));
    Ok(())
}

impl Job {
    /// The model, as `program` reads it.
    fn import(&self, program: &Path, shared: &Path, folder: &Path) -> anyhow::Result<PathBuf> {
        let models = shared.join("models");
        let model = empty(folder, "model")?;
        let arguments = self.import.iter().map(|&argument| match argument.strip_prefix('@') {
            Some(name) => models.join(name),
            None => PathBuf::from(argument),
        });
        let mut command = Command::new(program);
        execute(
            command
                .arg("import")
                .arg(models.join(self.file))
                .args(arguments)
                .arg("--output")
                .arg(&model)
                .arg("--quiet"),
        )?;
        Ok(model)
    }

    /// Seconds.
    fn disassemble(&self, program: &Path, model: &Path, shared: &Path, folder: &Path) -> anyhow::Result<f64> {
        let component = empty(folder, "component")?;
        let start = Instant::now();
        let mut command = Command::new(program);
        command.arg("disassemble").arg(model).arg("--data").arg(shared.join("data").join(self.data));
        command.args(["--task", self.task]).args(self.budget).args(["--no-evaluate", "--quiet", "--output"]);
        execute(command.arg(component))?;
        Ok(start.elapsed().as_secs_f64())
    }
}

/// A place where no file is yet.
fn empty(folder: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let place = (0..).map(|number| folder.join(format!("{name}-{number}.safetensors"))).find(|path| !path.exists());
    place.context("as many files as there are numbers")
}
