//! What a checkpoint keeps so that a training goes on as if it had never stopped: bit for bit on the CPU.
//!
//! Numbers go into tensors (live weights, moments, latent states), everything else into the manifest (slots, sampler,
//! random streams). The averaged weights and the puzzle table are the model part, which solving reads too.

use std::path::Path;

use dfdx::prelude::HasShape;
use serde::{Deserialize, Serialize};

use super::Trainer;
use super::log::Window;
use super::slots::{Slot, Slots};
use crate::checkpoint::{CheckpointError, Folder, Manifest, Part, Tensors};
use crate::dataset::{ExampleRef, Sampler, SamplerState};
use crate::device::Matrix;
use crate::model::{Carry, specs};
use crate::ops::{Operations, Segments};
use crate::optim::Moments;
use crate::recipe::{About, RecipeError, Trained, trained};
use crate::rng::{Stream, StreamState};

/// The part of a training's state that is not numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostState {
    sampler: SamplerState,
    exploration: StreamState,
    parts: Vec<PartState>,
    window: Window,
    /// The digest of everything that is learned.
    learned: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PartState {
    /// The lengths of the segments that the latent states lie in; empty before the first step.
    lengths: Vec<usize>,
    slots: Vec<Option<SlotState>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SlotState {
    example: ExampleRef,
    steps: usize,
    source: Option<usize>,
}

impl<D: Operations> Trainer<D> {
    /// Writes a whole checkpoint.
    ///
    /// # Errors
    /// [`RecipeError::Checkpoint`]; the checkpoint before it still stands then.
    pub fn save(&self, path: &Path, seconds: f64) -> Result<(), RecipeError> {
        let about = About {
            recipe: self.recipe.clone(),
            sets: self.sets.clone(),
            examples: self.examples,
            seconds,
            state: Some(self.host_state()),
        };
        let parts = [
            (Part::Model, trained::model_part(&self.recipe, &self.average, &self.table)),
            (Part::Identifiers, self.set.identifiers().to_lines().into_bytes()),
            (Part::State, self.tensors().to_bytes()),
        ];
        Ok(Folder::new(path).write(self.step, about, &parts)?)
    }

    /// The training that was saved at `path`, with the seconds it had taken.
    ///
    /// # Errors
    /// [`RecipeError`]: a damaged checkpoint, one without a training state, or task sets that have changed since.
    pub fn resume(path: &Path, device: &D) -> Result<(Self, f64), RecipeError> {
        let folder = Folder::new(path);
        let manifest: Manifest<About<HostState>> = folder.manifest()?;
        let inconsistent =
            |fault: &str| CheckpointError::Inconsistent { path: path.to_owned(), fault: fault.to_owned() };
        let no_state = || CheckpointError::NoPart { path: path.to_owned(), part: "training state" };
        let about = &manifest.about;
        let host = about.state.as_ref().ok_or_else(no_state)?;
        let saved = Trained::load(path, device)?;
        let mut trainer = Self::new(saved.recipe.clone(), device)?;
        if trainer.sets != about.sets || trainer.set.digest() != host.learned || !trainer.fits(host) {
            let fault = "the task sets, their solutions or the plan are not those it was trained with; restore them";
            return Err(inconsistent(fault).into());
        }
        trainer.window = host.window.clone();
        trainer.average = saved.model.weights.tensors().iter().map(|tensor| tensor.as_vec()).collect();
        trainer.table = saved.table;
        (trainer.step, trainer.examples) = (manifest.step, about.examples);
        let unreadable = || inconsistent("a random stream's position is no number");
        trainer.sampler = Sampler::restore(host.sampler.clone()).ok_or_else(unreadable)?;
        trainer.exploration = Stream::restore(&host.exploration).ok_or_else(unreadable)?;
        let (file, bytes) = folder.read(&manifest, Part::State)?;
        trainer.take_tensors(Tensors::from_bytes(&file, &bytes)?, host, device)?;
        Ok((trainer, about.seconds))
    }

    fn host_state(&self) -> HostState {
        let slot = |slot: &Slot| SlotState { example: slot.example, steps: slot.steps, source: slot.source };
        let part = |part: &Slots<D>| PartState {
            lengths: part.carry.as_ref().map_or(Vec::new(), |(segments, _)| segments.lengths().to_vec()),
            slots: part.slots.iter().map(|filled| filled.as_ref().map(slot)).collect(),
        };
        let parts = self.parts.iter().map(part).collect();
        HostState {
            sampler: self.sampler.state(),
            exploration: self.exploration.state(),
            parts,
            window: self.window.clone(),
            learned: self.set.digest(),
        }
    }

    fn tensors(&self) -> Tensors {
        let mut tensors = Tensors::default();
        for ((spec, values), moments) in specs(&self.recipe.model).iter().zip(&self.trunk).zip(&self.moments) {
            let mut put = |kind: &str, values: &[f32]| {
                tensors.insert(format!("{kind}.{}", spec.name), &spec.shape, values.to_vec());
            };
            put("live", values);
            put("first", &moments.first);
            put("second", &moments.second);
        }
        for (number, part) in self.parts.iter().enumerate() {
            if let Some((_, carry)) = &part.carry {
                for (kind, z) in [("z_h", &carry.z_h), ("z_l", &carry.z_l)] {
                    let (rows, columns) = *z.shape();
                    tensors.insert(format!("carry.{number}.{kind}"), &[rows, columns], z.as_vec());
                }
            }
        }
        tensors
    }

    /// True when every slot of a saved state is an example of this training, in its place.
    fn fits(&self, host: &HostState) -> bool {
        let slot_fits = |part: &PartState, slot: &SlotState| {
            let length = self
                .set
                .contains(slot.example)
                .then(|| self.recipe.model.prefix + self.set.draw(slot.example).input.cells.len());
            length.is_some() && slot.source.is_none_or(|source| part.lengths.get(source).copied() == length)
        };
        let part_fits = |(part, ours): (&PartState, &Slots<D>)| {
            part.slots.len() == ours.slots.len() && part.slots.iter().flatten().all(|slot| slot_fits(part, slot))
        };
        host.parts.len() == self.parts.len() && host.parts.iter().zip(&self.parts).all(part_fits)
    }

    /// The names and shapes of the tensors that a saved state has.
    fn needed(&self, host: &HostState) -> Vec<(String, Vec<usize>)> {
        let mut needed = Vec::new();
        for spec in specs(&self.recipe.model) {
            needed
                .extend(["live", "first", "second"].map(|kind| (format!("{kind}.{}", spec.name), spec.shape.clone())));
        }
        for (number, part) in host.parts.iter().enumerate().filter(|(_, part)| !part.lengths.is_empty()) {
            let shape = vec![part.lengths.iter().sum(), self.recipe.model.hidden];
            needed.extend(["z_h", "z_l"].map(|kind| (format!("carry.{number}.{kind}"), shape.clone())));
        }
        needed
    }

    fn take_tensors(&mut self, mut tensors: Tensors, host: &HostState, device: &D) -> Result<(), CheckpointError> {
        tensors.check(&self.needed(host))?;
        let specs = specs(&self.recipe.model);
        for ((spec, values), moments) in specs.iter().zip(&mut self.trunk).zip(&mut self.moments) {
            let mut take = |kind: &str| tensors.take(&format!("{kind}.{}", spec.name));
            *values = take("live");
            *moments = Moments { first: take("first"), second: take("second") };
        }
        let hidden = self.recipe.model.hidden;
        for (number, (part, state)) in self.parts.iter_mut().zip(&host.parts).enumerate() {
            part.slots = state.slots.iter().map(|slot| slot.as_ref().map(|slot| slot.restore(&self.set))).collect();
            if !state.lengths.is_empty() {
                let segments = Segments::new(state.lengths.clone());
                let shape = (segments.tokens(), hidden);
                let mut take = |kind: &str| -> Matrix<D> {
                    device.tensor_from_vec(tensors.take(&format!("carry.{number}.{kind}")), shape)
                };
                let carry = Carry { z_h: take("z_h"), z_l: take("z_l") };
                part.carry = Some((segments, carry));
            }
        }
        self.upload(&specs);
        Ok(())
    }
}

impl SlotState {
    fn restore(&self, set: &crate::dataset::TrainingSet) -> Slot {
        Slot { example: self.example, drawn: set.draw(self.example), steps: self.steps, source: self.source }
    }
}
