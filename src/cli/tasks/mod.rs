//! `trm-arc tasks`: list the sets, show tasks, verify that the files are what they were, generate new ones.

mod generate;
mod show;

use clap::{Args, Subcommand};
use tabled::builder::Builder;
use tabled::settings::object::Columns;
use tabled::settings::{Alignment, Padding, Style};

use super::{CliError, Exit, load_tasks, print};
use crate::task::{self, SHIPPED, TaskSet};

/// List the task sets, show tasks, verify the files, generate new tasks
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  trm-arc tasks list arc-agi-2/evaluation
  trm-arc tasks show 007bbfb7")]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the sets, or the tasks of one
    #[command(after_help = "Examples:
  trm-arc tasks list
  trm-arc tasks list arc-agi-2/evaluation")]
    List {
        /// A set's name, a challenges file or a folder of task files
        set: Option<String>,
    },
    Show(show::Arguments),
    /// Check digests and counts; exit 1 names what is wrong
    #[command(after_help = "Examples:
  trm-arc tasks verify
  trm-arc tasks verify my_challenges.json")]
    Verify {
        /// A set's name, a challenges file or a folder of task files; without it, every set that comes with the program
        set: Option<String>,
        /// Refuse keys and files that are no part of a task, which are ignored otherwise
        #[arg(long)]
        strict: bool,
    },
    Generate(generate::Arguments),
}

/// Runs `list`, `show`, `verify` or `generate`.
pub fn run(arguments: &Arguments) -> Result<Exit, CliError> {
    match &arguments.action {
        Action::List { set: None } => list_sets(),
        Action::List { set: Some(set) } => list_tasks(&load_tasks(set)?),
        Action::Show(arguments) => show::run(arguments),
        Action::Verify { set, strict } => verify(set.as_deref(), *strict),
        Action::Generate(arguments) => generate::run(arguments),
    }
}

fn list_sets() -> Result<Exit, CliError> {
    let mut builder = Builder::new();
    builder.push_record(["set", "tasks", "outputs", "digest"]);
    for name in SHIPPED {
        let set = task::load(name)?;
        builder.push_record([name, &set.tasks.len().to_string(), &set.outputs().to_string(), &set.digest()]);
    }
    table(builder, 1..3)
}

fn list_tasks(set: &TaskSet) -> Result<Exit, CliError> {
    let mut builder = Builder::new();
    builder.push_record(["task", "train", "test", "largest side"]);
    for task in &set.tasks {
        let (train, test) = (task.train.len().to_string(), task.test.len().to_string());
        builder.push_record([&task.id, &train, &test, &task.shown_side().to_string()]);
    }
    table(builder, 1..4)
}

/// Columns in line and nothing else, so that other programs can read them.
fn table(builder: Builder, numbers: std::ops::Range<usize>) -> Result<Exit, CliError> {
    let mut table = builder.build();
    table.with(Style::empty()).with(Padding::new(0, 2, 0, 0)).modify(Columns::new(numbers), Alignment::right());
    let text: String = table.to_string().lines().map(|line| format!("{}\n", line.trim_end())).collect();
    print(&text)?;
    Ok(Exit::Done)
}

fn verify(set: Option<&str>, is_strict: bool) -> Result<Exit, CliError> {
    let names = set.map_or_else(|| SHIPPED.to_vec(), |name| vec![name]);
    let mut exit = Exit::Done;
    for name in names {
        let faults = task::verify(name, is_strict)?;
        if faults.is_empty() {
            print(&format!("ok: {name}\n"))?;
        } else {
            exit = Exit::Failed;
            print(&faults.iter().map(|fault| format!("failed: {fault}\n")).collect::<String>())?;
        }
    }
    Ok(exit)
}
