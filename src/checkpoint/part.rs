//! `Part`: a file of a checkpoint, its names, and what it is written from.

use serde::{Deserialize, Serialize};

use super::{CheckpointError, Stored};
use crate::files::Sink;

/// A part of a checkpoint, each a file of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Averaged weights and puzzle table: what solving needs.
    Model,
    /// The names of the puzzle table's rows.
    Identifiers,
    /// Live weights, moments, latent states: what training needs besides.
    State,
}

impl Part {
    /// The names that a part's file may have at a step, the usual one first.
    pub(super) fn file_names(self, step: usize) -> impl Iterator<Item = String> {
        (1..).map(move |number| {
            let again = if number > 1 { format!(".{number}") } else { String::new() };
            match self {
                Self::Model => format!("model-{step:06}{again}.safetensors"),
                Self::Identifiers => format!("identifiers{again}.txt"),
                Self::State => format!("state-{step:06}{again}.safetensors"),
            }
        })
    }

    /// True for a name that [`file_names`](Self::file_names) gives at some step.
    pub(super) fn is_name(name: &str) -> bool {
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let tensors = || {
            let name = name.strip_suffix(".safetensors")?;
            name.strip_prefix("model-").or(name.strip_prefix("state-"))
        };
        let identifiers = || name.strip_prefix("identifiers.")?.strip_suffix(".txt");
        name == "identifiers.txt" || tensors().or_else(identifiers).is_some_and(|rest| rest.split('.').all(is_number))
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Identifiers => "identifiers",
            Self::State => "training state",
        }
    }
}

/// Writes a part, piece by piece.
pub type Pieces<'a> = Box<dyn FnOnce(&mut Sink) -> Result<(), CheckpointError> + 'a>;

/// Source that a part is written from.
pub enum Content<'a> {
    /// All of it.
    Bytes(Vec<u8>),
    /// Piece by piece, as it is too large to be held.
    Pieces(Pieces<'a>),
}

impl Content<'static> {
    /// Copy of a file of tensors.
    pub fn copy_of(stored: Stored) -> Self {
        Self::Pieces(Box::new(move |sink| stored.all_bytes(|piece| Ok(sink.write(piece)?))))
    }
}
