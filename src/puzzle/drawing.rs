//! Question and answer as text, side by side.

use super::sudoku::Shape;
use super::{Kind, Puzzle};
use crate::grid::Grid;

/// What stands between question and answer.
const GAP: &str = "    ";

/// The question and the answer beside it, each under its name. A Sudoku has lines between its boxes.
pub fn drawn(puzzle: &Puzzle, kind: Kind) -> String {
    let (question, answer) = (lines(&puzzle.question, kind), lines(&puzzle.answer, kind));
    let width = question[0].len().max("question".len());
    let names = [("question".to_owned(), "answer".to_owned())];
    let rows = names.into_iter().chain(question.into_iter().zip(answer));
    rows.map(|(left, right)| format!("{left:width$}{GAP}{right}").trim_end().to_owned() + "\n").collect()
}

fn lines(grid: &Grid, kind: Kind) -> Vec<String> {
    let shape = Shape::of_side(grid.rows()).filter(|_| kind == Kind::Sudoku);
    let Some(shape) = shape else {
        return grid.iter_rows().map(|row| row.iter().map(|&cell| kind.character(cell)).collect()).collect();
    };
    let mut lines = Vec::new();
    for (index, row) in grid.iter_rows().enumerate() {
        if index > 0 && index % shape.box_rows() == 0 {
            let dashes = vec!["-".repeat(2 * shape.box_columns() + 1); shape.side() / shape.box_columns()];
            // The outer boxes have no space beyond their outer digits.
            let line = dashes.join("+");
            lines.push(line[1..line.len() - 1].to_owned());
        }
        let digits = |part: &[u8]| part.iter().map(|&cell| format!("{} ", kind.character(cell))).collect::<String>();
        let parts: Vec<String> = row.chunks(shape.box_columns()).map(digits).collect();
        lines.push(parts.join("| ").trim_end().to_owned());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn puzzle(kind: Kind, question: &str, answer: &str) -> Puzzle {
        let grid = |text| kind.parse(text).unwrap();
        Puzzle { source: String::new(), question: grid(question), answer: grid(answer), rating: 0 }
    }

    #[test]
    fn a_sudoku_has_lines_between_its_boxes() {
        let puzzle = puzzle(Kind::Sudoku, "1..4..2..3..4..1", "1324412323144231");
        let expected = "\
question     answer
1 . | . 4    1 3 | 2 4
. . | 2 .    4 1 | 2 3
----+----    ----+----
. 3 | . .    2 3 | 1 4
4 . | . 1    4 2 | 3 1
";
        assert_eq!(drawn(&puzzle, Kind::Sudoku), expected);
    }

    #[test]
    fn a_maze_is_its_characters() {
        let puzzle = puzzle(Kind::Maze, "######S  ## # ## #G######", "######Soo## #o## #G######");
        let expected = "\
question    answer
#####       #####
#S  #       #Soo#
# # #       # #o#
# #G#       # #G#
#####       #####
";
        assert_eq!(drawn(&puzzle, Kind::Maze), expected);
    }
}
