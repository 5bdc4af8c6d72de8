//! `trm-arc adapt`: a checkpoint goes on on the demonstrations of tasks that it may never have seen.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;

use super::guard::guarded;
use super::{CliError, Exit, counted, counts, interrupt, print, talk, train};
use crate::device::{DeviceChoice, Precision, on_device};
use crate::files::{self, Output};
use crate::ops::Operations;
use crate::recipe::WRITTEN;
use crate::task;
use crate::train::{Adapt, Adapted, Behind, Checked, Ending, Length};
use crate::units::{self, About, Count};

/// Tasks that are named where there are many.
const NAMED: usize = 8;

/// Adapt a trained checkpoint to the demonstrations of tasks
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  trm-arc adapt checkpoints/default my_challenges.json --output runs/adapted --time-limit 20m
  trm-arc solve my_challenges.json --checkpoint runs/adapted --submission runs/adapted/submission.json
  trm-arc adapt runs/mine arc-agi-1/evaluation --output runs/adapted --steps 2000
  trm-arc train --resume runs/adapted

Only demonstrations are learned, never a test output. A variant of a task that the checkpoint has a row for keeps it, a new one begins at the \
mean of all rows; the result has rows for these tasks alone. For the first quarter of the steps the rows move alone, then everything. \
With --time-limit the pace is measured first and after each step, so that the schedule ends with the time. When it is too short for all \
tasks, the smallest are taken and the others left out, which is said, and how long all would need. With --steps the result depends on the seed alone, whatever the clock says.")]
pub struct Arguments {
    /// The checkpoint's folder
    checkpoint: PathBuf,
    /// A set's name, a challenges file or a folder of task files
    tasks: String,
    /// Where the adapted checkpoint and its log go
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
    /// Adapt for this long: 90s, 20m, 2h
    #[arg(long, value_name = "TIME", conflicts_with = "steps", value_parser = units::parse_positive_duration)]
    time_limit: Option<Duration>,
    /// Optimizer steps; by the number of tasks without it and without --time-limit
    #[arg(long, value_name = "N", value_parser = counts::steps())]
    steps: Option<usize>,
    /// What to compute on: cpu, cuda or cuda:N
    #[arg(long, default_value = "cpu")]
    device: DeviceChoice,
    /// The number type of products, f32 or bf16; on the CPU training is f32 [default: f32, on CUDA bf16]
    #[arg(long, value_name = "TYPE")]
    precision: Option<Precision>,
    /// The trunk's learning rate at its height [default: twice the checkpoint's]
    #[arg(long, value_name = "X")]
    learning_rate: Option<f64>,
    /// The variants of each task: a plan's name (augmentations/NAME.toml) or path [default: the checkpoint's]
    #[arg(long, value_name = "PLAN")]
    plan: Option<String>,
    /// The seed of all random streams [default: the checkpoint's]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

/// Adapts, and prints what came of it.
pub fn run(arguments: Arguments) -> Result<Exit, CliError> {
    guarded(arguments.device, || on_device!(arguments.device, |device| run_on(arguments, device)))
}

fn run_on<D: Operations>(arguments: Arguments, device: &D) -> Result<Exit, CliError> {
    let started = Some(Instant::now());
    let Arguments { checkpoint, tasks, output, time_limit, steps, learning_rate, plan, seed, .. } = arguments;
    let precision = D::precision(arguments.precision, true)?;
    let length = match (time_limit, steps) {
        (Some(limit), _) => Length::Time(limit),
        (None, Some(steps)) => Length::Steps(steps),
        (None, None) => Length::Usual,
    };
    let _claim = files::claim(&task::files_of(&tasks), &[Output::Folder(&output, &WRITTEN)])?;
    let stop = interrupt::catch()?;
    let (from, only, resume) = (checkpoint, None, false);
    let adapt =
        Adapt { from, tasks, only, plan, output, resume, length, seed, learning_rate, precision, started, stop };
    let (adapted, text) = adapt_on(&adapt, adapt.check(device)?, device)?;
    print(&text)?;
    Ok(if adapted.outcome.ending == Ending::Interrupted { Exit::Interrupted } else { Exit::Done })
}

/// Adapts with a progress bar, and returns a summary for the terminal.
pub(super) fn adapt_on<D: Operations>(
    adapt: &Adapt<'_>,
    checked: Checked<'_, D>,
    device: &D,
) -> Result<(Adapted, String), CliError> {
    let adapting = checked.fit(device)?;
    let left_out = left_out(&adapting.left_out, adapting.all_need);
    let (tasks, steps) = (counted(adapting.tasks, "task"), Count(adapting.recipe.training.steps as u64));
    let alone = Count(adapting.recipe.rows_alone() as u64);
    if let Some(plan) = adapting.other_plan {
        let from = adapt.from.display();
        talk(format_args!(
            "note: {from} has its variants in the published order; new ones are drawn by the plan {plan}"
        ));
    }
    if let Some(left_out) = &left_out {
        talk(format_args!("note: {left_out}"));
    }
    let about = if matches!(adapt.length, Length::Time(_)) { "about " } else { "" };
    match adapting.behind {
        None => talk(format_args!("adapting to {tasks} in {about}{steps} steps, the rows alone for {alone} of them")),
        Some(Behind { step, .. }) => {
            train::note_other_processor::<D>(&adapt.output, adapt.precision);
            talk(format_args!(
                "going on with adapting to {tasks} after {} of {about}{steps} steps",
                Count(step as u64)
            ));
        }
    }
    let bar = train::bar();
    let started = Instant::now();
    let adapted = adapting.train(device, |progress| train::show(&bar, &progress, started));
    bar.finish_and_clear();
    let adapted = adapted?;
    let (rows, kept) = (Count(adapted.rows as u64), Count(adapted.kept as u64));
    let mut text =
        format!("adapted {} to {}: {rows} puzzle rows, {kept} of them its own\n", adapt.from.display(), adapt.tasks);
    if let Some(left_out) = left_out {
        text += &format!("{left_out}\n");
    }
    text += &train::summary(&adapted.outcome, &adapt.output);
    Ok((adapted, text))
}

/// What there is no time for, in words.
fn left_out(tasks: &[String], all_need: Option<Duration>) -> Option<String> {
    let more = tasks.len().checked_sub(NAMED).filter(|more| *more > 0);
    let more = more.map_or_else(String::new, |more| format!(" and {more} more"));
    let named = tasks.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    let count = counted(tasks.len(), "task");
    let need = all_need.map(|need| format!("; all tasks need about {}", About(need))).unwrap_or_default();
    (!tasks.is_empty()).then(|| format!("no time for the largest, {count} left out: {named}{more}{need}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_named_as_far_as_it_goes_on_a_line() {
        let tasks = |count: usize| (0..count).map(|number| format!("t{number}")).collect::<Vec<_>>();
        assert_eq!(left_out(&[], None), None);
        assert_eq!(left_out(&tasks(1), None).unwrap(), "no time for the largest, 1 task left out: t0");
        assert!(left_out(&tasks(8), None).unwrap().ends_with("t6, t7"));
        let need = Some(Duration::from_secs(230));
        assert!(left_out(&tasks(10), need).unwrap().ends_with("t6, t7 and 2 more; all tasks need about 4 min"));
    }
}
