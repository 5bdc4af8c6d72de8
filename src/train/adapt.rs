//! Test-time training: a checkpoint goes on on the demonstrations of tasks that it may never have seen, in so many steps or so much time.
//!
//! It is a training like any other, by a recipe that follows from the checkpoint's, see [`crate::recipe::Adaptation`]. Where a time is given,
//! some steps are taken first and thrown away; their pace says how many steps there are, so that the schedule ends with the time. In too
//! little time no task would be learned, so then the smallest ones are taken and the others left out. The clock decides the number of steps
//! and the tasks, and nothing after that: both stand in the recipe.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::run::{check_output, train_from};
use super::{Outcome, Progress, TrainError, Trainer, Training};
use crate::augment::Plan;
use crate::device::Precision;
use crate::encode::Canvas;
use crate::files;
use crate::ops::Operations;
use crate::ranks::Alone;
use crate::recipe::{AdaptedTo, LOG_FILE, PLAN_OF_IMPORTED, Recipe, RecipeError, Trained};
use crate::task::{self, Task};

/// The fewest visits of an example that a task is worth taking for, times its variants. In the training of `small-grids` a visit
/// brought the most exact examples from 16 to 34 visits a row; with a third of that nothing is exact. See reports/log.md.
const LEAST_VISITS: usize = 30;

/// Variants that count for that at most: of a thousand, each is no more than a glimpse of the same task. A guess.
const MOST_VARIANTS: usize = 32;

/// Without a time or a number of steps, as many times the fewest visits: about half of the examples are exact then.
const USUAL: usize = 4;

/// The share of the time in which the pace is measured.
const MEASURED: f64 = 0.02;

/// The share of the time that is left that the steps are to fill. The rest is for checkpoints, and for a pace that was measured too high.
const FILLED: f64 = 0.95;

/// What to adapt, to what, and for how long.
pub struct Adapt<'a> {
    /// The checkpoint to go on from.
    pub from: PathBuf,
    /// The task set: a name or a path.
    pub tasks: String,
    /// The tasks of it that there are, where they are not all.
    pub only: Option<Vec<String>>,
    /// The plan of variants, where it is not the checkpoint's.
    pub plan: Option<String>,
    /// Where checkpoint and log go.
    pub output: PathBuf,
    /// For how long.
    pub length: Length,
    /// The seed, where it is not the checkpoint's.
    pub seed: Option<u64>,
    /// The trunk's learning rate, where it is not twice the checkpoint's.
    pub learning_rate: Option<f64>,
    /// The number type of products.
    pub precision: Precision,
    /// When the clock began.
    pub started: Instant,
    /// Raised by an interruption.
    pub stop: &'a AtomicBool,
}

/// How long an adaptation goes on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Length {
    /// A number of steps by the number of tasks.
    Usual,
    /// So many steps, whatever the clock says.
    Steps(usize),
    /// So much time from the start of the clock.
    Time(Duration),
}

/// An adaptation whose checkpoint, tasks and output are found to be right.
pub struct Checked<'a, D: Operations> {
    adapt: &'a Adapt<'a>,
    trained: Trained<D>,
    plan: Plan,
    tasks: Vec<Task>,
}

/// An adaptation before its first step.
pub struct Adapting<'a, D: Operations> {
    adapt: &'a Adapt<'a>,
    trained: Trained<D>,
    /// Its recipe.
    pub recipe: Recipe,
    /// Tasks that are learned.
    pub tasks: usize,
    /// Tasks that there is no time for, in the order of the set.
    pub left_out: Vec<String>,
    /// The plan of the new rows, where it cannot be the checkpoint's and none was named.
    pub other_plan: Option<&'static str>,
}

/// What an adaptation came to.
pub struct Adapted {
    /// The training.
    pub outcome: Outcome,
    /// Rows of the puzzle table.
    pub rows: usize,
    /// Rows that the checkpoint had already.
    pub kept: usize,
}

/// A task and what its examples take.
#[derive(Clone, Debug)]
struct Size {
    id: String,
    /// The mean of its examples.
    tokens: f64,
    examples: usize,
}

