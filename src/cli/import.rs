//! `trm-arc import`: a published checkpoint, as it was downloaded, becomes one that can be solved with.

use std::path::PathBuf;

use clap::Args;

use super::puzzles::KindName;
use super::{CliError, Exit, interrupt, print, talk};
use crate::dataset::{BLANK, Identifiers, published};
use crate::files::{self, Output};
use crate::puzzle::Kind;
use crate::recipe::{self, NamesFrom, RecipeError, Request, SetDigest, Summary};
use crate::task::{self, TaskSet};
use crate::units::Count;

/// Import a published checkpoint: a file of torch.save and its all_config.yaml
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  trm-arc import step_518071 --config all_config.yaml --tasks arc-agi-1/training --tasks arc-agi-1/evaluation --output runs/arc-1
  trm-arc import step_100 --config all_config.yaml --identifiers data/identifiers.json --output runs/mine
  trm-arc import step_65104 --config all_config.yaml --puzzles sudoku --output runs/sudoku-extreme

The puzzle table does not say whose rows it has. Their order is computed from the task sets, the variants and the seed that the \
checkpoint's dataset was built with, or read from the identifiers.json of that dataset. A set that was given last may be left out: its rows \
stay and have no names. A checkpoint of puzzles has one row, which all share. Checkpoints of TRM and of HRM are taken. No code in the file \
is run.")]
pub struct Arguments {
    /// The file of torch.save
    file: PathBuf,
    /// The all_config.yaml that lies beside it
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// A task set of its dataset, in order: a set's name, a challenges file or a folder of task files; more than once
    #[arg(long, value_name = "SET", required_unless_present_any = ["identifiers", "puzzles"])]
    tasks: Vec<String>,
    /// Variants of each task beside the plain one [default: 1000]
    #[arg(long, value_name = "N", conflicts_with = "identifiers")]
    variants: Option<usize>,
    /// The seed of its dataset [default: 42]
    #[arg(long, value_name = "N", conflicts_with = "identifiers")]
    seed: Option<u32>,
    /// The identifiers.json of its dataset, instead of computing them
    #[arg(long, value_name = "FILE")]
    identifiers: Option<PathBuf>,
    /// What it solves, where it was trained on Sudoku-Extreme or Maze-Hard
    #[arg(long, value_name = "KIND", conflicts_with_all = ["tasks", "identifiers", "variants", "seed"])]
    puzzles: Option<KindName>,
    /// Rows and columns of its puzzles [default: 9 of a Sudoku, 30 of a maze]
    #[arg(long, value_name = "N", requires = "puzzles")]
    side: Option<usize>,
    /// Where the checkpoint goes: a folder that is not there yet
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
}

/// Imports, and prints how the tensors fit.
pub fn run(arguments: &Arguments) -> Result<Exit, CliError> {
    let _claim = files::claim(&[], &[Output::NewFolder(&arguments.output)])?;
    let sets: Vec<TaskSet> = arguments.tasks.iter().map(|name| task::load(name)).collect::<Result<_, _>>()?;
    let digests = arguments.tasks.iter().zip(&sets);
    let digests = digests.map(|(name, set)| SetDigest { name: name.clone(), digest: set.digest() }).collect();
    let (identifiers, names) = names(arguments, &sets)?;
    let stop = interrupt::catch()?;
    let request = Request {
        file: &arguments.file,
        config: &arguments.config,
        identifiers: &identifiers,
        names,
        sets: digests,
        output: &arguments.output,
    };
    let summary = recipe::import(&request, stop);
    if let Err(RecipeError::Import(recipe::ImportError::Interrupted)) = summary {
        talk("interrupted; nothing was written");
        return Ok(Exit::Interrupted);
    }
    let summary = summary?;
    for field in &summary.unknown_fields {
        talk(format_args!("note: arch.{field} of the configuration is not known here and was passed over"));
    }
    print(&text(&summary, arguments))?;
    Ok(Exit::Done)
}

fn names(arguments: &Arguments, sets: &[TaskSet]) -> Result<(Identifiers, NamesFrom), CliError> {
    if let Some(kind) = arguments.puzzles {
        let kind = Kind::from(kind);
        let side = arguments.side.unwrap_or(kind.usual_side());
        if !kind.has_side(side) {
            return Err(CliError::Usage(format!("--side {side}: {}", kind.form())));
        }
        let identifiers = Identifiers::new([BLANK]).expect("the blank name alone is a list of names");
        return Ok((identifiers, NamesFrom::Puzzles { kind, side }));
    }
    let Some(path) = &arguments.identifiers else {
        let (variants, seed) =
            (arguments.variants.unwrap_or(published::VARIANTS), arguments.seed.unwrap_or(published::SEED));
        let order = published::identifiers(sets, variants, seed);
        let identifiers = Identifiers::new(order.names()).expect("variants of distinct tasks have distinct names");
        return Ok((identifiers, NamesFrom::Order { variants, seed }));
    };
    let names: Vec<String> = files::read_json(path)?;
    let identifiers = Identifiers::new(names)
        .map_err(|source| RecipeError::Identifiers { path: path.clone(), source: source.into() })?;
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok((identifiers, NamesFrom::List { file }))
}

fn text(summary: &Summary, arguments: &Arguments) -> String {
    let Summary { report, parameters, rows: (rows, width), imported, step, known, .. } = summary;
    let count = |number: usize| Count(number as u64);
    let mut text =
        format!("{report}: {} in the trunk, {} of {width} in the puzzle table\n", count(*parameters), rows_of(*rows));
    text += &format!(
        "{} of {}, step {}, as {}\n",
        imported.numbers.join(" and "),
        imported.file,
        count(*step),
        arguments.output.display()
    );
    match rows - imported.named {
        _ if arguments.puzzles.is_some() => text += "the row is that of all puzzles\n",
        0 => text += "every row has a name\n",
        unnamed => {
            text += &format!(
                "{} have names; the other {} belong to task sets that were not given (they come last)\n",
                rows_of(imported.named),
                count(unnamed)
            );
        }
    }
    match known {
        _ if arguments.puzzles.is_some() => {}
        Some(whose) => text += &format!("this is {whose}, as published\n"),
        None => {
            text += "its digest is not among the known ones: whether sets, variants and seed are right shows only in the score\n"
        }
    }
    text
}

fn rows_of(rows: usize) -> String {
    format!("{} row{}", Count(rows as u64), if rows == 1 { "" } else { "s" })
}
