//! `trm-arc solve`: tasks in, a submission out, scored and compared where the solutions are known; or a table of puzzles, judged.

mod adapted;
mod chosen;
mod puzzles;
mod resumed;
mod watch;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};

use self::adapted::{Adaptation, Adapting};
use super::guard::guarded;
use super::{CliError, Exit, counts, interrupt, load_tasks, print, score};
use crate::checkpoint;
use crate::device::{self, DeviceChoice, Precision, on_device};
use crate::files::{self, Output};
use crate::ops::Operations;
use crate::recipe::{Trained, WRITTEN, checkpoint_files};
use crate::report::{Comparison, PuzzleRecord, Record, Run, Status};
use crate::rng::Repeats;
use crate::solve::{self, Phase, Plan, SolveLoop, Start, TaskTrail};
use crate::submission;
use crate::task::{self, Shard};
use crate::units::{self, Seconds};

/// Solve tasks and write Kaggle's submission, or solve a table of Sudoku or mazes
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  trm-arc solve arc-agi-1/evaluation --time-limit 4m
  trm-arc solve my_challenges.json --solver copy --submission out/submission.json
  trm-arc solve arc-agi-2/evaluation --shard 2/4 --submission shards/2/submission.json
  trm-arc solve my_challenges.json --adapt 20m --time-limit 30m --submission out/submission.json
  trm-arc solve arc-agi-1/evaluation --resume
  trm-arc solve hard.csv --checkpoint runs/sudoku --predictions out/predictions.csv

The submission is valid from the first second; tasks are replaced as they are solved. A task that the solver does not \
know is answered by a copy of its input and marked in the record. With --time-limit the views come in rounds over all tasks, \
so that each has an answer early: the first view of every test input, then up to 8, up to 64, and all. What comes of a run that \
the limit does not cut is the same. \
What is behind a run is kept in run.json.progress beside its record until it is complete: the same command with --resume goes on with a \
run that was killed, interrupted or out of time, asks nothing again that was answered, and ends with the same files. \
With --adapt the checkpoint solves the tasks that it knows, adapts to the demonstrations of all, see trm-arc adapt, and solves them again; \
the answers of both vote. That counts into --time-limit: the first solving takes at most half of what the adaptation leaves. A task that \
there is no time to adapt to keeps its first answers. With --adapt-steps nothing but the seed decides what comes of it.
What a run has left is not written over by one of other settings, unless --overwrite says so.

