//! `Trained`: a model with its puzzle table and the identifiers of its rows, as a checkpoint holds it.

use std::path::{Path, PathBuf};

use dfdx::prelude::Cpu;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::{Imported, Recipe, RecipeError};
use crate::checkpoint::{Content, Folder, MANIFEST, Manifest, Part, Rows, Tensors};
use crate::dataset::{Colours, Identifiers, LOOKS};
use crate::device::{DeviceError, Needs};
use crate::files;
use crate::model::{Model, NUMBER, Spec, specs};
use crate::ops::Operations;
use crate::rng::Repeats;

pub(super) const PUZZLE_TABLE: &str = "puzzle_emb.weights";

/// The values of the trunk's tensors in the order of [`specs`].
pub type TrunkValues = Vec<Vec<f32>>;

/// A task set as it was when it was learned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetDigest {
    /// The set's name.
    pub name: String,
    /// Its digest.
    pub digest: String,
}

/// What a manifest says of a training. `S` is the state that only training itself reads.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About<S> {
    /// The recipe.
    pub recipe: Recipe,
    /// The task sets.
    pub sets: Vec<SetDigest>,
    /// Examples that were finished.
    pub examples: usize,
    /// Seconds of training.
    pub seconds: f64,
    /// Whether the same training gives the same weights again, all its parts on the devices that they ran on; manifests of before it was
    /// written down lack it, and so do those of imported checkpoints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<Repeats>,
    /// Engine of the products on a CPU, which rounds in its own way; older manifests lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arithmetic: Option<String>,
    /// Where training stands; absent from a checkpoint that is only solved with.
    pub state: Option<S>,
    /// Where it comes from, when it was not trained here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported: Option<Imported>,
}

/// The log of a training, beside its checkpoint.
pub const LOG_FILE: &str = "log.csv";

/// Names of the files that every checkpoint replaces in its folder.
pub const WRITTEN: [&str; 2] = [MANIFEST, LOG_FILE];

/// Returns the files of a checkpoint, its log among them: what a command that reads it must not write over.
pub fn checkpoint_files(checkpoint: &Path) -> Vec<PathBuf> {
    let mut files = Folder::new(checkpoint).files();
    files.push(checkpoint.join(LOG_FILE));
    files
}

/// A trained model.
#[derive(Clone, Debug)]
pub struct Trained<D: Operations> {
    /// The model with its averaged weights.
    pub model: Model<D>,
    /// The puzzle table, on the disk.
    pub table: Rows,
    /// The names of its rows.
    pub identifiers: Identifiers,
    /// How it came about.
    pub recipe: Recipe,
    /// Optimizer steps.
    pub step: usize,
    /// The checkpoint's digest.
    pub digest: String,
    /// Where it comes from, when it was not trained here.
    pub imported: Option<Imported>,
    /// The task sets that it learned from.
    pub sets: Vec<SetDigest>,
}

impl Trained<Cpu> {
    /// Copies a checkpoint, checked, without its training state. Returns the bytes of its parts.
    ///
    /// # Errors
    /// [`RecipeError`].
    pub fn publish(from: &Path, to: &Path) -> Result<u64, RecipeError> {
        let folder = Folder::new(from);
        let (manifest, names, tensors) = folder.read_by_manifest(|manifest: &Manifest<About<IgnoredAny>>| {
            let trained = Self::of_manifest(&folder, manifest, &Cpu::default())?;
            let (_, names) = folder.read(manifest, Part::Identifiers)?;
            Ok::<_, RecipeError>((manifest.clone(), names, trained.table.stored().clone()))
        })?;
        let size = names.len() as u64 + tensors.size();
        let parts = vec![(Part::Model, Content::copy_of(tensors)), (Part::Identifiers, Content::Bytes(names))];
        let About { recipe, sets, examples, seconds, repeats, arithmetic, imported, .. } = manifest.about;
        let about = About::<()> { recipe, sets, examples, seconds, repeats, arithmetic, state: None, imported };
        Folder::new(to).write(manifest.step, about, parts)?;
        if from.join(LOG_FILE).exists() {
            files::write(&to.join(LOG_FILE), &files::read(&from.join(LOG_FILE))?)?;
        }
        Ok(size)
    }
}

