//! `trm-arc compare`: runs and the published results in one table.

use std::path::PathBuf;

use clap::Args;

use super::{CliError, Exit, print, talk};
use crate::report::{Comparison, Record, ReportError};

/// Set runs beside the published results
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  trm-arc compare                             the published results of both benchmarks
  trm-arc compare submissions --markdown      with the run in submissions/run.json

Public and semi-private sets are different tasks. Ours are marked \">\", with Wilson's 95% interval over tasks.")]
pub struct Arguments {
    /// A run's record, or the folder it lies in
    #[arg(value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Print CSV
    #[arg(long, group = "format")]
    csv: bool,
    /// Print JSON
    #[arg(long, group = "format")]
    json: bool,
    /// Print Markdown
    #[arg(long, group = "format")]
    markdown: bool,
}

/// Prints the comparison.
pub fn run(arguments: &Arguments) -> Result<Exit, CliError> {
    let runs = arguments.runs.iter().map(|path| Record::read(path)).collect::<Result<Vec<_>, ReportError>>()?;
    let comparison = Comparison::of(&runs)?;
    for name in comparison.left_out() {
        talk(format_args!(
            "note: run \"{name}\" has no score and is left out; it did not end, or its set has no solutions"
        ));
    }
    let text = match arguments {
        Arguments { csv: true, .. } => comparison.to_csv()?,
        Arguments { json: true, .. } => comparison.to_json(),
        Arguments { markdown: true, .. } => comparison.to_markdown(),
        _ => comparison.to_terminal(),
    };
    print(&text)?;
    Ok(Exit::Done)
}
