//! `trm-arc report`: a run as a page to browse, and as Markdown, CSV and JSON.

mod puzzles;

use std::path::{Path, PathBuf};

use clap::Args;

use super::submitted::{Alone, alone};
use super::{CliError, Exit, load_tasks, print, talk};
use crate::files::{self, Output};
use crate::prediction::{self, Answers};
use crate::report::review::{Files, Price, Review};
use crate::report::{PuzzleRecord, RECORD_FILE, Record, ReportError};
use crate::submission;
use crate::task::{self, Shard, TaskSet};

/// The names that a report's files have.
const NAMES: [&str; 4] = ["report.html", "report.md", "report.csv", "report.json"];

/// Write a run's report: a page to browse, Markdown, CSV and JSON
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  trm-arc solve arc-agi-1/evaluation --predictions submissions/predictions.jsonl
  trm-arc report submissions
  trm-arc report runs/mine/run.json --output runs/mine/report --price-per-hour 2.5
  trm-arc report theirs.json --tasks arc-agi-2/evaluation --name theirs --output theirs

report.html is one file that needs no network: summary, chart, and every task with both attempts, the truth, the candidates with their
votes, and the answers after each supervision step. Submission and predictions are looked for beside the record, as submission.json and
predictions.jsonl; without predictions there are no candidates. Files of another run are refused.
A submission without a record, as another program writes it, is reported too: --tasks names its set.

Of a run on a table of puzzles the page has the exact puzzles by rating and by supervision step, and puzzles with the answer after each
step, the wrong ones first, from predictions.csv beside the record.")]
pub struct Arguments {
    /// The run's record, the folder it lies in, or with --tasks a submission without a record
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// The run's submission; submission.json beside the record without it
    #[arg(long, value_name = "FILE")]
    submission: Option<PathBuf>,
    /// The run's predictions; predictions.jsonl beside the record, of puzzles predictions.csv, where there is one, without it
    #[arg(long, value_name = "FILE")]
    predictions: Option<PathBuf>,
    /// The run's tasks, where they are not found by the name in its record
    #[arg(long, value_name = "TASKS")]
    tasks: Option<String>,
    /// Name in the report of a submission without a record; its path without it
    #[arg(long, value_name = "NAME", requires = "tasks")]
    name: Option<String>,
    /// The folder that the report goes into; the record's without it
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// What an hour of the machine costs in US dollars, for the cost of a task
    #[arg(long, value_name = "DOLLARS", value_parser = price)]
    price_per_hour: Option<f64>,
}

/// Writes the report.
pub fn run(arguments: &Arguments) -> Result<Exit, CliError> {
    let record_file = if arguments.run.is_dir() { arguments.run.join(RECORD_FILE) } else { arguments.run.clone() };
    if PuzzleRecord::is_at(&record_file) {
        return puzzles::run(arguments, &record_file);
    }
    if let Some(tasks) = &arguments.tasks {
        let set = load_tasks(tasks)?;
        if let Some(alone) = alone(&arguments.run, &set, arguments.name.as_deref())? {
            return of_submission(arguments, &set, alone);
        }
    }
    if arguments.name.is_some() {
        return Err(CliError::Usage(
            "--name belongs to a submission without a record; hint: a run has its name in its record".into(),
        ));
    }
    let record = Record::read(&arguments.run)?;
    let (named, shard) = Shard::in_name(&record.tasks.name);
    let set = load_tasks(arguments.tasks.as_deref().unwrap_or(named))?;
    let set = match shard {
        Some(shard) => shard.of(set),
        None => set,
    };
    let beside = |name: &str| record_file.with_file_name(name);
    let submission = arguments.submission.clone().unwrap_or_else(|| beside(submission::FILE_NAME));
    let answers = submission::read_answers(&submission)?;
    let predictions = match &arguments.predictions {
        Some(path) => Some(path.clone()),
        None => Some(beside("predictions.jsonl")).filter(|path| path.exists()),
    };
    if predictions.is_none() {
        talk(
            "note: no predictions beside the record, so the report has no candidates; solve with --predictions keeps them",
        );
    }
    write(arguments, &record_file, &record, &set, (&answers, submission), predictions)
}

/// Writes the report of a submission without a record.
fn of_submission(arguments: &Arguments, set: &TaskSet, alone: Alone) -> Result<Exit, CliError> {
    if arguments.submission.is_some() {
        return Err(CliError::Usage(
            "--submission belongs to a run's record, and a submission is named in its place".into(),
        ));
    }
    let file = alone.submitted.path();
    write(arguments, file, &alone.run.record, set, (&alone.answers, file.to_owned()), arguments.predictions.clone())
}

/// Puts the files of a run together and writes its report.
fn write(
    arguments: &Arguments,
    run_file: &Path,
    record: &Record,
    set: &TaskSet,
    submission: (&Answers, PathBuf),
    predictions: Option<PathBuf>,
) -> Result<Exit, CliError> {
    let predictions = predictions.map(|path| Ok::<_, CliError>((prediction::read(&path)?, path))).transpose()?;
    let (named, _) = Shard::in_name(&record.tasks.name);
    let mut inputs = task::files_of(arguments.tasks.as_deref().unwrap_or(named));
    inputs.extend([run_file.to_owned(), submission.1.clone()]);
    inputs.extend(predictions.as_ref().map(|(_, path)| path.clone()));
    let review = Review::of(record, Files { set, submission, predictions })?;
    let price = Price { dollars_per_hour: arguments.price_per_hour };
    let texts = || Ok([review.to_html(price)?, review.to_markdown(price)?, review.to_csv()?, review.to_json(price)?]);
    save(arguments, run_file, &inputs, texts)
}

/// Writes the report's files, none over what it is read from.
fn save(
    arguments: &Arguments,
    record_file: &Path,
    inputs: &[PathBuf],
    texts: impl FnOnce() -> Result<[String; 4], ReportError>,
) -> Result<Exit, CliError> {
    let folder = arguments.output.clone().unwrap_or_else(|| record_file.with_file_name(""));
    let places = NAMES.map(|name| folder.join(name));
    let _claim = files::claim(inputs, &places.each_ref().map(|path| Output::File(path)))?;
    for (path, text) in places.iter().zip(texts()?) {
        files::write(path, text.as_bytes())?;
        print(&format!("{}\n", path.display()))?;
    }
    Ok(Exit::Done)
}

fn price(text: &str) -> Result<f64, String> {
    let price = text.trim_start_matches('$').parse().ok().filter(|price: &f64| price.is_finite() && *price >= 0.0);
    price.ok_or_else(|| format!("\"{text}\" is no price; write dollars as 2.5"))
}
