//! Test-time training: a checkpoint goes on on the demonstrations of tasks that it may never have seen, in so many steps or so much time.
//!
//! It is a training like any other, by a recipe that follows from the checkpoint's, see [`crate::recipe::Adaptation`]. Where a time is given,
//! some steps are taken first and thrown away; their pace says how many steps there are, and after each step they are planned anew, so that
//! the schedule ends with the time. In too little time no task would be learned, so then the smallest ones are taken and the others left out.
//! The tasks and the steps stand in the recipe.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::broken_off::Behind;
use super::pace::{Demand, Pace, Size};
use super::run::{check_output, train_from};
use super::{Outcome, Progress, TrainError, Trainer, Training};
use crate::augment::Plan;
use crate::checkpoint::Folder;
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
    /// True to go on with what broke off in the output folder, if anything did.
    pub resume: bool,
    /// For how long.
    pub length: Length,
    /// The seed, where it is not the checkpoint's.
    pub seed: Option<u64>,
    /// The trunk's learning rate, where it is not twice the checkpoint's.
    pub learning_rate: Option<f64>,
    /// The number type of products.
    pub precision: Precision,
    /// When the clock began, where that was before [`Checked::fit`].
    pub started: Option<Instant>,
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
    started: Instant,
    /// Its recipe.
    pub recipe: Recipe,
    /// Tasks that are learned.
    pub tasks: usize,
    /// Tasks that there is no time for, in the order of the set.
    pub left_out: Vec<String>,
    /// Time that all tasks would need, where some are left out.
    pub all_need: Option<Duration>,
    /// Where it goes on, when it broke off before.
    pub behind: Option<Behind>,
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
    /// Tasks that there was no time for, in the order of the set.
    pub left_out: Vec<String>,
}

/// Tasks and steps that a time is enough for.
struct InTime {
    only: Option<Vec<String>>,
    steps: usize,
    all_need: Option<Duration>,
}

impl Adapt<'_> {
    /// Makes sure that everything is there, before any work.
    ///
    /// # Errors
    /// [`TrainError`].
    pub fn check<D: Operations>(&self, device: &D) -> Result<Checked<'_, D>, TrainError> {
        self.check_with(Trained::load(&self.from, device)?, device)
    }

    /// Makes sure of it with a checkpoint that is loaded already.
    ///
    /// # Errors
    /// [`TrainError`].
    pub fn check_with<D: Operations>(&self, trained: Trained<D>, device: &D) -> Result<Checked<'_, D>, TrainError> {
        check_output(&self.output, self.goes_on().then_some(self.output.as_path()))?;
        files::check_writable(&self.output.join(LOG_FILE))?;
        let plan = self.check_files(&trained)?;
        let set = task::load(&self.tasks).map_err(RecipeError::from)?;
        let only: Option<HashSet<&String>> = self.only.as_ref().map(|only| only.iter().collect());
        let is_there = |task: &Task| only.as_ref().is_none_or(|only| only.contains(&task.id));
        let tasks: Vec<Task> = set.tasks.into_iter().filter(is_there).collect();
        // what is wrong with the learning rate is found here too
        let recipe = self.recipe(&trained, self.only.clone(), 1)?;
        Trainer::check_room(&recipe, device)?;
        Ok(Checked { adapt: self, trained, plan, tasks })
    }

    /// True when something broke off that is to go on.
    fn goes_on(&self) -> bool {
        self.resume && Folder::new(&self.output).exists()
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

    pub(super) fn recipe<D: Operations>(
        &self,
        trained: &Trained<D>,
        only: Option<Vec<String>>,
        steps: usize,
    ) -> Result<Recipe, RecipeError> {
        let Self { tasks, plan, seed, learning_rate, .. } = self;
        let (plan, seed, learning_rate) = (plan.as_deref(), *seed, *learning_rate);
        trained.adapted_recipe(AdaptedTo { tasks, only, steps, plan, seed, learning_rate })
    }

    /// Measures the pace, and plans tasks and steps by it.
    fn in_time<D: Operations>(
        &self,
        trained: &Trained<D>,
        device: &D,
        sizes: &[Size],
        visits: usize,
        limit: Duration,
        started: Instant,
    ) -> Result<InTime, TrainError> {
        let course = &trained.recipe.training;
        let seconds_of_token = self.seconds_of_token(trained, self.only.clone(), limit.mul_f64(MEASURED), device)?;
        let steps_of_task = (visits * course.halt_max_steps) as f64 / course.batch as f64;
        let demand = Demand { seconds_of_token, batch: course.batch, steps_of_task };
        let spent = started.elapsed();
        let left = limit.saturating_sub(spent).as_secs_f64();
        let taken = demand.fitting(sizes, left);
        let steps = demand.steps(&taken, left);
        if taken.len() == sizes.len() {
            return Ok(InTime { only: self.only.clone(), steps, all_need: None });
        }
        let all_need = Duration::try_from_secs_f64(demand.seconds(sizes)).unwrap_or(Duration::MAX);
        let only = taken.into_iter().map(|size| size.id).collect();
        Ok(InTime { only: Some(only), steps, all_need: Some(all_need.saturating_add(spent)) })
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
    /// True when the adaptation had come to its end before.
    ///
    /// # Errors
    /// [`TrainError`] when another one is there.
    pub fn is_done(&self) -> Result<bool, TrainError> {
        if !self.adapt.goes_on() {
            return Ok(false);
        }
        let (recipe, behind) = self.adapt.broken_off(&self.trained)?;
        Ok(behind.step >= recipe.training.steps)
    }

    /// Decides tasks and steps; where a time is given, by some steps that are thrown away.
    ///
    /// # Errors
    /// [`TrainError`].
    pub fn fit(self, device: &D) -> Result<Adapting<'a, D>, TrainError> {
        let Self { adapt, trained, plan, tasks } = self;
        let started = adapt.started.unwrap_or_else(Instant::now);
        let (canvas, prefix) = (trained.recipe.tasks()?.canvas, trained.recipe.model.prefix);
        let visits = LEAST_VISITS * plan.variants.min(MOST_VARIANTS);
        let (mut behind, mut all_need) = (None, None);
        let recipe = if adapt.goes_on() {
            let (recipe, is_behind) = adapt.broken_off(&trained)?;
            behind = Some(is_behind);
            recipe
        } else {
            let (only, steps) = match adapt.length {
                Length::Usual => (adapt.only.clone(), least_steps(&trained.recipe, USUAL * visits, tasks.len())),
                Length::Steps(steps) => (adapt.only.clone(), steps),
                Length::Time(limit) => {
                    let sizes: Vec<Size> = tasks.iter().map(|task| size_of(task, canvas, prefix)).collect();
                    let in_time = adapt.in_time(&trained, device, &sizes, visits, limit, started)?;
                    all_need = in_time.all_need;
                    (in_time.only, in_time.steps)
                }
            };
            adapt.recipe(&trained, only, steps)?
        };
        let only = recipe.adaptation.as_ref().and_then(|adaptation| adaptation.only.as_ref());
        let only: Option<HashSet<&String>> = only.map(|only| only.iter().collect());
        let is_left_out = |task: &&Task| only.as_ref().is_some_and(|only| !only.contains(&task.id));
        let left_out: Vec<String> = tasks.iter().filter(is_left_out).map(|task| task.id.clone()).collect();
        let other_plan = (trained.imported.is_some() && adapt.plan.is_none()).then_some(PLAN_OF_IMPORTED);
        let tasks = tasks.len() - left_out.len();
        Ok(Adapting { adapt, trained, started, recipe, tasks, left_out, all_need, behind, other_plan })
    }
}

