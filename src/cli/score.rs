//! `trm-arc score`: a submission against the solutions.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;

use super::{CliError, Exit, counted, print, talk};
use crate::prediction;
use crate::report::RECORD_FILE;
use crate::score::{self, Ranks, Score};
use crate::submission;
use crate::task::{self, TaskSet};
use crate::units::Percent;

/// Score a submission: Kaggle's mean over outputs, the mean over tasks, the solved tasks
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  trm-arc score submissions/submission.json --tasks arc-agi-1/evaluation
  trm-arc score submission.json --tasks arc-agi-1/evaluation --predictions predictions.jsonl --json")]
pub struct Arguments {
    /// Kaggle's file
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
}

/// Prints the scores.
pub fn run(arguments: &Arguments) -> Result<Exit, CliError> {
    let set = task::load(&arguments.tasks)?;
    let answers = submission::read_answers(&arguments.submission)?;
    if !set.tasks.iter().any(|task| answers.contains_key(&task.id)) {
        return Err(CliError::Usage(format!(
            "{}: no task of {} is in it; name the submission of that set ({RECORD_FILE} beside it is a run's record)",
            arguments.submission.display(),
            set.name,
        )));
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
    let faults = submission::check(&arguments.submission, &set)?.len();
    if faults > 0 {
        let faults = counted(faults, "fault");
        talk(format_args!(
            "note: the submission has {faults}; what is at fault counts as wrong; `trm-arc validate` names all"
        ));
    }
    if arguments.json {
        print(&(serde_json::to_string_pretty(&score).expect("a score is plain data") + "\n"))?;
    } else {
        print(&text(&score))?;
    }
    Ok(Exit::Done)
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
