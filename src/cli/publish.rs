//! `trm-arc publish`: a checkpoint without its training state, a third of the size, for others to solve with.

use std::path::PathBuf;

use clap::Args;

use super::{CliError, Exit, print};
use crate::files::{self, Output};
use crate::recipe::{Trained, WRITTEN, checkpoint_files};
use crate::units::Bytes;

/// Copy a checkpoint without its training state
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  trm-arc publish runs/mine --output checkpoints/mine

The copy holds the averaged weights, the puzzle table, the identifiers, the recipe and the log of the training. It can be solved with; a \
training cannot go on from it.")]
pub struct Arguments {
    /// The checkpoint's folder
    checkpoint: PathBuf,
    /// Where the copy goes
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
}

/// Copies, and says what came of it.
pub fn run(arguments: &Arguments) -> Result<Exit, CliError> {
    let Arguments { checkpoint, output } = arguments;
    let _claim = files::claim(&checkpoint_files(checkpoint), &[Output::Folder(output, &WRITTEN)])?;
    let size = Trained::publish(checkpoint, output)?;
    print(&format!("{}, {}\n", output.display(), Bytes(size)))?;
    Ok(Exit::Done)
}
