//! `Adaptation`: a training that goes on from a checkpoint on the demonstrations of tasks that it may never have seen, and how its recipe
//! follows from the checkpoint's.
//!
//! Model, canvas, batch, plan and optimizers stay. The puzzle rows move alone for the first quarter of the steps, so that new rows find
//! their place in a trunk that holds still; then the trunk follows at twice its learning rate, by a schedule of its own that begins there.
//! Both fall to a tenth over the last quarter of theirs. The average of the weights looks back over at most a tenth of the steps in which
//! they move: that of a long training would still show the checkpoint.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{Course, Data, Recipe, RecipeError, SourceRecipe, TaskData, Trained, Trunk};
use crate::dataset::{Identifiers, Sizes};
use crate::files::FileError;
use crate::grid::MAX_SIDE;
use crate::ops::Operations;
use crate::optim::{Optimizer, Schedule, Shape};

/// The plan of new rows for an imported checkpoint: its own were drawn in the published order, of which no task can be drawn alone.
pub const PLAN_OF_IMPORTED: &str = "variants-1000";

/// The trunk's learning rate, as a multiple of the checkpoint's.
const RATE: f64 = 2.0;

/// The share of the steps in which the learning rates fall.
const DECAY: f64 = 0.25;

/// What is left of the learning rates at the end.
const FINAL_RATIO: f64 = 0.1;

/// What a recipe says of where it goes on from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adaptation {
    /// The digest of the checkpoint that it came from.
    pub from: String,
    /// Steps at the beginning in which the puzzle rows move alone.
    pub rows_alone: usize,
    /// The tasks that are learned, where they are not all of the source's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<Vec<String>>,
}

/// What of an adaptation the checkpoint does not say.
#[derive(Clone, Debug)]
pub struct AdaptedTo<'a> {
    /// The task set.
    pub tasks: &'a str,
    /// The tasks of it that are learned, where they are not all.
    pub only: Option<Vec<String>>,
    /// Optimizer steps.
    pub steps: usize,
    /// The plan of variants, where it is not the checkpoint's.
    pub plan: Option<&'a str>,
    /// The seed, where it is not the checkpoint's.
    pub seed: Option<u64>,
    /// The trunk's learning rate, where it is not twice the checkpoint's.
    pub learning_rate: Option<f64>,
}

impl<D: Operations> Trained<D> {
    /// The recipe of an adaptation of this checkpoint. It is checked.
    ///
    /// # Errors
    /// [`RecipeError::Value`].
    pub fn adapted_recipe(&self, to: AdaptedTo<'_>) -> Result<Recipe, RecipeError> {
        let mut recipe = self.recipe.clone();
        let rows_alone = to.steps / 4;
        // what was adapted once has twice the rate of its training already
        let usual = if recipe.adaptation.is_some() { 1.0 } else { RATE };
        let base = recipe.trunk.learning_rate;
        let rate = to.learning_rate.unwrap_or(usual * base);
        recipe.trunk = recipe.trunk.scaled(rate, if base > 0.0 { rate / base } else { usual });
        if recipe.adaptation.is_none() {
            recipe.name += "-adapted";
        }
        recipe.seed = to.seed.unwrap_or(recipe.seed);
        let (tasks, sizes) = (to.tasks.to_owned(), Sizes::Any);
        recipe.data = Data::Tasks(TaskData {
            plan: self.plan_of_new_rows(to.plan)?.to_owned(),
            sources: vec![SourceRecipe { tasks, test_pairs: false, largest_side: MAX_SIDE, sizes }],
            ..self.recipe.tasks()?.clone()
        });
        recipe.training = Course {
            schedule: Shape::WarmupStableDecay { decay: DECAY },
            final_ratio: FINAL_RATIO,
            curriculum: Vec::new(),
            checkpoint_every: (to.steps / 10).max(1),
            log_every: (to.steps / 100).max(1),
            ..recipe.training
        };
        set_length(&mut recipe.training, &self.recipe.training, to.steps, rows_alone);
        if self.imported.is_some() {
            // how the published code cuts its batch is not known; part by part it goes through any memory
            (recipe.training.parts, recipe.training.tokens_per_batch) = (Some(recipe.training.batch), None);
        }
        recipe.adaptation = Some(Adaptation { from: self.digest.clone(), rows_alone, only: to.only });
        recipe.check()?;
        Ok(recipe)
    }

    /// The plan that the variants of a task are drawn by: the one that is named, or the checkpoint's.
    ///
    /// # Errors
    /// [`RecipeError::NoTasks`].
    pub fn plan_of_new_rows<'a>(&'a self, named: Option<&'a str>) -> Result<&'a str, RecipeError> {
        let own = &self.recipe.tasks()?.plan;
        Ok(named.unwrap_or(if self.imported.is_some() { PLAN_OF_IMPORTED } else { own }))
    }

