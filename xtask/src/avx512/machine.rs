//! The emulated machine: what it has, and what it says over its serial port.

use super::PACKAGES;
use anyhow::{Context, bail};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// More than twice what the tests take on one core of an old machine.
const LIMIT: Duration = Duration::from_secs(20 * 60);
const PAUSE: Duration = Duration::from_millis(200);

/// What `init.sh` says at the end.
const VERDICT: &str = "mda-avx512: ";

/// A Skylake with AVX-512 that counts 50 million instructions as a second, about as many as Bochs does in one. The folder of
/// Bochs's own files is `$BXSHARE`, or the one that it was built for.
const MACHINE: &str = "config_interface: textconfig
display_library: sdl2
cpu: model=corei7_skylake_x, count=1, ips=50000000, reset_on_triple_fault=0
clock: sync=none
megs: 512
romimage: file=$BXSHARE/BIOS-bochs-latest
vgaromimage: file=$BXSHARE/VGABIOS-lgpl-latest
ata0-master: type=cdrom, path=disc.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=serial.txt
speaker: enabled=0
log: bochs.log
panic: action=fatal
error: action=ignore
info: action=ignore
debug: action=ignore
";

/// Starts Bochs from `disc.iso` in `work`, and answers whether the tests in it passed, and what they said.
pub(super) fn run(work: &Path) -> anyhow::Result<(bool, String)> {
    let write = |name: &str, text: &str| {
        std::fs::write(work.join(name), text).with_context(|| format!("writing {name} in {}", work.display()))
    };
    let create = |name: &str| File::create(work.join(name)).with_context(|| format!("making {name}"));
    write("bochsrc.txt", MACHINE)?;
    // Where Bochs was built with its debugger, as Debian's is, that waits for the command to go on.
    write("commands.txt", "c\n")?;
    create("serial.txt")?;
    let mut bochs = Command::new("bochs");
    bochs.args(["-q", "-f", "bochsrc.txt", "-rc", "commands.txt"]).current_dir(work);
    // Nobody looks at the machine's screen.
    bochs
        .env("SDL_VIDEODRIVER", "dummy")
        .stdin(Stdio::null())
        .stdout(create("screen.txt")?)
        .stderr(create("bochs.txt")?);
    eprintln!("avx512: starting Bochs, which takes minutes; its files are in {}", work.display());
    let child = bochs.spawn().with_context(|| format!("starting bochs\nhint: this takes the packages {PACKAGES}"))?;
    let serial = File::open(work.join("serial.txt")).context("opening serial.txt")?;
    watch(&mut Running(child), serial).with_context(|| format!("Bochs tells more in {}", work.display()))
}

/// Prints what comes over the serial port until the verdict, and answers both.
fn watch(bochs: &mut Running, mut serial: File) -> anyhow::Result<(bool, String)> {
    let (start, mut text, mut said) = (Instant::now(), Vec::new(), String::new());
    loop {
        // Asked first: what Bochs wrote before it ended is still read.
        let ended = bochs.0.try_wait().context("asking for Bochs")?;
        serial.read_to_end(&mut text).context("reading serial.txt")?;
        let complete = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
        for line in String::from_utf8_lossy(&text.drain(..complete).collect::<Vec<u8>>()).lines() {
            match line.trim_end().strip_prefix(VERDICT) {
                Some(verdict) => return Ok((verdict == "passed", said)),
                None => println!("{line}"),
            }
            said.push_str(line);
            said.push('\n');
            if line.contains("Kernel panic") {
                bail!("the kernel gave up before the tests ended");
            }
        }
        if let Some(status) = ended {
            bail!("Bochs ended before the tests did, with {status}\nhint: this takes the packages {PACKAGES}");
        }
        if start.elapsed() > LIMIT {
            bail!("the tests did not end within {} minutes", LIMIT.as_secs() / 60);
        }
        std::thread::sleep(PAUSE);
    }
}

/// Ends Bochs, in which the machine waits once it has said all.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
