//! What a checkpoint keeps so that a training goes on as if it had never stopped: bit for bit on the CPU.
//!
//! Numbers go into tensors (live weights, moments, latent states), everything else into the manifest (slots, sampler,
//! random streams). The averaged weights and the puzzle table are the model part, which solving reads too. Nothing of it depends on how many
//! ranks trained.

use std::path::Path;

use dfdx::prelude::HasShape;
use serde::{Deserialize, Serialize};

use super::Trainer;
use super::exchange::HostLatent;
use super::latent::{Latent, Latents};
use super::log::Window;
use super::slots::Slot;
use crate::checkpoint::{CheckpointError, Content, Folder, Manifest, Part, Tensors};
use crate::dataset::{ExampleRef, Sampler, SamplerState, TrainingSet};
use crate::device::{Matrix, Precision};
use crate::files;
use crate::model::{Carry, Spec, specs, state_names};
use crate::ops::{Moments, Operations, Segments};
use crate::ranks::{Alone, Ranks};
use crate::recipe::{About, RecipeError, Trained, trained};
use crate::rng::{Repeats, Stream, StreamState};

/// The most steps and examples: they can be counted on from there.
const MOST_COUNTED: usize = 1 << 60;

/// The part of a training's state that is not numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostState {
    sampler: SamplerState,
    exploration: StreamState,
    slots: Vec<Option<SlotState>>,
    /// For each part of the last step the lengths of the segments that its latent states lie in; none before the first step.
    parts: Vec<Vec<usize>>,
    window: Window,
    /// The digest of everything that is learned.
    learned: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SlotState {
    example: ExampleRef,
    steps: usize,
}

impl<D: Operations> Trainer<D> {
    /// Writes a whole checkpoint.
    ///
    /// # Errors
    /// [`RecipeError::Checkpoint`]; the checkpoint before it still stands then.
    pub fn save(&self, path: &Path, seconds: f64) -> Result<(), RecipeError> {
        self.save_among(&Alone, path, seconds)
    }

    /// Writes a whole checkpoint of all ranks, which is that of one: rank 0 writes, the others give it their latent states.
    ///
    /// # Errors
    /// [`RecipeError::Checkpoint`], on rank 0 only; the checkpoint before it still stands then.
    pub fn save_among(&self, ranks: &dyn Ranks, path: &Path, seconds: f64) -> Result<(), RecipeError> {
        let latents = HostLatent::gather(&self.slots.latents, self.slots.slots.len(), ranks);
        if ranks.rank() > 0 {
            return Ok(());
        }
        let about = About {
            recipe: self.recipe.clone(),
            sets: self.sets.clone(),
            examples: self.examples,
            seconds,
            repeats: self.repeats.clone(),
            arithmetic: D::arithmetic(self.model.precision).map(str::to_owned),
            state: Some(self.host_state(&latents)),
            imported: None,
        };
        let (model, state) = (trained::model_part(&self.recipe, &self.average(), &self.table), self.tensors(latents));
        // nothing is written that could not be read again
        [&model, &state].iter().try_for_each(|tensors| tensors.check_numbers(path))?;
        let parts = vec![
            (Part::Model, Content::Bytes(model.to_bytes())),
            (Part::Identifiers, Content::Bytes(self.set.identifiers().to_lines().into_bytes())),
            (Part::State, Content::Bytes(state.to_bytes())),
        ];
        Ok(Folder::new(path).write(self.step, about, parts)?)
    }

    /// The training that was saved at `path`, with the seconds it had taken.
    ///
    /// # Errors
    /// [`RecipeError`]: a damaged checkpoint, one without a training state, or task sets that have changed since.
    pub fn resume(path: &Path, device: &D) -> Result<(Self, f64), RecipeError> {
        Self::resume_until(path, device, &|| false)
    }

    /// The training that was saved at `path`, unless `stop` ends the reading of what it learns from.
    ///
    /// # Errors
    /// [`RecipeError`], as [`Trainer::resume`], and [`RecipeError::Interrupted`].
    pub fn resume_until(path: &Path, device: &D, stop: &(dyn Fn() -> bool + Sync)) -> Result<(Self, f64), RecipeError> {
        let folder = Folder::new(path);
        folder.read_by_manifest(|manifest| Self::resume_by(&folder, manifest, device, stop))
    }

