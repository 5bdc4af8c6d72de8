//! `trm-arc train`: a recipe in, a checkpoint out; or a checkpoint in, and on it goes.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::guard::guarded;
use super::{CliError, Exit, counted, counts, interrupt, print, ranks, talk};
use crate::checkpoint::Folder;
use crate::device::{DeviceChoice, Precision, on_device};
use crate::files::{self, Claim, Output};
use crate::ops::Operations;
use crate::ranks::{Ranks, agree};
use crate::recipe::{self, Recipe, RecipeError, WRITTEN};
use crate::rng::Repeats;
use crate::train::{self, Ending, LogRow, Material, Outcome, Progress, TrainError, Training};
use crate::units::{self, Count, Percent, Seconds};

/// Train a model by a recipe
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  trm-arc train two-cores --output runs/mine --time-limit 90m
  trm-arc train --resume runs/mine
  trm-arc train two-cores --output runs/mine --device cuda
  trm-arc train sudoku-6x6

The output folder holds one whole checkpoint at any time, and log.csv with the course of the training. A training that was \
interrupted and resumed gives, on the CPU, the same weights, bit for bit, as one that never stopped.

A build with --features mpi also trains in several processes, each of which computes its share of the batch:
  mpirun -n 2 trm-arc train two-cores --output runs/mine
The recipe's batch is that of all of them, so their number changes the rounding of sums and nothing else, and a checkpoint is \
resumed by any number of them.")]
pub struct Arguments {
    /// A recipe's name (recipes/NAME.toml) or path
    #[arg(required_unless_present = "resume")]
    recipe: Option<String>,
    /// Where checkpoint and log go; runs/RECIPE without it, or the folder of --resume
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Go on from this checkpoint
    #[arg(long, value_name = "DIR")]
    resume: Option<PathBuf>,
    /// Cut the batch into parts of at most this many tokens, whatever the recipe says of parts; fewer tokens need less memory
    #[arg(long, value_name = "N", conflicts_with = "resume", value_parser = counts::tokens())]
    tokens_per_batch: Option<usize>,
    /// What to compute on: cpu, cuda or cuda:N
    #[arg(long, default_value = "cpu")]
    device: DeviceChoice,
    /// The number type of products, f32 or bf16; on the CPU training is f32 [default: f32, on CUDA bf16]
    #[arg(long, value_name = "TYPE")]
    precision: Option<Precision>,
    /// Stop with a checkpoint after this time: 90s, 20m, 2h
    #[arg(long, value_name = "TIME", value_parser = units::parse_duration)]
    time_limit: Option<Duration>,
}

/// Trains, and prints what came of it. Of several ranks the first one talks for all: what ends one of them ends all.
pub fn run(arguments: Arguments) -> Result<Exit, CliError> {
    let Some(ranks) = ranks::begin(arguments.output.as_ref().or(arguments.resume.as_ref()))? else {
        return Ok(ranks::silently());
    };
    let mut opened = false;
    let result = run_among(&*ranks, arguments, &mut opened);
    match if opened { result } else { agree(&*ranks, result) } {
        Err(_) if ranks.rank() > 0 => {
            // ended in order with the others, so that none of them waits for this one
            drop(ranks);
            Ok(ranks::silently())
        }
        result => result,
    }
}

/// Says by `opened` whether this rank has the device that it asked for, which another may not have.
fn run_among(ranks: &dyn Ranks, arguments: Arguments, opened: &mut bool) -> Result<Exit, CliError> {
    let device = arguments.device.of_rank(ranks.local_rank());
    guarded(device, || {
        on_device!(device, |device| {
            *opened = true;
            agree(ranks, Ok::<(), CliError>(()))?;
            run_on(arguments, device, ranks)
        })
    })
}

fn run_on<D: Operations>(arguments: Arguments, device: &D, ranks: &dyn Ranks) -> Result<Exit, CliError> {
    let precision = agree(ranks, D::precision(arguments.precision, true).map_err(CliError::from))?;
    let mut recipe = agree(ranks, arguments.recipe.as_deref().map(recipe_of).transpose())?;
    if let (Some(recipe), Some(tokens)) = (&mut recipe, arguments.tokens_per_batch) {
        (recipe.training.parts, recipe.training.tokens_per_batch) = (None, Some(tokens));
    }
    let named = recipe.as_ref().map(|recipe| PathBuf::from("runs").join(&recipe.name));
    let output = arguments.output.clone().or_else(|| arguments.resume.clone()).or(named);
    let output = output.expect("clap asks for a recipe or a checkpoint");
    let first = ranks.rank() == 0;
    let stop = agree(ranks, interrupt::catch_on(first))?;
    ranks::introduce(ranks, device, precision);
    let _claim = agree(ranks, first.then(|| claim(&arguments, recipe.as_ref(), &output)).transpose())?;
    let Arguments { resume, time_limit, .. } = arguments;
    let training = Training { recipe, resume, output: output.clone(), precision, time_limit, stop, ranks };
    if let (true, Some(resume)) = (first, &training.resume) {
        note_other_processor::<D>(resume, precision);
    }
    let bar = if first { bar() } else { ProgressBar::hidden() };
    let started = Instant::now();
    let outcome = train::train(training, device, |progress| show(&bar, &progress, started));
    bar.finish_and_clear();
    if let Err(TrainError::Recipe(RecipeError::Interrupted)) = outcome {
        if first {
            talk("interrupted before the first step; nothing was written");
        }
        return Ok(Exit::Interrupted);
    }
    let outcome = outcome?;
    if first {
        print(&summary(&outcome, &output))?;
    }
    Ok(if outcome.ending == Ending::Interrupted { Exit::Interrupted } else { Exit::Done })
}

