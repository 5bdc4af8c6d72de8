//! `Standing`: how a run stands, in memory and on the disk: submission, record, predictions.
//!
//! Submission and record are written before the first task, after the first, about once a second, and at the end. Where tasks come in
//! several rounds, all predictions are kept for the vote: the journal has them as they came, and is put into the order of tasks, tests and
//! views at the end, which is that of one round. What the solver says about a task goes to the trail first.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::journal::Journal;
use super::plan::{Plan, SolveError};
use super::run::{Outcome, Progress};
use super::trail::{Head, Step, Trail};
use crate::files::FileError;
use crate::prediction::{self, Attempts, Prediction};
use crate::report::{Begun, Checkpoint, Record, Status, TaskEntry};
use crate::score::{self, Ranks};
use crate::submission::Submission;
use crate::task::{Task, Test};
use crate::vote;

/// Submission and record are written at most this often.
const BETWEEN_WRITES: Duration = Duration::from_secs(1);

/// What a run was when it began.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// The record before the first task.
    pub record: Record,
    /// Rounds over all tasks.
    pub rounds: usize,
    /// True when the checkpoint adapts to the tasks after these rounds, and solves them again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adapts: bool,
}

impl Head for Start {
    fn has_other_work(&self) -> bool {
        self.adapts
    }
}

/// What the solver said about a task in a round.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    round: usize,
    /// Of the task in the set.
    place: usize,
    /// Seconds that the solver took.
    seconds: f64,
    elapsed: f64,
    predictions: Vec<Prediction>,
}

impl Step for Answer {
    fn place(&self) -> (usize, usize) {
        (self.round, self.place)
    }

    fn elapsed(&self) -> f64 {
        self.elapsed
    }
}

/// The trail of a run on tasks.
pub type TaskTrail = Trail<Start, Answer>;

/// A run on its way.
pub(super) struct Standing<'a> {
    plan: &'a Plan<'a>,
    record: Record,
    submission: Submission,
    journal: Option<Journal>,
    trail: TaskTrail,
    ranks: Ranks,
    written: Option<Instant>,
    /// True when tasks come more than once.
    comes_again: bool,
    /// For each task what was predicted so far, where it comes again.
    kept: Vec<Vec<Prediction>>,
}

impl<'a> Standing<'a> {
    /// At its beginning, or where `trail` says that it broke off.
    pub(super) fn start(
        plan: &'a Plan<'a>,
        mut record: Record,
        rounds: usize,
        adapts: bool,
        trail: Option<TaskTrail>,
    ) -> Result<Self, SolveError> {
        let goes_on = trail.is_some();
        let trail = match trail {
            Some(trail) => {
                let Start { record: began, rounds: of_before, .. } = trail.start();
                let difference = record.difference(began).or_else(|| {
                    let said = |rounds: usize| if rounds == 1 { "one round" } else { "rounds against a clock" };
                    (*of_before != rounds).then(|| (said(*of_before).to_owned(), said(rounds).to_owned()))
                });
                if let Some((before, now)) = difference {
                    return Err(SolveError::OtherRun { path: trail.path().to_owned(), before, now });
                }
                record.started_unix = began.started_unix;
                trail
            }
            None => Trail::begin(&plan.trail(), Start { record: record.clone(), rounds, adapts })?,
        };
        let submission = Submission::placeholders(plan.set);
        let journal = plan.predictions.as_deref().map(Journal::create).transpose()?;
        let kept = vec![Vec::new(); plan.set.tasks.len()];
        let (ranks, written, comes_again) = (Ranks::default(), None, rounds > 1 || adapts);
        let mut standing = Self { plan, record, submission, journal, trail, ranks, written, comes_again, kept };
        // the submission of a run that goes on has answers, and is better than placeholders until it has caught up
        if goes_on && plan.submission.exists() {
            standing.record.write(&plan.record)?;
        } else {
            standing.write()?;
        }
        // The first task is written whenever it comes.
        standing.written = None;
        Ok(standing)
    }

    /// True while what is behind the run is not all taken over.
    pub(super) fn is_behind(&self) -> bool {
        self.trail.is_behind()
    }

    /// The round of the next answer that is behind the run.
    pub(super) fn next_round(&mut self) -> Result<Option<usize>, FileError> {
        Ok(self.trail.next_place()?.map(|(round, _)| round))
    }

    /// Takes note of the checkpoint that solves from now on, and of what it is adapted to.
    pub(super) fn adapted(&mut self, name: String, checkpoint: Checkpoint, left_out: Vec<String>) {
        self.record.name = name;
        self.record.checkpoint = Some(checkpoint);
        if let Some(adaptation) = &mut self.record.adaptation {
            adaptation.left_out = left_out;
        }
    }

    /// What the solver said about a task in a round before the run broke off.
    pub(super) fn behind(
        &mut self,
        round: usize,
        place: usize,
    ) -> Result<Option<(Vec<Prediction>, Duration)>, SolveError> {
        let step = self.trail.take((round, place))?;
        Ok(step.map(|step| (step.predictions, Duration::try_from_secs_f64(step.seconds).unwrap_or_default())))
    }

