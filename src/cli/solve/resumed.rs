//! `--resume`: a run that broke off goes on, and one that did is not written over by mistake.

use std::env;
use std::path::Path;

use super::Arguments;
use crate::cli::{CliError, talk};
use crate::report::{Record, Status};
use crate::solve::{Plan, Trail};

/// What a run finds where it is to write.
pub(super) enum Found {
    /// Nothing to go on with.
    Nothing,
    /// A run that came to its end: with `--resume` nothing is left to do, if it was this one.
    Complete(Box<Record>),
    /// A run that broke off.
    Trail(Box<Trail>),
}

/// Looks for what an earlier run left at the places of the plan. Without `--resume` one that was killed or interrupted is an error; one that
/// its time limit ended did what it was told, and is written over.
pub(super) fn find(arguments: &Arguments, plan: &Plan<'_>) -> Result<Found, CliError> {
    let trail = Trail::find(&plan.trail())?;
    let record = Record::read(&plan.record).ok();
    let status = record.as_ref().map(|record| record.status);
    match (trail, arguments.resume) {
        (Some(trail), true) => Ok(Found::Trail(Box::new(trail))),
        (Some(trail), false) if !matches!(status, Some(Status::Complete | Status::TimeLimit)) => {
            let (path, steps) = (trail.path().display(), trail.steps());
            let answers = if steps == 1 { "answer" } else { "answers" };
            Err(CliError::Usage(format!(
                "{path} is of a run that broke off with {steps} {answers} behind it; go on with it by --resume, remove that file to begin \
                 anew, or name another --submission"
            )))
        }
        (None, true) => match record {
            Some(record) if record.status == Status::Complete => Ok(Found::Complete(Box::new(record))),
            _ => {
                let folder = plan.record.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
                talk(format_args!("note: {} has no run to go on with; this one begins", folder.display()));
                Ok(Found::Nothing)
            }
        },
        _ => Ok(Found::Nothing),
    }
}

impl Found {
    /// True when an adapted checkpoint is there already.
    pub(super) fn is_adapted(&self) -> bool {
        !matches!(self, Self::Nothing)
    }

    /// Whether the views come in rounds, where that is decided.
    pub(super) fn in_rounds(&self) -> Option<bool> {
        match self {
            Self::Trail(trail) => Some(trail.start().rounds > 1),
            _ => None,
        }
    }

    /// The trail to go on with. `None` when this very run is complete, which is said.
    pub(super) fn trail(self, record: &Record, plan: &Plan<'_>) -> Option<Option<Trail>> {
        match self {
            Self::Trail(trail) => Some(Some(*trail)),
            Self::Complete(complete) if record.difference(&complete).is_none() => {
                let path = plan.record.display();
                talk(format_args!("note: {path} is of this run, and complete; without --resume it is solved again"));
                None
            }
            Self::Complete(_) => {
                talk("note: the run that stands there is complete, and another one; this one begins");
                Some(None)
            }
            Self::Nothing => Some(None),
        }
    }
}

/// The command that goes on with this run.
pub(super) fn command() -> String {
    let mut words: Vec<String> = env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    if !words.iter().any(|word| word == "--resume") {
        words.push("--resume".into());
    }
    words.insert(0, "trm-arc".into());
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./=:,+@%".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_what_a_shell_reads_back() {
        assert_eq!(quoted("runs/mine"), "runs/mine");
        assert_eq!(quoted("my tasks"), "'my tasks'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
