//! Epoch after epoch: batches, steps, and what they are worth on held-out images.

use super::TuneError;
use super::augment::Change;
use super::lesson::{Class, Lesson, Walk};
use super::loss::{Criterion, Wanted};
use super::optimiser::Momenta;
use super::schedule;
use crate::method::Tuning;
use crate::model::Model;
use crate::run::Runner;
use crate::run::backend::{TrainedNumbers, Trainer};
use crate::tensor::{Tensor, Uniform};

/// What an epoch came to.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Epoch {
    /// The mean loss of its steps.
    pub train_loss: f64,
    /// The mean loss on held-out images after it.
    pub held_out_loss: f64,
}

/// How far a tuning has come: all that it takes to go on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// The mean loss on held-out images before the first step.
    pub before: f64,
    /// The epochs so far.
    pub epochs: Vec<Epoch>,
    /// The trained numbers.
    pub numbers: Vec<f32>,
    /// Those that were best on held-out images.
    pub best: Vec<f32>,
    momenta: Momenta,
}

impl State {
    /// As it stood after `epochs`, with `steps` taken and the lists of [`State::lists`].
    pub fn resumed(before: f64, epochs: Vec<Epoch>, steps: u64, lists: [Vec<f32>; 4]) -> Self {
        let [numbers, best, first, second] = lists;
        Self { before, epochs, numbers, best, momenta: Momenta { steps, first, second } }
    }

    /// The trained numbers, the best of them, and the means of slopes and of their squares.
    pub fn lists(&self) -> [&[f32]; 4] {
        [&self.numbers, &self.best, &self.momenta.first, &self.momenta.second]
    }

    /// How many steps have been taken.
    pub fn steps(&self) -> u64 {
        self.momenta.steps
    }

    /// The least loss on held-out images, and after how many epochs it was had; 0 where the model was best as it came.
    pub fn least(&self) -> (usize, f64) {
        let losses = self.epochs.iter().map(|epoch| epoch.held_out_loss).enumerate();
        let least = losses.filter(|(_, loss)| *loss < self.before).min_by(|a, b| a.1.total_cmp(&b.1));
        least.map_or((0, self.before), |(epoch, loss)| (epoch + 1, loss))
    }
}

/// A model that is being tuned.
pub struct Tuner<'a> {
    runner: Runner<'a>,
    model: &'a Model,
    tuning: Tuning,
    classes: Vec<Class<'a>>,
    criterion: Criterion,
    trained: TrainedNumbers,
    trainer: Box<dyn Trainer>,
    state: State,
}

impl<'a> Tuner<'a> {
    /// Begins to tune `model`, or goes on from a `state` of the same tuning.
    ///
    /// # Errors
    /// [`TuneError`]: settings that mean nothing, no images, nobody to learn from, a backend that does not train.
    pub fn new(
        runner: &Runner<'a>,
        model: &'a Model,
        lessons: Vec<Lesson<'a>>,
        tuning: &Tuning,
        state: Option<State>,
    ) -> Result<Self, TuneError> {
        tuning.check()?;
        let taught = lessons.iter().any(|lesson| lesson.teacher.is_some());
        if !taught && tuning.labels == 0.0 {
            return Err(TuneError::NoTeacher);
        }
        for (what, none) in [
            ("train", lessons.iter().any(|lesson| lesson.train.is_empty())),
            ("held-out", lessons.iter().any(|lesson| lesson.held_out.is_empty())),
        ] {
            if none || lessons.is_empty() {
                return Err(TuneError::NoImages { what });
            }
        }
        if let Some(why) = runner.backend.untrainable(model) {
            return Err(TuneError::Untrainable { backend: runner.backend.id().into(), why });
        }
        let trained = TrainedNumbers::new(model.graph());
        let trainer = runner.backend.train(model, runner.device)?;
        let criterion = Criterion::new(tuning, taught);
        let (categories, meets_again) = (model.categories().len(), tuning.shift == 0);
        let class = |lesson| Class::new(lesson, runner, criterion, categories, meets_again);
        let classes = lessons.into_iter().map(class).collect::<Result<Vec<_>, _>>()?;
        let resumed = state.is_some();
        let mut tuner = Self {
            runner: *runner,
            model,
            tuning: tuning.clone(),
            classes,
            criterion,
            trained,
            trainer,
            state: state.unwrap_or_default(),
        };
        tuner.start(resumed)?;
        Ok(tuner)
    }

    /// Checks the state that it goes on from, or makes the first.
    fn start(&mut self, resumed: bool) -> Result<(), TuneError> {
        let expected = self.trained.len();
        if !resumed {
            let numbers = self.trained.of(self.model);
            let momenta = Momenta::new(self.tuning.optimiser, expected);
            let before = self.held_out_loss(self.model)?;
            self.state = State { before, epochs: Vec::new(), best: numbers.clone(), numbers, momenta };
        }
        let second = Momenta::new(self.tuning.optimiser, expected).second.len();
        let wanted = [expected, expected, expected, second];
        match self.state.lists().iter().zip(wanted).find(|(list, wanted)| list.len() != *wanted) {
            None => Ok(()),
            Some((list, expected)) => Err(TuneError::OtherState { expected, found: list.len() }),
        }
    }

