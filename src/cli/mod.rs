//! The command line: one file per command.
//!
//! stdout is data, stderr is talk. Commands return their exit code or one error, which is printed here and nowhere
//! else. A reader that closes the pipe (`| head`) ends the program in silence; one that closes stderr ends nothing.

mod adapt;
mod bench;
mod compare;
mod completions;
mod counts;
mod dataset;
mod doctor;
mod export;
mod guard;
mod identifiers;
mod import;
mod inspect;
mod interrupt;
mod leaks;
mod man;
mod merge;
mod plot;
mod publish;
mod puzzles;
mod ranks;
mod regress;
mod report;
mod score;
mod solve;
mod submitted;
mod tasks;
mod threads;
mod train;
mod validate;

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use thiserror::Error;

use crate::bench::BenchError;
use crate::concept::ConceptError;
use crate::dataset::published::PublishedError;
use crate::device::DeviceError;
use crate::files::FileError;
use crate::kernels::{Level, LevelError};
use crate::names;
use crate::puzzle::PuzzleError;
use crate::ranks::RanksError;
use crate::recipe::RecipeError;
use crate::regress::RegressError;
use crate::report::ReportError;
use crate::score::ScoreError;
use crate::solve::SolveError;
use crate::submission::MergeError;
use crate::task::{self, TaskError, TaskSet};
use crate::train::TrainError;

/// Train, run, judge and submit Tiny Recursive Models (arXiv 2510.04871) on ARC-AGI.
#[derive(Debug, Parser)]
#[command(name = "trm-arc", version, propagate_version = true, max_term_width = 110)]
#[command(after_help = "Examples:
  trm-arc solve arc-agi-1/evaluation          solve, write the submission, compare
  trm-arc tasks show 007bbfb7                 look at a task

Exit codes: 0 done, 1 the check failed, 2 bad usage or input, 130 interrupted.")]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Solve(solve::Arguments),
    Train(train::Arguments),
    Adapt(adapt::Arguments),
    Publish(publish::Arguments),
    Import(import::Arguments),
    Export(export::Arguments),
    Inspect(inspect::Arguments),
    Score(score::Arguments),
    Validate(validate::Arguments),
    Merge(merge::Arguments),
    Compare(compare::Arguments),
    Report(report::Arguments),
    Plot(plot::Arguments),
    Regress(regress::Arguments),
    Tasks(tasks::Arguments),
    Puzzles(puzzles::Arguments),
    Leaks(leaks::Arguments),
    Identifiers(identifiers::Arguments),
    Dataset(dataset::Arguments),
    Bench(bench::Arguments),
    Doctor(doctor::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
}

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All is well.
    Done,
    /// The check that was asked for failed.
    Failed,
    /// Bad usage or input.
    Usage,
    /// Ended by a signal, with every file whole.
    Interrupted,
}

impl Exit {
    /// The process's exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// What a command can end with: one message, with its way out.
#[derive(Debug, Error)]
enum CliError {
    #[error(transparent)]
    Task(#[from] TaskError),
    #[error(transparent)]
    Concept(#[from] ConceptError),
    #[error(transparent)]
    Puzzle(#[from] PuzzleError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Score(#[from] ScoreError),
    #[error(transparent)]
    Report(#[from] ReportError),
    #[error(transparent)]
    Regress(#[from] RegressError),
    #[error(transparent)]
    Merge(#[from] MergeError),
    #[error(transparent)]
    Solve(#[from] SolveError),
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    #[error(transparent)]
    Train(#[from] TrainError),
    #[error(transparent)]
    Bench(#[from] BenchError),
    #[error(transparent)]
    Published(#[from] PublishedError),
    #[error(transparent)]
    Device(#[from] DeviceError),
    #[error(transparent)]
    Level(#[from] LevelError),
    #[error(transparent)]
    Ranks(#[from] RanksError),
    #[error("cannot write to the standard output: {0}")]
    Output(#[from] io::Error),
    #[error("{0}")]
    Usage(String),
}

/// What parsing, help, completions and manual are made from.
fn definitions() -> clap::Command {
    with_negative_numbers(Cli::command())
}

/// So that `--views -1` is called a wrong value and not an unknown flag.
fn with_negative_numbers(command: clap::Command) -> clap::Command {
    command.allow_negative_numbers(true).mut_subcommands(with_negative_numbers)
}

fn parse() -> Cli {
    Cli::from_arg_matches(&definitions().get_matches()).unwrap_or_else(|fault| fault.exit())
}

/// Parses the arguments and runs the command.
pub fn main() -> Exit {
    guard::caught(|| {
        let command = parse().command;
        match threads::start().and_then(|()| run(command)) {
            Ok(exit) => exit,
            Err(CliError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
            Err(error) => {
                talk(format_args!("error: {}", cut(&error.to_string())));
                Exit::Usage
            }
        }
    })
}

fn run(command: Command) -> Result<Exit, CliError> {
    // the kernels take it for granted
    Level::in_use()?;
    match command {
        Command::Solve(arguments) => solve::run(arguments),
        Command::Train(arguments) => train::run(arguments),
        Command::Adapt(arguments) => adapt::run(arguments),
        Command::Publish(arguments) => publish::run(&arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::Export(arguments) => export::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Score(arguments) => score::run(&arguments),
        Command::Validate(arguments) => validate::run(&arguments),
        Command::Merge(arguments) => merge::run(&arguments),
        Command::Compare(arguments) => compare::run(&arguments),
        Command::Report(arguments) => report::run(&arguments),
        Command::Plot(arguments) => plot::run(&arguments),
        Command::Regress(arguments) => regress::run(&arguments),
        Command::Tasks(arguments) => tasks::run(&arguments),
        Command::Puzzles(arguments) => puzzles::run(&arguments),
        Command::Leaks(arguments) => leaks::run(&arguments),
        Command::Identifiers(arguments) => identifiers::run(&arguments),
        Command::Dataset(arguments) => dataset::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Man(arguments) => man::run(&arguments),
    }
}

/// Puts data on stdout. What would steer the terminal stands there as an escape: names come from files.
fn print(text: &str) -> Result<(), CliError> {
    print_drawing(&names::shown(text))
}

/// Puts on stdout what steers the terminal: a drawing in colours.
fn print_drawing(text: &str) -> Result<(), CliError> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    Ok(stdout.flush()?)
}

/// Puts a line of talk on stderr. Nobody need listen: the work goes on when it is closed.
fn talk(line: impl Display) {
    let _ = writeln!(io::stderr(), "{}", names::shown(&line.to_string()));
}

/// Loads a set, and says what was ignored in its files.
fn load_tasks(name: &str) -> Result<TaskSet, CliError> {
    let (set, ignored) = task::load_noted(name)?;
    ignored.notes(&set.name).iter().for_each(|note| talk(format_args!("note: {note}")));
    Ok(set)
}

/// The most bytes of an error; it repeats what stands in a file, which may be of any length.
const LONGEST_ERROR: usize = 8000;

/// The beginning and the end of a long error.
fn cut(error: &str) -> Cow<'_, str> {
    if error.len() <= LONGEST_ERROR {
        return error.into();
    }
    let is_boundary = |place: &usize| error.is_char_boundary(*place);
    let start = (0..=LONGEST_ERROR / 2).rev().find(is_boundary).unwrap_or(0);
    let end = (error.len() - LONGEST_ERROR / 16..error.len()).find(is_boundary).unwrap_or(error.len());
    format!("{} [{} bytes are left out] {}", &error[..start], end - start, &error[end..]).into()
}

/// `1 fault`, `2 faults`.
fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
