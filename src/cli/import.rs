//! `trm-arc import`: a published checkpoint, as it was downloaded, becomes one that can be solved with.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use clap::Args;

use super::identifiers::variants;
use super::puzzles::KindName;
use super::{CliError, Exit, interrupt, load_tasks, print, talk};
use crate::dataset::published::{self, PublishedError};
use crate::dataset::{BLANK, Identifiers};
use crate::files::{self, Output};
use crate::puzzle::Kind;
use crate::recipe::{NamesFrom, PublishedCheckpoint, RecipeError, SetDigest, Summary};
use crate::task::TaskSet;
use crate::units::Count;

/// Import a published checkpoint: its file of torch.save or safetensors, and its all_config.yaml
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  trm-arc import step_518071 --config all_config.yaml --tasks arc-agi-1/training --tasks arc-agi-1/evaluation --output runs/arc-1
  trm-arc import step_100 --config all_config.yaml --identifiers data/identifiers.json --output runs/mine
  trm-arc import step_65104 --config all_config.yaml --puzzles sudoku --output runs/sudoku-extreme

The puzzle table does not say whose rows it has. Their order is computed from the task sets, the variants and the seed that the \
checkpoint's dataset was built with, or read from the identifiers.json of that dataset. A set that was given last may be left out: its rows \
stay and have no names. A checkpoint of puzzles has one row, which all share. Checkpoints of TRM and of HRM are taken, and what trm-arc export \
writes. No code in the file is run.")]
pub struct Arguments {
    /// The file of torch.save or of safetensors
    file: PathBuf,
    /// The all_config.yaml that lies beside it
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// A task set of its dataset, in order: a set's name, a challenges file or a folder of task files; more than once
    #[arg(long, value_name = "SET", required_unless_present_any = ["identifiers", "puzzles"])]
    tasks: Vec<String>,
    /// Variants of each task beside the plain one [default: 1000]
    #[arg(long, value_name = "N", conflicts_with = "identifiers", value_parser = variants())]
    variants: Option<usize>,
    /// The seed of its dataset [default: 42]
    #[arg(long, value_name = "N", conflicts_with = "identifiers")]
    seed: Option<u32>,
    /// The identifiers.json of its dataset, or one name a line, instead of computing them
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
    let stop = interrupt::catch()?;
    match import(arguments, stop) {
        Err(CliError::Recipe(RecipeError::Interrupted) | CliError::Published(PublishedError::Interrupted)) => {
            talk("interrupted; nothing was written");
            Ok(Exit::Interrupted)
        }
        Err(other) => Err(other),
        Ok(summary) => {
            for field in &summary.unknown_fields {
                let field = field.escape_debug();
                talk(format_args!("note: arch.{field} of the configuration is not known here and was passed over"));
            }
            print(&text(&summary, arguments))?;
            Ok(Exit::Done)
        }
    }
}

/// Imports, once configuration, tensors and task sets fit each other: only then are the names drawn, which takes longest.
fn import(arguments: &Arguments, stop: &AtomicBool) -> Result<Summary, CliError> {
    let Arguments { file, config, output, .. } = arguments;
    let names = names_from(arguments)?;
    let checkpoint = PublishedCheckpoint::open(file, config, names.clone(), output)?;
    let sets: Vec<TaskSet> = arguments.tasks.iter().map(|name| load_tasks(name)).collect::<Result<_, _>>()?;
    let digests = arguments.tasks.iter().zip(&sets);
    let digests: Vec<SetDigest> =
        digests.map(|(name, set)| SetDigest { name: name.clone(), digest: set.digest() }).collect();
    checkpoint.check_sets(&digests).map_err(RecipeError::from)?;
    let identifiers = identifiers(arguments, &names, &sets, stop)?;
    Ok(checkpoint.import(&identifiers, digests, stop)?)
}

fn names_from(arguments: &Arguments) -> Result<NamesFrom, CliError> {
    if let Some(kind) = arguments.puzzles {
        let kind = Kind::from(kind);
        let side = arguments.side.unwrap_or(kind.usual_side());
        if !kind.has_side(side) {
            return Err(CliError::Usage(format!("--side {side}: {}", kind.form())));
        }
        return Ok(NamesFrom::Puzzles { kind, side });
    }
    let Some(path) = &arguments.identifiers else {
        let (variants, seed) =
            (arguments.variants.unwrap_or(published::VARIANTS), arguments.seed.unwrap_or(published::SEED));
        return Ok(NamesFrom::Order { variants, seed });
    };
    Ok(NamesFrom::List { file: path.file_name().unwrap_or_default().to_string_lossy().into_owned() })
}

/// The names of the rows: computed, read, or that of all puzzles.
fn identifiers(
    arguments: &Arguments,
    names: &NamesFrom,
    sets: &[TaskSet],
    stop: &AtomicBool,
) -> Result<Identifiers, CliError> {
    let place = arguments.identifiers.as_deref().or(arguments.tasks.first().map(Path::new));
    let path = || place.unwrap_or(&arguments.file).to_owned();
    let identifiers = match (names, &arguments.identifiers) {
        (NamesFrom::Order { variants, seed }, _) => {
            Identifiers::new(published::identifiers(sets, *variants, *seed, stop)?.names())
        }
        (_, Some(list)) => published::read_names(&list_of(list)?),
        _ => Identifiers::new([BLANK]),
    };
    Ok(identifiers.map_err(|source| RecipeError::Identifiers { path: path(), source: source.into() })?)
}

/// Names of a list: JSON, or one a line as trm-arc identifiers prints them.
fn list_of(path: &Path) -> Result<Vec<String>, CliError> {
    let text = files::read_text(path)?;
    if text.starts_with(BLANK) {
        return Ok(text.lines().map(str::to_owned).collect());
    }
    let text = text.trim_start_matches(files::BYTE_ORDER_MARK).as_bytes();
    Ok(serde_json::from_slice(text).map_err(|fault| files::not_json(path, text, &fault))?)
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
