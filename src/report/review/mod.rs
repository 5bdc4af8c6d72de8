//! `Review`: a run task by task, with what its record, its submission, its predictions and the tasks say together.
//!
//! What bites: these are four files that may come from different runs. So they are held against each other before anything is shown:
//! the tasks by their digest, the submission by the record's count of solved outputs, the predictions by voting them again.

mod html;
mod page;
mod text;

use std::collections::HashMap;
use std::path::PathBuf;

use crate::grid::Grid;
use crate::prediction::{Answers, Prediction};
use crate::score;
use crate::task::{Task, TaskSet};
use crate::vote::{self, Candidate};

use super::{Record, ReportError, TaskEntry};
pub use html::Price;
pub(super) use html::STYLE;

/// A run, task by task.
#[derive(Debug)]
pub struct Review<'a> {
    /// What the run was.
    pub record: &'a Record,
    /// Its tasks in the order of the set.
    pub tasks: Vec<Reviewed<'a>>,
    /// True when the predictions were there.
    pub has_predictions: bool,
}

/// What came of one task.
#[derive(Debug)]
pub struct Reviewed<'a> {
    /// The task.
    pub task: &'a Task,
    /// What the record says of it; `None` when it was not reached.
    pub entry: Option<&'a TaskEntry>,
    /// How it ended.
    pub verdict: Verdict,
    /// What came of each test input.
    pub outputs: Vec<Output>,
}

/// What came of one test input.
#[derive(Debug)]
pub struct Output {
    /// The two attempts.
    pub attempts: Vec<Grid>,
    /// Which of them is right, from 0; `None` where none is, or the truth is not known.
    pub right: Option<usize>,
    /// All candidates, best first; none where the predictions are not there.
    pub candidates: Vec<Candidate>,
    /// The place of the truth among the candidates, from 0.
    pub place: Option<usize>,
    /// The first view's answers after the supervision steps before the last, and after the last.
    pub by_step: Vec<Option<Grid>>,
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every output is right.
    Solved,
    /// Some outputs are right.
    Partly,
    /// No output is right.
    Missed,
    /// Answered, and the truth is not known.
    Answered,
    /// The solver does not know the task; the input stands for the answer.
    NeverSeen,
    /// The run did not come to it.
    NotReached,
}

impl Verdict {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Self; 6] =
        [Self::Solved, Self::Partly, Self::Missed, Self::Answered, Self::NeverSeen, Self::NotReached];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Solved => "solved",
            Self::Partly => "partly solved",
            Self::Missed => "missed",
            Self::Answered => "answered",
            Self::NeverSeen => "never seen",
            Self::NotReached => "not reached",
        }
    }

    fn of(record: &Record, entry: Option<&TaskEntry>) -> Self {
        let Some(entry) = entry else { return Self::NotReached };
        match entry.solved {
            Some(solved) if solved == entry.outputs => Self::Solved,
            Some(solved) if solved > 0 => Self::Partly,
            _ if record.unseen.contains(&entry.id) => Self::NeverSeen,
            Some(_) => Self::Missed,
            None => Self::Answered,
        }
    }
}

/// The files of a run.
#[derive(Debug)]
pub struct Files<'a> {
    /// What was asked.
    pub set: &'a TaskSet,
    /// What was submitted, and where it was read.
    pub submission: (&'a Answers, PathBuf),
    /// What was predicted, and where it was read.
    pub predictions: Option<(Vec<Prediction>, PathBuf)>,
}

