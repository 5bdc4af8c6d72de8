//! `PuzzleRecord`: what a run on a table of puzzles was and what came of it, kept in `run.json`.
//!
//! It is written before the first puzzle and with the score last: `finished` is false in the record of a run that is still going or was
//! killed.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::PuzzleScore;
use crate::files::{self, Entries, FileError};
use crate::names;
use crate::puzzle::{Kind, PuzzleSet};
use crate::report::{Checkpoint, RECORD_FILE, ReportError, Status};
use crate::rng::Repeats;

/// What a run on puzzles was and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PuzzleRecord {
    /// What tables call it.
    pub name: String,
    /// What was asked.
    pub puzzles: PuzzleTable,
    /// The model.
    pub checkpoint: Checkpoint,
    /// What it was computed on.
    pub device: String,
    /// The number type of products.
    pub precision: String,
    /// Supervision steps.
    pub steps: usize,
    /// Tokens of a batch.
    pub tokens_per_batch: usize,
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
    /// Of these the seconds of solving itself, without the model's loading and the training set's making.
    pub solving_seconds: f64,
    /// The version of this program.
    pub version: String,
    /// The commit that the program was built from, with "changed" behind it where files differed; `None` without git.
    pub commit: Option<String>,
    /// True once the run has ended in order and the score below is final.
    pub finished: bool,
    /// How it stands, or how it ended.
    pub status: Status,
    /// Puzzles with an answer.
    pub answered: usize,
    /// Puzzles that the run did not reach.
    pub unanswered: usize,
    /// What came of those with an answer; `None` where there is none, and until the run has ended.
    pub score: Option<PuzzleScore>,
}

/// Which puzzles were asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PuzzleTable {
    /// The table's path.
    pub name: String,
    /// The digest of its questions and answers.
    pub digest: String,
    /// What they are.
    pub kind: Kind,
    /// Rows, and columns.
    pub side: usize,
    /// How many there are.
    pub count: usize,
    /// False of a table without answers, which is solved and not scored.
    #[serde(default = "has_answers", skip_serializing_if = "Clone::clone")]
    pub has_answers: bool,
}

fn has_answers() -> bool {
    true
}

/// What was asked of a model.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// The puzzles.
    pub set: &'a PuzzleSet,
    /// The path of their table.
    pub table: &'a Path,
    /// False where the table has no answers.
    pub has_answers: bool,
    /// Supervision steps.
    pub steps: usize,
    /// Tokens of a batch.
    pub tokens_per_batch: usize,
}

impl PuzzleRecord {
    /// The record of a run that starts now. Whether it repeats is for the caller to fill in.
    pub fn new(asked: &Asked<'_>, checkpoint: Checkpoint, device: &str, precision: &str) -> Self {
        let set = asked.set;
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let puzzles = PuzzleTable {
            name: files::path_text(asked.table),
            digest: set.digest(),
            kind: set.kind,
            side: set.side,
            count: set.puzzles.len(),
            has_answers: asked.has_answers,
        };
        Self {
            name: checkpoint.recipe.as_ref().map_or_else(|| "trm".to_owned(), |recipe| format!("trm {recipe}")),
            checkpoint,
            device: device.to_owned(),
            precision: precision.to_owned(),
            steps: asked.steps,
            tokens_per_batch: asked.tokens_per_batch,
            arithmetic: None,
            repeats: None,
            started_unix: started.as_secs(),
            seconds: 0.0,
            solving_seconds: 0.0,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: option_env!("TRM_ARC_COMMIT").map(str::to_owned),
            finished: false,
            status: Status::Running,
            answered: 0,
            unanswered: puzzles.count,
            score: None,
            puzzles,
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

    /// True of a JSON file that is such a record, faulty or not, and of a folder with one.
    pub fn is_at(path: &Path) -> bool {
        let file = if path.is_dir() { path.join(RECORD_FILE) } else { path.to_owned() };
        let entries: Result<Entries<Box<RawValue>>, _> = files::read_json(&file);
        entries.is_ok_and(|entries| entries.0.iter().any(|(key, text)| key == "puzzles" && text.get().starts_with('{')))
    }

    /// Reads a record, or the `run.json` of a folder.
    ///
    /// # Errors
    /// [`ReportError`] with the path.
    pub fn read(path: &Path) -> Result<Self, ReportError> {
        let file = if path.is_dir() { path.join(RECORD_FILE) } else { path.to_owned() };
        let mut record: Self = files::read_json(&file)?;
        // they stand in tables and titles
        for name in
            [&mut record.name, &mut record.puzzles.name, &mut record.device, &mut record.precision, &mut record.version]
        {
            *name = names::one_line(name).into_owned();
        }
        record.commit.iter_mut().for_each(|commit| *commit = names::one_line(commit).into_owned());
        record.checkpoint.escape();
        Ok(record)
    }

    /// Puzzles per second of solving; `None` where nothing was answered.
    pub fn puzzles_per_second(&self) -> Option<f64> {
        (self.answered > 0 && self.solving_seconds > 0.0).then(|| self.answered as f64 / self.solving_seconds)
    }
}
