//! A submission in the place of a run: somebody else's, or one whose record is gone.

use std::path::Path;

use super::{CliError, counted, talk};
use crate::files;
use crate::prediction::Answers;
use crate::report::{RECORD_FILE, Record, Run};
use crate::submission::Submitted;
use crate::task::TaskSet;

/// A submission without the record of a run.
pub(super) struct Alone {
    /// The record that is made from it.
    pub run: Run,
    /// Its answers.
    pub answers: Answers,
    /// Its file.
    pub submitted: Submitted,
}

/// Reads the submission at `path` and says what is wrong with it; `None` where a run's record lies there. It is called `name`, or as its path.
pub(super) fn alone(path: &Path, set: &TaskSet, name: Option<&str>) -> Result<Option<Alone>, CliError> {
    if path.is_dir() && path.join(RECORD_FILE).exists() {
        return Ok(None);
    }
    let submitted = Submitted::read(path)?;
    let answers = submitted.answers()?;
    if !answers.values().flatten().any(|attempts| !attempts.is_empty()) {
        return Ok(None);
    }
    let faults = submitted.faults(set)?.len();
    let source = files::one_line(path);
    if !set.tasks.iter().any(|task| answers.contains_key(&task.id)) {
        return Err(CliError::Usage(format!(
            "{source}: no task of {} is in it; hint: name its tasks by --tasks",
            set.name
        )));
    }
    if faults > 0 {
        let faults = counted(faults, "fault");
        talk(format_args!(
            "note: {source} has {faults}; an attempt at fault counts as wrong; trm-arc validate names all"
        ));
    }
    let record = Record::of_submission(name.unwrap_or(&source), set, &answers)?;
    Ok(Some(Alone { run: Run { source, record }, answers, submitted }))
}
