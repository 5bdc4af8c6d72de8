//! The predictions of a run on puzzles: `source,question,answer,rating,prediction,exact,cells_right,halt,earlier`.
//!
//! `earlier` has the answers after the supervision steps before the last, with `|` between them, of the first [`KEPT`] puzzles of the table
//! and of no others: they are there to be looked at.

use std::path::Path;

use csv::StringRecord;
use itertools::Itertools;

use crate::files::{self, FileError};
use crate::grid::Grid;
use crate::puzzle::{Kind, Puzzle};

/// The names of the columns.
const HEADER: [&str; 9] =
    ["source", "question", "answer", "rating", "prediction", "exact", "cells_right", "halt", "earlier"];

/// The puzzles at the beginning of a table whose earlier answers are kept.
pub const KEPT: usize = 200;

/// What stands between two earlier answers; no kind has it as a character.
const BETWEEN: &str = "|";

/// What was answered to a puzzle.
#[derive(Clone, Debug, PartialEq)]
pub struct PuzzlePrediction {
    /// The puzzle.
    pub puzzle: Puzzle,
    /// False where its answer is not known: nothing is right or wrong then, and the columns that say so are empty.
    pub has_answer: bool,
    /// The answer after the last supervision step.
    pub grid: Grid,
    /// The halting probability then.
    pub halt: f64,
    /// The answers after the steps before it, where they are kept.
    pub earlier: Vec<Grid>,
}

impl PuzzlePrediction {
    /// The cells that are right.
    pub fn right(&self) -> usize {
        self.puzzle.answer.cells().iter().zip_eq(self.grid.cells()).filter(|(truth, cell)| truth == cell).count()
    }

    /// True when the grid is the answer.
    pub fn is_exact(&self) -> bool {
        self.has_answer && self.grid == self.puzzle.answer
    }

    fn fields(&self, kind: Kind) -> [String; 9] {
        let Puzzle { source, question, answer, rating } = &self.puzzle;
        let if_known = |text: String| if self.has_answer { text } else { String::new() };
        [
            source.clone(),
            kind.text(question),
            if_known(kind.text(answer)),
            rating.to_string(),
            kind.text(&self.grid),
            if_known(self.is_exact().to_string()),
            if_known(self.right().to_string()),
            format!("{:.4}", self.halt),
            self.earlier.iter().map(|grid| kind.text(grid)).join(BETWEEN),
        ]
    }
}

/// The first line of the file.
pub fn prediction_header() -> String {
    lines([HEADER])
}

/// Predictions as lines of the file.
pub fn prediction_lines(kind: Kind, predictions: &[PuzzlePrediction]) -> String {
    lines(predictions.iter().map(|prediction| prediction.fields(kind)))
}

fn lines<T: AsRef<[u8]>>(rows: impl IntoIterator<Item = [T; 9]>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    rows.into_iter().for_each(|row| writer.write_record(row).expect("memory takes every row of nine fields"));
    String::from_utf8(writer.into_inner().expect("memory takes every byte")).expect("every field is text")
}

/// The predictions of a file, which are of this kind.
///
/// # Errors
/// [`FileError`], naming the line.
pub fn read_predictions(path: &Path, kind: Kind) -> Result<Vec<PuzzlePrediction>, FileError> {
    let bytes = files::read(path)?;
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let header = reader.headers().map_err(|fault| files::format_error(path, fault.to_string()))?;
    if header.iter().ne(HEADER) {
        let found = header.iter().take(HEADER.len()).join(",");
        let wanted = HEADER.join(",");
        return Err(files::format_error(
            path,
            format!("these are no predictions of puzzles: the first line is {found:?} and not {wanted}"),
        ));
    }
    let row = |row: Result<StringRecord, csv::Error>| {
        let row = row.map_err(|fault| fault.to_string())?;
        let line = row.position().map_or(0, csv::Position::line);
        parsed(&row, kind).map_err(|fault| format!("line {line}: {fault}"))
    };
    reader.records().map(row).collect::<Result<_, String>>().map_err(|fault| files::format_error(path, fault))
}

fn parsed(row: &StringRecord, kind: Kind) -> Result<PuzzlePrediction, String> {
    let grid = |text: &str| kind.parse(text);
    let question = grid(&row[1])?;
    let of_one_side = |text: &str| {
        let found = grid(text)?;
        if found.rows() == question.rows() {
            Ok(found)
        } else {
            Err(format!("{text:?} has another side than its question"))
        }
    };
    let number = |text: &str| format!("{text:?} is no number");
    let has_answer = !row[2].is_empty();
    let answer = if has_answer { of_one_side(&row[2])? } else { question.clone() };
    let prediction = of_one_side(&row[4])?;
    let earlier = row[8].split(BETWEEN).filter(|text| !text.is_empty()).map(of_one_side).collect::<Result<_, _>>()?;
    let rating = row[3].parse().map_err(|_| number(&row[3]))?;
    let halt = row[7].parse().map_err(|_| number(&row[7]))?;
    let puzzle = Puzzle { source: row[0].to_owned(), question, answer, rating };
    Ok(PuzzlePrediction { puzzle, has_answer, grid: prediction, halt, earlier })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predictions_go_in_and_come_out_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let grid = |text| Kind::Maze.parse(text).unwrap();
        let puzzle =
            Puzzle { source: "a, \"b\" <c>".into(), question: grid(" SG# #   "), answer: grid("oSG#o#oo "), rating: 7 };
        let prediction = |earlier| PuzzlePrediction {
            puzzle: puzzle.clone(),
            has_answer: true,
            grid: grid("oSG#o#o  "),
            halt: 0.25,
            earlier,
        };
        let all = [prediction(vec![grid(" SG# #   "), grid("oSG#o#oo ")]), prediction(Vec::new())];
        assert_eq!((all[0].right(), all[0].is_exact()), (8, false));
        let text = prediction_header() + &prediction_lines(Kind::Maze, &all);
        files::write(&path, text.as_bytes()).unwrap();
        assert_eq!(read_predictions(&path, Kind::Maze).unwrap(), all);
        let unknown = Puzzle { answer: puzzle.question.clone(), ..puzzle.clone() };
        let unknown = [PuzzlePrediction { puzzle: unknown, has_answer: false, ..all[0].clone() }];
        let of_unknown = prediction_header() + &prediction_lines(Kind::Maze, &unknown);
        files::write(&path, of_unknown.as_bytes()).unwrap();
        assert_eq!(read_predictions(&path, Kind::Maze).unwrap(), unknown);
        files::write(&path, text.replace(",7,", ",hard,").as_bytes()).unwrap();
        let fault = read_predictions(&path, Kind::Maze).unwrap_err().to_string();
        assert!(fault.contains("a.csv: line 2: \"hard\" is no number"), "{fault}");
        files::write(&path, b"source,question,answer,rating\n").unwrap();
        let fault = read_predictions(&path, Kind::Maze).unwrap_err().to_string();
        assert!(fault.contains("these are no predictions of puzzles"), "{fault}");
    }
}
