//! Back again: the model of a checkpoint as one safetensors file under the published names.

use std::path::Path;

use super::{ImportError, PUBLISHED_PREFIX, needed};
use crate::checkpoint::{CheckpointError, Folder, Manifest, Part, Stored, header, to_bytes};
use crate::files;
use crate::model::Local;
use crate::recipe::RecipeError;
use crate::recipe::trained::{About, PUZZLE_TABLE};

/// Writes the averaged weights and the puzzle table of a checkpoint to a file, and returns its SHA-256. In PyTorch
/// `safetensors.torch.load_file(file)` is then the state dict that the published code loads.
///
/// # Errors
/// [`RecipeError`]; the file is then as it was before.
pub fn export(checkpoint: &Path, file: &Path) -> Result<String, RecipeError> {
    let folder = Folder::new(checkpoint);
    let manifest: Manifest<About<serde_json::Value>> = folder.manifest()?;
    let model = &manifest.about.recipe.model;
    if model.local != Local::None {
        return Err(ImportError::Unpublished(checkpoint.to_owned()).into());
    }
    let stored = Stored::open(&folder.verify(&manifest, Part::Model)?)?;
    let rows = stored.shape(PUZZLE_TABLE).map_or(0, |shape| shape[0]);
    let needed = needed(model, rows);
    stored.check(&needed)?;
    let published = needed.iter().map(|(name, shape)| (format!("{PUBLISHED_PREFIX}{name}"), shape.clone()));
    let header = header(&published.collect::<Vec<_>>());
    Ok(files::write_with(file, |sink| {
        sink.write(&header)?;
        for (name, _) in &needed {
            stored.pieces(name, |values| Ok::<_, CheckpointError>(sink.write(&to_bytes(values))?))?;
        }
        Ok::<_, CheckpointError>(())
    })?)
}
