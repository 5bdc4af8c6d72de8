//! `trm-arc dataset`: the published build's folder, written or checked.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use clap::{Args, Subcommand};

use super::identifiers::OrderArguments;
use super::{CliError, Exit, counted, interrupt, print, talk};
use crate::dataset::published::{PublishedBuild, PublishedError, is_data_folder};
use crate::files::{self, NewFolder, Output};
use crate::task::TaskSet;

/// Write or check a data folder of the published build
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  trm-arc dataset export --tasks arc-agi-1/training --tasks arc-agi-1/evaluation \\
      --test-set arc-agi-1/evaluation --output data/arc1
  trm-arc dataset check data/arc1 --tasks arc-agi-1/training --tasks arc-agi-1/evaluation \\
      --test-set arc-agi-1/evaluation

Where a set is not held out, its tests are learned too, and the order of a task's pairs is that of its file. The published files of ARC-AGI-1 \
list the tests before the demonstrations, which is known here; those of ARC-AGI-2 and of ConceptARC, like Kaggle's, the demonstrations before \
the tests. Name any other set whose file lists the tests first by --tests-first.

Where the test set is the first of the sets, the published program itself draws train/ and test/ in an order that changes from run to run. \
Here train/ always comes first.")]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Write the folder that the published build makes of these tasks
    #[command(after_help = "Example:
  trm-arc dataset export --tasks arc-agi-1/training --tasks arc-agi-1/evaluation \\
      --test-set arc-agi-1/evaluation --output data/arc1")]
    Export {
        #[command(flatten)]
        build: BuildArguments,
        /// Where it goes; nothing may stand there yet
        #[arg(long, value_name = "DIR")]
        output: PathBuf,
    },
    /// Check that a folder is what the published build makes of these tasks; exit 1 names every fault
    #[command(after_help = "Example:
  trm-arc dataset check data/arc1 --tasks arc-agi-1/training --tasks arc-agi-1/evaluation \\
      --test-set arc-agi-1/evaluation")]
    Check {
        /// The folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        #[command(flatten)]
        build: BuildArguments,
    },
}

/// What a folder is made of.
#[derive(Debug, Args)]
struct BuildArguments {
    #[command(flatten)]
    order: OrderArguments,
    /// The set whose tests are asked, not learned: one of --tasks
    #[arg(long, value_name = "SET")]
    test_set: String,
    /// A set whose file lists a task's tests before its demonstrations, as those of ARC-AGI-1 (known here) do: one of --tasks
    #[arg(long, value_name = "SET")]
    tests_first: Vec<String>,
}

impl BuildArguments {
    fn build<'a>(&self, sets: &'a [TaskSet], stop: &AtomicBool) -> Result<PublishedBuild<'a>, CliError> {
        let OrderArguments { variants, seed, .. } = self.order;
        Ok(PublishedBuild::new(sets, &self.test_set, &self.tests_first, variants, seed, stop)?)
    }
}

/// Runs `export` or `check`.
pub fn run(arguments: &Arguments) -> Result<Exit, CliError> {
    let ended = match &arguments.action {
        Action::Export { build, output } => export(build, output),
        Action::Check { folder, build } => check(folder, build),
    };
    match ended {
        Err(CliError::Published(PublishedError::Interrupted)) => Ok(Exit::Interrupted),
        other => other,
    }
}

fn export(arguments: &BuildArguments, output: &Path) -> Result<Exit, CliError> {
    let stop = interrupt::catch()?;
    let _claim = files::claim(&[], &[Output::NewFolder(output)])?;
    let sets = arguments.order.load()?;
    let folder = NewFolder::begin(output)?;
    let build = arguments.build(&sets, stop)?;
    build.export(folder, stop)?;
    let (names, [train, test]) = (counted(build.order().count(), "identifier"), build.examples());
    print(&format!("{}, {names}, {train} examples to learn and {test} to ask\n", output.display()))?;
    arguments.order.talk_of_short(build.order());
    Ok(Exit::Done)
}

fn check(folder: &Path, arguments: &BuildArguments) -> Result<Exit, CliError> {
    is_data_folder(folder)?;
    let stop = interrupt::catch()?;
    let sets = arguments.order.load()?;
    let build = arguments.build(&sets, stop)?;
    let faults = build.check(folder, stop)?;
    if faults.is_empty() {
        print(&format!("ok: {}, {}\n", folder.display(), counted(build.order().count(), "identifier")))?;
        return Ok(Exit::Done);
    }
    print(&faults.iter().map(|fault| format!("{fault}\n")).collect::<String>())?;
    talk(format_args!("{}: {}", folder.display(), counted(faults.len(), "fault")));
    Ok(Exit::Failed)
}
