//! `trm-arc solve`: tasks in, a submission out, scored and compared where the solutions are known.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use clap::builder::RangedU64ValueParser;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use super::guard::guarded;
use super::{CliError, Exit, interrupt, print, score, talk};
use crate::checkpoint;
use crate::device::{self, DeviceChoice, Precision, on_device};
use crate::files;
use crate::ops::Operations;
use crate::prediction::Solver;
use crate::recipe::Trained;
use crate::report::{Checkpoint, Comparison, Record, Status};
use crate::solve::{self, Plan, Progress, Views};
use crate::solver::{Copy, Random};
use crate::submission;
use crate::task::{self, Shard};
use crate::units::{self, Count, Seconds};

/// The supervision steps of published evaluations, which never halt early.
const PUBLISHED_STEPS: usize = 16;

/// Solve tasks and write Kaggle's submission
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  trm-arc solve arc-agi-1/evaluation --time-limit 4m
  trm-arc solve my_challenges.json --solver copy --submission out/submission.json
  trm-arc solve arc-agi-2/evaluation --shard 2/4 --submission shards/2/submission.json

The submission is valid from the first second; tasks are replaced as they are solved. A task that the solver does not
know is answered by a copy of its input and marked in the record.")]
pub struct Arguments {
    /// A set's name, a challenges file or a folder of task files
    tasks: String,
    /// The model's folder; checkpoints/default without it
    #[arg(long, value_name = "DIR")]
    checkpoint: Option<PathBuf>,
    /// Solve one of n parts of the set, as 2/4; trm-arc merge makes one submission of them
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// Who answers
    #[arg(long, value_enum, default_value_t = SolverName::Trm)]
    solver: SolverName,
    /// Where Kaggle's file goes
    #[arg(long, value_name = "FILE", default_value = submission::DEFAULT_FILE)]
    submission: PathBuf,
    /// Where all predictions go, one a line; not kept without it
    #[arg(long, value_name = "FILE")]
    predictions: Option<PathBuf>,
    /// Views of each test input [default: all variants that the checkpoint has a row for, each under 8 permutations of the colours where its
    /// recipe permutes them in the grids]
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    views: Option<usize>,
    /// Supervision steps per view [default: 16, as published evaluations run, or an imported checkpoint's own]
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    steps: Option<usize>,
    /// Tokens of the views that run as one batch, for time and memory alone; a larger view runs by itself [default: 450, on CUDA
    /// 131072]
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    tokens_per_batch: Option<usize>,
    /// What to compute on: cpu, cuda or cuda:N
    #[arg(long, default_value = "cpu")]
    device: DeviceChoice,
    /// The number type of products, f32 or bf16: bf16 is faster where the device has it, and rounds more [default: f32, on CUDA bf16]
    #[arg(long, value_name = "TYPE")]
    precision: Option<Precision>,
    /// End in order after this time: 90s, 20m, 2h
    #[arg(long, value_name = "TIME", value_parser = units::parse_duration)]
    time_limit: Option<Duration>,
    /// The seed of all random streams [default: 0]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Where the record of the run goes; run.json beside the submission without it
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SolverName {
    /// A Tiny Recursive Model from a checkpoint
    Trm,
    /// The input itself
    Copy,
    /// Random grids of the input's shape
    Random,
}

/// A solver and what the record says about it.
struct Chosen {
    solver: Box<dyn Solver>,
    views_of_task: Option<Arc<Views>>,
    checkpoint: Option<Checkpoint>,
    views: Option<usize>,
    steps: Option<usize>,
    tokens_per_batch: Option<usize>,
    precision: Option<Precision>,
}

/// Solves, and prints what came of it.
pub fn run(arguments: Arguments) -> Result<Exit, CliError> {
    guarded(arguments.device, || on_device!(arguments.device, |device| run_on(&arguments, device)))
}

fn run_on<D: Operations>(arguments: &Arguments, device: &D) -> Result<Exit, CliError> {
    let started = Instant::now();
    // Of the model alone: the other solvers have no products.
    let precision = match arguments.solver {
        SolverName::Trm => D::precision(arguments.precision, false)?,
        _ => Precision::F32,
    };
    let set = task::load(&arguments.tasks)?;
    let set = match arguments.shard {
        Some(shard) => shard.of(set),
        None => set,
    };
    if set.tasks.is_empty() {
        return Err(CliError::Usage(format!("{} has no task; take fewer shards", set.name)));
    }
    let plan = Plan {
        set: &set,
        inputs: task::files_of(&arguments.tasks),
        submission: arguments.submission.clone(),
        predictions: arguments.predictions.clone(),
        record: arguments.record.clone().unwrap_or_else(|| solve::record_beside(&arguments.submission)),
        time_limit: arguments.time_limit,
        started,
    };
    plan.check()?;
    // The placeholders come after the model: a checkpoint that is none must leave no submission behind.
    let mut chosen = choose(arguments, device, precision)?;
    let solver = chosen.solver.name().to_owned();
    let recipe = chosen.checkpoint.as_ref().and_then(|checkpoint| checkpoint.recipe.clone());
    let name = recipe.map_or(solver.clone(), |recipe| format!("{solver} {recipe}"));
    let device = device::computing_in(device, precision);
    let mut record = Record::new(&name, &solver, &set, arguments.seed.unwrap_or(0), &device);
    record.checkpoint = chosen.checkpoint;
    record.views = chosen.views;
    record.steps = chosen.steps;
    record.tokens_per_batch = chosen.tokens_per_batch;
    record.precision = chosen.precision.map(|precision| precision.to_string());
    let interrupt = interrupt::catch()?;
    let bar = bar(&plan, chosen.views_of_task.take());
    let outcome = solve::run(&mut *chosen.solver, &plan, record, interrupt, &mut |progress| show(&bar, progress));
    bar.finish_and_clear();
    let record = outcome?.record;
    print(&summary(&record, &plan))?;
    Ok(if record.status == Status::Interrupted { Exit::Interrupted } else { Exit::Done })
}

fn choose<D: Operations>(arguments: &Arguments, device: &D, precision: Precision) -> Result<Chosen, CliError> {
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
    if arguments.solver != SolverName::Random && arguments.seed.is_some() {
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
    match arguments.solver {
        SolverName::Trm => model_solver(arguments, device, precision),
        SolverName::Copy => without_model(Box::new(Copy), None),
        SolverName::Random => {
            let guesses = arguments.views.unwrap_or(2);
            without_model(Box::new(Random::new(arguments.seed.unwrap_or(0), guesses)), Some(guesses))
        }
    }
}

/// The trained model; without `--checkpoint` the one that comes with the project.
fn model_solver<D: Operations>(arguments: &Arguments, device: &D, precision: Precision) -> Result<Chosen, CliError> {
    let shipped = || files::find(Path::new(checkpoint::DEFAULT)).unwrap_or_else(|| PathBuf::from(checkpoint::DEFAULT));
    let path = arguments.checkpoint.clone().unwrap_or_else(shipped);
    let mut trained = Trained::load(&path, device)?;
    trained.model.precision = precision;
    // a published checkpoint runs its own halting steps
    let usual = if trained.imported.is_some() { trained.recipe.training.halt_max_steps } else { PUBLISHED_STEPS };
    let steps = arguments.steps.unwrap_or(usual);
    let views = arguments.views.unwrap_or(trained.usual_views()).min(trained.most_views());
    let checkpoint = Checkpoint {
        path: path.clone(),
        digest: trained.digest.clone(),
        step: trained.step as u64,
        parameters: trained.model.parameters() as u64,
        puzzle_rows: (trained.table.count() * trained.table.width()) as u64,
        recipe: Some(trained.recipe.name.clone()),
    };
    let tokens = arguments.tokens_per_batch.unwrap_or(D::TOKENS_PER_BATCH);
    let solver = solve::ModelSolver::new(trained, views, steps).with_tokens_per_batch(tokens);
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

/// Tasks done, solved so far, views of the task at hand, and the time left by the pace or by the limit, whichever is shorter.
fn bar(plan: &Plan<'_>, views: Option<Arc<Views>>) -> ProgressBar {
    let bar = ProgressBar::new(plan.set.tasks.len() as u64);
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} tasks{msg}{views}, {elapsed} spent, {left} left")
        .expect("the template is right");
    let (started, limit) = (plan.started, plan.time_limit);
    let of_task = move || {
        let views = views.as_ref()?;
        let (answered, all) = (views.answered.load(Ordering::Relaxed), views.all.load(Ordering::Relaxed));
        (all > 0).then_some((answered, all))
    };
    let watched = of_task.clone();
    let views = move |_: &indicatif::ProgressState, text: &mut dyn std::fmt::Write| {
        if let Some((answered, all)) = watched() {
            let _ = write!(text, ", {} of {} views of the next", Count(answered as u64), Count(all as u64));
        }
    };
    let left = move |state: &indicatif::ProgressState, text: &mut dyn std::fmt::Write| {
        let until_limit = limit.map(|limit| limit.saturating_sub(started.elapsed()));
        let begun = of_task()
            .filter(|(answered, all)| answered < all)
            .map_or(0.0, |(answered, all)| answered as f64 / all as f64);
        let (done, tasks) = (state.pos() as f64 + begun, state.len().unwrap_or(0) as f64);
        let by_pace = (done > 0.0).then(|| started.elapsed().mul_f64((tasks / done - 1.0).clamp(0.0, 1e6)));
        let _ = match until_limit.into_iter().chain(by_pace).min() {
            Some(left) => write!(text, "{}", Seconds::from(left)),
            None => write!(text, "unknown time"),
        };
    };
    let elapsed = move |_: &indicatif::ProgressState, text: &mut dyn std::fmt::Write| {
        let _ = write!(text, "{}", Seconds::from(started.elapsed()));
    };
    bar.set_style(style.with_key("views", views).with_key("left", left).with_key("elapsed", elapsed));
    bar.enable_steady_tick(Duration::from_millis(500));
    bar
}

fn show(bar: &ProgressBar, progress: Progress) {
    if let Some(solved) = progress.solved {
        bar.set_message(format!(", {solved} solved"));
    }
    bar.set_position(progress.done as u64);
}

/// What came of a run, where its files are, and how it compares.
fn summary(record: &Record, plan: &Plan<'_>) -> String {
    let end = match record.status {
        Status::Complete | Status::Running => "",
        Status::TimeLimit => ", ended by the time limit",
        Status::Interrupted => ", interrupted",
    };
    let mut text = format!(
        "{} on {}: {} of {} tasks answered, {} unknown to the solver, {} not reached, in {}{end}\n",
        record.name,
        record.tasks.name,
        record.answered,
        record.tasks.tasks,
        record.unseen.len(),
        record.unanswered,
        Seconds(record.seconds),
    );
    if let Some(score) = &record.score {
        text += &score::text(score);
        if let Ok(comparison) = Comparison::of(std::slice::from_ref(record)) {
            text += &format!("\n{}", comparison.to_terminal());
        }
    }
    text += &format!("\nsubmission  {}\nrecord      {}\n", plan.submission.display(), plan.record.display());
    if let Some(predictions) = &plan.predictions {
        text += &format!("predictions {}\n", predictions.display());
    }
    text
}
