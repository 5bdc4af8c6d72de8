//! `Record`: what a run was and what came of it, kept in `run.json` beside its submission.
//!
//! It is written before the first task, after the tasks, and with the totals last: `finished` is false in the record
//! of a run that is still going or was killed.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::{PuzzleRecord, ReportError};
use crate::files::{self, Entries, FileError};
use crate::names;
use crate::rng::Repeats;
use crate::score::Score;
use crate::submission;
use crate::task::TaskSet;

/// The name that a record has unless another is asked for.
pub const RECORD_FILE: &str = "run.json";

/// What a run was and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// What tables call it.
    pub name: String,
    /// Who answered: `trm`, `copy` or `random`.
    pub solver: String,
    /// The model, when there was one.
    pub checkpoint: Option<Checkpoint>,
    /// The adaptation of the checkpoint to the tasks, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adaptation: Option<RecordedAdaptation>,
    /// What was asked.
    pub tasks: Tasks,
    /// The seed of all random streams.
    pub seed: u64,
    /// What it was computed on.
    pub device: String,
    /// Views of each test input, where the solver has them.
    pub views: Option<usize>,
    /// Supervision steps per view, where the solver has them.
    pub steps: Option<usize>,
    /// Tokens of a batch of views, where the solver has them; records of before it could be chosen lack it.
    #[serde(default)]
    pub tokens_per_batch: Option<usize>,
    /// The number type of products, `f32` or `bf16`, where the solver has a model; records of before it could be chosen lack it.
    #[serde(default)]
    pub precision: Option<String>,
    /// Engine of the products on a CPU, which rounds in its own way; older records lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arithmetic: Option<String>,
    /// Whether the same run gives the same bytes again; records of before it was written down lack it.
    #[serde(default)]
    pub repeats: Option<Repeats>,
    /// When it started, in seconds since 1970 (UTC).
    pub started_unix: u64,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// The version of this program.
    pub version: String,
    /// The commit that the program was built from, with "changed" behind it where files differed; `None` without git, and in older records.
    #[serde(default)]
    pub commit: Option<String>,
    /// True once the run has ended in order and the totals below are final.
    pub finished: bool,
    /// How it stands, or how it ended.
    pub status: Status,
    /// Tasks with predictions.
    pub answered: usize,
    /// Tasks that the run did not reach; a copy of the input stands for them.
    pub unanswered: usize,
    /// Tasks that the solver does not know; a copy of the input stands for them.
    pub unseen: Vec<String>,
    /// The scores, where the solutions are known and the run has ended.
    pub score: Option<Score>,
    /// One entry per task that was reached, in order.
    pub entries: Vec<TaskEntry>,
}

/// A record and where it lies.
#[derive(Clone, Debug)]
pub struct Run {
    /// The file or folder, as it was named.
    pub source: String,
    /// What it says.
    pub record: Record,
}

impl Run {
    /// Reads a record, or the `run.json` of a folder.
    ///
    /// # Errors
    /// [`ReportError`] with the path.
    pub fn read(path: &Path) -> Result<Self, ReportError> {
        Ok(Self { source: files::one_line(path), record: Record::read(path)? })
    }
}

/// Which model answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// Its folder; what is no UTF-8 in it stands there as an escape.
    #[serde(serialize_with = "files::escaped")]
    pub path: PathBuf,
    /// The digest of its weights.
    pub digest: String,
    /// The optimizer steps it was trained for.
    pub step: u64,
    /// Trained numbers without the puzzle rows.
    pub parameters: u64,
    /// Trained numbers in the puzzle rows.
    pub puzzle_rows: u64,
    /// The name of the recipe that trained it.
    pub recipe: Option<String>,
}

impl Checkpoint {
    /// Escapes in its names what would break a line.
    pub(super) fn escape(&mut self) {
        self.path = files::one_line(&self.path).into();
        self.digest = names::one_line(&self.digest).into_owned();
        self.recipe = self.recipe.as_deref().map(|name| names::one_line(name).into_owned());
    }
}

/// Adaptation of a checkpoint to the tasks of a run. The answers of both vote together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedAdaptation {
    /// Length that was asked for: `20 min 00 s` or `200 steps`.
    pub length: String,
    /// Checkpoint that it began with.
    pub from: Checkpoint,
    /// Tasks that there was no time for; the first checkpoint alone answers them.
    pub left_out: Vec<String>,
}

/// Which tasks were asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tasks {
    /// The set's name or path.
    pub name: String,
    /// The set's digest.
    pub digest: String,
    /// How many tasks it has.
    pub tasks: usize,
    /// How many test outputs it asks for.
    pub outputs: usize,
}

/// How a run stands, or how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It goes on, or was killed.
    Running,
    /// Every task was reached.
    Complete,
    /// The time limit ended it.
    TimeLimit,
    /// A signal ended it.
    Interrupted,
}

/// What came of one task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskEntry {
    /// The task.
    pub id: String,
    /// How many of its outputs are solved; `None` where the solutions are not known.
    pub solved: Option<usize>,
    /// How many outputs it asks for.
    pub outputs: usize,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// How many predictions there were.
    pub predictions: usize,
}

