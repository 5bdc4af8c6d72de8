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
        Ok(Self { source: path.display().to_string(), record: Record::read(path)? })
    }
}

/// Which model answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// Its folder.
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
            return Err(ReportError::NoRun { path: path.to_owned() });
        }
        files::read_json(&file).map_err(|fault| other_than_a_record(&file).unwrap_or_else(|| fault.into()))
    }

    /// Tasks whose outputs are all solved so far; `None` where the solutions are not known.
    pub fn solved_so_far(&self) -> Option<usize> {
        self.entries.iter().map(|entry| entry.solved.map(|solved| usize::from(solved == entry.outputs))).sum()
    }

    /// Why there is no score, where there is none.
    pub fn why_unscored(&self) -> &'static str {
        if self.finished {
            "the solutions of its tasks were not there"
        } else {
            "it goes on, or was killed before its end"
        }
    }

    /// Seconds per task that was reached.
    pub fn seconds_per_task(&self) -> Option<f64> {
        (!self.entries.is_empty()).then(|| self.seconds / self.entries.len() as f64)
    }
}

/// What a JSON file is that has nothing of a record; `None` for a faulty record, whose own fault says more.
fn other_than_a_record(file: &Path) -> Option<ReportError> {
    let path = file.to_owned();
    if PuzzleRecord::is_at(file) {
        return Some(ReportError::Puzzles { path });
    }
    let answers = submission::read_answers(file).unwrap_or_default();
    if answers.values().flatten().any(|attempts| !attempts.is_empty()) {
        return Some(ReportError::Submission { path });
    }
    let entries: Result<Entries<IgnoredAny>, _> = files::read_json(file);
    // what is JSON and no object is no record either
    files::read_json::<IgnoredAny>(file).ok()?;
    let fields = entries.map(|entries| entries.0).unwrap_or_default();
    let is_record = fields.iter().any(|(field, _)| ["solver", "entries"].contains(&field.as_str()));
    (!is_record).then_some(ReportError::NoRecord { path })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let set = TaskSet { name: "arc-agi-1/evaluation".into(), tasks: Vec::new() };
        Record::new("copy", "copy", &set, 7, "cpu")
    }

    #[test]
    fn a_record_is_read_back_from_its_file_and_from_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let mut record = record();
        record.checkpoint = Some(Checkpoint {
            path: "models/mine".into(),
            digest: "00ff".into(),
            step: 3,
            parameters: 5,
            puzzle_rows: 8,
            recipe: None,
        });
        record.score = Some(Score {
            tasks: 1,
            outputs: 1,
            kaggle_score: 0.0,
            task_score: 0.0,
            solved_outputs: 0,
            solved_tasks: Vec::new(),
            pass_at: Some([(1, 0.0), (1000, 0.25)].into()),
        });
        record.write(&folder.path().join(RECORD_FILE)).unwrap();
        assert_eq!(Record::read(folder.path()).unwrap(), record);
        assert_eq!(Record::read(&folder.path().join(RECORD_FILE)).unwrap(), record);
    }

    #[test]
    fn a_record_of_before_a_setting_existed_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let mut value = serde_json::to_value(record()).unwrap();
        for setting in ["tokens_per_batch", "precision", "commit", "repeats"] {
            assert!(value.as_object_mut().unwrap().remove(setting).is_some(), "{setting}");
        }
        let path = folder.path().join(RECORD_FILE);
        files::write(&path, value.to_string().as_bytes()).unwrap();
        assert_eq!(Record::read(&path).unwrap(), Record { commit: None, ..record() });
    }

    #[test]
    fn an_unknown_field_and_a_missing_record_are_errors_with_the_path() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Record::read(folder.path()).unwrap_err().to_string().contains("no run here"));
        let mut value = serde_json::to_value(record()).unwrap();
        value["sede"] = 3.into();
        let path = folder.path().join(RECORD_FILE);
        files::write(&path, value.to_string().as_bytes()).unwrap();
        let message = Record::read(&path).unwrap_err().to_string();
        assert!(message.contains("run.json") && message.contains("sede"), "{message}");
        let path = folder.path().join("submission.json");
        files::write(&path, br#"{"x1": [{"attempt_1": [[1]], "attempt_2": [[2]]}]}"#).unwrap();
        let message = Record::read(&path).unwrap_err().to_string();
        assert!(message.contains("submission.json: this is a submission") && message.contains("run.json"), "{message}");
    }
}
