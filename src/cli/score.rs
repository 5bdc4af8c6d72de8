//! `trm-arc score`: a submission against the solutions.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::{CliError, Exit, counted, load_tasks, print, talk};
use crate::prediction;
use crate::report::Record;
use crate::score::{self, Ranks, Score};
use crate::submission::{self, Fault, Submitted};
use crate::task::TaskSet;
use crate::units::Percent;

/// The most faults that are printed one by one.
const MAX_FAULTS: usize = 10;

/// Score a submission: Kaggle's mean over outputs, the mean over tasks, the solved tasks
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  trm-arc score submissions/submission.json --tasks arc-agi-1/evaluation
  trm-arc score submission.json --tasks arc-agi-1/evaluation --predictions predictions.jsonl --json

The faults of a submission are named below its scores, in JSON as \"faults\". An attempt at fault counts as wrong.")]
pub struct Arguments {
    /// Kaggle's file, or the folder of a run
    submission: PathBuf,
    /// A set's name, a challenges file with its solutions beside it, or a folder of task files
    #[arg(long)]
    tasks: String,
    /// All predictions of the run, for pass@K
    #[arg(long)]
    predictions: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Exit 1 where the submission has a fault
    #[arg(long)]
    strict: bool,
}

/// The scores, and what is wrong with the submission.
#[derive(Serialize)]
struct Judged<'a> {
    #[serde(flatten)]
    score: &'a Score,
    faults: &'a [Fault],
}

/// Prints the scores, and the faults of the submission.
pub fn run(arguments: &Arguments) -> Result<Exit, CliError> {
    let set = load_tasks(&arguments.tasks)?;
    let submitted = Submitted::read(&arguments.submission)?;
    let answers = submitted.answers()?;
    let faults = submitted.faults(&set)?;
    if !set.tasks.iter().any(|task| answers.contains_key(&task.id)) {
        return Err(CliError::Usage(no_task_of(submitted.path(), &set)));
    }
    let ranks = match &arguments.predictions {
        Some(path) => {
            let predictions = prediction::read(path)?;
            warn_of_strangers("predictions", predictions.iter().map(|p| p.task.as_str()), &set);
            Some(Ranks::of(&predictions, &set))
        }
        None => None,
    };
    let score = score::score(&answers, &set, ranks.as_ref())?;
    if arguments.json {
        let judged = Judged { score: &score, faults: &faults };
        print(&(serde_json::to_string_pretty(&judged).expect("a score is plain data") + "\n"))?;
    } else {
        print(&(text(&score) + &faults_text(&faults)))?;
    }
    Ok(if arguments.strict && !faults.is_empty() { Exit::Failed } else { Exit::Done })
}

/// Says that a submission has no task of the set, and which file beside it may have been meant.
fn no_task_of(path: &Path, set: &TaskSet) -> String {
    let beside = path.with_file_name(submission::FILE_NAME);
    let hint = match Record::read(path) {
        Ok(_) if beside.exists() => format!("this is a run's record, and its submission is {}", beside.display()),
        Ok(_) => "this is a run's record; name the run's submission".into(),
        Err(_) => "name the submission of that set, or by --tasks the set of this submission".into(),
    };
    format!("{}: no task of {} is in it; hint: {hint}", path.display(), set.name)
}

/// The faults in words, the first of them one by one.
fn faults_text(faults: &[Fault]) -> String {
    if faults.is_empty() {
        return String::new();
    }
    let mut text = format!("{:<13} {}; an attempt at fault counts as wrong\n", "faults", faults.len());
    faults.iter().take(MAX_FAULTS).for_each(|fault| text += &format!("  {fault}\n"));
    if faults.len() > MAX_FAULTS {
        text += &format!("  and {} more, which trm-arc validate names\n", faults.len() - MAX_FAULTS);
    }
    text
}

fn warn_of_strangers<'a>(what: &str, tasks: impl Iterator<Item = &'a str>, set: &TaskSet) {
    let known: BTreeSet<&str> = set.tasks.iter().map(|task| task.id.as_str()).collect();
    let strangers: BTreeSet<&str> = tasks.filter(|task| !known.contains(task)).collect();
    if let Some(first) = strangers.first() {
        let tasks = counted(strangers.len(), "task");
        talk(format_args!("note: {what} for {tasks} that {} does not have, as {first}, do not count", set.name));
    }
}

/// The scores in words, also at the end of `solve`.
pub fn text(score: &Score) -> String {
    let tasks = score.tasks as f64;
    let (low, high) = score::wilson(score.task_score * tasks, tasks);
    let mut text = String::new();
    let mut line = |name: &str, value: String| writeln!(text, "{name:<13} {value}").expect("a text grows");
    line(
        "kaggle score",
        format!("{} ({} of {} outputs)", share(score.kaggle_score), score.solved_outputs, score.outputs),
    );
    line(
        "task score",
        format!(
            "{} of {} tasks (95% interval {} to {})",
            share(score.task_score),
            score.tasks,
            share(low),
            share(high)
        ),
    );
    let solved = score.solved_tasks.len();
    line("solved tasks", format!("{solved}{}{}", if solved > 0 { ": " } else { "" }, score.solved_tasks.join(" ")));
    for (k, value) in score.pass_at.iter().flatten() {
        line(&format!("pass@{k}"), share(*value).to_string());
    }
    text
}

fn share(share: f64) -> Percent {
    Percent::of(share, 1.0)
}
