//! `Kind`: what a puzzle is, with what differs: alphabet, characters, sides.
//!
//! | kind | cells | characters |
//! |---|---|---|
//! | Sudoku | 0 blank, 1..=9 | `.` (read also as `0` and as a space), `1`..`9` |
//! | Maze | 0 wall, 1 free, 2 start, 3 goal, 4 path | `#`, space, `S`, `G`, `o` |

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::grid::Grid;

/// What a puzzle is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Digits, each once in a row, a column and a box.
    Sudoku,
    /// The one shortest way from start to goal.
    Maze,
}

impl Kind {
    /// The character of each cell, in the order of the cells' numbers.
    pub fn characters(self) -> &'static str {
        match self {
            Self::Sudoku => ".123456789",
            Self::Maze => "# SGo",
        }
    }

    /// How many values a cell of a puzzle of this side may have.
    pub fn alphabet(self, side: usize) -> usize {
        match self {
            Self::Sudoku => side + 1,
            Self::Maze => self.characters().len(),
        }
    }

    /// The side of the published puzzles: 9 of a Sudoku, 30 of a maze.
    pub fn usual_side(self) -> usize {
        match self {
            Self::Sudoku => 9,
            Self::Maze => 30,
        }
    }

    /// True when puzzles of this side can be read. Generated mazes have a side of at least 5.
    pub fn has_side(self, side: usize) -> bool {
        match self {
            Self::Sudoku => [4, 6, 9].contains(&side),
            Self::Maze => (2..=30).contains(&side),
        }
    }

    /// The sides and characters that this kind is written with, in words.
    pub fn form(self) -> &'static str {
        match self {
            Self::Sudoku => {
                "a Sudoku is 16, 36 or 81 characters: the digits from 1 to its side, and for a blank a point, 0 or a space"
            }
            Self::Maze => "a maze is a square of up to 30 x 30 (900 characters): #, space, S, G, and o for the path",
        }
    }

    /// Returns the kind whose characters a text is made of: Sudoku where it has a digit, or nothing but points.
    pub fn of(text: &str) -> Self {
        let is_sudoku =
            text.contains(|c: char| c.is_ascii_digit()) || (!text.is_empty() && text.chars().all(|c| c == '.'));
        if is_sudoku { Self::Sudoku } else { Self::Maze }
    }

    /// A square of characters in row order as a grid.
    ///
    /// # Errors
    /// What is wrong, with what would be right.
    pub fn parse(self, text: &str) -> Result<Grid, String> {
        let length = text.chars().count();
        let side = length.isqrt();
        if side * side != length || !self.has_side(side) {
            return Err(format!("it has {length} characters; {}", self.form()));
        }
        let cell = |(position, character): (usize, char)| {
            let fault = || {
                let place = format!("({}, {})", position / side, position % side);
                let is_blank = self == Self::Sudoku && !character.is_ascii_digit();
                let hint = if is_blank { "; hint: write a point for a blank" } else { "" };
                format!("{character:?} at cell {place} is unknown; {}{hint}", self.form())
            };
            self.cell(character).filter(|&cell| usize::from(cell) < self.alphabet(side)).ok_or_else(fault)
        };
        let cells = text.chars().enumerate().map(cell).collect::<Result<_, _>>()?;
        Grid::new(side, side, cells).map_err(|fault| fault.to_string())
    }

    fn cell(self, character: char) -> Option<u8> {
        match (self, character) {
            (Self::Sudoku, '0' | ' ') => Some(0),
            _ => self.characters().find(character).map(|cell| cell as u8),
        }
    }

    /// The character of a cell.
    pub fn character(self, cell: u8) -> char {
        char::from(self.characters().as_bytes()[usize::from(cell)])
    }

    /// A grid as a line of characters: what [`parse`](Self::parse) reads.
    pub fn text(self, grid: &Grid) -> String {
        grid.cells().iter().map(|&cell| self.character(cell)).collect()
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Sudoku => "Sudoku",
            Self::Maze => "maze",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_goes_in_and_comes_out_the_same() {
        let sudoku = "1..4..2..3..4..1";
        assert_eq!(Kind::Sudoku.text(&Kind::Sudoku.parse(sudoku).unwrap()), sudoku);
        assert_eq!(Kind::Sudoku.text(&Kind::Sudoku.parse(&sudoku.replace('.', "0")).unwrap()), sudoku);
        assert_eq!(Kind::Sudoku.text(&Kind::Sudoku.parse(&sudoku.replace('.', " ")).unwrap()), sudoku);
        let maze = "#####S G ";
        assert_eq!(Kind::Maze.text(&Kind::Maze.parse(maze).unwrap()), maze);
        assert_eq!((Kind::of(sudoku), Kind::of("0123"), Kind::of(maze)), (Kind::Sudoku, Kind::Sudoku, Kind::Maze));
        assert_eq!(
            ["  1 ", "__1_", "....", ".#S.", "", "    "].map(Kind::of).map(|kind| kind == Kind::Sudoku),
            [true, true, true, false, false, false]
        );
    }

    #[test]
    fn every_fault_says_what_would_be_right() {
        let fault = |kind: Kind, text: &str| kind.parse(text).unwrap_err();
        assert!(fault(Kind::Sudoku, "1..").contains("it has 3 characters; a Sudoku is 16, 36 or 81"));
        assert!(fault(Kind::Sudoku, &".".repeat(25)).contains("it has 25 characters"));
        assert!(fault(Kind::Sudoku, "1..4..2..3..4..5").ends_with("a point, 0 or a space"));
        assert!(fault(Kind::Sudoku, "1..4..2..3..4..5").contains("'5' at cell (3, 3)"));
        assert!(fault(Kind::Sudoku, "1__4__2__3__4__1").ends_with("hint: write a point for a blank"));
        assert!(fault(Kind::Maze, "##x#").contains("'x' at cell (1, 0)"));
        assert!(fault(Kind::Maze, &"#".repeat(31 * 31)).contains("up to 30 x 30"));
    }
}
