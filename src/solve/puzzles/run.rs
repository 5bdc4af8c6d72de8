//! The run: every puzzle of a table, batch by batch, with its predictions written as they come, and a trail to go on by.
//!
//! What bites: batches run side by side, so a run that is cut may have answered a puzzle and not the one before it. What was answered counts,
//! whatever stands between.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::Training;
use super::solver::{Answered, PuzzleSolver};
use crate::files::{self, Claim, FileError, Output};
use crate::grid::Grid;
use crate::ops::{Inside, Operations};
use crate::puzzle::{Puzzle, PuzzleSet};
use crate::report::{
    Begun, Judged, KEPT, PuzzlePrediction, PuzzleRecord, PuzzleScore, Status, prediction_header, prediction_lines,
};
use crate::solve::SolveError;
use crate::solve::journal::Journal;
use crate::solve::trail::{Head, Step, Trail, trail_beside};

/// Batches whose answers are written together: at their end some thread may wait for another.
const PIECE: usize = 64;

/// What to solve and where to write.
#[derive(Clone, Debug)]
pub struct PuzzlePlan<'a> {
    /// The puzzles.
    pub set: &'a PuzzleSet,
    /// False where their answers are not known: nothing is scored then.
    pub has_answers: bool,
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
    /// [`FileError`].
    pub fn check(&self) -> Result<(), FileError> {
        self.outputs(|outputs| files::check_outputs(std::slice::from_ref(&self.table), outputs))
    }

    /// Checks the same, against more `inputs` too, and locks the outputs.
    ///
    /// # Errors
    /// [`FileError`], also when another run writes to one of them.
    pub fn claim(&self, inputs: &[PathBuf]) -> Result<Claim, FileError> {
        self.outputs(|outputs| files::claim(&[std::slice::from_ref(&self.table), inputs].concat(), outputs))
    }

    fn outputs<T>(&self, take: impl FnOnce(&[Output<'_>]) -> T) -> T {
        let trail = self.trail();
        let outputs = [Some(&self.record), Some(&trail), self.predictions.as_ref()];
        take(&outputs.into_iter().flatten().map(|path| Output::File(path)).collect::<Vec<_>>())
    }

    /// Where the run keeps what is behind it until it is complete.
    pub fn trail(&self) -> PathBuf {
        trail_beside(&self.record)
    }

    /// True when the time limit has passed.
    pub fn is_over_time(&self) -> bool {
        self.time_limit.is_some_and(|limit| self.started.elapsed() >= limit)
    }
}

/// Batches that were answered together.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Piece {
    number: usize,
    /// Seconds of solving up to its end.
    solving: f64,
    elapsed: f64,
    done: Vec<Done>,
}

impl Step for Piece {
    fn place(&self) -> (usize, usize) {
        (0, self.number)
    }

    fn elapsed(&self) -> f64 {
        self.elapsed
    }
}

impl Piece {
    /// True to these batches: a file may be anything.
    fn check(&self, set: &PuzzleSet, batches: &[Range<usize>], steps: usize) -> Result<(), &'static str> {
        let is_whole = |done: &Done| {
            let (grids, side) = (done.earlier.iter().chain([&done.grid]), set.side);
            done.right.len() == steps && grids.into_iter().all(|grid| (grid.rows(), grid.columns()) == (side, side))
        };
        match self.done.iter().map(|done| done.number).eq(batches.iter().cloned().flatten()) {
            true if self.done.iter().all(is_whole) => Ok(()),
            true => Err("its answers are not of this size or not after so many steps"),
            false => Err("its answers are not to the puzzles that come here"),
        }
    }
}

impl Head for PuzzleRecord {}

/// The trail of a run on puzzles.
pub type PuzzleTrail = Trail<PuzzleRecord, Piece>;

