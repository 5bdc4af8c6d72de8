//! `trm-arc validate`: every fault of a submission, one a line.

use std::path::PathBuf;

use clap::Args;

use super::{CliError, Exit, counted, load_tasks, print, talk};
use crate::submission::Submitted;

/// Check a submission; exit 1 names every fault
#[derive(Debug, Args)]
#[command(after_help = "Example:
  trm-arc validate submissions/submission.json --tasks arc-agi-2/evaluation")]
pub struct Arguments {
    /// Kaggle's file, or the folder of a run
    submission: PathBuf,
    /// A set's name, a challenges file or a folder of task files
    #[arg(long)]
    tasks: String,
}

/// Prints the faults, or what was found valid.
pub fn run(arguments: &Arguments) -> Result<Exit, CliError> {
    let set = load_tasks(&arguments.tasks)?;
    let submitted = Submitted::read(&arguments.submission)?;
    let faults = submitted.faults(&set)?;
    if faults.is_empty() {
        print(&format!("valid: {}, {}\n", counted(set.tasks.len(), "task"), counted(set.outputs(), "output")))?;
        return Ok(Exit::Done);
    }
    let lines: String = faults.iter().map(|fault| format!("{fault}\n")).collect();
    print(&lines)?;
    talk(format_args!("{}: {}", submitted.path().display(), counted(faults.len(), "fault")));
    Ok(Exit::Failed)
}
