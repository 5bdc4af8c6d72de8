//! `Trainer`: the state of a training and its step.
//!
//! One step: fill the slots, run all parts, sum their gradients in order, move the trunk, its average and the puzzle
//! rows, halt. The step counter is raised before the learning rate is read. Master weights, average, moments and latent
//! states live on the device, all float32; the puzzle table lives in host memory. Every rank has all of this, but the latent
//! states of its own share of the slots alone.

use std::collections::HashSet;

use dfdx::prelude::HasShape;
use thiserror::Error;

use super::log::Window;
use super::slots::Slots;
use super::{Losses, memory};
use crate::augment::Plan;
use crate::dataset::{HeldOut, PuzzleLessons, Sampler, Source, TaskLessons, TrainingSet};
use crate::device::{Matrix, Precision};
use crate::model::{Model, specs};
use crate::ops::{Ema, Moments, Moved, Operations, Stacked};
use crate::optim::sign_sgd;
use crate::ranks::{Alone, Ranks};
use crate::recipe::{Cut, Data, Recipe, RecipeError, SetDigest, SourceRecipe, TaskData, Trained, TrunkValues};
use crate::rng::{Repeats, Stream};
use crate::task;

/// A training in progress.
pub struct Trainer<D: Operations> {
    /// What decides it.
    pub recipe: Recipe,
    /// The task sets it learns from.
    pub sets: Vec<SetDigest>,
    pub(super) set: TrainingSet,
    pub(super) model: Model<D>,
    pub(super) average: Vec<Matrix<D>>,
    pub(super) moments: Vec<Moments<D>>,
    pub(super) table: Vec<f32>,
    pub(super) slots: Slots<D>,
    cut: Cut,
    pub(super) sampler: Sampler,
    pub(super) exploration: Stream,
    /// The steps since the last row of the log.
    pub(super) window: Window,
    /// Optimizer steps so far.
    pub step: usize,
    /// Examples that were finished.
    pub examples: usize,
    /// Whether all of it so far comes out the same again; not known of what began before that was written down.
    pub(super) repeats: Option<Repeats>,
}

/// What a step gives to the log.
#[derive(Clone, Debug, PartialEq)]
pub struct StepReport {
    /// The mean losses of an example at this step.
    pub losses: Losses,
    /// (steps, exact) of every example that halted at this step.
    pub halted: Vec<(usize, bool)>,
    /// The trunk's learning rate at this step; with Muon, of what Muon does not move. 0 while the rows move alone.
    pub learning_rate: f64,
    /// Tokens of the batch.
    pub tokens: usize,
}

/// A training whose numbers are none any more.
#[derive(Debug, Error)]
#[error(
    "step {step}: the loss or a gradient is no number any more; what was saved before still stands: go on from it, or lower the \
     learning rate"
)]
pub struct Diverged {
    /// The step.
    pub step: usize,
}

impl<D: Operations> Trainer<D> {
    /// A training at its beginning.
    ///
    /// # Errors
    /// [`RecipeError`], also when the recipe's selection leaves nothing to learn.
    pub fn new(recipe: Recipe, device: &D) -> Result<Self, RecipeError> {
        Self::new_until(recipe, device, &|| false)
    }

    /// A training at its beginning, unless `stop` ends the reading of what it learns from.
    ///
    /// # Errors
    /// [`RecipeError`], as [`Trainer::new`], and [`RecipeError::Interrupted`].
    pub fn new_until(recipe: Recipe, device: &D, stop: &(dyn Fn() -> bool + Sync)) -> Result<Self, RecipeError> {
        let (set, sets) = training_set(&recipe, stop)?;
        memory::check(&recipe, &set, device)?;
        let model = Model::new(recipe.model.clone(), device, &mut Stream::new(recipe.seed, "weights"))?;
        let mut model = model;
        let halt_bias = vec![recipe.training.halt_bias; model.weights.halt_bias.shape().1];
        model.weights.halt_bias.copy_from(&halt_bias);
        let tensors = model.weights.tensors();
        // a copy of its own, not one that shares the weights' storage: both change where they lie
        let average = tensors.iter().map(|tensor| device.tensor_from_vec(tensor.as_vec(), *tensor.shape())).collect();
        let muon = recipe.trunk.optimizer.muon().is_some();
        let moments = tensors.into_iter().zip(specs(&recipe.model)).map(|(tensor, spec)| match spec.products {
            Some(_) if muon => Moments::by_row(tensor),
            _ => Moments::of(tensor),
        });
        let moments = moments.collect();
        let cut = recipe.cut()?;
        Ok(Self {
            sets,
            average,
            moments,
            model,
            table: vec![0.0; set.identifiers().count() * recipe.model.puzzle_width],
            slots: Slots::new(recipe.training.batch),
            cut,
            sampler: Sampler::new(recipe.seed),
            exploration: Stream::new(recipe.seed, "exploration"),
            window: Window::default(),
            step: 0,
            examples: 0,
            repeats: Some(D::repeats()),
            set,
            recipe,
        })
    }