    fn resume_by(
        folder: &Folder,
        manifest: &Manifest<About<HostState>>,
        device: &D,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<(Self, f64), RecipeError> {
        let path = folder.path();
        let inconsistent =
            |fault: &str| CheckpointError::Inconsistent { path: path.to_owned(), fault: fault.to_owned() };
        let no_state = || CheckpointError::NoPart { path: path.to_owned(), part: "training state" };
        let about = &manifest.about;
        let host = about.state.as_ref().ok_or_else(no_state)?;
        let saved = Trained::of_manifest(folder, manifest, device)?;
        let mut trainer = Self::new_until(saved.recipe.clone(), device, stop)?;
        if trainer.sets != about.sets || trainer.set.digest() != host.learned || !trainer.fits(host) {
            let fault = "what is learned from (task sets, their solutions and the plan, or puzzles) is not what it was trained with; restore it";
            return Err(inconsistent(fault).into());
        }
        trainer.window = host.window.clone();
        // what comes before is from another processor, if anything; training on the CPU is float32
        let across = Repeats::across(about.arithmetic.as_deref(), D::arithmetic(Precision::F32));
        trainer.repeats = across.or(trainer.repeats);
        // what a part of it was computed on that does not repeat, all of it does not
        trainer.repeats =
            about.repeats.clone().filter(|before| !before.bitwise).or(about.repeats.as_ref().and(trainer.repeats));
        trainer.average = saved.model.weights.tensors().into_iter().cloned().collect();
        trainer.table = saved.table.all()?;
        (trainer.step, trainer.examples) = (manifest.step, about.examples);
        if trainer.step.max(trainer.examples) > MOST_COUNTED {
            return Err(inconsistent("it counts more steps or more examples than there can be").into());
        }
        if !host.sampler.fits(&trainer.set) {
            return Err(inconsistent("its sampler waits for examples that are not there").into());
        }
        let unreadable = || inconsistent("a random stream's position is no number");
        trainer.sampler = Sampler::restore(host.sampler.clone()).ok_or_else(unreadable)?;
        trainer.exploration = Stream::restore(&host.exploration).ok_or_else(unreadable)?;
        let (file, bytes) = folder.read(manifest, Part::State)?;
        trainer.take_tensors(Tensors::from_bytes(&file, &bytes)?, host, device)?;
        Ok((trainer, about.seconds))
    }

    /// A digest of recipe, task sets, step and weights: the same on all ranks of a training.
    pub(super) fn digest(&self) -> String {
        let about = serde_json::to_vec(&(&self.recipe, &self.sets, self.step, self.set.digest()));
        let mut bytes = about.expect("a recipe is plain data");
        self.trunk().iter().for_each(|values| bytes.extend_from_slice(bytemuck::cast_slice(values)));
        files::sha256(&bytes)
    }

    fn host_state(&self, latents: &[HostLatent]) -> HostState {
        let slot = |slot: &Slot| SlotState { example: slot.example, steps: slot.steps };
        HostState {
            slots: self.slots.slots.iter().map(|filled| filled.as_ref().map(slot)).collect(),
            parts: latents.iter().map(|part| part.lengths.clone()).collect(),
            sampler: self.sampler.state(),
            exploration: self.exploration.state(),
            window: self.window.clone(),
            learned: self.set.digest(),
        }
    }

    fn tensors(&self, latents: Vec<HostLatent>) -> Tensors {
        let (mut tensors, live) = (Tensors::default(), self.model.weights.tensors());
        for ((spec, values), moments) in specs(&self.recipe.model).iter().zip(live).zip(&self.moments) {
            let mut put = |kind: &str, values: &Matrix<D>| {
                tensors.insert(format!("{kind}.{}", spec.name), &spec.shape, D::numbers(values));
            };
            put("live", values);
            put("first", &moments.first);
            let shape = second_shape(spec, moments);
            tensors.insert(format!("second.{}", spec.name), &shape, D::numbers(&moments.second));
        }
        let names = state_names(&self.recipe.model);
        for (number, HostLatent { lengths, states }) in latents.into_iter().enumerate() {
            let shape = [lengths.iter().sum(), self.recipe.model.hidden];
            for (kind, z) in names.iter().zip(states) {
                tensors.insert(format!("carry.{number}.{kind}"), &shape, z);
            }
        }
        tensors
    }

    /// True when every slot of a saved state is an example of this training that has its latent states, or none before its first step.
    fn fits(&self, host: &HostState) -> bool {
        let lengths = host.parts.concat();
        let slot_fits = |(number, slot): (usize, &Option<SlotState>)| {
            let Some(slot) = slot else { return true };
            let length = || self.recipe.model.prefix + self.set.draw(slot.example).input.cells.len();
            let is_within = slot.steps <= self.recipe.training.halt_max_steps;
            is_within && self.set.contains(slot.example) && (slot.steps == 0 || lengths.get(number) == Some(&length()))
        };
        let count = self.slots.slots.len();
        let whole = host.slots.len() == count && (lengths.is_empty() || lengths.len() == count);
        let most = self.recipe.model.board_tokens();
        let filled =
            lengths.iter().all(|length| (1..=most).contains(length)) && host.parts.iter().all(|part| !part.is_empty());
        whole && filled && host.slots.iter().enumerate().all(slot_fits)
    }

    /// The names and shapes of the tensors that a saved state has.
    fn needed(&self, host: &HostState) -> Vec<(String, Vec<usize>)> {
        let mut needed = Vec::new();
        for (spec, moments) in specs(&self.recipe.model).iter().zip(&self.moments) {
            needed.extend(["live", "first"].map(|kind| (format!("{kind}.{}", spec.name), spec.shape.clone())));
            needed.push((format!("second.{}", spec.name), second_shape(spec, moments)));
        }
        for (number, lengths) in host.parts.iter().enumerate() {
            let shape = vec![lengths.iter().sum(), self.recipe.model.hidden];
            let named = |kind: &String| (format!("carry.{number}.{kind}"), shape.clone());
            needed.extend(state_names(&self.recipe.model).iter().map(named));
        }
        needed
    }

    fn take_tensors(&mut self, mut tensors: Tensors, host: &HostState, device: &D) -> Result<(), CheckpointError> {
        tensors.check(&self.needed(host))?;
        let live = self.model.weights.tensors_mut();
        for ((spec, values), moments) in specs(&self.recipe.model).iter().zip(live).zip(&mut self.moments) {
            let mut take = |kind: &str, shape: (usize, usize)| -> Matrix<D> {
                device.tensor_from_vec(tensors.take(&format!("{kind}.{}", spec.name)), shape)
            };
            *values = take("live", spec.matrix_shape());
            let second = take("second", *moments.second.shape());
            *moments = Moments { first: take("first", spec.matrix_shape()), second };
        }
        let (hidden, names) = (self.recipe.model.hidden, state_names(&self.recipe.model));
        self.slots.slots = host.slots.iter().map(|slot| slot.as_ref().map(|slot| slot.restore(&self.set))).collect();
        self.slots.latents = Latents::none();
        let mut first = 0;
        for (number, lengths) in host.parts.iter().enumerate() {
            let segments = Segments::new(lengths.clone());
            let shape = (segments.tokens(), hidden);
            let take = |kind: &String| -> Matrix<D> {
                device.tensor_from_vec(tensors.take(&format!("carry.{number}.{kind}")), shape)
            };
            let carry = Carry { states: names.iter().map(take).collect() };
            let slots = first..first + lengths.len();
            first = slots.end;
            self.slots.latents.push(Latent { slots, segments, carry });
        }
        Ok(())
    }
}

/// The stored shape of a tensor's second moments: the tensor's, or its rows alone.
fn second_shape<D: Operations>(spec: &Spec, moments: &Moments<D>) -> Vec<usize> {
    let by_row = moments.second.shape() != moments.first.shape();
    if by_row { vec![moments.second.shape().0] } else { spec.shape.clone() }
}

impl SlotState {
    fn restore(&self, set: &TrainingSet) -> Slot {
        Slot { example: self.example, drawn: set.draw(self.example), steps: self.steps }
    }
}