    /// A puzzle table with these rows: a variant that this checkpoint has a row for keeps it, a new one has the mean of all rows but the
    /// blank one. Also how many are kept.
    ///
    /// # Errors
    /// [`FileError::Read`].
    pub fn rows_for(&self, identifiers: &Identifiers) -> Result<(Vec<f32>, usize), FileError> {
        let width = self.table.width();
        let mean = self.mean_row()?;
        let mut table = mean.repeat(identifiers.count());
        table[..width].copy_from_slice(&self.table.row(0)?);
        let mut kept = 0;
        for (task, rows) in identifiers.by_task() {
            let known: HashMap<_, _> =
                self.identifiers.of_task(task).iter().map(|&(row, augmentation)| (augmentation, row)).collect();
            for (row, augmentation) in rows {
                let Some(&from) = known.get(augmentation) else { continue };
                table[row * width..(row + 1) * width].copy_from_slice(&self.table.row(from)?);
                kept += 1;
            }
        }
        Ok((table, kept))
    }

    fn mean_row(&self) -> Result<Vec<f32>, FileError> {
        let mut sums = vec![0.0f64; self.table.width()];
        for row in 1..self.table.count() {
            sums.iter_mut().zip(self.table.row(row)?).for_each(|(sum, value)| *sum += f64::from(value));
        }
        let rows = self.table.count().saturating_sub(1).max(1) as f64;
        Ok(sums.into_iter().map(|sum| (sum / rows) as f32).collect())
    }
}

/// Sets the steps of an adaptation and what follows from them; `base` is the course of the checkpoint.
fn set_length(course: &mut Course, base: &Course, steps: usize, rows_alone: usize) {
    course.steps = steps;
    course.warmup = base.warmup.min(steps / 20);
    course.ema = base.ema.min(1.0 - 1.0 / ((steps - rows_alone) / 10).max(1) as f64);
}

impl Trunk {
    /// The same optimizer at this learning rate, Muon's taken times `factor`.
    fn scaled(&self, learning_rate: f64, factor: f64) -> Self {
        let mut optimizer = self.optimizer;
        if let Optimizer::Muon { learning_rate, .. } | Optimizer::NorMuon { learning_rate, .. } = &mut optimizer {
            *learning_rate *= factor;
        }
        Self { learning_rate, optimizer }
    }
}

impl Recipe {
    /// Gives an adaptation that has taken `step` steps another number of `steps`; `base` is the course of the checkpoint. The rows stop
    /// moving alone after a quarter of the steps, unless the trunk has moved already. Log and checkpoints come as often as before.
    pub fn replan(&mut self, base: &Course, step: usize, steps: usize) {
        let Some(adaptation) = &mut self.adaptation else { return };
        let steps = steps.max(step);
        if step <= adaptation.rows_alone {
            adaptation.rows_alone = step.max(steps / 4);
        }
        set_length(&mut self.training, base, steps, adaptation.rows_alone);
    }

    /// First step at which a learning rate falls.
    pub fn first_falling_step(&self) -> usize {
        let falling = (DECAY * self.training.steps as f64).round() as usize;
        self.training.steps - falling + 1
    }

    /// Steps at the beginning in which the puzzle rows move alone.
    pub fn rows_alone(&self) -> usize {
        self.adaptation.as_ref().map_or(0, |adaptation| adaptation.rows_alone)
    }

    /// Which step a step of the training is to the trunk; `None` while the rows move alone.
    pub fn trunk_step(&self, step: usize) -> Option<usize> {
        step.checked_sub(self.rows_alone()).filter(|step| *step > 0)
    }

    /// The schedule of the trunk's learning rate, over the steps in which it moves.
    pub fn trunk_schedule(&self) -> Schedule {
        let schedule = self.schedule();
        Schedule { steps: schedule.steps - self.rows_alone(), ..schedule }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapted(steps: usize) -> (Course, Recipe) {
        let mut recipe = Recipe::load("small-grids").unwrap();
        let base = recipe.training.clone();
        recipe.training.schedule = Shape::WarmupStableDecay { decay: DECAY };
        recipe.training.final_ratio = FINAL_RATIO;
        recipe.adaptation = Some(Adaptation { from: String::new(), rows_alone: steps / 4, only: None });
        set_length(&mut recipe.training, &base, steps, steps / 4);
        (base, recipe)
    }

    #[test]
    fn a_replanned_adaptation_ends_at_the_final_rate_whenever_it_is_shortened() {
        for (step, steps) in [(10, 60), (60, 80), (90, 91), (3, 3)] {
            let (base, mut recipe) = adapted(100);
            recipe.replan(&base, step, steps);
            recipe.check().unwrap();
            assert_eq!(recipe.training.steps, steps);
            assert_eq!(recipe.schedule().at(1.0, steps), FINAL_RATIO, "{step} of {steps}");
            let of_trunk = steps - recipe.rows_alone();
            assert!(of_trunk == 0 || recipe.trunk_schedule().at(1.0, of_trunk) == FINAL_RATIO, "{step} of {steps}");
        }
    }

    #[test]
    fn the_rows_move_alone_for_a_quarter_of_what_is_planned_until_the_trunk_moves() {
        let (base, mut recipe) = adapted(100);
        recipe.replan(&base, 10, 60);
        assert_eq!(recipe.rows_alone(), 15);
        recipe.replan(&base, 15, 40);
        assert_eq!(recipe.rows_alone(), 15, "they have moved alone for longer than a quarter already");
        recipe.replan(&base, 16, 200);
        assert_eq!(recipe.rows_alone(), 15, "the trunk has moved");
        assert_eq!(recipe.first_falling_step(), 151);
    }
}
