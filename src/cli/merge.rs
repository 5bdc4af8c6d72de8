//! `trm-arc merge`: the submissions of shards become the submission of the set.

use std::path::PathBuf;

use clap::Args;

use super::{CliError, Exit, counted, print};
use crate::files::{self, Output};
use crate::submission;
use crate::task;

/// Merge the submissions of all shards of a set
#[derive(Debug, Args)]
#[command(after_help = "Example, two machines that share no more than a folder:
  trm-arc solve arc-agi-2/evaluation --shard 1/2 --submission shards/1/submission.json
  trm-arc solve arc-agi-2/evaluation --shard 2/2 --submission shards/2/submission.json
  trm-arc merge shards/1/submission.json shards/2/submission.json --tasks arc-agi-2/evaluation --output submission.json

The merged file is, byte for byte, what one run over the whole set writes. A shard is complete from its first second, as a submission is; \
predictions are merged by writing one file after the other.")]
pub struct Arguments {
    /// The submissions, one of each shard, in any order
    #[arg(required = true)]
    submissions: Vec<PathBuf>,
    /// A set's name, a challenges file or a folder of task files
    #[arg(long, value_name = "SET")]
    tasks: String,
    /// Where Kaggle's file goes
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
}

/// Merges, and prints how much there is.
pub fn run(arguments: &Arguments) -> Result<Exit, CliError> {
    let Arguments { submissions, tasks, output } = arguments;
    let set = task::load(tasks)?;
    let inputs = [&submissions[..], &task::files_of(tasks)].concat();
    let _claim = files::claim(&inputs, &[Output::File(output)])?;
    submission::merge(&set, submissions)?.write(output)?;
    let (tasks, outputs) = (counted(set.tasks.len(), "task"), counted(set.outputs(), "output"));
    print(&format!("{}, {tasks}, {outputs} of {}\n", output.display(), counted(submissions.len(), "shard")))?;
    Ok(Exit::Done)
}
