//! `cargo xtask verify-formats`: every architecture against PyTorch and ONNX Runtime, in a virtual environment.

use anyhow::{Context, ensure};
use clap::Args;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What to verify, and with which Python.
#[derive(Debug, Args)]
pub(crate) struct VerifyFormats {
    /// Only this architecture, or this one of the networks that the zoo does not know; repeatable.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// The Python of an environment that has what `verify_formats/requirements.txt` lists; where absent, one is set up
    /// under `target`.
    #[arg(long, env = "MDA_VERIFY_PYTHON", value_name = "FILE")]
    python: Option<PathBuf>,
}

/// Sets up Python, builds the checker and the program, and prints the table of the documentation.
///
/// An architecture that has passed is not checked again: its result is kept in `target/verify-formats/results`.
pub(crate) fn run(arguments: &VerifyFormats) -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the workspace")?;
    let scripts = root.join("xtask/verify_formats");
    let built = std::env::current_exe()?.parent().context("a program lies in a folder")?.to_owned();
    let work = built.parent().context("programs are built below the target folder")?.join("verify-formats");
    let python = match &arguments.python {
        Some(python) => python.clone(),
        None => environment(&work.join("venv"), &scripts.join("requirements.txt"))?,
    };
    for target in [["-p", "mda-tests", "--example", "verify_formats"], ["-p", "mda-cli", "--bin", "mda"]] {
        succeed(Command::new(env!("CARGO")).args(["build", "--locked"]).args(target).current_dir(root))?;
    }
    let mut verify = Command::new(python);
    verify.arg("-B").arg(scripts.join("verify.py")).arg("--out").arg(work.join("results"));
    verify.arg("--checker").arg(built.join("examples").join(format!("verify_formats{}", std::env::consts::EXE_SUFFIX)));
    verify.arg("--mda").arg(built.join(format!("mda{}", std::env::consts::EXE_SUFFIX)));
    for name in &arguments.only {
        verify.arg("--only").arg(name);
    }
    succeed(&mut verify)
}

/// The Python of a virtual environment with `requirements`, made where it is not there yet.
fn environment(folder: &Path, requirements: &Path) -> anyhow::Result<PathBuf> {
    let python = if cfg!(windows) { folder.join("Scripts/python.exe") } else { folder.join("bin/python") };
    let wanted = std::fs::read(requirements).with_context(|| format!("reading {}", requirements.display()))?;
    // Written last, so that an environment that was not finished is completed.
    let finished = folder.join("requirements.txt");
    if std::fs::read(&finished).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    let system = if cfg!(windows) { "python" } else { "python3" };
    succeed(Command::new(system).args(["-m", "venv"]).arg(folder))?;
    succeed(Command::new(&python).args(["-m", "pip", "install", "--requirement"]).arg(requirements))?;
    std::fs::write(&finished, wanted).with_context(|| format!("writing {}", finished.display()))?;
    Ok(python)
}

fn succeed(command: &mut Command) -> anyhow::Result<()> {
    let shown = format!("{command:?}");
    let status = command.status().with_context(|| format!("starting {shown}"))?;
    ensure!(status.success(), "{status} from {shown}");
    Ok(())
}
