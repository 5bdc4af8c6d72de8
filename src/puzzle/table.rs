//! Reader of the published table `source,question,answer,rating`, a puzzle at a time.
//!
//! What bites: a maze begins and ends with characters that count, spaces among them, so no field is trimmed.

use std::fs::File;
use std::path::{Path, PathBuf};

use csv::StringRecord;

use super::sudoku::BLANK;
use super::{Kind, Puzzle, PuzzleError, PuzzleSet};
use crate::files::{self, FileError};
use crate::grid::Grid;
use crate::rng::Stream;

/// The names of the columns.
pub const HEADER: [&str; 4] = ["source", "question", "answer", "rating"];

/// One line of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its line in the file, from 1; the first puzzle is on line 2.
    pub line: u64,
    /// The file's kind.
    pub kind: Kind,
    /// The puzzle.
    pub puzzle: Puzzle,
    /// False of a puzzle that is to be solved and whose answer is not known; the question stands for it.
    pub has_answer: bool,
}

/// Reads a file puzzle by puzzle. The first whole puzzle says the kind and the side of all. A puzzle that is wrong does not end the reading.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    rows: csv::Reader<File>,
    form: Option<(Kind, usize)>,
    /// For each of [`HEADER`] where it stands.
    columns: [Option<usize>; 4],
    /// Fields of a line.
    fields: usize,
    /// True where an answer may be missing.
    to_solve: bool,
}

impl Reader {
    /// Opens a file and checks the names of its columns.
    ///
    /// # Errors
    /// [`PuzzleError::File`] or [`PuzzleError::Line`].
    pub fn open(path: &Path) -> Result<Self, PuzzleError> {
        Self::open_as(path, false)
    }

    /// Opens a file of puzzles that are to be solved: its columns stand in any order, and only `question` must be there.
    ///
    /// # Errors
    /// As of [`open`](Self::open).
    pub fn open_to_solve(path: &Path) -> Result<Self, PuzzleError> {
        Self::open_as(path, true)
    }

    fn open_as(path: &Path, to_solve: bool) -> Result<Self, PuzzleError> {
        let mut rows = csv::ReaderBuilder::new().flexible(true).from_reader(files::open(path)?);
        let header = rows.headers().map_err(|error| broken(path, 1, error))?;
        let columns = HEADER.map(|name| header.iter().position(|found| found == name));
        let is_known = |(place, name): (usize, &str)| HEADER.contains(&name) && columns.contains(&Some(place));
        let has_question = to_solve && columns[1].is_some() && header.iter().enumerate().all(is_known);
        if header.iter().ne(HEADER) && !has_question {
            let found: Vec<&str> = header.iter().take(HEADER.len() + 1).collect();
            let fault = format!("this is no table of puzzles, it begins with {:?}", found.join(","));
            return Err(PuzzleError::Line { path: path.to_owned(), line: 1, fault });
        }
        let fields = header.len();
        Ok(Self { path: path.to_owned(), rows, form: None, columns, fields, to_solve })
    }

    /// Reads a board, which is of the size of the file's first.
    fn board(&self, kind: Kind, text: &str) -> Result<Grid, String> {
        let found = text.chars().count();
        match self.form {
            Some((_, side)) if found != side * side => Err(format!(
                "it has {found} characters, and the first board of the file has {} ({side} x {side}); hint: put boards of another size into \
                 a file of their own",
                side * side
            )),
            _ => kind.parse(text),
        }
    }

