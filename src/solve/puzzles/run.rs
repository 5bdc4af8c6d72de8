//! The run: every puzzle of a table, batch by batch, with its predictions written as they come.
//!
//! What bites: batches run side by side, so a run that is cut may have answered a puzzle and not the one before it. What was answered counts,
//! whatever stands between.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::Training;
use super::solver::{Answered, PuzzleSolver};
use crate::ops::{Inside, Operations};
use crate::puzzle::PuzzleSet;
use crate::report::{
    Judged, KEPT, PuzzlePrediction, PuzzleRecord, PuzzleScore, Status, prediction_header, prediction_lines,
};
use crate::solve::SolveError;
use crate::solve::journal::Journal;
use crate::solve::plan::check_outputs;

/// Batches whose answers are written together: at their end some thread may wait for another.
const PIECE: usize = 64;

/// What to solve and where to write.
#[derive(Clone, Debug)]
pub struct PuzzlePlan<'a> {
    /// The puzzles.
    pub set: &'a PuzzleSet,
    /// Their table; no output may take its place.
    pub table: PathBuf,
    /// All predictions, when they are wanted.
    pub predictions: Option<PathBuf>,
    /// The record of the run.
    pub record: PathBuf,
    /// The run ends in order when this much time has passed since `started`.
    pub time_limit: Option<Duration>,
    /// When the clock began, so that loading a model counts too.
    pub started: Instant,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PuzzleProgress {
    /// Puzzles with an answer.
    pub answered: usize,
    /// Those of them that are exact.
    pub exact: usize,
}

impl PuzzlePlan<'_> {
    /// Finds out before any work that every output can be written and none takes the place of another or of the table.
    ///
    /// # Errors
    /// [`SolveError::File`], [`SolveError::SamePath`] or [`SolveError::Input`].
    pub fn check(&self) -> Result<(), SolveError> {
        let outputs = [Some(&self.record), self.predictions.as_ref()];
        check_outputs(std::slice::from_ref(&self.table), &outputs, self.predictions.as_deref())
    }

    /// True when the time limit has passed.
    pub fn is_over_time(&self) -> bool {
        self.time_limit.is_some_and(|limit| self.started.elapsed() >= limit)
    }
}

/// Solves the puzzles of a plan until they are done, the time is up, or `interrupt` is set.
///
/// # Errors
/// [`SolveError`].
pub fn run_puzzles<D: Operations>(
    solver: &PuzzleSolver<D>,
    plan: &PuzzlePlan<'_>,
    training: Option<&Training>,
    mut record: PuzzleRecord,
    interrupt: &AtomicBool,
    on_progress: &(dyn Fn(PuzzleProgress) + Sync),
) -> Result<PuzzleRecord, SolveError> {
    plan.check()?;
    record.write(&plan.record)?;
    let mut journal = plan.predictions.as_deref().map(Journal::create).transpose()?;
    journal.as_mut().map_or(Ok(()), |journal| journal.append(&prediction_header()))?;
    let is_learned = training.map(|training| training.has(plan.set));
    let is_cut = AtomicBool::new(false);
    let stop = || {
        let is_over = interrupt.load(Ordering::Relaxed) || plan.is_over_time();
        is_cut.fetch_or(is_over, Ordering::Relaxed);
        is_over
    };
    let (answered, exact) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let batch = |batch: &Range<usize>| {
        let answers = solver.answer(&plan.set.puzzles[batch.clone()], &stop)?;
        let puzzles = batch.clone().zip(answers);
        let done: Vec<Done> = puzzles.map(|(number, answer)| done(plan.set, number, answer)).collect();
        let right = done.iter().filter(|done| done.prediction.is_exact()).count();
        let before = (answered.fetch_add(done.len(), Ordering::Relaxed), exact.fetch_add(right, Ordering::Relaxed));
        on_progress(PuzzleProgress { answered: before.0 + done.len(), exact: before.1 + right });
        Some(done)
    };
    let began = Instant::now();
    let mut judged = Vec::new();
    for piece in solver.batches(&plan.set.puzzles).chunks(PIECE) {
        let answered = D::side_by_side(Inside::CRATE, piece, batch);
        let done: Vec<Done> = answered.into_iter().flatten().flatten().collect();
        judged.extend(done.iter().map(|done| Judged {
            rating: done.prediction.puzzle.rating,
            is_learned: is_learned.as_ref().map(|learned| learned[done.number]),
            right: done.right.clone(),
        }));
        if let Some(journal) = &mut journal {
            let predictions: Vec<PuzzlePrediction> = done.into_iter().map(|done| done.prediction).collect();
            journal.append(&prediction_lines(plan.set.kind, &predictions))?;
        }
        if is_cut.load(Ordering::Relaxed) {
            break;
        }
    }
    record.solving_seconds = began.elapsed().as_secs_f64();
    journal.map_or(Ok(()), Journal::finish)?;
    record.answered = judged.len();
    record.unanswered = plan.set.puzzles.len() - judged.len();
    record.score = PuzzleScore::of(plan.set.kind, plan.set.side * plan.set.side, &judged);
    record.status = match (record.unanswered, interrupt.load(Ordering::Relaxed)) {
        (0, _) => Status::Complete,
        (_, true) => Status::Interrupted,
        (_, false) => Status::TimeLimit,
    };
    record.finished = true;
    record.seconds = plan.started.elapsed().as_secs_f64();
    record.write(&plan.record)?;
    Ok(record)
}

/// A puzzle that is behind the run.
struct Done {
    number: usize,
    right: Vec<u16>,
    prediction: PuzzlePrediction,
}

fn done(set: &PuzzleSet, number: usize, Answered { mut grids, halt }: Answered) -> Done {
    let puzzle = set.puzzles[number].clone();
    let right = |cells: &[u8]| puzzle.answer.cells().iter().zip(cells).filter(|(truth, cell)| truth == cell).count();
    let right = grids.iter().map(|grid| right(grid.cells()) as u16).collect();
    let grid = grids.pop().expect("there is at least one step");
    grids.truncate(if number < KEPT { grids.len() } else { 0 });
    Done { number, right, prediction: PuzzlePrediction { puzzle, grid, halt, earlier: grids } }
}