/// Solves the puzzles of a plan until they are done, the time is up, or `interrupt` is set. What is behind `trail` is not asked again.
///
/// # Errors
/// [`SolveError`], also when the trail is another run's.
pub fn run_puzzles<D: Operations>(
    solver: &PuzzleSolver<D>,
    plan: &PuzzlePlan<'_>,
    training: &dyn Fn() -> Option<Training>,
    mut record: PuzzleRecord,
    trail: Option<PuzzleTrail>,
    interrupt: &AtomicBool,
    on_progress: &(dyn Fn(PuzzleProgress) + Sync),
) -> Result<PuzzleRecord, SolveError> {
    plan.check()?;
    let mut trail = match trail {
        Some(trail) => {
            if let Some((before, now)) = record.difference(trail.start()) {
                return Err(SolveError::OtherRun { path: trail.path().to_owned(), before, now });
            }
            record.started_unix = trail.start().started_unix;
            trail
        }
        None => PuzzleTrail::begin(&plan.trail(), record.clone())?,
    };
    record.write(&plan.record)?;
    let mut journal = plan.predictions.as_deref().map(Journal::create).transpose()?;
    journal.as_mut().map_or(Ok(()), |journal| journal.append(&prediction_header()))?;
    let training = if plan.has_answers { training() } else { None };
    let is_cut = AtomicBool::new(false);
    let stop = || {
        let is_over = interrupt.load(Ordering::Relaxed) || plan.is_over_time();
        is_cut.fetch_or(is_over, Ordering::Relaxed);
        is_over
    };
    let (answered, exact) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let tell = |done: &[Done]| {
        let right = done.iter().filter(|done| done.is_exact(plan.set)).count();
        let before = (answered.fetch_add(done.len(), Ordering::Relaxed), exact.fetch_add(right, Ordering::Relaxed));
        on_progress(PuzzleProgress { answered: before.0 + done.len(), exact: before.1 + right });
    };
    let batch = |batch: &Range<usize>| {
        let answers = solver.answer(&plan.set.puzzles[batch.clone()], &stop)?;
        let answers = batch.clone().zip(answers);
        let done: Vec<Done> = answers.map(|(number, answer)| Done::of(plan.set, number, answer)).collect();
        tell(&done);
        Some(done)
    };
    let seconds = |trail: &PuzzleTrail| trail.before() + plan.started.elapsed().as_secs_f64();
    let mut judged = Vec::new();
    let mut solving = 0.0;
    for (number, piece) in solver.batches(&plan.set.puzzles).chunks(PIECE).enumerate() {
        // what is behind is taken over whatever the clock says
        if trail.is_behind() && interrupt.load(Ordering::Relaxed) {
            record.status = Status::Interrupted;
            trail.end(false)?;
            return Ok(record);
        }
        let done = match trail.take((0, number))? {
            Some(behind) => {
                behind.check(plan.set, piece, solver.steps()).map_err(|fault| trail.refuse(number, fault))?;
                solving = behind.solving;
                tell(&behind.done);
                behind.done
            }
            None => {
                let began = Instant::now();
                let answered = D::side_by_side(Inside::CRATE, piece, batch);
                let done: Vec<Done> = answered.into_iter().flatten().flatten().collect();
                solving += began.elapsed().as_secs_f64();
                if is_cut.load(Ordering::Relaxed) {
                    done
                } else {
                    let elapsed = seconds(&trail);
                    let behind = Piece { number, solving, elapsed, done };
                    trail.add(&behind)?;
                    behind.done
                }
            }
        };
        let asked: Vec<&Puzzle> = done.iter().map(|done| &plan.set.puzzles[done.number]).collect();
        let is_learned = training.as_ref().map(|training| training.has(plan.set.kind, &asked));
        judged.extend(done.iter().enumerate().map(|(place, done)| Judged {
            rating: asked[place].rating,
            is_learned: is_learned.as_ref().map(|learned| learned[place]),
            right: done.right.clone(),
        }));
        if let Some(journal) = &mut journal {
            let predictions: Vec<PuzzlePrediction> =
                done.into_iter().map(|done| done.prediction(plan.set, plan.has_answers)).collect();
            journal.append(&prediction_lines(plan.set.kind, &predictions))?;
        }
        if is_cut.load(Ordering::Relaxed) {
            break;
        }
    }
    record.solving_seconds = solving;
    journal.map_or(Ok(()), Journal::finish)?;
    record.answered = judged.len();
    record.unanswered = plan.set.puzzles.len() - judged.len();
    if plan.has_answers {
        record.score = PuzzleScore::of(plan.set.kind, plan.set.side * plan.set.side, &judged);
    }
    record.status = match (record.unanswered, interrupt.load(Ordering::Relaxed)) {
        (0, _) => Status::Complete,
        (_, true) => Status::Interrupted,
        (_, false) => Status::TimeLimit,
    };
    record.finished = true;
    record.seconds = seconds(&trail);
    record.write(&plan.record)?;
    trail.end(record.status == Status::Complete)?;
    Ok(record)
}

/// A puzzle that is behind the run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Done {
    number: usize,
    /// The answer after the last supervision step.
    grid: Grid,
    /// Those after the steps before, where they are kept.
    earlier: Vec<Grid>,
    halt: f64,
    /// The cells that are right after each step.
    right: Vec<u16>,
}

impl Done {
    fn of(set: &PuzzleSet, number: usize, Answered { mut grids, halt }: Answered) -> Self {
        let truth = set.puzzles[number].answer.cells();
        let right = |grid: &Grid| truth.iter().zip(grid.cells()).filter(|(truth, cell)| truth == cell).count() as u16;
        let right = grids.iter().map(right).collect();
        let grid = grids.pop().expect("there is at least one step");
        grids.truncate(if number < KEPT { grids.len() } else { 0 });
        Self { number, grid, earlier: grids, halt, right }
    }

    fn is_exact(&self, set: &PuzzleSet) -> bool {
        self.grid == set.puzzles[self.number].answer
    }

    fn prediction(self, set: &PuzzleSet, has_answer: bool) -> PuzzlePrediction {
        let puzzle = set.puzzles[self.number].clone();
        PuzzlePrediction { puzzle, has_answer, grid: self.grid, halt: self.halt, earlier: self.earlier }
    }
}
