//! Writer of the published table `source,question,answer,rating`, a puzzle at a time.

use std::path::Path;

use super::table::HEADER;
use super::{Kind, Puzzle, PuzzleSet};
use crate::files::{self, FileError, Sink};

/// Writes a file puzzle by puzzle, within [`files::write_with`].
#[derive(Debug)]
pub struct Writer<'a> {
    kind: Kind,
    sink: &'a mut Sink,
}

impl<'a> Writer<'a> {
    /// Begins with the names of the columns.
    ///
    /// # Errors
    /// [`FileError::Write`].
    pub fn begin(kind: Kind, sink: &'a mut Sink) -> Result<Self, FileError> {
        sink.write(&lines([HEADER]))?;
        Ok(Self { kind, sink })
    }

    /// Writes the next puzzles.
    ///
    /// # Errors
    /// [`FileError::Write`].
    pub fn write(&mut self, puzzles: &[Puzzle]) -> Result<(), FileError> {
        let kind = self.kind;
        let fields = |puzzle: &Puzzle| {
            let (question, answer) = (kind.text(&puzzle.question), kind.text(&puzzle.answer));
            [puzzle.source.clone(), question, answer, puzzle.rating.to_string()]
        };
        self.sink.write(&lines(puzzles.iter().map(fields)))
    }
}

fn lines<T: AsRef<[u8]>>(rows: impl IntoIterator<Item = [T; 4]>) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    rows.into_iter().for_each(|row| writer.write_record(row).expect("memory takes every row of four fields"));
    writer.into_inner().expect("memory takes every byte")
}

/// Writes puzzles in one step.
///
/// # Errors
/// [`FileError::Write`].
pub fn write(path: &Path, set: &PuzzleSet) -> Result<(), FileError> {
    files::write_with(path, |sink| Writer::begin(set.kind, sink)?.write(&set.puzzles)).map(drop)
}