    fn row(&mut self, row: &StringRecord) -> Result<Row, PuzzleError> {
        let line = row.position().map_or(0, csv::Position::line);
        if row.len() != self.fields {
            let fault = format!("{} fields are needed and it has {}", self.fields, row.len());
            return Err(PuzzleError::Line { path: self.path.clone(), line, fault });
        }
        let field = |column: usize, fault: String| PuzzleError::Field {
            path: self.path.clone(),
            line,
            column: HEADER[column],
            fault,
        };
        let text = |column: usize| self.columns[column].map_or("", |place| &row[place]);
        let kind = self.form.map_or_else(|| Kind::of(text(1)), |(kind, _)| kind);
        let grid = |column: usize| self.board(kind, text(column)).map_err(|fault| field(column, fault));
        let question = grid(1)?;
        let is_blank = kind == Kind::Sudoku && text(2) == text(1) && question.cells().contains(&BLANK);
        let has_answer = !self.to_solve || !(text(2).is_empty() || is_blank);
        let answer = if has_answer { grid(2)? } else { question.clone() };
        let side = self.form.map_or(question.rows(), |(_, side)| side);
        for (column, grid) in [(1, &question), (2, &answer)] {
            if grid.rows() != side {
                let (rows, columns) = (grid.rows(), grid.columns());
                return Err(field(
                    column,
                    format!("it is a board of {rows} x {columns}, and its question is one of {side} x {side}"),
                ));
            }
        }
        let no_rating =
            |_| field(3, format!("{:?} is no rating; it is a whole number from 0 to {}", text(3), u32::MAX));
        let rating = if self.to_solve && text(3).is_empty() { 0 } else { text(3).parse().map_err(no_rating)? };
        let puzzle = Puzzle { source: text(0).to_owned(), question, answer, rating };
        if has_answer {
            puzzle.agrees(kind).map_err(|fault| field(2, fault.to_string()))?;
        }
        self.form = Some((kind, side));
        Ok(Row { line, kind, puzzle, has_answer })
    }
}

impl Iterator for Reader {
    type Item = Result<Row, PuzzleError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut row = StringRecord::new();
        match self.rows.read_record(&mut row) {
            Ok(true) => Some(self.row(&row)),
            Ok(false) => None,
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                Some(Err(broken(&self.path, line, error)))
            }
        }
    }
}

fn broken(path: &Path, line: u64, error: csv::Error) -> PuzzleError {
    let path = path.to_owned();
    match error.into_kind() {
        csv::ErrorKind::Io(source) => FileError::Read { path, source }.into(),
        csv::ErrorKind::Utf8 { err, .. } => PuzzleError::Line { path, line, fault: format!("this is not text: {err}") },
        other => PuzzleError::Line { path, line, fault: format!("{other:?}") },
    }
}

/// All puzzles of a file, or the first fault of it.
pub fn read(path: &Path) -> Result<PuzzleSet, PuzzleError> {
    read_until(path, &|| false)
}

/// All puzzles of a file, as far as `stop` lets them be read.
///
/// # Errors
/// The first [`PuzzleError`]; [`PuzzleError::Interrupted`] once `stop` says so.
pub fn read_until(path: &Path, stop: &(dyn Fn() -> bool + Sync)) -> Result<PuzzleSet, PuzzleError> {
    let rows = Reader::open(path)?.map(|row| if stop() { Err(PuzzleError::Interrupted) } else { row });
    set_of(path, rows.collect::<Result<_, _>>()?)
}

/// All puzzles of a file that are to be solved, and true when all their answers are known. Where they are not, the question of a puzzle stands
/// for its answer.
///
/// # Errors
/// The first [`PuzzleError`].
pub fn read_to_solve(path: &Path) -> Result<(PuzzleSet, bool), PuzzleError> {
    let rows: Vec<Row> = Reader::open_to_solve(path)?.collect::<Result<_, _>>()?;
    // mazes without a single path marked are questions alone, though one of them may have no cell on its path
    let is_answered = rows.iter().any(|row| row.puzzle.answer != row.puzzle.question);
    let has_answers = is_answered && rows.iter().all(|row| row.has_answer);
    Ok((set_of(path, rows)?, has_answers))
}