    /// How far it has come.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Whether there is nothing more to do: all epochs are over, none of the last was better, or numbers have run away.
    pub fn is_over(&self) -> bool {
        let (done, (best, _)) = (self.state.epochs.len(), self.state.least());
        let lost = self.state.epochs.last().is_some_and(|epoch| !epoch.held_out_loss.is_finite());
        done >= self.tuning.epochs || lost || done - best >= self.tuning.patience.max(1)
    }

    /// The model with the best numbers.
    ///
    /// # Errors
    /// [`TuneError::Invalid`], in theory.
    pub fn best(&self) -> Result<Model, TuneError> {
        Ok(self.trained.in_model(self.model, &self.state.best)?)
    }

    /// Goes through all images once.
    ///
    /// # Errors
    /// [`TuneError::Run`].
    pub fn epoch(&mut self) -> Result<Epoch, TuneError> {
        let number = self.state.epochs.len();
        let order = self.order(number);
        let positions: Vec<Vec<usize>> = (0..self.classes.len())
            .map(|class| {
                let own = order.iter().filter(|turn| turn.class == class);
                own.map(|turn| self.classes[class].lesson.train[turn.image]).collect()
            })
            .collect();
        let walks = self.classes.iter().zip(&positions);
        let mut walks: Vec<Walk<'_>> =
            walks.map(|(class, own)| Walk::new(class.lesson.images.batches(own, self.tuning.batch))).collect();
        let steps = order.len().div_ceil(self.tuning.batch) * self.tuning.epochs;
        let (mut sum, mut gradient) = (0.0, vec![0.0; self.trained.len()]);
        for turns in order.chunks(self.tuning.batch) {
            let loss = self.step(turns, &mut walks, &mut gradient)?;
            let share = schedule::share(self.tuning.schedule, self.state.momenta.steps as usize, steps);
            let sizes = [self.tuning.rate * share, self.tuning.weight_decay];
            self.state.momenta.step(&self.trained, sizes, &mut self.state.numbers, &gradient);
            sum += loss;
        }
        let held_out_loss = match self.trained.in_model(self.model, &self.state.numbers) {
            Ok(model) => self.held_out_loss(&model)?,
            Err(_) => f64::INFINITY,
        };
        let epoch = Epoch { train_loss: sum / order.len() as f64, held_out_loss };
        if epoch.held_out_loss < self.state.least().1 {
            self.state.best.clone_from(&self.state.numbers);
        }
        self.state.epochs.push(epoch);
        Ok(epoch)
    }

    /// The loss of a batch, summed, and its mean's derivative.
    fn step(&mut self, turns: &[Turn], walks: &mut [Walk<'_>], gradient: &mut [f32]) -> Result<f64, TuneError> {
        let image = self.model.input_shape();
        let (count, categories) = (turns.len(), self.model.categories().len());
        let mut batch = Tensor::zeros(image.batched(count));
        let mut wanted = Wanted { soft: vec![0.0; count * categories], labels: vec![None; count] };
        let places = batch.data_mut().chunks_exact_mut(image.elements()).zip(turns).zip(&mut wanted.labels);
        for ((to, turn), wanted) in places {
            let labels = &self.classes[turn.class].lesson.labels;
            walks[turn.class].next(|from, label| {
                turn.change.apply(image.spatial(), from, to);
                *wanted = labels.category(label);
            })?;
        }
        for (index, class) in self.classes.iter_mut().enumerate() {
            let own = turns.iter().enumerate().filter(|(_, turn)| turn.class == index);
            let seen: Vec<_> = own.map(|(place, turn)| (place, turn.image, turn.change)).collect();
            class.want(&batch, &seen, &mut wanted)?;
        }
        let (criterion, scale) = (self.criterion, 1.0 / count as f64);
        let loss = |range: std::ops::Range<usize>, logits: &Tensor| criterion.of(&wanted, range, logits, scale);
        Ok(self.trainer.step(&batch, &self.state.numbers, &loss, gradient)?)
    }

    /// Every train image of every lesson, shuffled for epoch `number`, with what is done to it.
    fn order(&self, number: usize) -> Vec<Turn> {
        let mut uniform = Uniform::new(self.tuning.seed.wrapping_add((number as u64 + 1) << 32));
        let images = |(class, own): (usize, &Class<'_>)| {
            (0..own.lesson.train.len()).map(move |image| Turn { class, image, change: Change::default() })
        };
        let mut order: Vec<Turn> = self.classes.iter().enumerate().flat_map(images).collect();
        for last in (1..order.len()).rev() {
            order.swap(last, uniform.below(last + 1));
        }
        let reach = self.tuning.shift;
        for turn in &mut order {
            let flip = uniform.below(2) == 1 && self.tuning.flip;
            let shift = [0, 1].map(|_| uniform.below(2 * reach + 1) as isize - reach as isize);
            turn.change = Change { flip, shift };
        }
        order
    }

    fn held_out_loss(&self, model: &Model) -> Result<f64, TuneError> {
        let (mut sum, mut images) = (0.0, 0);
        for class in &self.classes {
            sum += class.loss(&self.runner, model)?;
            images += class.lesson.held_out.len();
        }
        Ok(sum / images as f64)
    }
}

/// An image of a batch.
#[derive(Clone, Copy, Debug)]
struct Turn {
    /// Of which lesson.
    class: usize,
    /// Which of its train images.
    image: usize,
    change: Change,
}
