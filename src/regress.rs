//! Regression: a checkpoint solves a held-out part again, adapted to it first where it has no rows for it.
//!
//! No test pair of a part was ever trained on: adaptation learns demonstrations alone, and recipes hold out what they are told to.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use thiserror::Error;

use crate::concept::{CONCEPTS, Concept};
use crate::device::DeviceError;
use crate::files::FileError;
use crate::kernels::{Kind, Level};
use crate::ops::Operations;
use crate::prediction::{Answers, Solver};
use crate::recipe::{RecipeError, Trained};
use crate::report::{Adapted, Outcome, Part};
use crate::score::{self, Ranks, ScoreError};
use crate::solve::ModelSolver;
use crate::task::{self, TaskError, TaskSet};
use crate::train::{Adapt, Ending, Length, TrainError};
use crate::vote;

/// Why a part could not be solved again.
#[derive(Debug, Error)]
pub enum RegressError {
    /// The tasks are not there.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// The tasks are others than those that the state is of.
    #[error(
        "{set}: these are not the tasks that the state is of; `trm-arc tasks verify` tells whether the files changed, --record makes a new state"
    )]
    OtherTasks {
        /// The set.
        set: String,
    },
    /// The checkpoint cannot be read.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// It could not be adapted.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// A file of the checkpoint cannot be read any more.
    #[error(transparent)]
    File(#[from] FileError),
    /// The device does not train.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The solutions are not known.
    #[error(transparent)]
    Score(#[from] ScoreError),
}

/// What is under way, for those who watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many steps of so many of the adaptation.
    Adapting(usize, usize),
    /// So many tasks of so many.
    Solving(usize, usize),
}

/// The steps of the small adaptation, for the tests.
const QUICK_STEPS: usize = 250;

/// The steps of the whole one: as many visits of an example as `adapt` takes by itself.
const WHOLE_STEPS: usize = 1300;

/// Arithmetic of the products here. Where it is the same, so is every number, whatever the number of threads and the width of vectors;
/// another one rounds in another way, and an adaptation of hundreds of steps ends in other weights.
pub fn arithmetic() -> String {
    let engine = Kind::best(false).map_or("no products", Kind::name);
    format!("float32, {engine}, {}", std::env::consts::ARCH)
}

/// Instruction-set level of the CPU kernels here.
pub fn level() -> &'static str {
    Level::in_use().map_or("none", Level::name)
}

/// What a checkpoint is asked: the evaluation set that it has rows for, the first held-out task of each concept, and all of them.
///
/// # Errors
/// [`RegressError::Task`].
pub fn parts<D: Operations>(trained: &Trained<D>) -> Result<Vec<Part>, RegressError> {
    let (evaluation, held_out) = (task::load("arc-agi-1/evaluation")?, task::load("held-out/concepts")?);
    let only_or_all = |set: &TaskSet, only: Option<&[String]>| only.map_or(set.tasks.len(), <[String]>::len);
    let part = |set: &TaskSet, steps: Option<usize>, only: Option<Vec<String>>, is_quick| Part {
        tasks: set.name.clone(),
        digest: set.digest(),
        adapted: steps.map(|steps| Adapted { steps, seed: 0 }),
        is_quick,
        views: trained.usual_views(),
        steps: trained.recipe.training.halt_max_steps,
        asked: only_or_all(set, only.as_deref()),
        only,
        outcomes: Vec::new(),
        unsteady: Vec::new(),
    };
    let firsts = first_of_each_concept(&held_out);
    Ok(vec![
        part(&evaluation, None, None, true),
        part(&held_out, Some(QUICK_STEPS), Some(firsts), true),
        part(&held_out, Some(WHOLE_STEPS), None, false),
    ])
}

/// The names of a concept's tasks begin with its own.
fn first_of_each_concept(set: &TaskSet) -> Vec<String> {
    let first = |concept: &Concept| set.tasks.iter().find(|task| task.id.starts_with(concept.name));
    CONCEPTS.iter().filter_map(first).map(|task| task.id.clone()).collect()
}

/// The tasks of a part.
///
/// # Errors
/// [`RegressError::Task`], and [`RegressError::OtherTasks`] where the part has another digest.
pub fn tasks_of(part: &Part) -> Result<TaskSet, RegressError> {
    let mut set = task::load(&part.tasks)?;
    if set.digest() != part.digest {
        return Err(RegressError::OtherTasks { set: part.tasks.clone() });
    }
    if let Some(only) = &part.only {
        only.iter().try_for_each(|id| set.task(id).map(|_| ()))?;
        set.tasks.retain(|task| only.contains(&task.id));
    }
    Ok(set)
}

/// Solves a part; `None` when it was interrupted. The adapted checkpoint goes into `scratch`, an empty folder.
///
/// # Errors
/// [`RegressError`].
pub fn solve<D: Operations>(
    part: &Part,
    checkpoint: &Path,
    scratch: &Path,
    device: &D,
    stop: &AtomicBool,
    mut progress: impl FnMut(Progress),
) -> Result<Option<Outcome>, RegressError> {
    let set = tasks_of(part)?;
    let adapted = match part.adapted {
        Some(adapted) => {
            let output = scratch.join("adapted");
            let precision = D::precision(None, true)?;
            let adapt = Adapt {
                from: checkpoint.to_owned(),
                tasks: part.tasks.clone(),
                only: part.only.clone(),
                plan: None,
                output: output.clone(),
                resume: false,
                length: Length::Steps(adapted.steps),
                seed: Some(adapted.seed),
                learning_rate: None,
                precision,
                started: None,
                stop,
            };
            let adapting = adapt.check(device)?.fit(device)?;
            let done = adapting.train(device, |now| progress(Progress::Adapting(now.step, adapted.steps)))?;
            if done.outcome.ending == Ending::Interrupted {
                return Ok(None);
            }
            Some(output)
        }
        None => None,
    };
    let checkpoint: PathBuf = adapted.unwrap_or_else(|| checkpoint.to_owned());
    let trained = Trained::load(&checkpoint, device)?;
    let mut solver = ModelSolver::new(trained, part.views, part.steps)?;
    let (mut answers, mut ranks) = (Answers::new(), Ranks::default());
    for (done, task) in set.tasks.iter().enumerate() {
        progress(Progress::Solving(done, set.tasks.len()));
        let predictions = solver.solve(task, &|| stop.load(Ordering::SeqCst))?;
        if stop.load(Ordering::SeqCst) {
            return Ok(None);
        }
        let mut attempts = Vec::with_capacity(task.test.len());
        for (i, test) in task.test.iter().enumerate() {
            let candidates = vote::rank(predictions.iter().filter(|prediction| prediction.test == i));
            ranks.add(task, i, &candidates);
            let both = vote::attempts(&candidates, &test.input);
            attempts.push(vec![both.attempt_1, both.attempt_2]);
        }
        answers.insert(task.id.clone(), attempts);
    }
    let score = score::score(&answers, &set, Some(&ranks))?;
    Ok(Some(Outcome::new(&score, &arithmetic(), level())))
}
