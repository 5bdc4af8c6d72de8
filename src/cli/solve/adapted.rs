//! `--adapt`: the checkpoint solves what it knows, adapts to the tasks, and solves them again.
//!
//! Whatever becomes of the adaptation, the answers of the checkpoint as it was stand before it begins, and vote with those that come after.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::chosen::{self, Chosen};
use super::{Arguments, SolverName, checkpoint, submission, watch};
use crate::checkpoint::Folder;
use crate::cli::adapt::adapt_on;
use crate::cli::{CliError, talk};
use crate::device::Precision;
use crate::files::FileError;
use crate::ops::Operations;
use crate::recipe::Trained;
use crate::report::RecordedAdaptation;
use crate::solve::{Phase, Plan, SolveLoop};
use crate::train::{Adapt, Checked, Length};
use crate::units::{Count, Seconds};

/// An adaptation that is asked for.
pub(super) struct Adaptation {
    /// Steps or time that it takes.
    pub length: Length,
    /// Where the adapted checkpoint goes.
    pub folder: PathBuf,
}

impl Adaptation {
    /// The adaptation that the arguments ask for. What stands in its folder may be half of something, or wanted: unless a run that it
    /// belongs to goes on, it is neither used nor written over.
    pub fn of(arguments: &Arguments, goes_on: bool) -> Result<Option<Self>, CliError> {
        let length = match (arguments.adapt, arguments.adapt_steps) {
            (Some(time), _) => Length::Time(time),
            (None, Some(steps)) => Length::Steps(steps),
            (None, None) => return Ok(None),
        };
        if arguments.solver != SolverName::Trm {
            return Err(CliError::Usage("--adapt belongs to --solver trm; the other solvers have no model".into()));
        }
        if arguments.time_limit.zip(arguments.adapt).is_some_and(|(limit, time)| limit <= time) {
            let fault = "--adapt leaves nothing of --time-limit to solve in; give it less time, or the run more";
            return Err(CliError::Usage(fault.into()));
        }
        let submission = submission(arguments);
        let folder = arguments.adapted.clone().unwrap_or_else(|| submission.with_file_name("adapted"));
        let outputs = [Some(&submission), arguments.record.as_ref(), arguments.predictions.as_ref()];
        if outputs.contains(&Some(&folder)) {
            return Err(FileError::SamePlace { path: folder }.into());
        }
        let is_empty = |folder: &Path| folder.read_dir().is_ok_and(|mut entries| entries.next().is_none());
        if !goes_on && folder.symlink_metadata().is_ok() && !is_empty(&folder) {
            let is_checkpoint = Folder::new(&folder).exists();
            let folder = folder.display();
            return Err(CliError::Usage(match is_checkpoint {
                true => format!(
                    "{folder} holds a checkpoint already; solve with it by --checkpoint {folder} and without --adapt, remove it, or name \
                     another place by --adapted"
                ),
                false => {
                    format!("{folder} is there already; name another place for the adapted checkpoint by --adapted")
                }
            }));
        }
        Ok(Some(Self { length, folder }))
    }

    /// Returns its entry of the record before it begins.
    pub fn recorded(&self, chosen: &Chosen) -> Option<RecordedAdaptation> {
        let length = match self.length {
            Length::Usual => "the usual number of steps".to_owned(),
            Length::Steps(steps) => format!("{} steps", Count(steps as u64)),
            Length::Time(time) => Seconds::from(time).to_string(),
        };
        let from = chosen.checkpoint.clone()?;
        Some(RecordedAdaptation { length, from, left_out: Vec::new() })
    }

    /// When the first checkpoint stops answering: half of what the adaptation leaves of the time is for the adapted one.
    fn first_phase(&self, plan: &Plan<'_>) -> Phase {
        let time = match self.length {
            Length::Time(time) => time,
            Length::Usual | Length::Steps(_) => Duration::ZERO,
        };
        Phase::Base { until: plan.time_limit.map(|limit| limit.saturating_sub(time) / 2) }
    }
}

/// Settings of a run that adapts, beside those of its loop.
pub(super) struct Adapting<'a> {
    pub arguments: &'a Arguments,
    pub plan: &'a Plan<'a>,
    pub adaptation: &'a Adaptation,
    pub precision: Precision,
    pub in_rounds: bool,
    pub stop: &'a AtomicBool,
}

impl Adapting<'_> {
    /// The adaptation, to be checked before anything is written.
    pub fn adapt<D: Operations>(&self) -> Result<Adapt<'_>, CliError> {
        let Self { arguments, plan, adaptation, stop, .. } = *self;
        Ok(Adapt {
            from: checkpoint(arguments),
            tasks: arguments.tasks.clone(),
            only: arguments.shard.map(|_| plan.set.tasks.iter().map(|task| task.id.clone()).collect()),
            plan: None,
            output: adaptation.folder.clone(),
            resume: true,
            length: adaptation.length,
            seed: arguments.seed,
            learning_rate: None,
            // what a device solves in it may not train in
            precision: D::precision(arguments.precision, true).or_else(|_| D::precision(None, true))?,
            started: None,
            stop,
        })
    }

    /// Solves, adapts, and solves again.
    pub fn go<D: Operations>(
        &self,
        (adapt, checked): (&Adapt<'_>, Checked<'_, D>),
        solving: &mut SolveLoop<'_>,
        mut first: Chosen,
        behind: usize,
        device: &D,
    ) -> Result<(), CliError> {
        let Self { arguments, plan, adaptation, precision, in_rounds, stop } = *self;
        solve(solving, &mut first, adaptation.first_phase(plan), plan, behind)?;
        drop(first);
        if solving.is_over() {
            return Ok(());
        }
        let left_out = if checked.is_done()? {
            checked.fit(device)?.left_out
        } else {
            talk(format_args!("adapting {} to the tasks, into {}", adapt.from.display(), adapt.output.display()));
            let (adapted, text) = adapt_on(adapt, checked, device)?;
            talk(text.trim_end());
            adapted.left_out
        };
        if stop.load(Ordering::SeqCst) && solving.is_over() {
            return Ok(());
        }
        let trained = Trained::load(&adaptation.folder, device)?;
        let name = format!("trm {}", trained.recipe.name);
        let folder = adaptation.folder.clone();
        let mut second = chosen::model_solver(arguments, plan.set, trained, folder, in_rounds, precision)?;
        if let Some(checkpoint) = second.checkpoint.take() {
            solving.adapted(name, checkpoint, left_out);
        }
        solve(solving, &mut second, Phase::Adapted, plan, behind)
    }
}

/// Solves with a bar.
pub(super) fn solve(
    solving: &mut SolveLoop<'_>,
    chosen: &mut Chosen,
    phase: Phase,
    plan: &Plan<'_>,
    behind: usize,
) -> Result<(), CliError> {
    let bar = watch::bar(plan, chosen.views_of_task.take(), chosen.solver.rounds() > 1, behind);
    let solved = solving.solve(&mut *chosen.solver, phase, &mut |progress| watch::show(&bar, progress));
    bar.finish_and_clear();
    Ok(solved?)
}