impl<'a> Review<'a> {
    /// Puts the files of a run together.
    ///
    /// # Errors
    /// [`ReportError::NotItsTasks`], [`ReportError::NotItsSubmission`] or [`ReportError::NotItsPredictions`] when one of them is not the run's.
    pub fn of(record: &'a Record, files: Files<'a>) -> Result<Self, ReportError> {
        let Files { set, submission: (answers, submission), predictions } = files;
        if set.digest() != record.tasks.digest {
            let (run, name) = (record.name.clone(), set.name.clone());
            return Err(ReportError::NotItsTasks { run, tasks: record.tasks.name.clone(), name });
        }
        let entries: HashMap<&str, &TaskEntry> =
            record.entries.iter().map(|entry| (entry.id.as_str(), entry)).collect();
        let (mut by_output, predicted): (HashMap<(String, usize), Vec<Prediction>>, _) = match predictions {
            Some((predictions, path)) => (by_output(predictions), Some(path)),
            None => (HashMap::new(), None),
        };
        let mut tasks = Vec::with_capacity(set.tasks.len());
        for task in &set.tasks {
            let entry = entries.get(task.id.as_str()).copied();
            let mut outputs = Vec::with_capacity(task.test.len());
            for test in 0..task.test.len() {
                let attempts = answers.get(&task.id).and_then(|tests| tests.get(test)).cloned().unwrap_or_default();
                let predictions = by_output.remove(&(task.id.clone(), test)).unwrap_or_default();
                outputs.push(Output::of(task, test, attempts, &predictions));
            }
            if let Some(path) = &predicted {
                check_votes(task, &outputs, entry.is_some(), path)?;
            }
            let solved = outputs.iter().filter(|output| output.right.is_some()).count();
            if entry.and_then(|entry| entry.solved).is_some_and(|recorded| recorded != solved) {
                return Err(ReportError::NotItsSubmission { path: submission, task: task.id.clone() });
            }
            tasks.push(Reviewed { task, entry, verdict: Verdict::of(record, entry), outputs });
        }
        Ok(Self { record, tasks, has_predictions: predicted.is_some() })
    }

    /// How many tasks ended so.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.tasks.iter().filter(|task| task.verdict == verdict).count()
    }

    /// Wilson's 95% interval of the task score, in per cent; `None` without a score.
    pub fn interval(&self) -> Option<(f64, f64)> {
        let score = self.record.score.as_ref()?;
        let tasks = score.tasks as f64;
        let (low, high) = score::wilson(score.task_score * tasks, tasks);
        Some((100.0 * low, 100.0 * high))
    }
}

fn by_output(predictions: Vec<Prediction>) -> HashMap<(String, usize), Vec<Prediction>> {
    let mut all: HashMap<(String, usize), Vec<Prediction>> = HashMap::new();
    for prediction in predictions {
        all.entry((prediction.task.clone(), prediction.test)).or_default().push(prediction);
    }
    all
}

/// The attempts that the votes of a reached task lead to must be those that were submitted.
fn check_votes(task: &Task, outputs: &[Output], is_reached: bool, path: &std::path::Path) -> Result<(), ReportError> {
    let is_voted = |(test, output): (usize, &Output)| {
        let voted = vote::attempts(&output.candidates, &task.test[test].input);
        output.attempts == [voted.attempt_1, voted.attempt_2]
    };
    if is_reached && !outputs.iter().enumerate().all(is_voted) {
        return Err(ReportError::NotItsPredictions { path: path.to_owned(), task: task.id.clone() });
    }
    Ok(())
}

impl Output {
    fn of(task: &Task, test: usize, attempts: Vec<Grid>, predictions: &[Prediction]) -> Self {
        let truth = task.test[test].output.as_ref();
        let candidates = vote::rank(predictions);
        let first = predictions.iter().find(|prediction| !prediction.earlier.is_empty());
        let by_step = first.map(|first| first.earlier.iter().chain([&first.grid]).cloned().collect());
        Self {
            right: truth.and_then(|truth| attempts.iter().position(|attempt| attempt == truth)),
            place: truth.and_then(|truth| candidates.iter().position(|c| c.grid.as_ref() == Some(truth))),
            by_step: by_step.unwrap_or_default(),
            attempts,
            candidates,
        }
    }
}

#[cfg(test)]
mod tests;