/// So many puzzles of a file, drawn by chance, in the order of the file. Only those that are drawn are held.
///
/// # Errors
/// The first [`PuzzleError`]; [`PuzzleError::TooFew`] where the file has not as many, [`PuzzleError::Interrupted`] when `stop` says so.
pub fn read_drawn(
    path: &Path,
    count: usize,
    stream: &mut Stream,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<PuzzleSet, PuzzleError> {
    let mut drawn: Vec<(usize, Row)> = Vec::new();
    for (place, row) in Reader::open(path)?.enumerate() {
        if stop() {
            return Err(PuzzleError::Interrupted);
        }
        let row = row?;
        if place < count {
            drawn.push((place, row));
        } else {
            let instead = stream.below(place + 1);
            if instead < count {
                drawn[instead] = (place, row);
            }
        }
    }
    if drawn.len() < count {
        return Err(PuzzleError::TooFew { path: path.to_owned(), found: drawn.len(), wanted: count });
    }
    drawn.sort_by_key(|(place, _)| *place);
    set_of(path, drawn.into_iter().map(|(_, row)| row).collect())
}

fn set_of(path: &Path, rows: Vec<Row>) -> Result<PuzzleSet, PuzzleError> {
    let first = rows.first().ok_or_else(|| PuzzleError::Empty { path: path.to_owned() })?;
    let (kind, side) = (first.kind, first.puzzle.question.rows());
    Ok(PuzzleSet { kind, side, puzzles: rows.into_iter().map(|row| row.puzzle).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::puzzle::write;

    const HEAD: &str = "source,question,answer,rating\n";
    const ROW: &str = "me,1..4..2..3..4..1,1324412323144231,7\n";

    fn read_text(text: &str) -> Result<PuzzleSet, PuzzleError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        files::write(&path, text.as_bytes()).unwrap();
        read(&path)
    }

    #[test]
    fn a_table_goes_in_and_comes_out_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let text = format!("{HEAD}{ROW}\"a, b\",................,1324412323144231,0\n");
        let set = read_text(&text).unwrap();
        assert_eq!((set.kind, set.side, set.puzzles.len(), set.puzzles[0].rating), (Kind::Sudoku, 4, 2, 7));
        assert_eq!(set.puzzles[1].source, "a, b");
        write(&path, &set).unwrap();
        assert_eq!(files::read_text(&path).unwrap(), text);
    }

    #[test]
    fn a_table_to_solve_needs_no_answers_and_no_other_table_does_without() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let read_text = |text: &str| {
            files::write(&path, text.as_bytes()).unwrap();
            (read_to_solve(&path), read(&path))
        };
        for text in [
            "question\n1..4..2..3..4..1\n".to_owned(),
            "rating,question\n7,1..4..2..3..4..1\n".to_owned(),
            format!("{HEAD}me,1..4..2..3..4..1,,7\n"),
            format!("{HEAD}me,1..4..2..3..4..1,1..4..2..3..4..1,7\n"),
            format!("{HEAD}me,S  # #  G,S  # #  G,7\n"),
        ] {
            let (to_solve, strict) = read_text(&text);
            let (set, has_answers) = to_solve.unwrap_or_else(|fault| panic!("{text}: {fault}"));
            assert!(!has_answers && set.puzzles[0].answer == set.puzzles[0].question, "{text}");
            assert!(strict.is_err() || set.kind == Kind::Maze, "{text}");
        }
        let (to_solve, strict) = read_text(&format!("{HEAD}{ROW}"));
        assert_eq!(to_solve.unwrap(), (strict.unwrap(), true));
        let (some, _) = read_text(&format!("{HEAD}{ROW}me,1..4..2..3..4..1,,7\n"));
        assert!(!some.unwrap().1, "not all answers are known");
        for text in ["answer\n1324412323144231\n", "question,hint\n1..4..2..3..4..1,x\n", "question,question\n1,2\n"] {
            assert!(read_text(text).0.is_err(), "{text}");
        }
    }

    #[test]
    fn so_many_are_drawn_in_their_order_and_each_as_often() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let rows: String = (0..10).map(|rating| ROW.replace(",7", &format!(",{rating}"))).collect();
        files::write(&path, format!("{HEAD}{rows}").as_bytes()).unwrap();
        let mut stream = Stream::new(0, "test");
        let mut times = [0; 10];
        for _ in 0..1000 {
            let ratings: Vec<u32> = read_drawn(&path, 3, &mut stream, &|| false)
                .unwrap()
                .puzzles
                .iter()
                .map(|puzzle| puzzle.rating)
                .collect();
            assert!(ratings.len() == 3 && ratings.is_sorted_by(|a, b| a < b), "{ratings:?}");
            ratings.iter().for_each(|&rating| times[rating as usize] += 1);
        }
        assert!(times.iter().all(|times| (240..360).contains(times)), "{times:?}");
        assert_eq!(read_drawn(&path, 10, &mut stream, &|| false).unwrap(), read(&path).unwrap());
        let fault = |count, stop| read_drawn(&path, count, &mut Stream::new(0, "test"), stop).unwrap_err().to_string();
        assert!(fault(usize::MAX, &|| false).contains("a.csv has 10 puzzles, and 18446744073709551615 are asked for"));
        assert_eq!(fault(3, &|| true), "interrupted");
        assert_eq!(read_until(&path, &|| true).unwrap_err().to_string(), "interrupted");
    }

    #[test]
    fn a_maze_keeps_the_spaces_at_its_ends() {
        let set = read_text(&format!("{HEAD}me, SG# #   ,oSG#o#oo ,7\n")).unwrap();
        let puzzle = &set.puzzles[0];
        assert_eq!((set.kind, set.side), (Kind::Maze, 3));
        assert_eq!(Kind::Maze.text(&puzzle.question), " SG# #   ");
        let fault = read_text(&format!("{HEAD}me,SG# #   ,oSG#o#oo ,7\n")).unwrap_err().to_string();
        assert!(fault.contains("it has 8 characters"), "{fault}");
    }

    #[test]
    fn spaces_for_blanks_are_read_as_a_sudoku() {
        let spaced = read_text(&format!("{HEAD}{}", ROW.replace('.', " ").replace("me,1", "me, "))).unwrap();
        let pointed = read_text(&format!("{HEAD}{}", ROW.replace("me,1", "me,."))).unwrap();
        assert_eq!((spaced.kind, &spaced), (Kind::Sudoku, &pointed));
    }

    #[test]
    fn every_fault_names_its_file_line_and_column() {
        let fault = |rows: &str| read_text(&format!("{HEAD}{ROW}{rows}")).unwrap_err().to_string();
        for (rows, column, part) in [
            ("me,1..4,1324412323144231,7", "question", "it has 4 characters"),
            ("me,1..4..2..3..4..1,13244123231442x1,7", "answer", "'x' at cell (3, 2)"),
            ("me,1..4..2..3..4..1,2314412323144231,7", "answer", "agree with the question at cell (0, 0)"),
            ("me,1..4..2..3..4..1,1.24412323144231,7", "answer", "leaves cell (0, 1) blank"),
            ("me,1..4..2..3..4..1,1324412323144231,hard", "rating", "\"hard\" is no rating"),
            (
                &format!("me,{},{},7", ".".repeat(36), "123456".repeat(6)),
                "question",
                "it has 36 characters, and the first board of the file has 16 (4 x 4); hint: ",
            ),
        ] {
            let found = fault(rows);
            let place = format!("a.csv, line 3, column {column}: ");
            assert!(found.contains(&place) && found.contains(part), "{found}");
        }
        assert!(fault("me,1..4").contains("a.csv, line 3: 4 fields are needed and it has 2"));
        let other =
            read_text(&format!("{HEAD}me,................,{},7\n", "123456".repeat(6))).unwrap_err().to_string();
        assert!(other.contains("column answer: it is a board of 6 x 6, and its question is one of 4 x 4"), "{other}");
        let header = read_text("question,answer\n").unwrap_err().to_string();
        assert!(header.contains("a.csv, line 1: ") && header.contains("source,question,answer,rating"), "{header}");
        assert!(read_text(HEAD).unwrap_err().to_string().contains("has no puzzles"));
    }
}
