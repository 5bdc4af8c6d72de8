//! `--resume`: a run that broke off goes on, and one that did is not written over by mistake.

use std::env;
use std::path::Path;

use super::Arguments;
use crate::cli::{CliError, talk};
use crate::names;
use crate::report::{Begun, Status};
use crate::rng::Repeats;
use crate::solve::{Head, Step, Trail};

/// What a run finds where it is to write: `R` is its record, and its trail is one of `S` and `T`.
pub(super) enum Found<R, S, T> {
    /// Nothing to go on with.
    Nothing,
    /// A run that came to its end, or to that of its time: with `--resume` nothing is left to do, if it was this one and is complete.
    Ended(Box<R>),
    /// A run of another kind that came to its end.
    OtherKind,
    /// A run that broke off.
    Trail(Box<Trail<S, T>>),
}

/// Looks for what an earlier run left, which is its trail at `path`, and its record, which may be of the other kind of run. Without `--resume` one that was killed or interrupted is an
/// error; one that its time limit ended did what it was told, and may be written over.
pub(super) fn find<R: Begun, S: Head, T: Step>(
    path: &Path,
    record: Option<R>,
    is_other_kind: bool,
    arguments: &Arguments,
) -> Result<Found<R, S, T>, CliError> {
    let trail = Trail::<S, T>::find(path)?;
    let ended = record.filter(|record| matches!(record.status(), Status::Complete | Status::TimeLimit));
    match (trail, arguments.resume) {
        (Some(trail), true) => return Ok(Found::Trail(Box::new(trail))),
        (Some(trail), false) if ended.is_none() && !arguments.overwrite => {
            let (path, steps) = (trail.path().display(), trail.steps());
            let answers = if steps == 1 { "answer" } else { "answers" };
            return Err(CliError::Usage(format!(
                "{path} is of a run that broke off with {steps} {answers} behind it; hint: go on with it by --resume, begin anew by \
                 --overwrite, or name another place for what comes of this one"
            )));
        }
        (None, true) if ended.as_ref().is_none_or(|record| record.status() != Status::Complete) => {
            let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
            talk(format_args!("note: {} has no run to go on with; this one begins", folder.display()));
        }
        _ => {}
    }
    Ok(match ended {
        Some(record) => Found::Ended(Box::new(record)),
        None if is_other_kind => Found::OtherKind,
        None => Found::Nothing,
    })
}

impl<R: Begun, S, T> Found<R, S, T> {
    /// True when this run has begun before, so that what it has left is its own; with `--resume` alone.
    pub(super) fn has_begun(&self, arguments: &Arguments) -> bool {
        arguments.resume && !matches!(self, Self::Nothing | Self::OtherKind)
    }

    /// What the run was that goes on.
    pub(super) fn start(&self) -> Option<&S>
    where
        S: Head,
        T: Step,
    {
        match self {
            Self::Trail(trail) => Some(trail.start()),
            _ => None,
        }
    }

    /// True when this very run is complete and nothing is left to do.
    ///
    /// # Errors
    /// [`CliError::Usage`] where a run of other settings came to its end at `path`, and nobody said that it may be written over.
    pub(super) fn is_complete(&self, record: &R, arguments: &Arguments, path: &Path) -> Result<bool, CliError> {
        let (path, way_out) =
            (path.display(), "hint: name another place for this one, or write over that one by --overwrite");
        match self {
            _ if arguments.overwrite => Ok(false),
            Self::Nothing | Self::Trail(_) => Ok(false),
            Self::OtherKind => Err(CliError::Usage(format!(
                "{path} is the record of a run of another kind, tasks or puzzles; {way_out}"
            ))),
            Self::Ended(ended) => match record.difference(ended) {
                Some((before, now)) => Err(CliError::Usage(format!(
                    "{path} is the record of a run with {before}, and this one has {now}; {way_out}"
                ))),
                None if arguments.resume && ended.status() == Status::Complete => {
                    talk("note: this run is complete, and nothing is left to do; without --resume it is solved again");
                    Ok(true)
                }
                None => Ok(false),
            },
        }
    }

    /// The trail to go on with.
    pub(super) fn into_trail(self) -> Option<Trail<S, T>> {
        match self {
            Self::Trail(trail) => Some(*trail),
            Self::Nothing | Self::Ended(_) | Self::OtherKind => None,
        }
    }
}

/// Returns the reason why a run that goes on after `before`, with products in `arithmetic`, does not repeat, where it is another one.
pub(super) fn repeats_after(before: Option<Repeats>, arithmetic: Option<&str>, now: Option<&str>) -> Option<Repeats> {
    let across = Repeats::across(arithmetic, now);
    if let Some(Repeats { because, .. }) = &across {
        talk(format_args!("note: what comes of this run does not repeat bit for bit: {because}"));
    }
    // what an earlier part has spoilt stays so
    before.filter(|before| !before.bitwise).or(across)
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
