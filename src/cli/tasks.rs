//! `trm-arc tasks`: list the sets, show a task, verify that the files are what they were, generate new ones.

use std::env;
use std::io::{self, IsTerminal};

use clap::{Args, Subcommand};
use tabled::builder::Builder;
use tabled::settings::object::Columns;
use tabled::settings::{Alignment, Padding, Style};

use super::picture::{self, Ink};
use super::{CliError, Exit, generate, print};
use crate::names;
use crate::task::{self, SHIPPED, Task, TaskSet};

/// List the task sets, show a task, verify the files, generate new tasks
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
    /// Draw a task
    #[command(after_help = "Examples:
  trm-arc tasks show 007bbfb7
  trm-arc tasks show my_task --tasks my_challenges.json")]
    Show {
        /// The task's id
        id: String,
        /// Where to look; without it, in every set that comes with the program
        #[arg(long)]
        tasks: Option<String>,
    },
    /// Check digests and counts; exit 1 names what is wrong
    #[command(after_help = "Examples:
  trm-arc tasks verify
  trm-arc tasks verify my_challenges.json")]
    Verify {
        /// A set's name, a challenges file or a folder of task files; without it, every set that comes with the program
        set: Option<String>,
    },
    Generate(generate::Arguments),
}

/// Runs `list`, `show`, `verify` or `generate`.
pub fn run(arguments: &Arguments) -> Result<Exit, CliError> {
    match &arguments.action {
        Action::List { set: None } => list_sets(),
        Action::List { set: Some(set) } => list_tasks(&task::load(set)?),
        Action::Show { id, tasks } => show(id, tasks.as_deref()),
        Action::Verify { set } => verify(set.as_deref()),
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

fn show(id: &str, tasks: Option<&str>) -> Result<Exit, CliError> {
    let sets = match tasks {
        Some(set) => vec![task::load(set)?],
        None => SHIPPED.iter().map(|name| task::load(name)).collect::<Result<_, _>>()?,
    };
    let holders: Vec<(&TaskSet, &Task)> = sets.iter().filter_map(|set| Some((set, set.task(id).ok()?))).collect();
    let Some(&(_, task)) = holders.first() else {
        if let [set] = sets.as_slice() {
            set.task(id)?;
        }
        let hint = names::hint(id, sets.iter().flat_map(|set| &set.tasks).map(|task| task.id.as_str()));
        return Err(CliError::Usage(format!("no task \"{id}\" in {}{hint}", SHIPPED.join(", "))));
    };
    let is_coloured = io::stdout().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let names: Vec<&str> = holders.iter().map(|(set, _)| set.name.as_str()).collect();
    let ink = if is_coloured { Ink::Colour } else { Ink::Digits };
    print(&format!("task {} of {}\n{}", task.id, names.join(", "), picture::task(task, ink)))?;
    Ok(Exit::Done)
}

fn verify(set: Option<&str>) -> Result<Exit, CliError> {
    let names = set.map_or_else(|| SHIPPED.to_vec(), |name| vec![name]);
    let mut exit = Exit::Done;
    for name in names {
        let faults = task::verify(name)?;
        if faults.is_empty() {
            print(&format!("ok: {name}\n"))?;
        } else {
            exit = Exit::Failed;
            print(&faults.iter().map(|fault| format!("failed: {fault}\n")).collect::<String>())?;
        }
    }
    Ok(exit)
}
