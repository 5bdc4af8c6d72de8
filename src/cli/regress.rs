//! `trm-arc regress`: does the checkpoint still solve what it solved?

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use clap::Args;
use dfdx::prelude::Cpu;
use indicatif::{ProgressBar, ProgressStyle};

use super::{CliError, Exit, counted, interrupt, print, threads};
use crate::checkpoint;
use crate::files::{self, Output, Scratch};
use crate::recipe::{Trained, checkpoint_files};
use crate::regress::{self, Progress};
use crate::report::{Outcome, Part, REGRESSION_FILE, Regression, Standing};
use crate::units::{Percent, Seconds};

/// Solve held-out tasks again and fail when something is lost
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  trm-arc regress
  trm-arc regress --quick
  trm-arc regress --checkpoint runs/mine --state runs/mine/regression.json --record

The tasks are ARC-AGI-1's evaluation set, and held-out/concepts, which the checkpoint has no rows for: it is adapted to their demonstrations in
a fixed number of steps from a fixed seed. Exit code 1 when a task that was solved is not, or a score is below its recorded interval. The outcome is exact in one
arithmetic. The record has one outcome for each arithmetic, and lists the tasks that flip between them. TRM_ARC_CPU=avx2 tries a lower level.")]
pub struct Arguments {
    /// The checkpoint's folder; the one that comes with the project without it
    #[arg(long, value_name = "DIR")]
    checkpoint: Option<PathBuf>,
    /// What was solved; reports/regression.json without it
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Only what takes seconds
    #[arg(long)]
    quick: bool,
    /// Record the outcome on this processor instead of comparing it
    #[arg(long, conflicts_with = "quick")]
    record: bool,
}

/// Solves the parts and compares.
pub fn run(arguments: &Arguments) -> Result<Exit, CliError> {
    let device = Cpu::default();
    let shipped = |path: &str| files::find(Path::new(path)).unwrap_or_else(|| path.into());
    let checkpoint = arguments.checkpoint.clone().unwrap_or_else(|| shipped(checkpoint::DEFAULT));
    let path = arguments.state.clone().unwrap_or_else(|| shipped(REGRESSION_FILE));
    let output = arguments.record.then_some(Output::File(&path));
    let _claim = files::claim(&checkpoint_files(&checkpoint), output.as_slice())?;
    let trained = Trained::load(&checkpoint, &device)?;
    let state = if arguments.record {
        let parts = recorded_before(&path, &trained.digest, regress::parts(&trained)?)?;
        Regression { checkpoint: trained.digest.clone(), parts }
    } else {
        Regression::read(&path)?
    };
    if state.checkpoint != trained.digest {
        return Err(CliError::Usage(format!(
            "{}: the state of another checkpoint than {}; name the right one by --checkpoint, or make a new state by --record",
            path.display(),
            checkpoint.display()
        )));
    }
    drop(trained);
    let stop = interrupt::catch()?;
    let mut parts = Vec::new();
    let mut holds = true;
    for mut part in state.parts.into_iter().filter(|part| part.is_quick || !arguments.quick) {
        let started = Instant::now();
        let Some(now) = solve(&part, &checkpoint, &device, stop)? else { return Ok(Exit::Interrupted) };
        let standing = (!arguments.record).then(|| part.beside(&now));
        holds &= standing.as_ref().is_none_or(Standing::holds);
        print(&text(&part, &now, standing.as_ref(), started.elapsed()))?;
        part.record(now);
        parts.push(part);
    }
    if arguments.record {
        Regression { checkpoint: state.checkpoint, parts }.write(&path)?;
        print(&format!("recorded level {} in {}\n", regress::level(), path.display()))?;
    }
    Ok(if holds { Exit::Done } else { Exit::Failed })
}

/// Parts to record, with the outcomes that a state of the same checkpoint and the same parts already has, of other processors.
fn recorded_before(path: &Path, checkpoint: &str, parts: Vec<Part>) -> Result<Vec<Part>, CliError> {
    if !path.exists() {
        return Ok(parts);
    }
    let before = Regression::read(path)?;
    if before.checkpoint != checkpoint {
        return Ok(parts);
    }
    let asks_the_same = |part: &Part, earlier: &Part| {
        let bare = |part: &Part| Part { outcomes: Vec::new(), unsteady: Vec::new(), ..part.clone() };
        bare(part) == bare(earlier)
    };
    let with_outcomes =
        |part: Part| before.parts.iter().find(|earlier| asks_the_same(&part, earlier)).cloned().unwrap_or(part);
    Ok(parts.into_iter().map(with_outcomes).collect())
}

/// One part, with a bar.
fn solve(part: &Part, checkpoint: &Path, device: &Cpu, stop: &AtomicBool) -> Result<Option<Outcome>, CliError> {
    let scratch = Scratch::new()?;
    let bar = ProgressBar::new(0);
    let style =
        ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}, {elapsed} spent").expect("the template is right");
    bar.set_style(style);
    threads::tick(&bar);
    let solved = regress::solve(part, checkpoint, scratch.path(), device, stop, |progress| {
        let (done, all, what) = match progress {
            Progress::Adapting(done, all) => (done, all, "steps of the adaptation"),
            Progress::Solving(done, all) => (done, all, "tasks solved or missed"),
        };
        bar.set_length(all as u64);
        bar.set_position(done as u64);
        bar.set_message(what);
    });
    bar.finish_and_clear();
    Ok(solved?)
}

fn text(part: &Part, now: &Outcome, standing: Option<&Standing>, spent: Duration) -> String {
    let how = part.adapted.map(|adapted| format!(", adapted in {} steps", adapted.steps)).unwrap_or_default();
    let solved = counted(now.solved.len(), "task");
    let score = Percent::of(now.task_score, 1.0);
    let mut text =
        format!("{}{how}: {solved} of {} solved, score {score}, in {}\n", part.tasks, part.asked, Seconds::from(spent));
    let Some(standing) = standing else { return text };
    for outcome in &part.outcomes {
        let (low, high) = outcome.interval;
        let (low, high) = (Percent::of(low, 1.0), Percent::of(high, 1.0));
        let (count, recorded) = (outcome.solved.len(), Percent::of(outcome.task_score, 1.0));
        let levels = outcome.levels.join(", ");
        text += &format!("  recorded on {levels}: {count} solved, {recorded}, 95% interval {low} to {high}\n");
    }
    if !standing.is_recorded {
        text += &format!("  no record of {}: tasks that flip with rounding are no loss\n", now.arithmetic);
    }
    text += if standing.is_below { "  the score is BELOW the interval\n" } else { "  the score holds\n" };
    let lists = [
        ("LOST", &standing.lost),
        ("flipped by rounding", &standing.flipped),
        ("gained", &standing.gained),
        ("recorded as unsteady", &part.unsteady),
    ];
    for (name, tasks) in lists.into_iter().filter(|(_, tasks)| !tasks.is_empty()) {
        text += &format!("  {name} {}: {}\n", tasks.len(), tasks.join(" "));
    }
    text
}
