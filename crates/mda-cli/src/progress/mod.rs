//! What is shown while a step goes on: a bar that is drawn over on a terminal, now and then a line elsewhere.

mod shown;

use crate::output::Output;
use crate::printer;
use mda::Headway;
use shown::{Lines, Seen, bar};
use std::io::IsTerminal;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often the bar is drawn.
const DRAWN_EVERY: Duration = Duration::from_millis(250);
/// A step that is done sooner is not drawn.
const WORTH_DRAWING: Duration = Duration::from_secs(1);
/// How wide a terminal is that does not tell.
const USUAL_WIDTH: usize = 80;

/// Shows, from a thread of its own, the innermost of the steps that are going on, until it is dropped.
pub(crate) struct Live {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    going_on: Mutex<GoingOn>,
    changed: Condvar,
}

#[derive(Default)]
struct GoingOn {
    /// The outermost first.
    steps: Vec<Step>,
    over: bool,
}

struct Step {
    name: String,
    headway: Headway,
    began: Instant,
}

impl Live {
    pub(crate) fn new(output: Output) -> Self {
        let shared: Arc<Shared> = Arc::default();
        let own = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("mda-progress".into());
        // Where there is no thread to be had, nothing is shown.
        let thread = (!output.quiet).then(|| thread.spawn(move || own.show()).ok()).flatten();
        Self { shared, thread }
    }

    /// From now on shows `step`, until its headway is over.
    pub(crate) fn begins(&self, step: &str, headway: &Headway) {
        let step = Step { name: step.to_owned(), headway: headway.clone(), began: Instant::now() };
        self.shared.lock().steps.push(step);
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.shared.lock().over = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // What it would say it has said.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, GoingOn> {
        self.going_on.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self) {
        let draws = std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let (start, mut lines) = (Instant::now(), Lines::default());
        let mut going_on = self.lock();
        while !going_on.over {
            going_on.steps.retain(|step| !step.headway.is_over());
            let seen = going_on.steps.last().map(Step::seen);
            match seen {
                Some(seen) if draws && seen.elapsed >= WORTH_DRAWING => printer::draw(&bar(&seen, width())),
                Some(seen) if !draws => {
                    lines.due(start.elapsed(), &seen).iter().for_each(|line| printer::tell(line));
                }
                _ => printer::undraw(),
            }
            let waited = self.changed.wait_timeout(going_on, DRAWN_EVERY);
            going_on = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        printer::undraw();
    }
}

impl Step {
    fn seen(&self) -> Seen<'_> {
        let elapsed = self.began.elapsed();
        // What is counted may be done while something is left.
        let left = self.headway.left(elapsed).filter(|left| !left.is_zero());
        Seen { name: &self.name, elapsed, done: self.headway.fraction(), left }
    }
}

/// How many characters fit into a line of the terminal.
fn width() -> usize {
    let size = terminal_size::terminal_size_of(std::io::stderr());
    size.map_or(USUAL_WIDTH, |(terminal_size::Width(columns), _)| usize::from(columns))
}