impl<D: Operations> Adapting<'_, D> {
    /// Adapts. `progress` is told after every step.
    ///
    /// # Errors
    /// [`TrainError`]; what was saved before still stands.
    pub fn train(self, device: &D, progress: impl FnMut(Progress<'_>)) -> Result<Adapted, TrainError> {
        let Self { adapt, trained, started, recipe, behind, left_out, .. } = self;
        let (output, precision, stop) = (adapt.output.clone(), adapt.precision, adapt.stop);
        let resume = behind.map(|_| output.clone());
        let training = Training { recipe: None, resume, output, precision, time_limit: None, stop, ranks: &Alone };
        let base = trained.recipe.training.clone();
        let before = behind.map_or(0.0, |behind| behind.seconds);
        let now = || before + started.elapsed().as_secs_f64();
        let mut pace = None;
        let replan = |trainer: &mut Trainer<D>| {
            let Length::Time(limit) = adapt.length else { return };
            let pace = pace.get_or_insert_with(|| Pace::new(limit.as_secs_f64()));
            let (step, recipe) = (trainer.step, &mut trainer.recipe);
            let steps = pace.plan(step, recipe.training.steps, recipe.first_falling_step(), now());
            recipe.replan(&base, step, steps);
        };
        let (mut rows, mut kept) = (0, 0);
        let start = || {
            let (trainer, of_checkpoint, seconds) = match behind {
                None => {
                    let (trainer, of_checkpoint) = Trainer::adapting(recipe, &trained, device)?;
                    (trainer, of_checkpoint, 0.0)
                }
                Some(_) => {
                    let (trainer, seconds) = Trainer::resume(&adapt.output, device)?;
                    let (_, of_checkpoint) = trained.rows_for(trainer.set().identifiers())?;
                    (trainer, of_checkpoint, seconds)
                }
            };
            // the blank row is no variant's
            (rows, kept) = (trainer.set().identifiers().count() - 1, of_checkpoint);
            Ok((trainer, seconds))
        };
        let outcome = train_from(&training, start, replan, progress)?;
        Ok(Adapted { outcome, rows, kept, left_out })
    }
}

fn size_of(task: &Task, canvas: Canvas, prefix: usize) -> Size {
    let tokens = task.train.iter().map(|pair| prefix + canvas.extent(task, &pair.input).cells());
    let examples = task.train.len();
    Size { id: task.id.clone(), tokens: tokens.sum::<usize>() as f64 / examples.max(1) as f64, examples }
}

/// The steps in which so many tasks have so many visits each, if every example takes all its supervision steps.
fn least_steps(recipe: &Recipe, visits: usize, tasks: usize) -> usize {
    (visits * tasks * recipe.training.halt_max_steps).div_ceil(recipe.training.batch)
}
