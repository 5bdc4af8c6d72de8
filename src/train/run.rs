//! A training from its first or next step to its end, its time limit or an interruption.
//!
//! The output folder is tried before the first step. Whatever ends the work once its material is read, a whole checkpoint stands there
//! afterwards; before, nothing is written. Rank 0 alone
//! writes; what goes wrong on one rank, and what ends the work in order, is told to all, so that none waits for one that is gone.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use thiserror::Error;

use super::log::{self, LogRow, Window};
use super::{Diverged, StepReport, Trainer};
use crate::augment::AugmentError;
use crate::checkpoint::Folder;
use crate::dataset::TrainingSet;
use crate::device::Precision;
use crate::files::{self, FileError};
use crate::ops::Operations;
use crate::ranks::{Ranks, RanksError, agree};
use crate::recipe::{Course, LOG_FILE, Recipe, RecipeError};
use crate::task::TaskError;

/// What can stop a training from going on.
#[derive(Debug, Error)]
pub enum TrainError {
    /// The recipe, its tasks or a checkpoint.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// A file of the output folder.
    #[error(transparent)]
    File(#[from] FileError),
    /// The output folder is taken.
    #[error("{0} already holds a checkpoint; go on with it by trm-arc train --resume {0}, or choose another --output")]
    Taken(PathBuf),
    /// Numbers that are none any more.
    #[error(transparent)]
    Diverged(#[from] Diverged),
    /// The plan of a checkpoint's variants is not to be had.
    #[error(
        "the variants of {checkpoint} are drawn by the plan \"{plan}\", which cannot be read; name another by --plan. {source}"
    )]
    NoPlan {
        /// The checkpoint.
        checkpoint: PathBuf,
        /// Its plan.
        plan: String,
        /// Why.
        source: Box<AugmentError>,
    },
    /// A set that a checkpoint holds out is not to be had.
    #[error(
        "{checkpoint} never learns the answers of {set}, which cannot be read; put the folder tasks beside the program. {source}"
    )]
    NoHeldOut {
        /// The checkpoint.
        checkpoint: PathBuf,
        /// The set.
        set: String,
        /// Why.
        source: Box<TaskError>,
    },
    /// The recipe is not the checkpoint's.
    #[error("the recipe differs from the one that {0} was trained with; leave it out to go on with that one")]
    OtherRecipe(PathBuf),
    /// What broke off in the output folder is another adaptation than the one that is to go on.
    #[error(
        "cannot go on with the adaptation in {0}: it has another checkpoint, other tasks or other settings; hint: remove {0} to begin anew"
    )]
    OtherAdaptation(PathBuf),
    /// Ranks without work.
    #[error(
        "{ranks} ranks for a batch of {batch}: start at most one for each of its examples, or raise training.batch"
    )]
    TooManyRanks {
        /// The ranks.
        ranks: usize,
        /// The batch.
        batch: usize,
    },
    /// What a rank has is not what rank 0 has.
    #[error(
        "step {step}: rank {rank} does not have the recipe, tasks and weights of rank 0; give all ranks the same files, and machines \
         whose processors are of one kind"
    )]
    Apart {
        /// The step.
        step: usize,
        /// The first rank that differs.
        rank: usize,
    },
    /// What went wrong on another rank.
    #[error(transparent)]
    Ranks(#[from] RanksError),
}

/// What to train, where to, and for how long.
pub struct Training<'a> {
    /// The recipe; with `resume`, it must be the checkpoint's.
    pub recipe: Option<Recipe>,
    /// A checkpoint to go on from.
    pub resume: Option<PathBuf>,
    /// Where checkpoint and log go.
    pub output: PathBuf,
    /// The number type of products.
    pub precision: Precision,
    /// Stops early with a checkpoint.
    pub time_limit: Option<Duration>,
    /// Raised by an interruption; the step in progress is finished first, and the reading of what is learned is not. On any rank it ends all.
    pub stop: &'a AtomicBool,
    /// The processes that train together; each has a `Training` of the same recipe and folders.
    pub ranks: &'a dyn Ranks,
}

