//! A Sudoku or a maze as SVG within a page: cells and digits by classes ([`PUZZLE_STYLE`]), so that one drawing serves light and dark ground.
//!
//! Right and wrong are not said by colour alone: a cell that is wrong bears an outline, and in a maze a cross. What is given of a Sudoku is
//! bold.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::svg::escaped;
use crate::grid::Grid;
use crate::puzzle::sudoku::{self, Shape};
use crate::puzzle::{Kind, maze};

/// The style of every board.
pub const PUZZLE_STYLE: &str = include_str!("puzzle.css");

/// A grid of a puzzle, to be drawn.
#[derive(Clone, Copy, Debug)]
pub struct PuzzleBoard<'a> {
    /// What the puzzle is.
    pub kind: Kind,
    /// What is given.
    pub question: &'a Grid,
    /// What is shown: the question, an answer, the truth.
    pub shown: &'a Grid,
    /// What is right; without it nothing is marked as right or wrong.
    pub truth: Option<&'a Grid>,
}

impl PuzzleBoard<'_> {
    /// The drawing with cells of so many pixels. `title` is what a screen reader says.
    pub fn to_svg(&self, title: &str, cell: usize) -> String {
        let (side, title) = (cell * self.shown.rows(), escaped(title));
        let frame = side + 2;
        let mut svg = format!(
            "<svg class=\"puzzle\" xmlns=\"http://www.w3.org/2000/svg\" width=\"{frame}\" height=\"{frame}\" \
             viewBox=\"-1 -1 {frame} {frame}\" role=\"img\" aria-label=\"{title}\"><title>{title}</title>\
             <rect class=\"paper\" width=\"{side}\" height=\"{side}\"/>"
        );
        self.put_grounds(&mut svg, cell);
        match (self.kind, Shape::of_side(self.shown.rows())) {
            (Kind::Sudoku, Some(shape)) => {
                let every = || (0..=side).step_by(cell);
                put_strokes(&mut svg, "thin", every(), every(), side);
                self.put_wrong(&mut svg, cell);
                self.put_letters(&mut svg, cell);
                let rows = (0..=side).step_by(shape.box_rows() * cell);
                let columns = (0..=side).step_by(shape.box_columns() * cell);
                put_strokes(&mut svg, "thick", rows, columns, side);
            }
            _ => {
                put_strokes(&mut svg, "thin", [0, side], [0, side], side);
                self.put_letters(&mut svg, cell);
                self.put_wrong(&mut svg, cell);
            }
        }
        svg + "</svg>"
    }

    fn cells(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let columns = self.shown.columns();
        (0..self.shown.cells().len()).map(move |number| (number / columns, number % columns))
    }

    fn is_wrong(&self, (row, column): (usize, usize)) -> bool {
        self.truth.is_some_and(|truth| truth.at(row, column) != self.shown.at(row, column))
    }

    /// The class of a cell's ground, where it is not the paper's.
    fn ground(&self, (row, column): (usize, usize)) -> Option<&'static str> {
        match (self.kind, self.shown.at(row, column)) {
            (Kind::Sudoku, _) => (self.question.at(row, column) != sudoku::BLANK).then_some("given"),
            (Kind::Maze, maze::WALL) => Some("wall"),
            (Kind::Maze, maze::START) => Some("start"),
            (Kind::Maze, maze::GOAL) => Some("goal"),
            (Kind::Maze, maze::PATH) => Some("path"),
            (Kind::Maze, _) => None,
        }
    }

    fn put_grounds(&self, svg: &mut String, cell: usize) {
        let mut paths: BTreeMap<&str, String> = BTreeMap::new();
        for (row, column) in self.cells() {
            if let Some(class) = self.ground((row, column)) {
                put(
                    paths.entry(class).or_default(),
                    format_args!("M{} {}h{cell}v{cell}h-{cell}z", column * cell, row * cell),
                );
            }
        }
        for (class, path) in paths {
            put(svg, format_args!("<path class=\"{class}\" shape-rendering=\"crispEdges\" d=\"{path}\"/>"));
        }
    }

    /// An outline within each cell that is wrong, and in a maze a cross in it.
    fn put_wrong(&self, svg: &mut String, cell: usize) {
        let mut path = String::new();
        for (row, column) in self.cells().filter(|place| self.is_wrong(*place)) {
            let (x, y, inner) = (column * cell + 1, row * cell + 1, cell - 2);
            put(&mut path, format_args!("M{x} {y}h{inner}v{inner}h-{inner}z"));
            if self.kind == Kind::Maze {
                put(&mut path, format_args!("l{inner} {inner}m0-{inner}l-{inner} {inner}"));
            }
        }
        if !path.is_empty() {
            put(svg, format_args!("<path class=\"crossed\" d=\"{path}\"/>"));
        }
    }

    /// The class of a cell's digit, or of the letter of a start or a goal, where it has one.
    fn letter(&self, (row, column): (usize, usize)) -> Option<&'static str> {
        let shown = self.shown.at(row, column);
        match (self.kind, shown) {
            (Kind::Maze, maze::START | maze::GOAL) => Some("end"),
            (Kind::Maze, _) | (Kind::Sudoku, sudoku::BLANK) => None,
            _ if self.is_wrong((row, column)) => Some("wrong"),
            _ if self.question.at(row, column) == shown => Some("clue"),
            _ if self.truth.is_some() => Some("right"),
            _ => Some("plain"),
        }
    }

    /// One text a class, with the place of each of its letters.
    fn put_letters(&self, svg: &mut String, cell: usize) {
        let mut texts: BTreeMap<&str, [String; 3]> = BTreeMap::new();
        for (row, column) in self.cells() {
            let Some(class) = self.letter((row, column)) else { continue };
            let [x, y, letters] = texts.entry(class).or_default();
            put(x, format_args!("{} ", column * cell + cell / 2));
            put(y, format_args!("{} ", row * cell + cell * 71 / 100));
            letters.push(self.kind.character(self.shown.at(row, column)));
        }
        let size = cell * 6 / 10;
        for (class, [x, y, letters]) in texts {
            let (x, y) = (x.trim_end(), y.trim_end());
            put(svg, format_args!("<text class=\"{class}\" font-size=\"{size}\" x=\"{x}\" y=\"{y}\">{letters}</text>"));
        }
    }
}

