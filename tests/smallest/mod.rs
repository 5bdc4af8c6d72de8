//! The smallest training there is, for the tests that train without the program.

use dfdx::prelude::Cpu;
use trm_arc::model::Latents;
use trm_arc::recipe::{Halting, Recipe, Trained};
use trm_arc::train::Trainer;

/// The smallest training that has everything: two parts, exploration, halting, translation, dozens of rows.
pub fn recipe(steps: usize) -> Recipe {
    let mut recipe = Recipe::load("small-grids").unwrap();
    recipe.name = "test".into();
    recipe.data.tasks_mut().unwrap().sources.iter_mut().for_each(|source| source.largest_side = 4);
    (recipe.model.hidden, recipe.model.heads, recipe.model.puzzle_width) = (32, 2, 32);
    (recipe.model.layers, recipe.model.l_cycles) = (1, 1);
    (recipe.training.batch, recipe.training.parts, recipe.training.steps) = (4, Some(2), steps);
    (recipe.training.warmup, recipe.training.log_every, recipe.training.checkpoint_every) = (2, 2, 4);
    // A halting logit about 0, so that slots halt at all steps, and exploration decides about half of it.
    (recipe.training.exploration, recipe.training.halt_bias) = (0.5, 0.05);
    recipe
}

/// The same with several latent states and HRM's halting, where a slot's end hangs on two logits.
#[allow(dead_code, reason = "not every test of this training asks for it")]
pub fn recipe_of_scales(steps: usize) -> Recipe {
    let mut recipe = recipe(steps);
    (recipe.model.l_cycles, recipe.model.latents) = (3, Latents::MultiScale);
    recipe.training.halting = Halting::HaltAndContinue;
    recipe
}

/// A training at its beginning. With HRM's halting its logits begin apart, as else the halting logit begins above 0: from two that are
/// equal a slot would go on to its last step.
#[allow(dead_code, reason = "not every test of this training asks for it")]
pub fn begin(recipe: Recipe) -> Trainer<Cpu> {
    let device = Cpu::default();
    let trainer = Trainer::new(recipe.clone(), &device).unwrap();
    if recipe.training.halting == Halting::Halt {
        return trainer;
    }
    let place = tempfile::tempdir().unwrap();
    trainer.save(place.path(), 0.0).unwrap();
    let mut trained = Trained::load(place.path(), &device).unwrap();
    trained.model.weights.halt_bias.copy_from(&[0.15, 0.0]);
    Trainer::adapting(recipe, &trained, &device).unwrap().0
}

pub fn advance(trainer: &mut Trainer<Cpu>, steps: usize) {
    (0..steps).for_each(|_| drop(trainer.advance().unwrap()));
}
