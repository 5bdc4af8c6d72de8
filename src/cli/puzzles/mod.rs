//! `trm-arc puzzles`: generate Sudoku and mazes, show them, verify that each has one answer and that it is right.

mod generate;
mod show;
mod verify;

use clap::{Args, Subcommand, ValueEnum};

use super::{CliError, Exit};
use crate::puzzle::Kind;

/// Generate, show and verify Sudoku and mazes in the published form
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  trm-arc puzzles generate sudoku --count 1000 --min-rating 20 --output hard.csv
  trm-arc puzzles show hard.csv --row 7
  trm-arc puzzles verify hard.csv

A file is a table source,question,answer,rating, as of Sudoku-Extreme and Maze-Hard.")]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Generate(generate::Arguments),
    Show(show::Arguments),
    Verify(verify::Arguments),
}

/// A kind of puzzles as it is called in the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum KindName {
    /// Digits, each once in a row, a column and a box
    Sudoku,
    /// The shortest way from start to goal
    Maze,
}

impl From<KindName> for Kind {
    fn from(name: KindName) -> Self {
        match name {
            KindName::Sudoku => Self::Sudoku,
            KindName::Maze => Self::Maze,
        }
    }
}

/// Runs `generate`, `show` or `verify`.
pub fn run(arguments: &Arguments) -> Result<Exit, CliError> {
    match &arguments.action {
        Action::Generate(arguments) => generate::run(arguments),
        Action::Show(arguments) => show::run(arguments),
        Action::Verify(arguments) => verify::run(arguments),
    }
}
