//! Checkpoints: a folder with named tensors and a manifest.
//!
//! ```text
//! manifest.json            what this is: version, configuration, step, and each file's name and SHA-256
//! model-000400.safetensors the averaged weights under their published names, and the puzzle table
//! identifiers.txt          the names of the puzzle table's rows, one a line
//! state-000400.safetensors live weights, moments and latent states, for going on with the training
//! ```
//!
//! The manifest is written last and by renaming: the files of the step before are removed only when it stands, so whenever
//! the work is cut off the folder holds one whole checkpoint. The digests find any later damage.

mod folder;
mod numbers;
mod part;
mod reading;
mod rows;
mod stored;
mod tensors;
mod torch;

pub use folder::{Folder, MANIFEST, Manifest};
pub use numbers::MAX_MAGNITUDE;
pub use part::{Content, Part, Pieces};
pub use rows::Rows;
pub use stored::Stored;
pub use tensors::{CheckpointError, LoadReport, Tensors, header, to_bytes};
pub use torch::TorchFile;

/// The checkpoint that comes with the project.
pub const DEFAULT: &str = "checkpoints/default";
