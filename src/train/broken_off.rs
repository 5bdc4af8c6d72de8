//! Adaptation that broke off: what is behind it, and whether it is the one that is asked for.

use serde::de::IgnoredAny;

use super::{Adapt, Length, TrainError};
use crate::checkpoint::{Folder, Manifest};
use crate::ops::Operations;
use crate::recipe::{About, Recipe, RecipeError, Trained};

/// Progress of an adaptation that broke off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Behind {
    /// Optimizer steps.
    pub step: usize,
    /// Seconds.
    pub seconds: f64,
}

impl Adapt<'_> {
    /// The recipe of the adaptation that broke off in the output folder, if it is this one, and what is behind it.
    pub(super) fn broken_off<D: Operations>(&self, trained: &Trained<D>) -> Result<(Recipe, Behind), TrainError> {
        let manifest: Manifest<About<IgnoredAny>> = Folder::new(&self.output).manifest().map_err(RecipeError::from)?;
        let other = || TrainError::OtherAdaptation(self.output.clone());
        let recipe = manifest.about.recipe;
        let adaptation = recipe.adaptation.clone().ok_or_else(other)?;
        let steps = recipe.training.steps;
        let of_this = self.recipe(trained, adaptation.only.clone(), steps)?;
        let is_this = adaptation.from == trained.digest
            && self.length.allows(steps)
            // a time has changed the number of steps and what follows from it
            && Recipe { training: recipe.training.clone(), adaptation: recipe.adaptation.clone(), ..of_this } == recipe;
        let behind = Behind { step: manifest.step, seconds: manifest.about.seconds };
        if is_this { Ok((recipe, behind)) } else { Err(other()) }
    }
}

impl Length {
    /// True when an adaptation of this length may have so many steps.
    fn allows(self, steps: usize) -> bool {
        match self {
            Self::Steps(asked) => asked == steps,
            Self::Usual | Self::Time(_) => true,
        }
    }
}