    /// Puts down what the solver has just said about a task, all of it.
    pub(super) fn put_down(
        &mut self,
        round: usize,
        place: usize,
        predictions: &[Prediction],
        spent: Duration,
    ) -> Result<(), SolveError> {
        let (seconds, elapsed) = (spent.as_secs_f64(), self.seconds());
        Ok(self.trail.add(&Answer { round, place, seconds, elapsed, predictions: predictions.to_vec() })?)
    }

    /// Seconds of the run, those before it broke off too.
    fn seconds(&self) -> f64 {
        self.trail.before() + self.plan.started.elapsed().as_secs_f64()
    }

    /// True when an earlier round has predicted something for this task of the set.
    pub(super) fn has_answer(&self, place: usize) -> bool {
        !self.kept[place].is_empty()
    }

    /// Takes over what the solver said about a task of the set. The first time it counts as reached; tasks are reached in their order. `cut`
    /// says that the solver was told to stop.
    pub(super) fn take(
        &mut self,
        place: usize,
        predictions: Vec<Prediction>,
        spent: Duration,
        cut: bool,
    ) -> Result<(), SolveError> {
        let task = &self.plan.set.tasks[place];
        if let Some(journal) = &mut self.journal {
            journal.append(&prediction::to_lines(&predictions))?;
        }
        let count = predictions.len();
        self.kept[place].extend(predictions);
        let (attempts, is_known) = self.vote(task, place);
        let (seconds, solved) = (spent.as_secs_f64(), solved(task, &attempts));
        match self.record.entries.get_mut(place) {
            Some(entry) => {
                if is_known && let Some(place) = self.record.unseen.iter().position(|id| *id == task.id) {
                    self.record.unseen.remove(place);
                    self.record.answered += 1;
                }
                entry.seconds += seconds;
                entry.predictions += count;
                entry.solved = solved;
            }
            None => {
                debug_assert_eq!(self.record.entries.len(), place, "tasks are reached in their order");
                if is_known || cut {
                    self.record.answered += 1;
                } else {
                    self.record.unseen.push(task.id.clone());
                }
                self.record.unanswered -= 1;
                let (id, outputs) = (task.id.clone(), task.test.len());
                self.record.entries.push(TaskEntry { id, solved, outputs, seconds, predictions: count });
            }
        }
        self.submission.set(&task.id, attempts)?;
        if !self.comes_again {
            self.kept[place] = Vec::new();
        }
        if !self.is_behind() && self.written.is_none_or(|written| written.elapsed() >= BETWEEN_WRITES) {
            self.write()?;
        }
        Ok(())
    }

    /// The attempts by all votes so far, and whether every test input has one.
    fn vote(&mut self, task: &Task, place: usize) -> (Vec<Attempts>, bool) {
        let mut attempts = Vec::with_capacity(task.test.len());
        let mut is_known = true;
        for (i, test) in task.test.iter().enumerate() {
            let votes = self.kept[place].iter().filter(|prediction| prediction.task == task.id && prediction.test == i);
            let candidates = vote::rank(votes);
            is_known &= !candidates.is_empty();
            self.ranks.add(task, i, &candidates);
            attempts.push(vote::attempts(&candidates, &test.input));
        }
        (attempts, is_known)
    }

    fn write(&mut self) -> Result<(), FileError> {
        self.record.seconds = self.seconds();
        self.trail.flush()?;
        self.submission.write(&self.plan.submission)?;
        self.record.write(&self.plan.record)?;
        self.written = Some(Instant::now());
        Ok(())
    }

    /// How far the run is when `done` tasks of a round are behind it.
    pub(super) fn progress(&self, round: usize, rounds: usize, done: usize) -> Progress {
        let tasks = self.plan.set.tasks.len();
        Progress { round, rounds, done, tasks, solved: self.record.solved_so_far() }
    }

    /// The totals come last: a record that says `finished` has its submission and predictions beside it.
    pub(super) fn finish(mut self, status: Status) -> Result<Outcome, SolveError> {
        if self.is_behind() {
            // stopped before it had caught up: what stands on the disk is further
            self.record.status = status;
            self.trail.end(false)?;
            return Ok(Outcome { record: self.record, submission: self.submission });
        }
        self.submission.write(&self.plan.submission)?;
        if let Some(mut journal) = self.journal.take() {
            if self.comes_again {
                journal.start_over()?;
                for predictions in &mut self.kept {
                    predictions.sort_by_key(|prediction| prediction.test);
                    journal.append(&prediction::to_lines(predictions))?;
                }
            }
            journal.finish()?;
        }
        if self.plan.set.has_solutions() {
            self.record.score = Some(score::score(&self.submission.answers(), self.plan.set, Some(&self.ranks))?);
        }
        self.record.status = status;
        self.record.finished = true;
        self.record.seconds = self.seconds();
        self.record.write(&self.plan.record)?;
        self.trail.end(status == Status::Complete)?;
        Ok(Outcome { record: self.record, submission: self.submission })
    }
}

/// How many outputs of a task are solved; `None` where a solution is not known.
fn solved(task: &Task, attempts: &[Attempts]) -> Option<usize> {
    let is_solved =
        |(test, attempts): (&Test, &Attempts)| test.output.as_ref().map(|output| usize::from(attempts.solve(output)));
    task.test.iter().zip(attempts).map(is_solved).sum()
}