impl Adapt<'_> {
    /// Makes sure that everything is there, before any work.
    ///
    /// # Errors
    /// [`TrainError`].
    pub fn check<D: Operations>(&self, device: &D) -> Result<Checked<'_, D>, TrainError> {
        check_output(&self.output, None)?;
        files::check_writable(&self.output.join(LOG_FILE))?;
        let trained = Trained::load(&self.from, device)?;
        let plan = self.check_files(&trained)?;
        let set = task::load(&self.tasks).map_err(RecipeError::from)?;
        let is_there = |task: &Task| self.only.as_ref().is_none_or(|only| only.contains(&task.id));
        let tasks: Vec<Task> = set.tasks.into_iter().filter(is_there).collect();
        // what is wrong with the learning rate is found here too
        let recipe = self.recipe(&trained, self.only.clone(), 1)?;
        Trainer::check_room(&recipe, device)?;
        Ok(Checked { adapt: self, trained, plan, tasks })
    }

    /// The plan of variants. What the recipe names must be here; a checkpoint may have come without it.
    fn check_files<D: Operations>(&self, trained: &Trained<D>) -> Result<Plan, TrainError> {
        let checkpoint = || self.from.clone();
        let plan = trained.plan_of_new_rows(self.plan.as_deref())?;
        let no_plan =
            |source| TrainError::NoPlan { checkpoint: checkpoint(), plan: plan.to_owned(), source: Box::new(source) };
        let no_set =
            |set: &String, source| TrainError::NoHeldOut { checkpoint: checkpoint(), set: set.clone(), source };
        for set in &trained.recipe.tasks()?.held_out {
            task::load(set).map_err(|source| no_set(set, source.into()))?;
        }
        Plan::load(plan).map_err(no_plan)
    }

    fn recipe<D: Operations>(
        &self,
        trained: &Trained<D>,
        only: Option<Vec<String>>,
        steps: usize,
    ) -> Result<Recipe, RecipeError> {
        let Self { tasks, plan, seed, learning_rate, .. } = self;
        let (plan, seed, learning_rate) = (plan.as_deref(), *seed, *learning_rate);
        trained.adapted_recipe(AdaptedTo { tasks, only, steps, plan, seed, learning_rate })
    }

    /// The tasks and steps that a time is enough for.
    fn in_time<D: Operations>(
        &self,
        trained: &Trained<D>,
        device: &D,
        mut sizes: Vec<Size>,
        visits: usize,
        limit: Duration,
    ) -> Result<(Option<Vec<String>>, usize), TrainError> {
        let budget = limit.mul_f64(MEASURED);
        let all = sizes.len();
        let mut only = self.only.clone();
        let batch = trained.recipe.training.batch as f64;
        let left = || FILLED * limit.saturating_sub(self.started.elapsed()).as_secs_f64();
        let mut pace = self.seconds_of_token(trained, only.clone(), budget, device)?;
        let step = |pace: f64, sizes: &[Size]| pace * batch * mean_tokens(sizes);
        let fits =
            |sizes: &[Size]| least_steps(&trained.recipe, visits, sizes.len()) as f64 * step(pace, sizes) <= left();
        let in_order: Vec<String> = sizes.iter().map(|size| size.id.clone()).collect();
        sizes.sort_by(|a, b| a.tokens.total_cmp(&b.tokens));
        while sizes.len() > 1 && !fits(&sizes) {
            sizes.pop();
        }
        if sizes.len() < all {
            let taken = |id: &String| sizes.iter().any(|size| size.id == *id);
            only = Some(in_order.into_iter().filter(taken).collect());
            // smaller canvases have another pace
            pace = self.seconds_of_token(trained, only.clone(), budget, device)?;
        }
        Ok((only, ((left() / step(pace, &sizes)) as usize).max(1)))
    }

    /// Seconds of a step, for each token of its batch, as some steps take them that nothing is kept of.
    fn seconds_of_token<D: Operations>(
        &self,
        trained: &Trained<D>,
        only: Option<Vec<String>>,
        budget: Duration,
        device: &D,
    ) -> Result<f64, TrainError> {
        let mut recipe = self.recipe(trained, only, 1)?;
        recipe.trunk.learning_rate = 0.0;
        let (trainer, _) = Trainer::adapting(recipe, trained, device)?;
        let mut trainer = trainer.computing_in(self.precision);
        // the first step also makes what all others find there
        let started = Instant::now();
        let mut tokens = trainer.advance()?.tokens;
        let mut seconds = started.elapsed().as_secs_f64();
        let started = Instant::now();
        let mut measured = 0;
        while started.elapsed() < budget && !self.stop.load(Ordering::SeqCst) {
            measured += trainer.advance()?.tokens;
            (tokens, seconds) = (measured, started.elapsed().as_secs_f64());
        }
        Ok(seconds / tokens as f64)
    }
}

