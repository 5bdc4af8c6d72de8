//! `--adapt`: the checkpoint adapts to the tasks before it solves them.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::{Arguments, SolverName, checkpoint, submission};
use crate::checkpoint::Folder;
use crate::cli::adapt::adapt_on;
use crate::cli::{CliError, talk};
use crate::files::FileError;
use crate::ops::Operations;
use crate::report::Record;
use crate::solve::Plan;
use crate::submission::Submission;
use crate::train::{Adapt, Length};

/// Where an adapted checkpoint goes. What stands there may be half of something, or wanted: unless a run that solved with it goes on, it is
/// neither used nor written over.
pub(super) fn folder(arguments: &Arguments, goes_on: bool) -> Result<Option<(Duration, PathBuf)>, CliError> {
    let Some(time) = arguments.adapt else { return Ok(None) };
    if arguments.solver != SolverName::Trm {
        return Err(CliError::Usage("--adapt belongs to --solver trm; the other solvers have no model".into()));
    }
    if arguments.time_limit.is_some_and(|limit| limit <= time) {
        let fault = "--adapt leaves nothing of --time-limit to solve in; give it less time, or the run more";
        return Err(CliError::Usage(fault.into()));
    }
    let submission = submission(arguments);
    let folder = arguments.adapted.clone().unwrap_or_else(|| submission.with_file_name("adapted"));
    let outputs = [Some(&submission), arguments.record.as_ref(), arguments.predictions.as_ref()];
    if outputs.contains(&Some(&folder)) {
        return Err(FileError::SamePlace { path: folder }.into());
    }
    let is_empty = |folder: &Path| folder.read_dir().is_ok_and(|mut entries| entries.next().is_none());
    if !goes_on && folder.symlink_metadata().is_ok() && !is_empty(&folder) {
        let is_checkpoint = Folder::new(&folder).exists();
        let folder = folder.display();
        return Err(CliError::Usage(match is_checkpoint {
            true => format!(
                "{folder} holds a checkpoint already; solve with it by --checkpoint {folder} and without --adapt, remove it, or name \
                 another place by --adapted"
            ),
            false => format!("{folder} is there already; name another place for the adapted checkpoint by --adapted"),
        }));
    }
    Ok(Some((time, folder)))
}

/// Adapts the checkpoint to the tasks of the plan. A valid submission and a record stand from the moment that there is something to adapt.
pub(super) fn adapt<D: Operations>(
    arguments: &Arguments,
    plan: &Plan<'_>,
    record: &Record,
    time: Duration,
    folder: &Path,
    stop: &AtomicBool,
    device: &D,
) -> Result<(), CliError> {
    let ids = || plan.set.tasks.iter().map(|task| task.id.clone()).collect();
    let adapt = Adapt {
        from: checkpoint(arguments),
        tasks: arguments.tasks.clone(),
        only: arguments.shard.map(|_| ids()),
        plan: None,
        output: folder.to_owned(),
        length: Length::Time(time),
        seed: arguments.seed,
        learning_rate: None,
        // what a device solves in it may not train in
        precision: D::precision(arguments.precision, true).or_else(|_| D::precision(None, true))?,
        started: plan.started,
        stop,
    };
    let place = || {
        Submission::placeholders(plan.set).write(&plan.submission)?;
        Ok(record.write(&plan.record)?)
    };
    talk(format_args!("adapting {} first, into {}", adapt.from.display(), folder.display()));
    let (_, text) = adapt_on(&adapt, device, place)?;
    talk(text.trim_end());
    Ok(())
}
