//! What came out of the suite.

use std::fmt;

/// The outcome of every case for one backend on one device.
#[derive(Clone, Debug)]
pub struct Report {
    backend: String,
    device: String,
    cases: Vec<CaseReport>,
}

/// The outcome of one case.
#[derive(Clone, Debug)]
pub struct CaseReport {
    /// The case's name.
    pub name: String,
    /// What happened.
    pub outcome: Outcome,
}

/// What happened to a case.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// All answers were within the tolerance.
    Passed {
        /// The largest difference met, relative to the scale of its channel; 0 where nothing is compared.
        difference: f32,
        /// The difference that the case allows.
        allowed: f32,
    },
    /// The masks are those of the reference, but for bits that ties decide.
    Agreed {
        /// How many bits the masks have.
        bits: usize,
        /// How many of them differ.
        differing: usize,
        /// How many comparisons with a threshold are within the tolerance and went the other way.
        ties: usize,
    },
    /// An answer was wrong.
    Failed(Failure),
    /// The case could not run.
    Skipped {
        /// Why.
        reason: String,
    },
}

/// How a case failed.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// A tensor differs from the reference.
    Differs {
        /// Which tensor, at which node, in which batch.
        tensor: String,
        /// The position of the largest difference.
        position: Vec<usize>,
        /// The reference's number there.
        expected: f32,
        /// The backend's number there.
        got: f32,
        /// The difference, relative to the scale of its channel: its largest number, or what its terms come to.
        difference: f32,
        /// What the case allows, and why.
        allowed: String,
    },
    /// Anything but a wrong number: a wrong shape, an unexpected error or its absence, a panic.
    Wrong(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Differs { tensor, position, expected, got, difference, allowed } => write!(
                f,
                "{tensor} differs by {difference:.1e} at {position:?}: expected {expected}, got {got}; allowed {allowed}"
            ),
            Self::Wrong(what) => f.write_str(what),
        }
    }
}

impl Report {
    pub(super) fn new(backend: &str, device: Option<&str>) -> Self {
        Self { backend: backend.into(), device: device.unwrap_or("default").into(), cases: Vec::new() }
    }

    pub(super) fn push(&mut self, name: &str, outcome: Outcome) {
        self.cases.push(CaseReport { name: name.into(), outcome });
    }

    /// All cases, in the order in which they ran.
    pub fn cases(&self) -> &[CaseReport] {
        &self.cases
    }

    /// The cases that failed.
    pub fn failures(&self) -> impl Iterator<Item = (&str, &Failure)> {
        self.cases.iter().filter_map(|case| match &case.outcome {
            Outcome::Failed(failure) => Some((case.name.as_str(), failure)),
            _ => None,
        })
    }

    /// The cases that did not run, with their reasons.
    pub fn skipped(&self) -> impl Iterator<Item = (&str, &str)> {
        self.cases.iter().filter_map(|case| match &case.outcome {
            Outcome::Skipped { reason } => Some((case.name.as_str(), reason.as_str())),
            _ => None,
        })
    }

    /// How many bits the compared masks have, how many differ from the reference's, and at how many ties.
    pub fn masks(&self) -> [usize; 3] {
        self.cases.iter().fold([0; 3], |[all_bits, all_differing, all_ties], case| match case.outcome {
            Outcome::Agreed { bits, differing, ties } => [all_bits + bits, all_differing + differing, all_ties + ties],
            _ => [all_bits, all_differing, all_ties],
        })
    }

    /// Prints the skipped cases and checks that nothing failed, nor was skipped where the backend is required.
    ///
    /// # Panics
    /// With the whole report, where a case failed, or was skipped though [`super::require`] holds for the backend.
    pub fn assert_passed(&self) {
        for (name, reason) in self.skipped() {
            println!("skipped: {name} on backend `{}`: {reason}", self.backend);
        }
        if let Err(report) = self.verdict(super::require(&self.backend)) {
            panic!("{report}");
        }
    }

    /// The report as text where it is bad news.
    pub(super) fn verdict(&self, required: bool) -> Result<(), String> {
        match (self.failures().count(), self.skipped().count()) {
            (0, 0) => Ok(()),
            (0, _) if !required => Ok(()),
            (0, _) => Err(format!("{} names `{}`, so nothing may be skipped\n{self}", super::REQUIRED, self.backend)),
            _ => Err(self.to_string()),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (failed, skipped) = (self.failures().count(), self.skipped().count());
        let passed = self.cases.len() - failed - skipped;
        let Self { backend, device, .. } = self;
        writeln!(f, "backend `{backend}`, device `{device}`: {passed} passed, {failed} failed, {skipped} skipped")?;
        let [bits, differing, ties] = self.masks();
        writeln!(f, "  masks: {differing} of {bits} bits differ from the reference's, at {ties} ties")?;
        for CaseReport { name, outcome } in &self.cases {
            match outcome {
                Outcome::Passed { difference, allowed } => {
                    writeln!(f, "  passed   {name} (differs by {difference:.1e} of {allowed:.0e})")?;
                }
                Outcome::Agreed { bits, differing, ties } => {
                    writeln!(f, "  passed   {name} ({differing} of {bits} bits differ, at {ties} ties)")?;
                }
                Outcome::Failed(failure) => writeln!(f, "  FAILED   {name}: {failure}")?,
                Outcome::Skipped { reason } => writeln!(f, "  skipped  {name}: {reason}")?,
            }
        }
        Ok(())
    }
}
