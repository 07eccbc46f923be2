//! A process that runs one pass for every line that it is sent.

use super::setup::Setup;
use anyhow::{Context, bail, ensure};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A contestant that has loaded everything and warmed up.
pub(super) struct Contestant {
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

/// What one pass took.
#[derive(Clone, Copy)]
pub(super) struct Pass {
    pub(super) wall: f64,
    pub(super) cpu: f64,
    /// The largest resident set of the process so far, in MiB.
    pub(super) peak: f64,
}

impl Pass {
    /// The seconds that are compared.
    pub(super) fn seconds(self, setup: &Setup) -> f64 {
        if setup.cpu_time { self.cpu } else { self.wall }
    }
}

impl Contestant {
    pub(super) fn start(mut command: Command) -> anyhow::Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let orders = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().context("a piped output")?);
        let mut contestant = Self { child, orders, answers };
        let line = contestant.line()?;
        ensure!(line == "ready", "{line}");
        Ok(contestant)
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            bail!("it ended with {}", self.child.wait()?);
        }
        Ok(line.trim().to_owned())
    }

    /// Runs one pass. An error says why there was none.
    pub(super) fn pass(&mut self) -> anyhow::Result<Pass> {
        let orders = self.orders.as_mut().context("a piped input")?;
        writeln!(orders)?;
        orders.flush()?;
        let line = self.line()?;
        let numbers: Result<Vec<f64>, _> = line.split_whitespace().map(str::parse).collect();
        match numbers.as_deref() {
            Ok(&[wall, cpu, peak]) => Ok(Pass { wall, cpu, peak }),
            _ => bail!("{line}"),
        }
    }
}

impl Drop for Contestant {
    fn drop(&mut self) {
        // Without orders the process ends by itself.
        self.orders = None;
        let _ = self.child.wait();
    }
}

/// Takes `rounds` passes of every contestant in alternation; `[contestant][round]`.
pub(super) fn alternate(contestants: &mut [Contestant], rounds: usize) -> anyhow::Result<Vec<Vec<Pass>>> {
    let mut passes = vec![Vec::with_capacity(rounds); contestants.len()];
    for _ in 0..rounds {
        for (contestant, passes) in contestants.iter_mut().zip(&mut passes) {
            passes.push(contestant.pass()?);
        }
    }
    Ok(passes)
}