A file that ends in .csv is a table of puzzles, see trm-arc puzzles; the checkpoint must have learned such puzzles. Its answers go to \
--predictions as a table too, of the first 200 puzzles with the answers after the earlier supervision steps, and the record goes beside \
them or to submissions/puzzles/run.json. Questions of the training set are told apart.")]
pub struct Arguments {
    /// A set's name, a challenges file or a folder of task files; or a .csv table of puzzles
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
    /// Where Kaggle's file goes [default: submissions/submission.json]
    #[arg(long, value_name = "FILE")]
    submission: Option<PathBuf>,
    /// Where all predictions go, one a line; not kept without it
    #[arg(long, value_name = "FILE")]
    predictions: Option<PathBuf>,
    /// Views of each test input [default: all variants that the checkpoint has a row for, each under 8 permutations of the colours where its
    /// recipe permutes them in the grids]
    #[arg(long, value_name = "N", value_parser = counts::views())]
    views: Option<usize>,
    /// Supervision steps per view [default: the most that the checkpoint was trained for]
    #[arg(long, value_name = "N", value_parser = counts::supervision_steps())]
    steps: Option<usize>,
    /// Tokens of the views that run as one batch, for time and memory alone; a larger view runs by itself [default: 450, on CUDA
    /// 131072]
    #[arg(long, value_name = "N", value_parser = counts::tokens())]
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
    /// Go on with the run that broke off here; the time limit counts anew
    #[arg(long)]
    resume: bool,
    /// Write over what a run of other settings has left here
    #[arg(long, conflicts_with = "resume")]
    overwrite: bool,
    /// Adapt the checkpoint to the demonstrations of the tasks, for this long: 90s, 20m, 2h
    #[arg(long, value_name = "TIME", value_parser = units::parse_positive_duration, group = "adapts")]
    adapt: Option<Duration>,
    /// Adapt it in this many optimizer steps instead, whatever the clock says
    #[arg(long, value_name = "N", value_parser = counts::steps(), group = "adapts")]
    adapt_steps: Option<usize>,
    /// Where the adapted checkpoint goes, a folder that is not there yet; adapted beside the submission without it
    #[arg(long, value_name = "DIR", requires = "adapts")]
    adapted: Option<PathBuf>,
    /// The seed of all random streams [default: 0, of --adapt the checkpoint's]
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

/// Solves, and prints what came of it.
pub fn run(arguments: Arguments) -> Result<Exit, CliError> {
    guarded(arguments.device, || {
        on_device!(arguments.device, |device| match puzzles::is_table(&arguments.tasks) {
            true => puzzles::run_on(&arguments, device),
            false => run_on(&arguments, device),
        })
    })
}

fn run_on<D: Operations>(arguments: &Arguments, device: &D) -> Result<Exit, CliError> {
    let started = Instant::now();
    let set = load_tasks(&arguments.tasks)?;
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
        submission: submission(arguments),
        predictions: arguments.predictions.clone(),
        record: arguments.record.clone().unwrap_or_else(|| solve::record_beside(&submission(arguments))),
        time_limit: arguments.time_limit,
        started,
    };
    let path = checkpoint(arguments);
    let _claim = plan.claim(&checkpoint_files(&path))?;
    let (before, of_puzzles) = (Record::read(&plan.record).ok(), PuzzleRecord::is_at(&plan.record));
    let repeats_before = before.as_ref().and_then(|before| before.repeats.clone());
    let found = resumed::find::<_, Start, _>(&plan.trail(), before, of_puzzles, arguments)?;
    let interrupt = interrupt::catch()?;
    let solver = arguments.solver.name();
    let adaptation = Adaptation::of(arguments, found.has_begun(arguments))?;
    // The placeholders come after the model: a checkpoint that is none must leave no submission behind.
    let output = adaptation.as_ref().map(|adaptation| Output::Folder(&adaptation.folder, &WRITTEN));
    let _adapted_claim = files::claim(&[], output.as_slice())?;
    let trained = match arguments.solver {
        SolverName::Trm => Some(Trained::load(&path, device)?),
        SolverName::Copy | SolverName::Random => None,
    };
    // The processor is asked after the arguments, so that a refusal is the same on all. Other solvers than the model have no products.
    let precision = match arguments.solver {
        SolverName::Trm => D::precision(arguments.precision, false)?,
        _ => Precision::F32,
    };
    let computing = device::computing_in(device, precision);
    // where nothing is drawn a seed makes no other run
    let draws = arguments.solver == SolverName::Random || arguments.adapts();
    let seed = arguments.seed.filter(|_| draws).unwrap_or(0);
    let mut record = Record::new(solver, solver, &set, seed, &computing);
    let in_rounds = found.start().map_or(arguments.time_limit.is_some(), |start| start.rounds > 1);
    let begins_with = trained.clone().filter(|_| adaptation.is_some());
    let mut chosen = chosen::choose(arguments, &set, trained.map(|trained| (trained, path)), in_rounds, precision)?;
    if let Some(recipe) = chosen.checkpoint.as_ref().and_then(|checkpoint| checkpoint.recipe.as_ref()) {
        record.name = format!("{solver} {recipe}");
    }
    record.checkpoint = chosen.checkpoint.clone();
    record.adaptation = adaptation.as_ref().and_then(|adaptation| adaptation.recorded(&chosen));
    record.views = chosen.views;
    record.steps = chosen.steps;
    record.tokens_per_batch = chosen.tokens_per_batch;
    record.precision = chosen.precision.map(|precision| precision.to_string());
    record.arithmetic = chosen.precision.and_then(D::arithmetic).map(str::to_owned);
    record.repeats = Some(repeats::<D>(arguments));
    if let Some(Start { record: began, .. }) = found.start() {
        let other = resumed::repeats_after(repeats_before, began.arithmetic.as_deref(), record.arithmetic.as_deref());
        record.repeats = other.or(record.repeats);
    }
    if found.is_complete(&record, arguments, &plan.record)? {
        return Ok(Exit::Done);
    }
    let trail = found.into_trail();
    let behind = trail.as_ref().map_or(0, TaskTrail::steps);
    let adapting = adaptation.as_ref().map(|adaptation| {
        let (plan, stop) = (&plan, interrupt);
        Adapting { arguments, plan, adaptation, precision, in_rounds, stop }
    });
    // what the adaptation refuses is refused before anything is written
    let adapt = adapting.as_ref().map(Adapting::adapt::<D>).transpose()?;
    let checked =
        adapt.as_ref().zip(begins_with).map(|(adapt, trained)| adapt.check_with(trained, device)).transpose()?;
    let mut solving = SolveLoop::start(&plan, record, chosen.solver.rounds(), adaptation.is_some(), trail, interrupt)?;
    match adapting.as_ref().zip(adapt.as_ref().zip(checked)) {
        Some((adapting, checked)) => adapting.go(checked, &mut solving, chosen, behind, device)?,
        None => adapted::solve(&mut solving, &mut chosen, Phase::Base { until: None }, &plan, behind)?,
    }
    let record = solving.finish()?.record;
    let adapted = adaptation.map(|adaptation| adaptation.folder);
    print(&summary(&record, &plan, adapted.as_deref()))?;
    Ok(if record.status == Status::Interrupted { Exit::Interrupted } else { Exit::Done })
}