    /// Makes sure that there is room for a training by this recipe, before any of it is there. [`Trainer::new`] asks this itself.
    ///
    /// # Errors
    /// [`RecipeError`], as [`Trainer::new`].
    pub fn check_room(recipe: &Recipe, device: &D) -> Result<(), RecipeError> {
        memory::check(recipe, &training_set(recipe, &|| false)?.0, device)
    }

    /// A training at its beginning that goes on from a checkpoint: from its averaged weights and, as far as it knows the variants, its
    /// rows. Also how many rows are the checkpoint's.
    ///
    /// # Errors
    /// [`RecipeError`], as [`Trainer::new`].
    pub fn adapting(recipe: Recipe, trained: &Trained<D>, device: &D) -> Result<(Self, usize), RecipeError> {
        let mut trainer = Self::new(recipe, device)?;
        let live = trainer.model.weights.tensors_mut().into_iter().zip(&mut trainer.average);
        for ((live, average), trained) in live.zip(trained.model.weights.tensors()) {
            let values = trained.as_vec();
            live.copy_from(&values);
            average.copy_from(&values);
        }
        let (table, kept) = trained.rows_for(trainer.set.identifiers())?;
        trainer.table = table;
        Ok((trainer, kept))
    }

    /// The same training with products in this precision, its batch cut to what the device's memory holds.
    pub fn computing_in(mut self, precision: Precision) -> Self {
        self.model.precision = precision;
        let (model, halting) = (&self.recipe.model, self.recipe.training.halting);
        self.cut = memory::cut(self.cut, model, halting, precision, self.model.device().free_memory());
        self
    }

    /// What is learned from.
    pub fn set(&self) -> &TrainingSet {
        &self.set
    }

    /// The live weights on the host.
    pub fn trunk(&self) -> TrunkValues {
        self.model.weights.tensors().into_iter().map(D::numbers).collect()
    }

    /// The puzzle table.
    pub fn table(&self) -> &[f32] {
        &self.table
    }

    /// The averaged weights on the host, which a checkpoint's model part holds.
    pub fn average(&self) -> TrunkValues {
        self.average.iter().map(D::numbers).collect()
    }

    /// One optimizer step.
    ///
    /// # Errors
    /// [`Diverged`] when the loss or a gradient is no number any more; nothing has moved then.
    pub fn advance(&mut self) -> Result<StepReport, Diverged> {
        self.advance_among(&Alone)
    }

    /// One optimizer step of all ranks: the same one on each of them.
    ///
    /// # Errors
    /// [`Diverged`], on all of them.
    pub fn advance_among(&mut self, ranks: &dyn Ranks) -> Result<StepReport, Diverged> {
        self.slots.fill(&self.set, &mut self.sampler);
        let tokens = self.slots.tokens(self.recipe.model.prefix);
        let stage = self.recipe.training.stage(&self.recipe.model, self.step + 1);
        (self.model.config.h_cycles, self.model.config.l_cycles) = (stage.h_cycles, stage.l_cycles);
        let most = stage.halt_max_steps;
        let to_continue = Some(most).filter(|&most| self.recipe.training.learns_to_continue(most));
        let result = self.slots.step(&self.model, &self.table, self.cut, to_continue, ranks);
        if !result.is_finite() {
            return Err(Diverged { step: self.step + 1 });
        }
        self.step += 1;
        let rows_rate = self.recipe.schedule().at(self.recipe.rows.learning_rate, self.step);
        let width = self.recipe.model.puzzle_width;
        sign_sgd(&mut self.table, width, &result.rows, rows_rate, self.recipe.rows.weight_decay);
        let learning_rate = self.recipe.trunk_step(self.step).map_or(0.0, |step| self.move_trunk(&result.trunk, step));

        let course = &self.recipe.training;
        let halted = self.slots.halt(&result.answers, most, course.exploration, &mut self.exploration);
        self.examples += halted.len();
        let mean = |sum: f64| sum / course.batch as f64;
        let Losses { cross_entropy, halting } = result.losses;
        let losses = Losses { cross_entropy: mean(cross_entropy), halting: mean(halting) };
        Ok(StepReport { losses, halted, learning_rate, tokens })
    }

