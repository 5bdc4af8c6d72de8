//! Back again: the model of a checkpoint as one safetensors file under the published names.

use std::path::Path;

use serde::de::IgnoredAny;

use super::{ImportError, PUBLISHED_PREFIX, needed};
use crate::checkpoint::{CheckpointError, Folder, Manifest, Part, header, to_bytes};
use crate::files;
use crate::model::{Config, Latents, Local, Mixer, Nets};
use crate::recipe::RecipeError;
use crate::recipe::trained::{About, PUZZLE_TABLE};

/// The states beside z_H of the published code that has several.
const PUBLISHED_SCALES: usize = 6;

/// Why no published code can load a model; `None` where one can. Beside the paper's there is published code for a single state, for
/// several, for HRM's two nets and for direct prediction, and each has its own names for the tensors.
fn unpublished(model: &Config) -> Option<&'static str> {
    let prefix_of_width = model.puzzle_width.div_ceil(model.hidden);
    match (model.nets, model.latents) {
        _ if model.local != Local::None => Some(
            "its blocks mix neighbouring cells (local = \"depthwise-3x3\"), and the published code has no tensor for that",
        ),
        (_, Latents::MultiScale) if model.l_cycles != PUBLISHED_SCALES => {
            Some("the published code of several latent states (latents = \"multi-scale\") has six, l_cycles = 6")
        }
        (Nets::Separate, Latents::MultiScale) => Some("no published code has several latent states and separate nets"),
        (Nets::Separate, _) | (_, Latents::None) if model.prefix != prefix_of_width => Some(
            "the published code of HRM and of direct prediction has as many prefix tokens as puzzle_width fills, and no more",
        ),
        (_, Latents::None) if model.mixer == Mixer::TokenMlp => {
            Some("the published code of direct prediction has attention alone, no mixer = \"token-mlp\"")
        }
        _ => None,
    }
}

/// Writes the averaged weights and the puzzle table of a checkpoint to a file, and returns its SHA-256. In PyTorch
/// `safetensors.torch.load_file(file)` is then the state dict that the published code loads: that of the paper's model, or of the variant.
///
/// # Errors
/// [`RecipeError`]; the file is then as it was before.
pub fn export(checkpoint: &Path, file: &Path) -> Result<String, RecipeError> {
    let folder = Folder::new(checkpoint);
    let (stored, needed) = folder.read_by_manifest(|manifest: &Manifest<About<IgnoredAny>>| {
        let model = &manifest.about.recipe.model;
        if let Some(why) = unpublished(model) {
            return Err(RecipeError::from(ImportError::Unpublished { path: checkpoint.to_owned(), why }));
        }
        let stored = folder.tensors(manifest, Part::Model)?;
        let rows = stored.shape(PUZZLE_TABLE).and_then(|shape| shape.first().copied()).unwrap_or(0);
        let needed = needed(model, rows);
        stored.check(&needed)?;
        Ok((stored, needed))
    })?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_published_code_has_is_named() {
        let why = |change: fn(&mut Config)| {
            let mut config = Config { l_cycles: 6, ..Config::arc() };
            change(&mut config);
            unpublished(&config).unwrap_or_default()
        };
        assert_eq!(why(|_| ()), "");
        assert!(why(|model| model.local = Local::Depthwise3x3).contains("depthwise-3x3"));
        assert_eq!(why(|model| model.latents = Latents::Single), "");
        assert_eq!(why(|model| model.latents = Latents::MultiScale), "");
        assert!(why(|model| (model.latents, model.l_cycles) = (Latents::MultiScale, 4)).contains("has six"));
        assert!(
            why(|model| (model.latents, model.nets) = (Latents::MultiScale, Nets::Separate)).contains("and separate")
        );
        for (latents, nets) in [(Latents::Two, Nets::Separate), (Latents::None, Nets::Shared)] {
            let model = Config { latents, nets, ..Config::arc() };
            assert!(unpublished(&model).unwrap().contains("prefix tokens"));
            assert_eq!(unpublished(&Config { prefix: 1, ..model }), None);
        }
        let of_tokens =
            |model: &mut Config| (model.latents, model.mixer, model.prefix) = (Latents::None, Mixer::TokenMlp, 1);
        assert!(why(of_tokens).contains("attention alone"));
    }
}
