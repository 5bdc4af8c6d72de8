//! `trm-arc report`: a run as a page to browse, and as Markdown, CSV and JSON.

mod puzzles;

use std::path::{Path, PathBuf};

use clap::Args;

use super::{CliError, Exit, print, talk};
use crate::files::{self, Output};
use crate::prediction;
use crate::report::review::{Files, Price, Review};
use crate::report::{PuzzleRecord, RECORD_FILE, Record, ReportError};
use crate::submission;
use crate::task::{self, Shard};

/// The names that a report's files have.
const NAMES: [&str; 4] = ["report.html", "report.md", "report.csv", "report.json"];

/// Write a run's report: a page to browse, Markdown, CSV and JSON
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  trm-arc solve arc-agi-1/evaluation --predictions submissions/predictions.jsonl
  trm-arc report submissions
  trm-arc report runs/mine/run.json --output runs/mine/report --price-per-hour 2.5

report.html is one file that needs no network: summary, chart, and every task with both attempts, the truth, the candidates with their
votes, and the answers after each supervision step. Submission and predictions are looked for beside the record, as submission.json and
predictions.jsonl; without predictions there are no candidates. Files of another run are refused.

Of a run on a table of puzzles the page has the exact puzzles by rating and by supervision step, and puzzles with the answer after each
step, the wrong ones first, from predictions.csv beside the record.")]
pub struct Arguments {
    /// The run's record, or the folder it lies in
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
    let record = Record::read(&record_file)?;
    let (named, shard) = Shard::in_name(&record.tasks.name);
    let set = task::load(arguments.tasks.as_deref().unwrap_or(named))?;
    let set = match shard {
        Some(shard) => shard.of(set),
        None => set,
    };
    let beside = |name: &str| record_file.with_file_name(name);
    let submission = arguments.submission.clone().unwrap_or_else(|| beside("submission.json"));
    let answers = submission::read_answers(&submission)?;
    let predictions = match &arguments.predictions {
        Some(path) => Some(path.clone()),
        None => Some(beside("predictions.jsonl")).filter(|path| path.exists()),
    };
    let predictions = predictions.map(|path| Ok::<_, CliError>((prediction::read(&path)?, path))).transpose()?;
    let mut inputs = task::files_of(arguments.tasks.as_deref().unwrap_or(named));
    inputs.extend([&record_file, &submission].into_iter().chain(predictions.as_ref().map(|(_, path)| path)).cloned());
    let review = Review::of(&record, Files { set: &set, submission: (&answers, submission), predictions })?;
    if !review.has_predictions {
        talk(
            "note: no predictions beside the record, so the report has no candidates; solve with --predictions keeps them",
        );
    }
    let price = Price { dollars_per_hour: arguments.price_per_hour };
    let texts = || Ok([review.to_html(price)?, review.to_markdown(price)?, review.to_csv()?, review.to_json(price)?]);
    save(arguments, &record_file, &inputs, texts)
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