impl Record {
    /// The record of a run that starts now. Checkpoint, views, steps, tokens per batch, precision and whether it repeats
    /// are for the caller to fill in.
    pub fn new(name: &str, solver: &str, set: &TaskSet, seed: u64, device: &str) -> Self {
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let tasks =
            Tasks { name: set.name.clone(), digest: set.digest(), tasks: set.tasks.len(), outputs: set.outputs() };
        Self {
            name: name.to_owned(),
            solver: solver.to_owned(),
            checkpoint: None,
            adaptation: None,
            seed,
            device: device.to_owned(),
            views: None,
            steps: None,
            tokens_per_batch: None,
            precision: None,
            arithmetic: None,
            repeats: None,
            started_unix: started.as_secs(),
            seconds: 0.0,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: option_env!("TRM_ARC_COMMIT").map(str::to_owned),
            finished: false,
            status: Status::Running,
            answered: 0,
            unanswered: tasks.tasks,
            unseen: Vec::new(),
            score: None,
            entries: Vec::new(),
            tasks,
        }
    }

    /// Writes the file in one step.
    ///
    /// # Errors
    /// [`FileError::Write`]; the file is then as it was before.
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        let text = serde_json::to_string_pretty(self).expect("a record is plain data") + "\n";
        files::write(path, text.as_bytes())
    }

    /// Reads a record, or the `run.json` of a folder.
    ///
    /// # Errors
    /// [`ReportError`] with the path.
    pub fn read(path: &Path) -> Result<Self, ReportError> {
        let file = if path.is_dir() { path.join(RECORD_FILE) } else { path.to_owned() };
        if !file.exists() {
            let submission = submission::file_in(path);
            return Err(match submission.exists() {
                true => no_submission(submission),
                false => ReportError::NoRun { path: path.to_owned() },
            });
        }
        let record: Self =
            files::read_json(&file).map_err(|fault| other_than_a_record(&file).unwrap_or_else(|| fault.into()))?;
        record.checked(&file).map_err(ReportError::from)
    }

    /// Refuses ids that no task can have, and escapes in the other names what would break a line: they stand in tables and titles.
    fn checked(mut self, file: &Path) -> Result<Self, FileError> {
        let solved = self.score.iter().flat_map(|score| &score.solved_tasks);
        let left_out = self.adaptation.iter().flat_map(|adaptation| &adaptation.left_out);
        for id in self.entries.iter().map(|entry| &entry.id).chain(&self.unseen).chain(left_out).chain(solved) {
            if let Some(fault) = names::fault(id) {
                let id = names::one_line(id);
                return Err(files::format_error(file, format!("the id \"{id}\" of a task {fault}")));
            }
        }
        for name in [&mut self.name, &mut self.solver, &mut self.tasks.name, &mut self.device, &mut self.version] {
            *name = names::one_line(name).into_owned();
        }
        for name in [&mut self.precision, &mut self.arithmetic, &mut self.commit].into_iter().flatten() {
            *name = names::one_line(name).into_owned();
        }
        self.checkpoint.iter_mut().for_each(Checkpoint::escape);
        self.adaptation.iter_mut().for_each(|adaptation| adaptation.from.escape());
        Ok(self)
    }

    /// Tasks whose outputs are all solved so far; `None` where the solutions are not known.
    pub fn solved_so_far(&self) -> Option<usize> {
        self.entries.iter().map(|entry| entry.solved.map(|solved| usize::from(solved == entry.outputs))).sum()
    }

    /// Why there is no score, where there is none.
    pub fn why_unscored(&self) -> &'static str {
        if self.finished {
            "the solutions of all its tasks were not there"
        } else {
            "it goes on, or was killed before its end"
        }
    }

    /// Seconds per task that was reached.
    pub fn seconds_per_task(&self) -> Option<f64> {
        let is_known = !self.entries.is_empty() && !self.is_of_submission();
        is_known.then(|| self.seconds / self.entries.len() as f64)
    }
}

/// The error for a submission in the place of a record.
fn no_submission(path: PathBuf) -> ReportError {
    let beside = path.with_file_name(RECORD_FILE);
    let hint = match beside.exists() {
        true => format!("its record is {}", beside.display()),
        false => "name its tasks too, by --tasks".into(),
    };
    ReportError::Submission { path, hint }
}

/// What a JSON file is that has nothing of a record; `None` for a faulty record, whose own fault says more.
fn other_than_a_record(file: &Path) -> Option<ReportError> {
    let path = file.to_owned();
    if PuzzleRecord::is_at(file) {
        return Some(ReportError::Puzzles { path });
    }
    let answers = submission::read_answers(file).unwrap_or_default();
    if answers.values().flatten().any(|attempts| !attempts.is_empty()) {
        return Some(no_submission(path));
    }
    let entries: Result<Entries<IgnoredAny>, _> = files::read_json(file);
    // what is JSON and no object is no record either
    files::read_json::<IgnoredAny>(file).ok()?;
    let fields = entries.map(|entries| entries.0).unwrap_or_default();
    let is_record = fields.iter().any(|(field, _)| ["solver", "entries"].contains(&field.as_str()));
    (!is_record).then_some(ReportError::NoRecord { path })
}

#[cfg(test)]
mod tests;
