//! How long every part took, for the table at the end.

use anyhow::Context;
use std::fmt;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

/// The parts in their order.
#[derive(Debug, Default)]
pub(super) struct Times {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    part: String,
    seconds: f64,
    came_of_it: String,
}

impl Times {
    /// Runs `part`, and notes its time also where it fails.
    pub(super) fn measure(&mut self, part: &str, run: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
        let start = Instant::now();
        let result = run();
        let seconds = start.elapsed().as_secs_f64();
        let came_of_it = if result.is_ok() { "passed" } else { "failed" };
        eprintln!("{part}: {came_of_it} in {seconds:.0} s");
        self.rows.push(Row { part: part.into(), seconds, came_of_it: came_of_it.into() });
        result
    }

    /// Says more of `part`, which may not have been run.
    pub(super) fn note(&mut self, part: &str, remark: &str) {
        match self.rows.iter_mut().find(|row| row.part == part) {
            Some(row) => row.came_of_it = format!("{}: {remark}", row.came_of_it),
            None => self.rows.push(Row { part: part.into(), seconds: 0.0, came_of_it: remark.into() }),
        }
    }

    /// Appends the rows to `file`: seconds, part and what came of it, between tabs.
    pub(super) fn append(&self, file: &Path) -> anyhow::Result<()> {
        let place = || format!("writing the times to {}", file.display());
        let mut file = File::options().append(true).create(true).open(file).with_context(place)?;
        for Row { part, seconds, came_of_it } in &self.rows {
            writeln!(file, "{seconds:.0}\t{part}\t{came_of_it}").with_context(place)?;
        }
        Ok(())
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Row { part, seconds, came_of_it } in &self.rows {
            writeln!(f, "{seconds:>6.0} s  {part:<24} {came_of_it}")?;
        }
        writeln!(f, "{:>6.0} s  in all", self.rows.iter().map(|row| row.seconds).sum::<f64>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_fails_is_in_the_table() {
        let mut times = Times::default();
        times.measure("lints", || Ok(())).unwrap();
        times.note("lints", "of everything");
        times.note("arm", "unchanged");
        assert_eq!(times.measure("tests", || anyhow::bail!("one")).unwrap_err().to_string(), "one");
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "7\tbuilding\tpassed\n").unwrap();
        times.append(file.path()).unwrap();
        let written = std::fs::read_to_string(file.path()).unwrap();
        let expected = "7\tbuilding\tpassed\n0\tlints\tpassed: of everything\n0\tarm\tunchanged\n0\ttests\tfailed\n";
        assert_eq!(written, expected);
        assert!(times.to_string().ends_with("     0 s  in all\n"), "{times}");
    }
}
