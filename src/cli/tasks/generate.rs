//! `trm-arc tasks generate`: tasks that nobody has seen, by the rules of `held-out/concepts`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::{CliError, Exit, counted, print};
use crate::concept;
use crate::files::{self, NewFolder, Output};
use crate::task;

/// Make new tasks by the rules of the set held-out/concepts
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  trm-arc tasks generate --seed 7 --output fresh
  trm-arc tasks generate gravity lines-join-equal-colours --seed 7 --output fresh
  trm-arc solve fresh/concepts_challenges.json --adapt 20m --time-limit 30m

`trm-arc tasks list held-out/concepts` lists the rules; each begins with its concept. Seed 0 gives the set held-out/concepts itself, byte for
byte.")]
pub struct Arguments {
    /// Concepts or rules; without one, all
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// What the tasks are drawn by
    #[arg(long, default_value_t = 0, value_name = "N")]
    seed: u64,
    /// A new folder for concepts_challenges.json and concepts_solutions.json
    #[arg(long, default_value = "held-out", value_name = "FOLDER")]
    output: PathBuf,
}

/// Draws the tasks, writes them, and prints how many there are.
pub fn run(arguments: &Arguments) -> Result<Exit, CliError> {
    let Arguments { names, seed, output } = arguments;
    let rules = concept::find(names)?;
    let _claim = files::claim(&[], &[Output::NewFolder(output)])?;
    let folder = NewFolder::begin(output)?;
    let set = concept::set(&rules, *seed);
    files::write(&folder.path().join("concepts_challenges.json"), task::challenges(&set).as_bytes())?;
    files::write(&folder.path().join("concepts_solutions.json"), task::solutions(&set).as_bytes())?;
    folder.finish()?;
    print(&format!("{}, {}, digest {}\n", output.display(), counted(set.tasks.len(), "task"), set.digest()))?;
    Ok(Exit::Done)
}
