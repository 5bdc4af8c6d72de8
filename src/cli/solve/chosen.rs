//! Who answers: the solver that the arguments choose.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Arguments, SolverName};
use crate::cli::{CliError, talk};
use crate::device::Precision;
use crate::ops::Operations;
use crate::prediction::Solver;
use crate::recipe::Trained;
use crate::report::Checkpoint;
use crate::solve::{ModelSolver, Views};
use crate::solver::{Copy, Random};
use crate::task::TaskSet;

/// A solver and what the record says about it.
pub(super) struct Chosen {
    pub solver: Box<dyn Solver>,
    pub views_of_task: Option<Arc<Views>>,
    pub checkpoint: Option<Checkpoint>,
    pub views: Option<usize>,
    pub steps: Option<usize>,
    pub tokens_per_batch: Option<usize>,
    pub precision: Option<Precision>,
}

/// The solver, and what would change nothing for it is said. Against a clock a model solves in rounds.
pub(super) fn choose<D: Operations>(
    arguments: &Arguments,
    set: &TaskSet,
    trained: Option<(Trained<D>, PathBuf)>,
    in_rounds: bool,
    precision: Precision,
) -> Result<Chosen, CliError> {
    let of_the_model = [
        ("--steps", arguments.steps.is_some()),
        ("--tokens-per-batch", arguments.tokens_per_batch.is_some()),
        ("--precision", arguments.precision.is_some()),
    ];
    for (flag, is_given) in of_the_model {
        if arguments.solver != SolverName::Trm && is_given {
            talk(format_args!("note: {flag} belongs to --solver trm and changes nothing here"));
        }
    }
    if arguments.solver == SolverName::Copy && arguments.views.is_some() {
        talk("note: --views changes nothing for --solver copy, which has one answer");
    }
    if arguments.solver != SolverName::Random && !arguments.adapts() && arguments.seed.is_some() {
        talk("note: --seed belongs to --solver random and changes nothing here; the others draw nothing");
    }
    let without_model = |solver, views| {
        let views_of_task = None;
        Ok(Chosen {
            solver,
            views_of_task,
            checkpoint: None,
            views,
            steps: None,
            tokens_per_batch: None,
            precision: None,
        })
    };
    if arguments.solver != SolverName::Trm && arguments.checkpoint.is_some() {
        return Err(CliError::Usage("--checkpoint belongs to --solver trm; the other solvers have no model".into()));
    }
    match (arguments.solver, trained) {
        (SolverName::Random, _) => {
            let guesses = arguments.views.unwrap_or(2);
            without_model(Box::new(Random::new(arguments.seed.unwrap_or(0), guesses)), Some(guesses))
        }
        (SolverName::Trm, Some((trained, path))) => model_solver(arguments, set, trained, path, in_rounds, precision),
        _ => without_model(Box::new(Copy), None),
    }
}

/// The trained model.
pub(super) fn model_solver<D: Operations>(
    arguments: &Arguments,
    set: &TaskSet,
    mut trained: Trained<D>,
    path: PathBuf,
    in_rounds: bool,
    precision: Precision,
) -> Result<Chosen, CliError> {
    trained.model.precision = precision;
    // all that the model was trained for, as published evaluations run: no answer halts early, and a state beyond them was never an input
    let steps = arguments.steps.unwrap_or(trained.recipe.training.halt_max_steps);
    let views = arguments.views.unwrap_or(trained.usual_views()).min(trained.most_views());
    let checkpoint = model_of(&trained, path);
    let tokens = arguments.tokens_per_batch.unwrap_or(D::TOKENS_PER_BATCH);
    let mut solver = ModelSolver::new(trained, views, steps)?.with_tokens_per_batch(tokens);
    solver.check_room(&set.tasks)?;
    if in_rounds {
        solver = solver.in_rounds();
    }
    Ok(Chosen {
        views_of_task: Some(solver.watched()),
        solver: Box::new(solver),
        checkpoint: Some(checkpoint),
        views: Some(views),
        steps: Some(steps),
        tokens_per_batch: Some(tokens),
        precision: Some(precision),
    })
}

/// What a record says about the model from this folder.
pub(super) fn model_of<D: Operations>(trained: &Trained<D>, path: PathBuf) -> Checkpoint {
    Checkpoint {
        path,
        digest: trained.digest.clone(),
        step: trained.step as u64,
        parameters: trained.model.parameters() as u64,
        puzzle_rows: (trained.table.count() * trained.table.width()) as u64,
        recipe: Some(trained.recipe.name.clone()),
    }
}
