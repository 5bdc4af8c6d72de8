//! `trm-arc puzzles show`: a puzzle as text, its answer beside it.

use std::path::PathBuf;

use clap::Args;

use crate::cli::{CliError, Exit, counted, print};
use crate::names;
use crate::puzzle::{self, Kind, Reader, Row};

/// Draw a puzzle and its answer
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  trm-arc puzzles show hard.csv
  trm-arc puzzles show hard.csv --row 7")]
pub struct Arguments {
    /// A table of puzzles
    file: PathBuf,
    /// Which of its puzzles, from 1
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    row: u32,
}

/// Draws the puzzle.
pub fn run(arguments: &Arguments) -> Result<Exit, CliError> {
    let Arguments { file, row } = arguments;
    let row = *row as usize;
    let mut rows = 0;
    let mut found = None;
    for read in Reader::open(file)? {
        let read = read?;
        rows += 1;
        if rows == row {
            found = Some(read);
            break;
        }
    }
    let Some(Row { kind, puzzle, .. }) = found else {
        let fault = format!("{} has no row {row}; it has {}", file.display(), counted(rows, "row"));
        return Err(CliError::Usage(fault));
    };
    let extent = match kind {
        Kind::Sudoku => counted(puzzle.extent(kind) as usize, "clue"),
        Kind::Maze => counted(puzzle.extent(kind) as usize, "step"),
    };
    let side = puzzle.question.rows();
    let title = format!("row {row}, {kind} of {side} x {side}, {extent}, rating {}", puzzle.rating);
    let source =
        if puzzle.source.is_empty() { String::new() } else { format!(", from {}", names::one_line(&puzzle.source)) };
    print(&format!("{title}{source}\n\n{}", puzzle::drawn(&puzzle, kind)))?;
    Ok(Exit::Done)
}