    /// The `step`-th step of the trunk. Returns its learning rate.
    fn move_trunk(&mut self, gradients: &[Option<Matrix<D>>], step: usize) -> f64 {
        let (optimizer, ema) = (self.recipe.trunk.optimizer, Ema::new(self.recipe.training.ema));
        let schedule = self.recipe.trunk_schedule();
        let learning_rate = schedule.at(self.recipe.trunk.learning_rate, step);
        let adam = optimizer.adam().rule(ema, learning_rate, step);
        let muon = optimizer.muon().map(|(muon, height)| muon.rule(ema, schedule.at(height, step)));
        let mut stacked = Vec::new();
        let tensors = self.model.weights.tensors_mut().into_iter().zip(&mut self.average).zip(&mut self.moments);
        for ((((parameters, average), moments), gradient), spec) in
            tensors.zip(gradients).zip(specs(&self.recipe.model))
        {
            let Some(gradient) = gradient else { continue };
            let moved = Moved { parameters, gradient, moments, average };
            match spec.products {
                Some(products) if muon.is_some() => stacked.push(Stacked { moved, products }),
                _ => D::adam(moved, adam),
            }
        }
        if let Some(muon) = muon {
            D::muon(stacked, muon);
        }
        learning_rate
    }
}

fn training_set(
    recipe: &Recipe,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<(TrainingSet, Vec<SetDigest>), RecipeError> {
    match &recipe.data {
        Data::Tasks(data) => task_lessons(recipe, data, stop),
        Data::Puzzles(data) => {
            let set = data.puzzles(recipe.seed, stop)?;
            let digests = vec![SetDigest { name: data.name(), digest: set.digest() }];
            Ok((TrainingSet::Puzzles(PuzzleLessons::new(set, data.variants)), digests))
        }
    }
}

fn task_lessons(
    recipe: &Recipe,
    data: &TaskData,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<(TrainingSet, Vec<SetDigest>), RecipeError> {
    let plan = Plan::load(&data.plan)?;
    let (mut sources, mut digests) = (Vec::new(), Vec::new());
    let only = recipe.adaptation.as_ref().and_then(|adaptation| adaptation.only.as_ref());
    let only: Option<HashSet<&str>> = only.map(|ids| ids.iter().map(String::as_str).collect());
    for source in &data.sources {
        let mut set = task::load(&source.tasks)?;
        digests.push(SetDigest { name: source.tasks.clone(), digest: set.digest() });
        if let Some(only) = &only {
            set.tasks.retain(|task| only.contains(task.id.as_str()));
        }
        let SourceRecipe { test_pairs, largest_side, sizes, .. } = *source;
        if test_pairs && !set.has_solutions() {
            let fault = format!("test_pairs = true for {}, but not all of its solutions are there", source.tasks);
            return Err(RecipeError::Value { recipe: recipe.name.clone(), fault });
        }
        sources.push(Source { set, with_test_pairs: test_pairs, largest_side, sizes });
    }
    let mut held_out = HeldOut::default();
    for name in &data.held_out {
        held_out.add(&task::load(name)?);
    }
    let set = TaskLessons::new(&sources, &plan, data.colours, data.canvas, &held_out, stop)?;
    if set.pairs() == 0 {
        let fault = "no task is small enough for its largest_side; raise it".to_owned();
        return Err(RecipeError::Value { recipe: recipe.name.clone(), fault });
    }
    Ok((TrainingSet::Tasks(set), digests))
}