fn put(text: &mut String, part: std::fmt::Arguments) {
    text.write_fmt(part).expect("a text grows");
}

/// Lines across at `rows` and down at `columns`.
fn put_strokes(
    svg: &mut String,
    class: &str,
    rows: impl IntoIterator<Item = usize>,
    columns: impl IntoIterator<Item = usize>,
    side: usize,
) {
    let across: String = rows.into_iter().map(|row| format!("M0 {row}h{side}")).collect();
    let down: String = columns.into_iter().map(|column| format!("M{column} 0v{side}")).collect();
    put(svg, format_args!("<path class=\"{class}\" d=\"{across}{down}\"/>"));
}

#[cfg(test)]
mod tests {
    use roxmltree::{Document, Node};

    use super::*;

    fn of_class<'a>(document: &'a Document, class: &str) -> Vec<Node<'a, 'a>> {
        document.descendants().filter(|node| node.attribute("class") == Some(class)).collect()
    }

    #[test]
    fn a_sudoku_says_what_is_given_right_and_wrong() {
        let grid = |text| Kind::Sudoku.parse(text).unwrap();
        let (question, truth) = (grid("1..4..2..3..4..1"), grid("1324412323144231"));
        let shown = grid("1324412323144233");
        let board = PuzzleBoard { kind: Kind::Sudoku, question: &question, shown: &shown, truth: Some(&truth) };
        let svg = board.to_svg("a <b> & \"c\"", 20);
        let document = Document::parse(&svg).unwrap();
        assert_eq!(document.root_element().attribute("aria-label"), Some("a <b> & \"c\""));
        let text = |class| of_class(&document, class)[0].text().unwrap().to_owned();
        assert_eq!([text("clue"), text("right"), text("wrong")], ["14234", "3241321423", "3"].map(str::to_owned));
        assert_eq!(of_class(&document, "wrong")[0].attribute("x"), Some("70"));
        assert_eq!(of_class(&document, "crossed")[0].attribute("d"), Some("M61 61h18v18h-18z"));
        let asked = PuzzleBoard { shown: &question, truth: None, ..board }.to_svg("", 20);
        let document = Document::parse(&asked).unwrap();
        assert_eq!((of_class(&document, "clue").len(), of_class(&document, "crossed").len()), (1, 0));
    }

    #[test]
    fn a_maze_is_drawn_by_its_kinds_of_cells() {
        let grid = |text| Kind::Maze.parse(text).unwrap();
        let (question, truth, shown) = (grid("S  # # G#"), grid("Soo#o# G#"), grid("So # # G#"));
        let board = PuzzleBoard { kind: Kind::Maze, question: &question, shown: &shown, truth: Some(&truth) };
        let svg = board.to_svg("maze", 10);
        let document = Document::parse(&svg).unwrap();
        let squares = |class| of_class(&document, class)[0].attribute("d").unwrap().matches('M').count();
        assert_eq!(["wall", "start", "goal", "path", "crossed"].map(squares), [3, 1, 1, 1, 2]);
        assert_eq!(of_class(&document, "end")[0].text(), Some("SG"));
    }
}
