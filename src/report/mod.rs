//! Reports: the record of a run, the published results, and the two in one table.
//!
//! `run.json` is written by a run and read by `trm-arc compare`; `reports/baselines.csv` is part of the program.

mod baselines;
mod comparison;
mod record;
mod table;

use std::path::PathBuf;

use thiserror::Error;

use crate::files::FileError;
pub use baselines::{Baseline, Kind, baselines};
pub use comparison::{Comparison, Row};
pub use record::{Checkpoint, RECORD_FILE, Record, Status, TaskEntry, Tasks};

/// What can be wrong with reports.
#[derive(Debug, Error)]
pub enum ReportError {
    /// A record could not be read or written, or is not in the form of one.
    #[error(transparent)]
    File(#[from] FileError),
    /// Neither a record nor a folder with one.
    #[error("{path}: no run here; name a run's {RECORD_FILE} or the folder it lies in")]
    NoRun {
        /// What was asked for.
        path: PathBuf,
    },
    /// A submission where a record is asked for.
    #[error("{path}: this is a submission, and a run's record is asked for; it lies beside it as {RECORD_FILE}")]
    Submission {
        /// What was asked for.
        path: PathBuf,
    },
    /// The table of published results does not parse.
    #[error("reports/baselines.csv: {0}")]
    Baselines(#[from] csv::Error),
}
