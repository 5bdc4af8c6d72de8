//! The tensors of a published file under the names that ours have: a file of torch.save, or of safetensors as `export` writes it.

use std::collections::BTreeMap;
use std::path::Path;

use crate::checkpoint::{CheckpointError, LoadReport, Stored, TorchFile};
use crate::model::{Config, Spec, specs};
use crate::recipe::trained::PUZZLE_TABLE;

/// What torch.compile and the loss head put before the names of the model.
pub const PUBLISHED_PREFIX: &str = "_orig_mod.model.inner.";

/// The tensor by which the prefix of a file is found: it is in every model, and no other name ends with it.
const MARKER: &str = "H_init";

/// The tensors of a published file under the names of [`specs`].
#[derive(Debug)]
pub struct PublishedTensors {
    file: TensorFile,
    prefix: String,
}

#[derive(Debug)]
enum TensorFile {
    Torch(TorchFile),
    Safetensors(Stored),
}

impl TensorFile {
    fn open(path: &Path) -> Result<Self, CheckpointError> {
        if Stored::is_safetensors(path)? {
            return Ok(Self::Safetensors(Stored::open(path)?));
        }
        Ok(Self::Torch(TorchFile::open(path)?))
    }

    fn tensors(&self) -> Box<dyn Iterator<Item = (&str, &[usize])> + '_> {
        match self {
            Self::Torch(file) => Box::new(file.tensors()),
            Self::Safetensors(file) => Box::new(file.tensors()),
        }
    }
}

impl PublishedTensors {
    /// Opens a file of torch.save or of safetensors.
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub fn open(path: &Path) -> Result<Self, CheckpointError> {
        let file = TensorFile::open(path)?;
        let prefix = file.tensors().find_map(|(name, _)| name.strip_suffix(MARKER)).unwrap_or(PUBLISHED_PREFIX);
        let prefix = prefix.to_owned();
        Ok(Self { file, prefix })
    }

    /// The number types of its tensors, each once.
    pub fn number_types(&self) -> Vec<&'static str> {
        match &self.file {
            TensorFile::Torch(file) => file.number_types(),
            TensorFile::Safetensors(_) => vec!["float32"],
        }
    }

    /// The shape of a tensor.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.file.tensors().find(|(known, _)| known.strip_prefix(&self.prefix) == Some(name)).map(|(_, shape)| shape)
    }

    /// Says how the tensors fit a model and a table of whatever length.
    pub fn report(&self, config: &Config) -> LoadReport {
        let found: BTreeMap<&str, &[usize]> =
            self.file.tensors().map(|(name, shape)| (name.strip_prefix(&self.prefix).unwrap_or(name), shape)).collect();
        let rows = found.get(PUZZLE_TABLE).and_then(|shape| shape.first().copied()).unwrap_or(1);
        LoadReport::of(&found, &needed(config, rows))
    }

    /// Hands the numbers of a tensor on, piece by piece, each checked.
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub fn read(
        &mut self,
        name: &str,
        take: impl FnMut(&[f32]) -> Result<(), CheckpointError>,
    ) -> Result<(), CheckpointError> {
        let name = format!("{}{name}", self.prefix);
        match &mut self.file {
            TensorFile::Torch(file) => file.read(&name, take),
            TensorFile::Safetensors(file) => file.checked_pieces(&name, take),
        }
    }

    /// The numbers of a tensor.
    ///
    /// # Errors
    /// [`CheckpointError::Torch`].
    pub fn all(&mut self, spec: &Spec) -> Result<Vec<f32>, CheckpointError> {
        let mut values = Vec::with_capacity(spec.len());
        self.read(&spec.name, |piece| {
            values.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(values)
    }
}

/// The names and shapes of a model's tensors, the puzzle table last.
pub(super) fn needed(config: &Config, rows: usize) -> Vec<(String, Vec<usize>)> {
    let trunk = specs(config).into_iter().map(|spec| (spec.name, spec.shape));
    trunk.chain([(PUZZLE_TABLE.to_owned(), vec![rows, config.puzzle_width])]).collect()
}
