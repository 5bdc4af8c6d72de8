//! `trm-arc compare`: runs and the published results in one table, and what each run gained and lost against the first.

use std::path::PathBuf;

use clap::Args;

use super::{CliError, Exit, print, talk};
use crate::report::{Comparison, ReportError, Run};

/// Set runs beside the published results, and against each other
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  trm-arc compare                             the published results of both benchmarks
  trm-arc compare submissions --markdown      with the run in submissions/run.json
  trm-arc compare old new                     and the tasks that new/run.json gained and lost against old/run.json

Several runs are each set against the first: the tasks gained and lost by id, with McNemar's exact p. Their tasks must be the same, by digest. \
JSON is {\"rows\": [...], \"changes\": [...]}, whatever is compared; CSV has the rows alone.

Public and semi-private sets are different tasks. Ours are marked \">\", with Wilson's 95% interval over tasks.")]
pub struct Arguments {
    /// A run's record, or the folder it lies in; the first is what the others are set against
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
    let runs = arguments.runs.iter().map(|path| Run::read(path)).collect::<Result<Vec<_>, ReportError>>()?;
    let comparison = Comparison::of(&runs)?;
    if let Some(reason) = comparison.left_out() {
        talk(format_args!("note: {reason}"));
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
