//! Tasks as pictures in the terminal: coloured cells where colour is shown, digits where not.

use crate::grid::Grid;
use crate::task::{Task, Test};

/// How a grid is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// Two blanks per cell on a background of 24-bit colour.
    Colour,
    /// One digit per cell, black as a point.
    Digits,
}

/// The colours 0..=9 of ARC: black, blue, red, green, yellow, grey, magenta, orange, sky, maroon.
const PALETTE: [(u8, u8, u8); 10] = [
    (0, 0, 0),
    (0, 116, 217),
    (255, 65, 54),
    (46, 204, 64),
    (255, 220, 0),
    (170, 170, 170),
    (240, 18, 190),
    (255, 133, 27),
    (127, 219, 255),
    (135, 12, 37),
];

/// Demonstrations and tests of a task, input and output side by side.
pub fn task(task: &Task, ink: Ink) -> String {
    let mut text = String::new();
    for (i, pair) in task.train.iter().enumerate() {
        text += &format!("\ndemonstration {}\n{}", i + 1, side_by_side(&pair.input, Some(&pair.output), ink));
    }
    for (i, Test { input, output }) in task.test.iter().enumerate() {
        text += &format!("\ntest {}\n{}", i + 1, side_by_side(input, output.as_ref(), ink));
    }
    text
}

fn side_by_side(input: &Grid, output: Option<&Grid>, ink: Ink) -> String {
    let (left, right) = (lines(input, ink), output.map(|grid| lines(grid, ink)).unwrap_or_else(|| vec!["?".into()]));
    let blank = " ".repeat(input.columns() * if ink == Ink::Colour { 2 } else { 1 });
    let mut text = String::new();
    for i in 0..left.len().max(right.len()) {
        let arrow = if i == 0 { " -> " } else { "    " };
        let line = format!("{}{arrow}{}", left.get(i).unwrap_or(&blank), right.get(i).map_or("", String::as_str));
        text += line.trim_end_matches(' ');
        text += "\n";
    }
    text
}

fn lines(grid: &Grid, ink: Ink) -> Vec<String> {
    match ink {
        Ink::Digits => grid.to_string().lines().map(str::to_owned).collect(),
        Ink::Colour => grid.iter_rows().map(coloured).collect(),
    }
}

fn coloured(row: &[u8]) -> String {
    let cell = |&cell: &u8| {
        let (red, green, blue) = PALETTE[usize::from(cell)];
        format!("\u{1b}[48;2;{red};{green};{blue}m  ")
    };
    row.iter().map(cell).collect::<String>() + "\u{1b}[0m"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::Pair;

    fn small() -> Task {
        let grid = |cells: [u8; 2], rows| Grid::new(rows, 2 / rows, cells.to_vec()).unwrap();
        Task {
            id: "a".into(),
            train: vec![Pair { input: grid([0, 1], 1), output: grid([2, 3], 2) }],
            test: vec![Test { input: grid([4, 5], 1), output: None }],
        }
    }

    #[test]
    fn digits_stand_side_by_side() {
        assert_eq!(task(&small(), Ink::Digits), "\ndemonstration 1\n.1 -> 2\n      3\n\ntest 1\n45 -> ?\n");
    }

    #[test]
    fn colours_are_backgrounds_and_end_with_the_row() {
        let text = task(&small(), Ink::Colour);
        assert!(
            text.contains("\u{1b}[48;2;0;0;0m  \u{1b}[48;2;0;116;217m  \u{1b}[0m -> \u{1b}[48;2;255;65;54m  \u{1b}[0m")
        );
    }
}
