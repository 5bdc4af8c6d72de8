//! `trm-arc plot`: the curves of trainings as SVG.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::{CliError, Exit, print};
use crate::files::{self, Output};
use crate::recipe::LOG_FILE;
use crate::report::chart::{Curve, Panel, Scale, curves};
use crate::train::{LogRow, read_log};

/// Draw the curves of trainings: loss, exact examples, speed, learning rate
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  trm-arc plot runs/mine
  trm-arc plot runs/mine runs/other --over time --output curves.svg

The drawing follows the reader's light or dark setting.")]
pub struct Arguments {
    /// A training's log.csv, or the folder it lies in
    #[arg(value_name = "LOG", required = true)]
    logs: Vec<PathBuf>,
    /// What the curves run over
    #[arg(long, value_enum, default_value_t = Over::Steps)]
    over: Over,
    /// Where the drawing goes; log.svg beside the first log without it
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// What the curves run over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Over {
    /// Optimizer steps
    Steps,
    /// Examples
    Examples,
    /// Minutes of training
    Time,
}

/// Draws the logs.
pub fn run(arguments: &Arguments) -> Result<Exit, CliError> {
    let place = |path: &PathBuf| if path.is_dir() { path.join(LOG_FILE) } else { path.clone() };
    let places: Vec<PathBuf> = arguments.logs.iter().map(place).collect();
    let mut logs = Vec::with_capacity(places.len());
    for path in &places {
        let rows = read_log(path)?;
        if rows.is_empty() {
            return Err(CliError::Usage(format!("{}: the log has no row yet", path.display())));
        }
        logs.push((name(path), rows));
    }
    let output = arguments.output.clone().unwrap_or_else(|| places[0].with_extension("svg"));
    let _claim = files::claim(&places, &[Output::File(&output)])?;
    let drawing = curves("The course of training", arguments.over.title(), &panels(&logs, arguments.over));
    files::write(&output, drawing.as_bytes())?;
    print(&format!("{}\n", output.display()))?;
    Ok(Exit::Done)
}

impl Over {
    fn title(self) -> &'static str {
        match self {
            Self::Steps => "optimizer steps",
            Self::Examples => "examples",
            Self::Time => "minutes of training",
        }
    }

    fn of(self, row: &LogRow) -> f64 {
        match self {
            Self::Steps => row.step as f64,
            Self::Examples => row.examples as f64,
            Self::Time => row.seconds / 60.0,
        }
    }
}

/// A training is called by its folder.
fn name(log: &Path) -> String {
    let folder = log.parent().and_then(Path::file_name).unwrap_or(log.as_os_str());
    folder.to_string_lossy().into_owned()
}

fn panels(logs: &[(String, Vec<LogRow>)], over: Over) -> Vec<Panel> {
    type Quantity = (&'static str, Scale, fn(&LogRow) -> f64);
    let quantities: [Quantity; 4] = [
        ("cross entropy of an example", Scale::Logarithmic, |row| row.cross_entropy),
        ("exact examples, per cent", Scale::Linear, |row| 100.0 * row.exact),
        ("supervision steps of examples per second", Scale::Linear, |row| row.example_steps_per_second),
        ("learning rate of the trunk", Scale::Linear, |row| row.learning_rate),
    ];
    let panel = |(title, scale, value): Quantity| {
        let points = |rows: &[LogRow]| rows.iter().map(|row| (over.of(row), value(row))).collect();
        let curve = |(name, rows): &(String, Vec<LogRow>)| Curve { name: name.clone(), points: points(rows) };
        Panel { title: title.into(), scale, curves: logs.iter().map(curve).collect() }
    };
    quantities.map(panel).into()
}