/// Where a training stands, after every step.
pub struct Progress<'a> {
    /// Optimizer steps so far.
    pub step: usize,
    /// Optimizer steps in all.
    pub steps: usize,
    /// The last row of the log; before the first one, what there is of it.
    pub row: &'a LogRow,
    /// True when the row is new in the log.
    pub logged: bool,
    /// What the step gave.
    pub report: &'a StepReport,
}

/// How a training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All steps are done.
    Complete,
    /// The time was up.
    TimeLimit,
    /// It was interrupted.
    Interrupted,
}

/// How much there was to learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Material {
    /// So many ARC tasks.
    Tasks(usize),
    /// So many Sudoku or mazes.
    Puzzles(usize),
}

/// What a training came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How it ended.
    pub ending: Ending,
    /// Optimizer steps so far.
    pub step: usize,
    /// Optimizer steps in all.
    pub steps: usize,
    /// Seconds of training, of all its parts.
    pub seconds: f64,
    /// The last row of the log.
    pub row: Option<LogRow>,
    /// What was learned from.
    pub material: Material,
    /// Pairs that were withheld because they are a held-out set's answers.
    pub withheld: usize,
}

/// Trains. `progress` is told on rank 0 alone. The caller claims the output folder ([`files::claim`](files::claim())).
///
/// # Errors
/// [`TrainError`], on all ranks; what was saved before still stands.
pub fn train<D: Operations>(
    training: Training<'_>,
    device: &D,
    progress: impl FnMut(Progress<'_>),
) -> Result<Outcome, TrainError> {
    train_from(&training, || trainer(&training, device), |_| (), progress)
}

/// The same from wherever `start` says, whatever recipe and checkpoint the training names; also the seconds that it had taken before.
/// `replan` may give the recipe another number of steps after each step.
pub(super) fn train_from<D: Operations>(
    training: &Training<'_>,
    start: impl FnOnce() -> Result<(Trainer<D>, f64), TrainError>,
    mut replan: impl FnMut(&mut Trainer<D>),
    mut progress: impl FnMut(Progress<'_>),
) -> Result<Outcome, TrainError> {
    let ranks = training.ranks;
    let writes = ranks.rank() == 0;
    let log_path = training.output.join(LOG_FILE);
    let begun = begin(training, start);
    // one rank that was told to end while it read ends all, in order
    if ranks.any(matches!(begun, Err(TrainError::Recipe(RecipeError::Interrupted)))) {
        return Err(RecipeError::Interrupted.into());
    }
    let Begun { mut trainer, before, mut rows } = agree(ranks, begun)?;
    check_together(&trainer, training)?;
    // A checkpoint of the first moment: the folder is whole at once, and a disk without room is found now.
    save(&trainer, training, before)?;

    let started = Instant::now();
    let ending = loop {
        if trainer.step >= trainer.recipe.training.steps {
            break Ending::Complete;
        }
        if ranks.any(training.stop.load(Ordering::SeqCst)) {
            break Ending::Interrupted;
        }
        if ranks.any(training.time_limit.is_some_and(|limit| started.elapsed() >= limit)) {
            break Ending::TimeLimit;
        }
        let step_started = Instant::now();
        let report = trainer.advance_among(ranks)?;
        trainer.window.add(&report, step_started.elapsed().as_secs_f64());
        replan(&mut trainer);
        let Course { steps, batch, log_every, checkpoint_every, .. } = trainer.recipe.training;
        let seconds = before + started.elapsed().as_secs_f64();
        let row = trainer.window.row(trainer.step, trainer.examples, seconds, batch);
        let logged = trainer.step.is_multiple_of(log_every);
        if logged {
            trainer.window = Window::default();
            rows.push(row);
            agree(ranks, if writes { log::write(&log_path, &rows).map_err(TrainError::from) } else { Ok(()) })?;
        }
        if trainer.step.is_multiple_of(checkpoint_every) && trainer.step < steps {
            save(&trainer, training, seconds)?;
        }
        let row = rows.last().unwrap_or(&row);
        if writes {
            progress(Progress { step: trainer.step, steps, row, logged, report: &report });
        }
    };
    let seconds = before + started.elapsed().as_secs_f64();
    save(&trainer, training, seconds)?;
    agree(ranks, if writes { log::write(&log_path, &rows).map_err(TrainError::from) } else { Ok(()) })?;
    let material = match trainer.set() {
        TrainingSet::Tasks(lessons) => Material::Tasks(lessons.groups()),
        TrainingSet::Puzzles(lessons) => Material::Puzzles(lessons.count()),
    };
    let (step, withheld) = (trainer.step, trainer.set().withheld());
    let steps = trainer.recipe.training.steps;
    Ok(Outcome { ending, step, steps, seconds, row: rows.last().copied(), material, withheld })
}

/// Where a training begins or goes on.
struct Begun<D: Operations> {
    /// At its first or next step.
    trainer: Trainer<D>,
    /// The seconds that it had taken before.
    before: f64,
    /// What stands in the log of before.
    rows: Vec<LogRow>,
}

fn begin<D: Operations>(
    training: &Training<'_>,
    start: impl FnOnce() -> Result<(Trainer<D>, f64), TrainError>,
) -> Result<Begun<D>, TrainError> {
    let (ranks, output) = (training.ranks, &training.output);
    if ranks.rank() == 0 {
        files::check_writable(&output.join(LOG_FILE))?;
    }
    let (trainer, before) = start()?;
    let trainer = trainer.computing_in(training.precision);
    let (count, batch) = (ranks.count(), trainer.recipe.training.batch);
    if count > batch {
        return Err(TrainError::TooManyRanks { ranks: count, batch });
    }
    let log = training.resume.as_deref().map(|resume| log::read(&resume.join(LOG_FILE), trainer.step));
    let rows = log.transpose()?.unwrap_or_default();
    Ok(Begun { trainer, before, rows })
}

/// Looks whether the ranks have come apart: two kinds of processors may round differently.
fn check_together<D: Operations>(trainer: &Trainer<D>, training: &Training<'_>) -> Result<(), TrainError> {
    let ranks = training.ranks;
    if ranks.count() > 1 {
        let digests = ranks.gather(trainer.digest().as_bytes());
        if let Some(rank) = digests.iter().position(|digest| *digest != digests[0]) {
            return Err(TrainError::Apart { step: trainer.step, rank });
        }
    }
    Ok(())
}

/// A whole checkpoint, written by rank 0, of ranks that have not come apart.
fn save<D: Operations>(trainer: &Trainer<D>, training: &Training<'_>, seconds: f64) -> Result<(), TrainError> {
    check_together(trainer, training)?;
    let ranks = training.ranks;
    agree(ranks, trainer.save_among(ranks, &training.output, seconds).map_err(TrainError::from))
}

/// No other checkpoint than the one that is gone on from stands where the next is to be written.
pub(super) fn check_output(output: &Path, resume: Option<&Path>) -> Result<(), TrainError> {
    let same_place =
        |a: &Path, b: &Path| a == b || (a.canonicalize().ok().is_some_and(|a| Some(a) == b.canonicalize().ok()));
    let goes_on_in_place = resume.is_some_and(|resume| same_place(resume, output));
    if Folder::new(output).exists() && !goes_on_in_place {
        return Err(TrainError::Taken(output.to_owned()));
    }
    Ok(())
}

fn trainer<D: Operations>(training: &Training<'_>, device: &D) -> Result<(Trainer<D>, f64), TrainError> {
    check_output(&training.output, training.resume.as_deref())?;
    let stop = || training.stop.load(Ordering::Relaxed);
    let Some(resume) = &training.resume else {
        let recipe = training.recipe.clone().expect("a training has a recipe or a checkpoint to go on from");
        return Ok((Trainer::new_until(recipe, device, &stop)?, 0.0));
    };
    let (trainer, seconds) = Trainer::resume_until(resume, device, &stop)?;
    if training.recipe.as_ref().is_some_and(|recipe| *recipe != trainer.recipe) {
        return Err(TrainError::OtherRecipe(resume.clone()));
    }
    Ok((trainer, seconds))
}
