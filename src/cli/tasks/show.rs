//! `trm-arc tasks show`: tasks in the terminal or as a picture, alone or with the attempts of a submission.

use std::env;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use terminal_size::Width;

use crate::cli::{CliError, Exit, counted, load_tasks, print, print_drawing, talk};
use crate::files::{self, Output};
use crate::grid::Grid;
use crate::names;
use crate::picture::{Ink, Scene, Shown, to_terminal};
use crate::submission::{self, Attempted};
use crate::task::{self, SHIPPED, Task, TaskSet};
use crate::units::Bytes;

/// Draw tasks, alone or with the attempts of a submission beside the truth
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  trm-arc tasks show 007bbfb7
  trm-arc tasks show 007bbfb7 00d62c1b --svg tasks.svg
  trm-arc tasks show 0934a4d8 --tasks arc-agi-2/evaluation --submission submissions
  trm-arc tasks show my_task --tasks my_challenges.json --png my_task.png

Attempts are judged in words, and each cell that differs from the truth bears a mark. Lines are as long as COLUMNS says, \
else as the terminal is wide, else 80 columns. ARC-AGI-2 has many tasks of ARC-AGI-1 with their pairs in another order: the \
first set that has the task gives the order, so name the set where it matters.")]
pub struct Arguments {
    /// The ids of the tasks
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    /// A set's name, a challenges file or a folder of task files; without it, every set that comes with the program
    #[arg(long, value_name = "SET")]
    tasks: Option<String>,
    /// Show the attempts of this submission, a file or the folder of a run
    #[arg(long, value_name = "FILE")]
    submission: Option<PathBuf>,
    /// Write a picture to this file and nothing to the terminal
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// The same as pixels, with letters of a plain bitmap font
    #[arg(long, value_name = "FILE")]
    png: Option<PathBuf>,
    /// Draw cells in colour; auto asks the terminal, NO_COLOR, TERM and COLORTERM
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: Color,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Color {
    /// Where the output is a terminal that says which colours it has
    Auto,
    /// As many as the terminal says, else 24-bit
    Always,
    /// Digits
    Never,
    /// The nearest of 256 colours
    #[value(name = "256")]
    Of256,
}

/// Draws the tasks.
pub fn run(arguments: &Arguments) -> Result<Exit, CliError> {
    let pictures = [arguments.svg.as_deref(), arguments.png.as_deref()];
    let submission = arguments.submission.as_deref().map(submission::file_in);
    let read = arguments.tasks.iter().flat_map(|set| task::files_of(set)).chain(submission.clone());
    let outputs: Vec<Output<'_>> = pictures.into_iter().flatten().map(Output::File).collect();
    let _claim = files::claim(&read.flat_map(|path| files_in(&path)).collect::<Vec<_>>(), &outputs)?;
    let sets = match &arguments.tasks {
        Some(set) => vec![load_tasks(set)?],
        None => SHIPPED.iter().map(|name| task::load(name)).collect::<Result<_, _>>()?,
    };
    let ids = &arguments.ids;
    let found = ids.iter().map(|id| find(id, &sets, submission.is_some()));
    let found: Vec<(&Task, String)> = found.collect::<Result<_, _>>()?;
    let attempted = arguments.submission.as_deref().map(|path| attempts_in(path, ids)).transpose()?;
    let answers = |task: &Task| Some(attempted.as_ref()?.get(&task.id)?.iter().map(borrowed).collect());
    let shown = found.into_iter().map(|(task, title)| Shown { title, task, answers: answers(task) });
    let shown: Vec<Shown> = shown.collect();
    if pictures.iter().all(Option::is_none) {
        print_drawing(&to_terminal(&shown, arguments.color.ink(), columns()))?;
        return Ok(Exit::Done);
    }
    let scene = Scene::of(&shown);
    let writers: [fn(&Scene) -> Vec<u8>; 2] = [|scene| scene.to_svg().into_bytes(), |scene| scene.to_png()];
    for (path, writer) in pictures.into_iter().zip(writers) {
        let Some(path) = path else { continue };
        let bytes = writer(&scene);
        files::write(path, &bytes)?;
        let tasks = counted(shown.len(), "task");
        print(&format!("{}, {tasks}, {}\n", path.display(), Bytes(bytes.len() as u64)))?;
    }
    Ok(Exit::Done)
}

fn borrowed(attempts: &[Option<Grid>; 2]) -> [Option<&Grid>; 2] {
    attempts.each_ref().map(Option::as_ref)
}

/// A file itself; of a folder its JSON files.
fn files_in(path: &Path) -> Vec<PathBuf> {
    let Ok(entries) = path.read_dir() else { return vec![path.to_owned()] };
    let files = entries.flatten().map(|entry| entry.path());
    files.filter(|file| file.extension().is_some_and(|extension| extension == "json")).collect()
}

/// The attempts of a submission, with a note for each task that it does not have.
fn attempts_in(file: &Path, ids: &[String]) -> Result<Attempted, CliError> {
    let attempted = submission::read_attempts(file)?;
    let lacking: Vec<&String> = ids.iter().filter(|id| !attempted.contains_key(*id)).collect();
    if lacking.len() == ids.len() {
        let asked = ids.join(", ");
        let fault = format!("{}: no attempts at {asked} in it; name the submission of another set", file.display());
        return Err(CliError::Usage(fault));
    }
    for id in lacking {
        talk(format_args!("note: {} has no attempts at task {id}; it is shown alone", file.display()));
    }
    Ok(attempted)
}

/// A task with its title, which names every set that has it.
fn find<'a>(id: &str, sets: &'a [TaskSet], is_attempted: bool) -> Result<(&'a Task, String), CliError> {
    let holders: Vec<(&TaskSet, &Task)> = sets.iter().filter_map(|set| Some((set, set.task(id).ok()?))).collect();
    let Some(&(first, task)) = holders.first() else {
        if let [set] = sets {
            set.task(id)?;
        }
        let hint = names::hint(id, sets.iter().flat_map(|set| &set.tasks).map(|task| task.id.as_str()));
        return Err(CliError::Usage(format!("no task \"{id}\" in {}{hint}", SHIPPED.join(", "))));
    };
    // Attempts follow the order of the test inputs, so they would stand beside the wrong truth.
    if let Some((other, _)) = holders.iter().find(|(_, other)| is_attempted && other.test != task.test) {
        return Err(CliError::Usage(format!(
            "task {id} has its tests in one order in {} and in another in {}; name the submission's set with --tasks",
            first.name, other.name
        )));
    }
    let (same, other): (Vec<_>, Vec<_>) = holders.into_iter().partition(|(_, other)| is_same(task, other));
    for (set, _) in other {
        let set = &set.name;
        talk(format_args!("note: task {id} of {set} has other grids; --tasks {set} shows them"));
    }
    let names: Vec<&str> = same.iter().map(|(set, _)| set.name.as_str()).collect();
    Ok((task, names::one_line(&format!("task {id} of {}", names.join(", "))).into_owned()))
}

/// True when two tasks have the same pairs, in whatever order.
fn is_same(one: &Task, other: &Task) -> bool {
    let train = one.train.iter().all(|pair| other.train.contains(pair));
    let test = one.test.iter().all(|test| other.test.contains(test));
    (one.train.len(), one.test.len()) == (other.train.len(), other.test.len()) && train && test
}

impl Color {
    fn ink(self) -> Ink {
        let variable = |name: &str| env::var(name).ok();
        match self {
            Self::Auto => Ink::choose(io::stdout().is_terminal(), variable),
            Self::Always => Ink::best(variable).unwrap_or(Ink::TrueColour),
            Self::Never => Ink::Digits,
            Self::Of256 => Ink::Colours256,
        }
    }
}

/// The columns of a line.
fn columns() -> usize {
    let wanted = env::var("COLUMNS").ok().and_then(|value| value.parse().ok()).filter(|&columns| columns > 0);
    let terminal = || terminal_size::terminal_size_of(io::stdout()).map(|(Width(columns), _)| usize::from(columns));
    wanted.or_else(terminal).unwrap_or(80)
}