impl<'a, D: Operations> Checked<'a, D> {
    /// Decides tasks and steps; where a time is given, by some steps that are thrown away.
    ///
    /// # Errors
    /// [`TrainError`].
    pub fn fit(self, device: &D) -> Result<Adapting<'a, D>, TrainError> {
        let Self { adapt, trained, plan, tasks } = self;
        let (canvas, prefix) = (trained.recipe.tasks()?.canvas, trained.recipe.model.prefix);
        let visits = LEAST_VISITS * plan.variants.min(MOST_VARIANTS);
        let (only, steps) = match adapt.length {
            Length::Usual => (adapt.only.clone(), least_steps(&trained.recipe, USUAL * visits, tasks.len())),
            Length::Steps(steps) => (adapt.only.clone(), steps),
            Length::Time(limit) => {
                let sizes = tasks.iter().map(|task| Size::of(task, canvas, prefix)).collect();
                adapt.in_time(&trained, device, sizes, visits, limit)?
            }
        };
        let recipe = adapt.recipe(&trained, only.clone(), steps)?;
        let is_left_out = |task: &&Task| only.as_ref().is_some_and(|only| !only.contains(&task.id));
        let left_out: Vec<String> = tasks.iter().filter(is_left_out).map(|task| task.id.clone()).collect();
        let other_plan = (trained.imported.is_some() && adapt.plan.is_none()).then_some(PLAN_OF_IMPORTED);
        Ok(Adapting { adapt, trained, recipe, tasks: tasks.len() - left_out.len(), left_out, other_plan })
    }
}

impl<D: Operations> Adapting<'_, D> {
    /// Adapts. `progress` is told after every step.
    ///
    /// # Errors
    /// [`TrainError`]; what was saved before still stands.
    pub fn train(self, device: &D, progress: impl FnMut(Progress<'_>)) -> Result<Adapted, TrainError> {
        let Self { adapt, trained, recipe, .. } = self;
        let time_limit = match adapt.length {
            Length::Time(limit) => Some(limit.saturating_sub(adapt.started.elapsed())),
            Length::Usual | Length::Steps(_) => None,
        };
        let (output, precision, stop) = (adapt.output.clone(), adapt.precision, adapt.stop);
        let training = Training { recipe: None, resume: None, output, precision, time_limit, stop, ranks: &Alone };
        let (mut rows, mut kept) = (0, 0);
        let start = || {
            let (trainer, of_checkpoint) = Trainer::adapting(recipe, &trained, device)?;
            // the blank row is no variant's
            (rows, kept) = (trainer.set().identifiers().count() - 1, of_checkpoint);
            Ok((trainer, 0.0))
        };
        let outcome = train_from(&training, start, progress)?;
        Ok(Adapted { outcome, rows, kept })
    }
}

impl Size {
    fn of(task: &Task, canvas: Canvas, prefix: usize) -> Self {
        let tokens = task.train.iter().map(|pair| prefix + canvas.extent(task, &pair.input).cells());
        let examples = task.train.len();
        Self { id: task.id.clone(), tokens: tokens.sum::<usize>() as f64 / examples as f64, examples }
    }
}

/// The mean tokens of an example of these tasks.
fn mean_tokens(sizes: &[Size]) -> f64 {
    let examples: usize = sizes.iter().map(|size| size.examples).sum();
    sizes.iter().map(|size| size.tokens * size.examples as f64).sum::<f64>() / examples as f64
}

/// The steps in which so many tasks have so many visits each, if every example takes all its supervision steps.
fn least_steps(recipe: &Recipe, visits: usize, tasks: usize) -> usize {
    (visits * tasks * recipe.training.halt_max_steps).div_ceil(recipe.training.batch)
}
