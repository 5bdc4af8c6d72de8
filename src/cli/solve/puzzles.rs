//! `trm-arc solve FILE.csv`: a table of Sudoku or mazes, solved by a checkpoint that was trained on such.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};

use super::{Arguments, SolverName, checkpoint, chosen, resumed};
use crate::cli::{CliError, Exit, interrupt, print, talk, threads};
use crate::device;
use crate::ops::Operations;
use crate::puzzle;
use crate::recipe::{PuzzleData, Trained, checkpoint_files};
use crate::report::{Asked, PuzzleRecord, Record, Status};
use crate::solve::{self, PuzzlePlan, PuzzleProgress, PuzzleSolver, Training};
use crate::submission;
use crate::units::{Count, Seconds};

/// True when the tasks are a table of puzzles.
pub(super) fn is_table(tasks: &str) -> bool {
    Path::new(tasks).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"))
}

/// Solves the table, and prints what came of it.
pub(super) fn run_on<D: Operations>(arguments: &Arguments, device: &D) -> Result<Exit, CliError> {
    let started = Instant::now();
    refuse_what_means_nothing(arguments)?;
    let table = PathBuf::from(&arguments.tasks);
    let (set, has_answers) = puzzle::read_to_solve(&table)?;
    let plan = PuzzlePlan {
        set: &set,
        has_answers,
        table: table.clone(),
        predictions: arguments.predictions.clone(),
        record: record(arguments),
        time_limit: arguments.time_limit,
        started,
    };
    let _claim = plan.claim(&checkpoint_files(&checkpoint(arguments)))?;
    let (before, of_tasks) = (PuzzleRecord::read(&plan.record).ok(), Record::read(&plan.record).is_ok());
    let repeats_before = before.as_ref().and_then(|before| before.repeats.clone());
    let found = resumed::find::<_, PuzzleRecord, _>(&plan.trail(), before, of_tasks, arguments)?;
    let interrupt = interrupt::catch()?;
    let mut trained = Trained::load(&checkpoint(arguments), device)?;
    let data = trained.recipe.puzzles()?.clone();
    let PuzzleData { kind, side, .. } = data;
    if (set.kind, set.side) != (kind, side) {
        return Err(CliError::Usage(format!(
            "{} has {} of {2} x {2}, and {name} has learned {kind} of {side} x {side}; name a checkpoint of such puzzles",
            table.display(),
            set.kind,
            set.side,
            name = trained.recipe.name,
        )));
    }
    // asked after the arguments, so that a refusal is the same on every processor
    let precision = D::precision(arguments.precision, false)?;
    trained.model.precision = precision;
    // made anew when the record stands, as it takes its time
    let stop = || interrupt.load(Ordering::Relaxed) || plan.is_over_time();
    let (sets, seed) = (trained.sets.clone(), trained.recipe.seed);
    let training = || {
        let training = Training::of(&sets, seed, &data, &stop).inspect_err(|reason| {
            talk(format_args!("note: which questions were learned is not known: {reason}"));
        });
        training.ok()
    };
    let steps = arguments.steps.unwrap_or(trained.recipe.training.halt_max_steps);
    let tokens_per_batch = arguments.tokens_per_batch.unwrap_or(D::TOKENS_PER_BATCH);
    let asked = Asked { set: &set, table: &table, has_answers, steps, tokens_per_batch };
    let from = chosen::model_of(&trained, checkpoint(arguments));
    let mut record = PuzzleRecord::new(&asked, from, &device::computing_in(device, precision), &precision.to_string());
    record.arithmetic = D::arithmetic(precision).map(str::to_owned);
    record.repeats = Some(D::repeats());
    if let Some(began) = found.start() {
        let other = resumed::repeats_after(repeats_before, began.arithmetic.as_deref(), record.arithmetic.as_deref());
        record.repeats = other.or(record.repeats);
    }
    let solver = PuzzleSolver::new(trained, steps, tokens_per_batch)?;
    if found.is_complete(&record, arguments, &plan.record)? {
        return Ok(Exit::Done);
    }
    let trail = found.into_trail();
    solver.check_room(&set.puzzles)?;
    let bar = bar(&plan);
    let show = |PuzzleProgress { answered, exact }| {
        bar.set_position(answered as u64);
        if has_answers {
            bar.set_message(format!(", {} exact", Count(exact as u64)));
        }
    };
    let record = solve::run_puzzles(&solver, &plan, &training, record, trail, interrupt, &show);
    bar.finish_and_clear();
    let record = record?;
    print(&summary(&record, &plan))?;
    Ok(if record.status == Status::Interrupted { Exit::Interrupted } else { Exit::Done })
}

/// What belongs to tasks alone is refused; a seed, which nothing draws by, is noted.
fn refuse_what_means_nothing(arguments: &Arguments) -> Result<(), CliError> {
    let of_tasks = [
        ("--submission", arguments.submission.is_some(), "puzzles have none; --predictions keeps the answers"),
        ("--views", arguments.views.is_some(), "a puzzle is seen as it is"),
        ("--shard", arguments.shard.is_some(), "shards are parts of a submission; cut the table instead"),
        ("--adapt", arguments.adapts(), "puzzles have no demonstrations to adapt to"),
        ("--solver", arguments.solver != SolverName::Trm, "only a trained model answers puzzles"),
    ];
    if let Some((flag, _, reason)) = of_tasks.into_iter().find(|(_, is_given, _)| *is_given) {
        return Err(CliError::Usage(format!(
            "{flag} belongs to ARC tasks, and {} is a table of puzzles: {reason}",
            arguments.tasks
        )));
    }
    if arguments.seed.is_some() {
        talk("note: --seed changes nothing here; nothing is drawn");
    }
    Ok(())
}

/// Where the record goes: beside the predictions where they are kept.
fn record(arguments: &Arguments) -> PathBuf {
    let beside = || arguments.predictions.as_deref().map(solve::record_beside);
    arguments.record.clone().or_else(beside).unwrap_or_else(|| submission::PUZZLE_RECORD.into())
}

/// Puzzles done, exact so far, and the time left by the pace or by the limit, whichever is shorter.
fn bar(plan: &PuzzlePlan<'_>) -> ProgressBar {
    let bar = ProgressBar::new(plan.set.puzzles.len() as u64);
    let (started, limit) = (plan.started, plan.time_limit);
    let left = move |state: &indicatif::ProgressState, text: &mut dyn std::fmt::Write| {
        let until_limit = limit.map(|limit| limit.saturating_sub(started.elapsed()));
        let by_pace = (state.pos() > 0).then(|| state.eta());
        let _ = match until_limit.into_iter().chain(by_pace).min() {
            Some(left) => write!(text, "{}", Seconds::from(left)),
            None => write!(text, "unknown time"),
        };
    };
    let elapsed = move |_: &indicatif::ProgressState, text: &mut dyn std::fmt::Write| {
        let _ = write!(text, "{}", Seconds::from(started.elapsed()));
    };
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} puzzles{msg}, {elapsed} spent, {left} left");
    bar.set_style(style.expect("the template is right").with_key("left", left).with_key("elapsed", elapsed));
    threads::tick(&bar);
    bar
}

/// What came of a run, and where its files are.
fn summary(record: &PuzzleRecord, plan: &PuzzlePlan<'_>) -> String {
    let mut text = format!("{}\nrecord      {}\n", record.to_terminal(), plan.record.display());
    if let Some(predictions) = &plan.predictions {
        text += &format!("predictions {}\n", predictions.display());
    }
    if plan.trail().exists() {
        text += &format!("go on       {}\n", resumed::command());
    }
    text
}