/// Claims the output folder, so that no other training writes to it meanwhile.
fn claim(arguments: &Arguments, recipe: Option<&Recipe>, output: &Path) -> Result<Claim, CliError> {
    let file = arguments.recipe.as_deref().map(Recipe::find).transpose()?;
    let data = recipe.map_or_else(Vec::new, |recipe| recipe.data.files());
    let inputs: Vec<PathBuf> = file.into_iter().chain(data).collect();
    Ok(files::claim(&inputs, &[Output::Folder(output, &WRITTEN)])?)
}

/// Says that a checkpoint is gone on with on another kind of processor than it was trained on.
pub(super) fn note_other_processor<D: Operations>(checkpoint: &Path, precision: Precision) {
    let before = recipe::arithmetic_of(checkpoint);
    if let Some(Repeats { because, .. }) = Repeats::across(before.as_deref(), D::arithmetic(precision)) {
        talk(format_args!("note: what comes of {} does not repeat bit for bit: {because}", checkpoint.display()));
    }
}

pub(super) fn bar() -> ProgressBar {
    let bar = ProgressBar::new(1);
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} steps{msg}").expect("the template is right");
    bar.set_style(style);
    bar
}

/// Loss and accuracy of the last window, and the time left by the pace so far. Where no bar can be drawn, a line per window.
pub(super) fn show(bar: &ProgressBar, progress: &Progress<'_>, started: Instant) {
    bar.set_length(progress.steps as u64);
    bar.set_position(progress.step as u64);
    let row = progress.row;
    let pace = row.seconds / row.step as f64;
    let left = Seconds(pace * (progress.steps - progress.step) as f64);
    let message = format!("{}, {} spent, {left} left", course(row), Seconds::from(started.elapsed()));
    if bar.is_hidden() && progress.logged {
        talk(format_args!("{} of {} steps{message}", progress.step, progress.steps));
    }
    bar.set_message(message);
}

/// A row of the log in words. What no finished example tells is left out.
fn course(row: &LogRow) -> String {
    let mut text = format!(", loss {:.3}, halting loss {:.3}", row.cross_entropy, row.halting);
    if row.mean_steps > 0.0 {
        let pace = row.example_steps_per_second / row.mean_steps;
        let exact = Percent(100.0 * row.exact);
        text += &format!(", exact {exact}, {:.1} steps an example, {pace:.1} examples/s", row.mean_steps);
    }
    text
}

/// A folder is no recipe, but may be a checkpoint to go on from.
fn recipe_of(name: &str) -> Result<Recipe, CliError> {
    if Path::new(name).is_dir() {
        let fault = match Folder::new(Path::new(name)).exists() {
            true => format!("{name} is a checkpoint; go on with it by --resume {name}"),
            false => format!("{name} is a folder; name a recipe, and the folder for what comes of it by --output"),
        };
        return Err(CliError::Usage(fault));
    }
    Ok(Recipe::load(name)?)
}

/// What a training came to, in words.
pub(super) fn summary(outcome: &Outcome, output: &Path) -> String {
    let folder = output.display();
    let Outcome { step, steps, .. } = *outcome;
    let (step, steps) = (Count(step as u64), Count(steps as u64));
    // beside the checkpoint: the usual place may hold another run
    let (learned, solvable) = match outcome.material {
        Material::Tasks(tasks) => (counted(tasks, "task"), format!("TASKS --submission {folder}/submission.json")),
        Material::Puzzles(puzzles) => {
            (counted(puzzles, "puzzle"), format!("PUZZLES.csv --predictions {folder}/predictions.csv"))
        }
    };
    let mut text = format!("{step} of {steps} steps on {learned} in {}\n", Seconds(outcome.seconds));
    if outcome.withheld > 0 {
        text += &format!("withheld: {}, as answers of a held-out set\n", counted(outcome.withheld, "pair"));
    }
    if let Some(row) = outcome.row {
        let exact = Percent(100.0 * row.exact);
        text += &format!("loss {:.3}, {exact} of the finished examples exact\n", row.cross_entropy);
    }
    text += &match outcome.ending {
        Ending::Complete => {
            format!("checkpoint {folder}; solve with it: trm-arc solve {solvable} --checkpoint {folder}\n")
        }
        Ending::TimeLimit | Ending::Interrupted => {
            format!("checkpoint {folder}; go on with it: trm-arc train --resume {folder}\n")
        }
    };
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_is_the_rows_own_and_what_nothing_finished_is_not_told() {
        let mut row = LogRow {
            step: 50,
            examples: 0,
            seconds: 10.0,
            cross_entropy: 1.5,
            halting: 0.25,
            exact: 0.0,
            mean_steps: 0.0,
            example_steps_per_second: 80.0,
            learning_rate: 1e-4,
        };
        assert_eq!(course(&row), ", loss 1.500, halting loss 0.250");
        (row.exact, row.mean_steps) = (0.5, 16.0);
        assert!(course(&row).contains(", exact 50.0%, 16.0 steps an example, 5.0 examples/s"), "{}", course(&row));
    }
}
