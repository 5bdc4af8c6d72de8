//! `trm-arc report` of a run on a table of puzzles.

use std::path::{Path, PathBuf};

use super::{Arguments, save};
use crate::cli::{CliError, Exit, talk};
use crate::report::{PuzzleRecord, PuzzleReview, read_predictions};

/// Writes the report.
pub(super) fn run(arguments: &Arguments, record_file: &Path) -> Result<Exit, CliError> {
    let of_tasks = [
        ("--submission", arguments.submission.is_some()),
        ("--tasks", arguments.tasks.is_some()),
        ("--price-per-hour", arguments.price_per_hour.is_some()),
    ];
    if let Some((flag, _)) = of_tasks.into_iter().find(|(_, is_given)| *is_given) {
        return Err(CliError::Usage(format!(
            "{flag} belongs to runs on ARC tasks, and this one solved a table of puzzles"
        )));
    }
    let record = PuzzleRecord::read(record_file)?;
    let beside = record_file.with_file_name("predictions.csv");
    let path = arguments.predictions.clone().or_else(|| Some(beside).filter(|path| path.exists()));
    let predictions = match &path {
        Some(path) => Some((read_predictions(path, record.puzzles.kind)?, path.clone())),
        None => None,
    };
    let review = PuzzleReview::of(&record, predictions)?;
    if path.is_none() {
        talk("note: no predictions.csv beside the record, so no puzzle is drawn; name the run's by --predictions");
    }
    let inputs: Vec<PathBuf> = path.into_iter().chain([record_file.to_owned()]).collect();
    save(arguments, record_file, &inputs, || {
        Ok([review.to_html(), review.to_markdown(), review.to_csv()?, review.to_json()])
    })
}
