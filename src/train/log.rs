//! `log.csv`: the course of a training, one row per window of steps, averaged over the window.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::StepReport;
use crate::files::{self, FileError};

/// One row of the log.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogRow {
    /// Optimizer steps so far.
    pub step: usize,
    /// Examples finished so far.
    pub examples: usize,
    /// Seconds of training so far.
    pub seconds: f64,
    /// Mean cross entropy of an example.
    pub cross_entropy: f64,
    /// Mean binary cross entropy of the halting logit.
    pub halting: f64,
    /// The share of finished examples whose every known cell was right.
    pub exact: f64,
    /// The mean number of supervision steps of a finished example.
    pub mean_steps: f64,
    /// Supervision steps of examples, per second.
    pub example_steps_per_second: f64,
    /// The trunk's learning rate at the end of the window.
    pub learning_rate: f64,
}

/// The steps since the last row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    steps: usize,
    seconds: f64,
    cross_entropy: f64,
    halting: f64,
    finished: usize,
    exact: usize,
    finished_steps: usize,
    learning_rate: f64,
}

impl Window {
    /// Takes a step in that lasted `seconds`.
    pub fn add(&mut self, report: &StepReport, seconds: f64) {
        self.steps += 1;
        self.seconds += seconds;
        self.cross_entropy += report.losses.cross_entropy;
        self.halting += report.losses.halting;
        self.finished += report.halted.len();
        self.exact += report.halted.iter().filter(|(_, exact)| *exact).count();
        self.finished_steps += report.halted.iter().map(|(steps, _)| steps).sum::<usize>();
        self.learning_rate = report.learning_rate;
    }

    /// The row of this window.
    pub fn row(&self, step: usize, examples: usize, seconds: f64, batch: usize) -> LogRow {
        let (steps, finished) = (self.steps.max(1) as f64, self.finished.max(1) as f64);
        LogRow {
            step,
            examples,
            seconds,
            cross_entropy: self.cross_entropy / steps,
            halting: self.halting / steps,
            exact: self.exact as f64 / finished,
            mean_steps: self.finished_steps as f64 / finished,
            example_steps_per_second: (self.steps * batch) as f64 / self.seconds.max(1e-9),
            learning_rate: self.learning_rate,
        }
    }
}

/// The rows of a log file up to a step; none when there is no file.
///
/// # Errors
/// [`FileError`] with the row that cannot be read.
pub(super) fn read(path: &Path, last_step: usize) -> Result<Vec<LogRow>, FileError> {
    let rows = if path.exists() { read_log(path)? } else { Vec::new() };
    Ok(rows.into_iter().filter(|row| row.step <= last_step).collect())
}

/// All rows of a log file.
///
/// # Errors
/// [`FileError`] when there is no file, or with the row that cannot be read.
pub fn read_log(path: &Path) -> Result<Vec<LogRow>, FileError> {
    let bytes = files::read(path)?;
    let rows = csv::Reader::from_reader(bytes.as_slice()).into_deserialize();
    rows.map(|row| row.map_err(|e| files::format_error(path, e.to_string()))).collect()
}

/// Writes the whole log; it has a row per window, so this is cheap. Without a row there is no file.
///
/// # Errors
/// [`FileError::Write`].
pub(super) fn write(path: &Path, rows: &[LogRow]) -> Result<(), FileError> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.serialize(row).expect("a row of numbers can be written to memory");
    }
    files::write(path, &writer.into_inner().expect("memory can be flushed"))
}
