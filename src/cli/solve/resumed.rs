//! `--resume`: a run that broke off goes on, and one that did is not written over by mistake.

use std::env;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::cli::{CliError, talk};
use crate::names;
use crate::report::{Begun, Status};
use crate::solve::{Step, Trail};

/// What a run finds where it is to write: `R` is its record, and its trail is one of `S` and `T`.
pub(super) enum Found<R, S, T> {
    /// Nothing to go on with.
    Nothing,
    /// A run that came to its end: with `--resume` nothing is left to do, if it was this one.
    Complete(Box<R>),
    /// A run that broke off.
    Trail(Box<Trail<S, T>>),
}

/// Looks for what an earlier run left, which is its trail at `path`, and its record. Without `resume` one that was killed or interrupted is an
/// error; one that its time limit ended did what it was told, and is written over.
pub(super) fn find<R: Begun, S: Serialize + DeserializeOwned, T: Step>(
    path: &Path,
    record: Option<R>,
    resume: bool,
) -> Result<Found<R, S, T>, CliError> {
    let trail = Trail::<S, T>::find(path)?;
    let status = record.as_ref().map(Begun::status);
    match (trail, resume) {
        (Some(trail), true) => Ok(Found::Trail(Box::new(trail))),
        (Some(trail), false) if !matches!(status, Some(Status::Complete | Status::TimeLimit)) => {
            let (path, steps) = (trail.path().display(), trail.steps());
            let answers = if steps == 1 { "answer" } else { "answers" };
            Err(CliError::Usage(format!(
                "{path} is of a run that broke off with {steps} {answers} behind it; go on with it by --resume, remove that file to begin \
                 anew, or name another place for what comes of this one"
            )))
        }
        (None, true) => match record.filter(|record| record.status() == Status::Complete) {
            Some(record) => Ok(Found::Complete(Box::new(record))),
            None => {
                let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
                talk(format_args!("note: {} has no run to go on with; this one begins", folder.display()));
                Ok(Found::Nothing)
            }
        },
        _ => Ok(Found::Nothing),
    }
}

impl<R: Begun, S, T> Found<R, S, T> {
    /// True when an adapted checkpoint is there already.
    pub(super) fn is_adapted(&self) -> bool {
        !matches!(self, Self::Nothing)
    }

    /// What the run was that goes on.
    pub(super) fn start(&self) -> Option<&S>
    where
        S: Serialize + DeserializeOwned,
        T: Step,
    {
        match self {
            Self::Trail(trail) => Some(trail.start()),
            _ => None,
        }
    }

    /// True when this very run is complete; what else stands there is said.
    pub(super) fn is_complete(&self, record: &R) -> bool {
        let Self::Complete(complete) = self else { return false };
        let is_this = record.difference(complete).is_none();
        talk(match is_this {
            true => "note: this run is complete, and nothing is left to do; without --resume it is solved again",
            false => "note: the run that stands there is complete, and another one; this one begins",
        });
        is_this
    }

    /// The trail to go on with.
    pub(super) fn into_trail(self) -> Option<Trail<S, T>> {
        match self {
            Self::Trail(trail) => Some(*trail),
            Self::Nothing | Self::Complete(_) => None,
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
    words.iter().map(|word| names::quoted(word)).collect::<Vec<_>>().join(" ")
}