impl Arguments {
    /// True when the checkpoint is to adapt.
    fn adapts(&self) -> bool {
        self.adapt.is_some() || self.adapt_steps.is_some()
    }
}

impl SolverName {
    /// What the record calls it.
    fn name(self) -> &'static str {
        match self {
            Self::Trm => "trm",
            Self::Copy => "copy",
            Self::Random => "random",
        }
    }
}

/// Whether the same command gives the same files again: not where the clock decides about more than the end.
fn repeats<D: Operations>(arguments: &Arguments) -> Repeats {
    let mut repeats = D::repeats();
    if arguments.adapt.is_some() {
        repeats =
            Repeats { bitwise: false, because: "the clock decided how many steps the checkpoint adapted for".into() };
    } else if arguments.time_limit.is_some() {
        repeats.because += "; where the time limit has cut the run, it may cut it elsewhere another time";
    }
    repeats
}

/// The checkpoint that is asked for, or the one that comes with the project.
fn checkpoint(arguments: &Arguments) -> PathBuf {
    let shipped = || files::find(Path::new(checkpoint::DEFAULT)).unwrap_or_else(|| checkpoint::DEFAULT.into());
    arguments.checkpoint.clone().unwrap_or_else(shipped)
}

/// Where Kaggle's file goes.
fn submission(arguments: &Arguments) -> PathBuf {
    arguments.submission.clone().unwrap_or_else(|| submission::DEFAULT_FILE.into())
}

/// What came of a run, where its files are, and how it compares.
fn summary(record: &Record, plan: &Plan<'_>, adapted: Option<&Path>) -> String {
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
        let run = Run { source: plan.record.display().to_string(), record: record.clone() };
        if let Ok(comparison) = Comparison::of(&[run]) {
            text += &format!("\n{}", comparison.to_terminal());
        }
    }
    let hidden = plan.set.hidden_outputs();
    if hidden > 0 {
        text += &format!("no score: {hidden} of {} test outputs have no solution\n", plan.set.outputs());
    }
    text += &format!("\nsubmission  {}\nrecord      {}\n", plan.submission.display(), plan.record.display());
    if let Some(adapted) = adapted {
        text += &format!("adapted     {}\n", adapted.display());
    }
    if let Some(predictions) = &plan.predictions {
        text += &format!("predictions {}\n", predictions.display());
    }
    if plan.trail().exists() {
        text += &format!("go on       {}\n", resumed::command());
    }
    text
}
