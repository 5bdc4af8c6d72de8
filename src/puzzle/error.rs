//! What can be wrong with a puzzle, and with a file of them.

use std::path::PathBuf;

use thiserror::Error;

use super::Kind;
use crate::files::FileError;

/// What is wrong with one puzzle. Rows and columns count from 0.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// A blank is left.
    #[error("the answer leaves cell ({row}, {column}) blank; fill every cell")]
    Unfilled {
        /// The cell's row.
        row: usize,
        /// The cell's column.
        column: usize,
    },
    /// The answer changes what is given.
    #[error(
        "the answer does not agree with the question at cell ({row}, {column}); it may change nothing that is given"
    )]
    Disagrees {
        /// The cell's row.
        row: usize,
        /// The cell's column.
        column: usize,
    },
    /// A path where nobody has walked yet.
    #[error("the question has a path at cell ({row}, {column}); write o in the answer alone")]
    PathGiven {
        /// The cell's row.
        row: usize,
        /// The cell's column.
        column: usize,
    },
    /// A digit twice in a row, column or box.
    #[error("{digit} at cell ({row}, {column}) stands in its row, column or box already")]
    Clash {
        /// The cell's row.
        row: usize,
        /// The cell's column.
        column: usize,
        /// The digit.
        digit: u8,
    },
    /// Not one start and one goal.
    #[error("the maze has {starts} S and {goals} G; it needs one of each")]
    Ends {
        /// How many starts.
        starts: usize,
        /// How many goals.
        goals: usize,
    },
    /// Nothing solves the question.
    #[error("the question has no answer")]
    NoAnswer,
    /// More than one answer.
    #[error("the question has more than one answer")]
    SeveralAnswers,
    /// The question has one answer, which is not this.
    #[error("the answer is not the question's, first at cell ({row}, {column})")]
    WrongAnswer {
        /// The cell's row.
        row: usize,
        /// The cell's column.
        column: usize,
    },
}

/// What can go wrong with puzzles.
#[derive(Debug, Error)]
pub enum PuzzleError {
    /// The file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A field that is not what its column says.
    #[error("{path}, line {line}, column {column}: {fault}")]
    Field {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The column's name.
        column: &'static str,
        /// What is wrong and what is right.
        fault: String,
    },
    /// A line that has no such columns.
    #[error("{path}, line {line}: {fault}; the columns are source,question,answer,rating")]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        fault: String,
    },
    /// A puzzle that is not right.
    #[error("{path}, line {line}: {fault}")]
    Wrong {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        fault: Fault,
    },
    /// No puzzle at all.
    #[error(
        "{path} has no puzzles; its first line is source,question,answer,rating and each line after it is a puzzle"
    )]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A side that is never made.
    #[error("there is no {kind} of side {side}; {known}")]
    Side {
        /// What was asked for.
        kind: Kind,
        /// Its side.
        side: usize,
        /// The sides that there are.
        known: &'static str,
    },
    /// Clues that are not to be had.
    #[error(
        "there is no {kind} of side {side} with {clues} clues or more; only a Sudoku has clues, and at least one blank"
    )]
    Clues {
        /// What was asked for.
        kind: Kind,
        /// Its side.
        side: usize,
        /// The clues.
        clues: usize,
    },
    /// A table of other puzzles.
    #[error("{path}: its puzzles are {kind} {side} x {side}, and {wanted} {wanted_side} x {wanted_side} is asked for")]
    Other {
        /// The file.
        path: PathBuf,
        /// What it has.
        kind: Kind,
        /// Their side.
        side: usize,
        /// What is needed.
        wanted: Kind,
        /// The side that is needed.
        wanted_side: usize,
    },
    /// A table that is too short.
    #[error("{path} has {found} puzzles, and {wanted} are asked for; ask for fewer, or leave take out for all")]
    TooFew {
        /// The file.
        path: PathBuf,
        /// How many it has.
        found: usize,
        /// How many are needed.
        wanted: usize,
    },
    /// Puzzles that nobody has named.
    #[error("an imported checkpoint does not say what it has learned")]
    Unknown,
    /// A signal came.
    #[error("interrupted")]
    Interrupted,
    /// The search for a hard puzzle has ended without one.
    #[error(
        "no {kind} of side {side} with a rating of {wanted} or more in {tries} tries; the hardest had {best}, so ask for less"
    )]
    OutOfReach {
        /// What was asked for.
        kind: Kind,
        /// Its side.
        side: usize,
        /// The least rating that was asked for.
        wanted: u32,
        /// How many puzzles were looked at.
        tries: u32,
        /// The highest rating among them.
        best: u32,
    },
}
