//! `trm-arc merge`: the submissions of shards become the submission of the set.

use std::path::PathBuf;

use clap::Args;

use super::{CliError, Exit, counted, load_tasks, print, talk};
use crate::files::{self, Output};
use crate::report::{Merged, Run};
use crate::solve;
use crate::submission::{self, Attempted};
use crate::task::{self, TaskSet};

/// Merge the submissions of all shards of a set
#[derive(Debug, Args)]
#[command(after_help = "Example, two machines that share no more than a folder:
  trm-arc solve arc-agi-2/evaluation --shard 1/2 --submission shards/1/submission.json
  trm-arc solve arc-agi-2/evaluation --shard 2/2 --submission shards/2/submission.json
  trm-arc merge shards/1/submission.json shards/2/submission.json --tasks arc-agi-2/evaluation --output submission.json

The merged file is, byte for byte, what one run over the whole set writes. Its record, beside it, joins those that lie beside the submissions, so that \
trm-arc report and compare take the whole as a run. A shard is complete from its first second, as a submission is; \
predictions are merged by writing one file after the other.")]
pub struct Arguments {
    /// The submissions or the folders they lie in, one of each shard, in any order
    #[arg(required = true)]
    submissions: Vec<PathBuf>,
    /// A set's name, a challenges file or a folder of task files
    #[arg(long, value_name = "SET")]
    tasks: String,
    /// Where Kaggle's file goes
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// Where the record of the whole goes; run.json beside the output without it
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

/// Merges, and prints how much there is.
pub fn run(arguments: &Arguments) -> Result<Exit, CliError> {
    let Arguments { submissions, tasks, output, .. } = arguments;
    let set = load_tasks(tasks)?;
    let record = arguments.record.clone().unwrap_or_else(|| solve::record_beside(output));
    let files: Vec<PathBuf> = submissions.iter().map(|path| submission::file_in(path)).collect();
    let beside: Vec<PathBuf> = files.iter().map(|file| solve::record_beside(file)).collect();
    let inputs = [&files[..], &beside, &task::files_of(tasks)].concat();
    let _claim = files::claim(&inputs, &[Output::File(output)])?;
    let merged = submission::merge(&set, submissions)?;
    let (shards, lacking) = records(&set, &files)?;
    let (mut joined, mut _record_claim) = (None, None);
    if lacking.is_empty() {
        _record_claim = Some(files::claim(&inputs, &[Output::File(&record)])?);
        joined = Some(Merged::of(&set, &shards, &merged.answers())?);
    }
    merged.write(output)?;
    let (tasks, outputs) = (counted(set.tasks.len(), "task"), counted(set.outputs(), "output"));
    let count = counted(submissions.len(), "shard");
    print(&format!("{}, {tasks}, {outputs} of {count}\n", output.display()))?;
    let Some(Merged { record: joined, differences }) = joined else {
        talk(format_args!(
            "note: no record is written: {} without the record of its tasks beside it: {}; hint: report and compare take {} with --tasks",
            counted(lacking.len(), "submission"),
            lacking.join(", "),
            output.display(),
        ));
        return Ok(Exit::Done);
    };
    for difference in differences {
        talk(format_args!("note: the shards differ: {difference}"));
    }
    joined.write(&record)?;
    print(&format!("{}, record of {count}\n", record.display()))?;
    Ok(Exit::Done)
}

/// The records beside the submissions, and the submissions without one of their tasks.
fn records(set: &TaskSet, files: &[PathBuf]) -> Result<(Vec<Run>, Vec<String>), CliError> {
    let (mut runs, mut lacking) = (Vec::new(), Vec::new());
    for file in files {
        let beside = solve::record_beside(file);
        let run = if beside.exists() { Run::read(&beside).ok() } else { None };
        let ids = match run {
            Some(_) => submission::read_attempts(file)?,
            None => Attempted::new(),
        };
        let tasks = set.tasks.iter().filter(|task| ids.contains_key(&task.id)).cloned().collect();
        let digest = TaskSet { name: set.name.clone(), tasks }.digest();
        match run.filter(|run| run.record.tasks.digest == digest) {
            Some(run) => runs.push(run),
            None => lacking.push(file.display().to_string()),
        }
    }
    Ok((runs, lacking))
}
