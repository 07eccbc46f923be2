//! `cargo xtask gpu-check`: a folder with what runs on an NVIDIA machine without a Rust toolchain.

use crate::libtorch::Libtorch;
use anyhow::{Context, ensure};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The CUDA compiler and what candle's kernels include.
const CUDA: [&str; 6] = [
    "nvidia-cuda-nvcc==13.0.88",
    "nvidia-cuda-crt==13.0.88",
    "nvidia-nvvm==13.0.88",
    "nvidia-cuda-runtime==13.0.96",
    "nvidia-cuda-cccl==13.0.85",
    "nvidia-curand==10.4.0.35",
];

/// What candle's binding of CUDA links, or loads at the first call.
const LIBRARIES: [&str; 5] = ["cuda", "nvrtc", "curand", "cublas", "cublasLt"];

/// Makes that binding load them, so that the plugin loads where they are not. As a feature it would exclude the linking
/// that candle asks for.
const LOAD: &str = "--cfg feature=\"dynamic-loading\"";

/// An archive of nothing: the linker still looks for the libraries, though no symbol of theirs is left to link.
const EMPTY: &[u8] = b"!<arch>\n";

/// The H100's.
const COMPUTE_CAPABILITY: &str = "90";

/// Flags of a build for a named target reach no build script; they would be wrong there.
const TARGET: &str = "x86_64-unknown-linux-gnu";

const RUN: &str = include_str!("gpu_check/run.sh");

/// What is built: the packages with their features.
const BUILD: [&str; 7] = [
    "--package=mda-cli",
    "--package=mda-gpu-check",
    "--package=mda-plugin-candle",
    "--package=mda-plugin-tch",
    "--features=mda-plugin-candle/cuda",
    "--release",
    "--locked",
];

/// What of it is shipped, and where.
const SHIPPED: [(&str, &str); 4] = [
    ("mda", "mda"),
    ("mda-gpu-check", "mda-gpu-check"),
    ("libmda_plugin_candle.so", "plugins/libmda_plugin_candle.so"),
    ("libmda_plugin_tch.so", "plugins/libmda_plugin_tch.so"),
];

/// Builds everything and fills `dist/gpu-check`.
pub(crate) fn run() -> anyhow::Result<()> {
    let target = work().join("build");
    let status = Command::new(env!("CARGO"))
        .arg("build")
        .args(BUILD)
        .args(["--target", TARGET, "--target-dir"])
        .arg(&target)
        .envs(cuda_environment()?)
        .envs(Libtorch::set_up()?.environment()?)
        .current_dir(crate::root())
        .status()
        .context("starting cargo")?;
    ensure!(status.success(), "the build for a GPU failed");
    let folder = crate::root().join("dist/gpu-check");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("clearing {}", folder.display()))?;
    }
    std::fs::create_dir_all(folder.join("plugins")).with_context(|| format!("making {}", folder.display()))?;
    for (built, shipped) in SHIPPED {
        let (from, to) = (target.join(TARGET).join("release").join(built), folder.join(shipped));
        std::fs::copy(&from, &to).with_context(|| format!("copying {} to {}", from.display(), to.display()))?;
    }
    std::fs::write(folder.join("run.sh"), RUN).context("writing run.sh")?;
    eprintln!("gpu-check: copy {} to the machine and run: sh gpu-check/run.sh", folder.display());
    Ok(())
}

/// Fetches the CUDA compiler unless it is there, and says where builds find it.
fn cuda_environment() -> anyhow::Result<Vec<(&'static str, OsString)>> {
    let packages = work().join("cuda");
    let home = packages.join("nvidia/cu13");
    let stamp = packages.join("installed");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == CUDA.join("\n")) {
        return environment_of(&home);
    }
    eprintln!("gpu-check: fetching the CUDA compiler into {}", packages.display());
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--upgrade", "--target"];
    let status = Command::new("python3").args(pip).arg(&packages).args(CUDA).status().context("starting python3")?;
    ensure!(status.success(), "python3 -m pip could not install {}", CUDA.join(", "));
    // Builds look for libraries where an installed CUDA has them, and for its runtime under the name of the shared one: the
    // static one leaves a plugin that loads without NVIDIA's libraries.
    let status = Command::new("ln").args(["-sfn", "lib"]).arg(home.join("lib64")).status().context("starting ln")?;
    ensure!(status.success(), "linking lib64 in {} failed", home.display());
    std::fs::copy(home.join("lib/libcudart_static.a"), home.join("lib/libcudart.a")).context("copying the runtime")?;
    for library in LIBRARIES {
        std::fs::write(home.join(format!("lib/lib{library}.a")), EMPTY).context("writing an empty archive")?;
    }
    std::fs::write(&stamp, CUDA.join("\n")).with_context(|| format!("writing {}", stamp.display()))?;
    environment_of(&home)
}

fn environment_of(home: &Path) -> anyhow::Result<Vec<(&'static str, OsString)>> {
    let before = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(home.join("bin")).chain(std::env::split_paths(&before));
    let capability = std::env::var_os("CUDA_COMPUTE_CAP").unwrap_or_else(|| COMPUTE_CAPABILITY.into());
    Ok(vec![
        ("CUDA_HOME", home.into()),
        ("CUDA_COMPUTE_CAP", capability),
        ("LIBRARY_PATH", home.join("lib").into()),
        ("RUSTFLAGS", LOAD.into()),
        ("PATH", std::env::join_paths(paths).context("a path with a colon")?),
    ])
}

fn work() -> PathBuf {
    crate::target().join("gpu-check")
}
