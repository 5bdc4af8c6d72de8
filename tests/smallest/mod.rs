//! The smallest training there is, for the tests that train without the program.

use dfdx::prelude::Cpu;
use trm_arc::recipe::Recipe;
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

pub fn advance(trainer: &mut Trainer<Cpu>, steps: usize) {
    (0..steps).for_each(|_| drop(trainer.advance().unwrap()));
}
