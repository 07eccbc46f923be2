//! What has to be there before anything is compared: the programs, the peers, the networks.

use super::Options;
use super::contestant::Contestant;
use anyhow::{Context, ensure};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The peers, in the versions that figures are stated for.
const PACKAGES: [&str; 3] = ["torch==2.11.0", "onnxruntime==1.32.0", "numpy"];

/// Programs and folders, ready to compare.
pub(super) struct Setup {
    pub(super) quick: bool,
    pub(super) cpu_time: bool,
    /// Another build of `mda`.
    pub(super) other: Option<PathBuf>,
    root: PathBuf,
    /// Where the built programs are.
    release: PathBuf,
    python: PathBuf,
    work: PathBuf,
}

/// A network of the zoo with random weights, or the file of that name in MDA_SHARED's `models`.
#[derive(Clone, Copy)]
pub(super) struct Network {
    /// Its name in the zoo, or the file's.
    pub(super) name: &'static str,
    pub(super) categories: usize,
    pub(super) width: f64,
    /// Rows and columns of the images.
    pub(super) size: usize,
}

impl Network {
    pub(super) const fn new(name: &'static str, categories: usize, size: usize) -> Self {
        Self { name, categories, width: 1.0, size }
    }
}

impl Setup {
    /// Builds what is to be compared, and sets up Python where none is given.
    pub(super) fn new(options: &Options) -> anyhow::Result<Self> {
        let (root, target) = (crate::root(), crate::target());
        let work = target.join("bench");
        std::fs::create_dir_all(&work).with_context(|| format!("making {}", work.display()))?;
        build(root, &["-p", "mda-tests", "--example", "bench"])?;
        let python = match &options.python {
            Some(python) => python.clone(),
            None => virtual_environment(&work.join("venv"))?,
        };
        Ok(Self {
            quick: options.quick,
            cpu_time: options.cpu_time,
            other: options.other.clone(),
            root: root.to_owned(),
            release: target.join("release"),
            python,
            work,
        })
    }

    /// What the figures were taken on and with.
    pub(super) fn machine(&self) -> anyhow::Result<String> {
        let script =
            "import torch, onnxruntime; print(f'PyTorch {torch.__version__}, ONNX Runtime {onnxruntime.__version__}')";
        let peers = Command::new(&self.python).args(["-c", script]).output().context("starting Python")?;
        ensure!(peers.status.success(), "{}", String::from_utf8_lossy(&peers.stderr));
        let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpus.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("an unknown processor");
        let cores = std::thread::available_parallelism()?;
        let peers = String::from_utf8_lossy(&peers.stdout);
        let clock = if self.cpu_time { "CPU" } else { "wall" };
        let model = model.trim_start_matches([':', '\t', ' ']);
        Ok(format!("{model}, {cores} cores; {}; {clock} seconds", peers.trim()))
    }

    /// The program `mda`, built.
    pub(super) fn mda(&self) -> anyhow::Result<PathBuf> {
        build(&self.root, &["-p", "mda-cli"])?;
        Ok(self.release.join("mda"))
    }

    /// An empty folder of that name.
    pub(super) fn empty(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.work.join(name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder).with_context(|| format!("emptying {}", folder.display()))?;
        }
        Ok(folder)
    }

    /// Writes a network and `images` random images; answers their folder.
    pub(super) fn write(&self, network: Network, images: usize) -> anyhow::Result<PathBuf> {
        let Network { name, categories, width, size } = network;
        let folder = self.empty("network")?;
        let numbers = [images.to_string(), categories.to_string(), width.to_string(), size.to_string()];
        let [images, sizes @ ..] = numbers;
        run(Command::new(self.worker()).arg("write").arg(&folder).args([name, &images]).args(sizes))?;
        Ok(folder)
    }

    fn worker(&self) -> PathBuf {
        self.release.join("examples").join("bench")
    }

    /// Starts a program of ours: `forward`, `training`, `logits` or `attribution`.
    pub(super) fn ours(&self, pass: &str, folder: &Path, images: usize, threads: usize) -> anyhow::Result<Contestant> {
        Contestant::start(self.pass(pass, folder, images, threads))
    }

    /// Starts forward passes on the candle backend.
    pub(super) fn candle(&self, folder: &Path, images: usize, threads: usize) -> anyhow::Result<Contestant> {
        let mut command = self.pass("forward", folder, images, threads);
        // Some of candle's loops ask the environment how many threads there are.
        command.arg("candle").env("RAYON_NUM_THREADS", threads.to_string());
        Contestant::start(command)
    }

    fn pass(&self, pass: &str, folder: &Path, images: usize, threads: usize) -> Command {
        let mut command = Command::new(self.worker());
        command.arg(pass).arg(folder).args([images.to_string(), threads.to_string()]);
        command
    }

    /// Starts a peer in Python: `torch`, `torch-frozen`, `torch-training`, `onnxruntime` or `materialise`.
    pub(super) fn peer(&self, name: &str, folder: &Path, images: usize, threads: usize) -> anyhow::Result<Contestant> {
        let mut command = Command::new(&self.python);
        let script = self.root.join("xtask").join("bench").join("peer.py");
        command.arg(script).arg(name).arg(folder).args([images.to_string(), threads.to_string()]);
        // Idle threads of OpenMP would otherwise spin while others are measured.
        command.env("OMP_WAIT_POLICY", "passive").env("PYTHONDONTWRITEBYTECODE", "1");
        Contestant::start(command)
    }
}

fn build(root: &Path, what: &[&str]) -> anyhow::Result<()> {
    run(Command::new(env!("CARGO")).current_dir(root).args(["build", "--release", "--locked"]).args(what))
}

/// A virtual environment with the peers.
fn virtual_environment(folder: &Path) -> anyhow::Result<PathBuf> {
    let python = folder.join("bin").join("python");
    let ready = folder.join("ready");
    if !ready.exists() {
        eprintln!("setting up {} ({})", folder.display(), PACKAGES.join(", "));
        run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(PACKAGES))?;
        std::fs::write(&ready, "")?;
    }
    Ok(python)
}

/// Runs a command that has to succeed; what it prints goes to the standard error.
pub(super) fn run(command: &mut Command) -> anyhow::Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).output();
    let status = output.with_context(|| format!("starting {name}"))?.status;
    ensure!(status.success(), "{name} failed: {status}");
    Ok(())
}
