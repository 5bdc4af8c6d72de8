//! `trm-arc compare`: runs and the published results in one table, and what each run gained and lost against the first.

use std::path::PathBuf;

use clap::Args;

use super::submitted::alone;
use super::{CliError, Exit, load_tasks, print, talk};
use crate::report::{Comparison, Run};

/// Set runs beside the published results, and against each other
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  trm-arc compare                             the published results of both benchmarks
  trm-arc compare submissions --markdown      with the run in submissions/run.json
  trm-arc compare old new                     and the tasks that new/run.json gained and lost against old/run.json
  trm-arc compare theirs.json --tasks arc-agi-2/evaluation --name theirs

Several runs are each set against the first: the tasks gained and lost by id, with McNemar's exact p. Their tasks must be the same, by digest. \
JSON is {\"rows\": [...], \"changes\": [...]}, whatever is compared; CSV has the rows alone.

A submission without a record, as another program writes it, is compared too: --tasks names its set, and --name what tables call it.

Public and semi-private sets are different tasks. Ours are marked \">\", with Wilson's 95% interval over tasks.")]
pub struct Arguments {
    /// A run's record, the folder it lies in, or with --tasks a submission; the first is what the others are set against
    #[arg(value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// The tasks of the submissions that have no record: a set's name, a challenges file or a folder of task files
    #[arg(long, value_name = "SET")]
    tasks: Option<String>,
    /// Name in tables of a submission without a record, once for each in their order; its path without it
    #[arg(long, value_name = "NAME", requires = "tasks")]
    name: Vec<String>,
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
    let comparison = Comparison::of(&runs(arguments)?)?;
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

/// Reads the runs, and with `--tasks` the submissions among them.
fn runs(arguments: &Arguments) -> Result<Vec<Run>, CliError> {
    let Arguments { runs: paths, tasks, name, .. } = arguments;
    let Some(tasks) = tasks else { return Ok(paths.iter().map(|path| Run::read(path)).collect::<Result<_, _>>()?) };
    let set = load_tasks(tasks)?;
    let (mut runs, mut names) = (Vec::with_capacity(paths.len()), name.iter());
    for path in paths {
        let run = match alone(path, &set, names.as_slice().first().map(String::as_str))? {
            Some(alone) => {
                names.next();
                alone.run
            }
            None => Run::read(path)?,
        };
        runs.push(run);
    }
    match names.next() {
        None => Ok(runs),
        Some(name) => Err(CliError::Usage(format!(
            "--name \"{name}\" is left over; hint: give as many names as there are submissions without a record"
        ))),
    }
}
