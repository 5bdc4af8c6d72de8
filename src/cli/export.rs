//! `trm-arc export`: a checkpoint's weights back under the published names.

use std::path::PathBuf;

use clap::Args;

use super::{CliError, Exit, print};
use crate::files::{self, Output};
use crate::recipe;

/// Write a checkpoint's weights as safetensors under the published names
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  trm-arc export runs/arc-1 step_518071.safetensors

In PyTorch, safetensors.torch.load_file(file) is then the state dict that the published code loads: averaged weights and puzzle table, \
float32.")]
pub struct Arguments {
    /// The checkpoint's folder
    checkpoint: PathBuf,
    /// Where the weights go
    file: PathBuf,
}

/// Writes, and prints the digest.
pub fn run(arguments: &Arguments) -> Result<Exit, CliError> {
    let _claim = files::claim(&recipe::checkpoint_files(&arguments.checkpoint), &[Output::File(&arguments.file)])?;
    let digest = recipe::export(&arguments.checkpoint, &arguments.file)?;
    print(&format!("{}, sha256 {digest}\n", arguments.file.display()))?;
    Ok(Exit::Done)
}