/// Engine of the products that a checkpoint was trained with, where its manifest can be read and says so.
pub fn arithmetic_of(path: &Path) -> Option<String> {
    let manifest: Manifest<About<IgnoredAny>> = Folder::new(path).manifest().ok()?;
    manifest.about.arithmetic
}

/// Makes sure that there is room for the weights, before any of them is there.
fn check_room(recipe: &Recipe, device: &impl Operations) -> Result<(), DeviceError> {
    let weights = NUMBER * recipe.model.numbers().unwrap_or(usize::MAX) as f64;
    let work = format!("the checkpoint of the recipe {}", recipe.name);
    Needs::default().and("weights", weights).within(device.room(), &work, "use it on a machine with more memory")
}

impl<D: Operations> Trained<D> {
    /// Reads a checkpoint, every tensor checked against the recipe's model.
    ///
    /// # Errors
    /// [`RecipeError`].
    pub fn load(path: &Path, device: &D) -> Result<Self, RecipeError> {
        let folder = Folder::new(path);
        folder.read_by_manifest(|manifest: &Manifest<About<IgnoredAny>>| Self::of_manifest(&folder, manifest, device))
    }

    /// Reads a checkpoint as this manifest of it says.
    pub(crate) fn of_manifest<S>(
        folder: &Folder,
        manifest: &Manifest<About<S>>,
        device: &D,
    ) -> Result<Self, RecipeError> {
        let recipe = manifest.about.recipe.clone();
        recipe.check()?;
        check_room(&recipe, device)?;
        let (names, text) = folder.read(manifest, Part::Identifiers)?;
        let text = std::str::from_utf8(&text)
            .map_err(|fault| files::format_error(&names, format!("this is not text: {fault}")))?;
        let identifiers = Identifiers::from_lines(text)
            .map_err(|source| RecipeError::Identifiers { path: names, source: source.into() })?;
        let tensors = folder.tensors(manifest, Part::Model)?;
        let trunk = specs(&recipe.model).into_iter().map(|spec| (spec.name, spec.shape));
        // an imported table may have rows of tasks that nobody named
        let rows = match (&manifest.about.imported, tensors.shape(PUZZLE_TABLE)) {
            (Some(_), Some([rows, ..])) => identifiers.count().max(*rows),
            _ => identifiers.count(),
        };
        let puzzles = (PUZZLE_TABLE.to_owned(), vec![rows, recipe.model.puzzle_width]);
        tensors.check(&trunk.chain([puzzles]).collect::<Vec<_>>())?;
        let table = tensors.rows(PUZZLE_TABLE);
        let values = |spec: &Spec| Ok::<_, RecipeError>(tensors.read(&spec.name)?);
        let model = Model::build(recipe.model.clone(), device, values)?;
        Ok(Self {
            model,
            table,
            identifiers,
            recipe,
            step: manifest.step,
            digest: manifest.digest(),
            imported: manifest.about.imported.clone(),
            sets: manifest.about.sets.clone(),
        })
    }

    /// The views of a test input when nobody says how many: all rows that a task has, each under [`LOOKS`] permutations of the colours where
    /// they are permuted in the grids.
    pub fn usual_views(&self) -> usize {
        let looks = if self.colours() == Colours::ByVariant { 1 } else { LOOKS };
        self.identifiers.most_variants() * looks
    }

    fn colours(&self) -> Colours {
        self.recipe.data.tasks().map_or(Colours::ByVariant, |data| data.colours)
    }

    /// The most views that there can be.
    pub fn most_views(&self) -> usize {
        if self.colours() == Colours::ByVariant { self.identifiers.most_variants() } else { usize::MAX }
    }
}

/// Tensors of the model part.
pub(crate) fn model_part(recipe: &Recipe, trunk: &TrunkValues, table: &[f32]) -> Tensors {
    let mut tensors = Tensors::default();
    for (spec, values) in specs(&recipe.model).iter().zip(trunk) {
        tensors.insert(&spec.name, &spec.shape, values.clone());
    }
    let width = recipe.model.puzzle_width;
    tensors.insert(PUZZLE_TABLE, &[table.len() / width, width], table.to_vec());
    tensors
}
