//! Tasks as text for a terminal: coloured cells where colours are shown, digits where not.
//!
//! A coloured cell is two columns wide, so that it is about square, and a digit is one. Where attempts differ from the
//! truth the digits of their figure are two columns wide too: a mark stands behind the digit. Cells are one column wide where
//! a grid would not fit otherwise, and the mark then takes the digit's place.
//!
//! What bites: black cells on a black screen. Each bears a point in the grey of the grid lines, as it does among digits.

use std::iter::repeat;

use super::Shown;
use super::block::Block;
use super::figure::{Figure, Panel, Words};
use super::flow::{self, flow};
use super::ink::Ink;
use super::palette::{GRID_LINE, colour_of};

/// Columns between the figures of a row.
const FIGURE_GAP: usize = 4;

/// Columns between the grids of a figure.
const PANEL_GAP: usize = 3;

/// What stands between an input and what comes of it: beside it, and below it.
const ARROW: &str = " -> ";
const ARROW_DOWN: &str = "v";

/// What stands where an output is not known.
const UNKNOWN: &str = "?";

/// Tasks under each other, in lines of at most `width` columns as long as the largest grid has no more.
pub fn to_terminal(tasks: &[Shown], ink: Ink, width: usize) -> String {
    let texts: Vec<String> = tasks.iter().map(|shown| task(shown, ink, width).into_text()).collect();
    texts.join("\n")
}

fn task(shown: &Shown, ink: Ink, width: usize) -> Block {
    let figures = [Figure::demonstrations(shown), Figure::tests(shown)];
    let largest = figures.iter().flatten().flat_map(Figure::grids).map(|grid| grid.columns()).max().unwrap_or(0);
    let page = Page { ink, width, is_narrow: 2 * largest > width };
    let mut block = Block::wrapped(&shown.title, width);
    for figures in figures {
        let drawn: Vec<Block> = figures.iter().map(|figure| page.figure(figure)).collect();
        let widths: Vec<usize> = drawn.iter().map(Block::width).collect();
        for row in flow(&widths, FIGURE_GAP, width) {
            block = block.over(Block::text("")).over(Block::row(&drawn[row], FIGURE_GAP));
        }
    }
    block
}

/// What figures are drawn with.
struct Page {
    ink: Ink,
    width: usize,
    /// Cells take one column.
    is_narrow: bool,
}

impl Page {
    fn figure(&self, figure: &Figure) -> Block {
        let columns = if self.is_narrow || (self.ink == Ink::Digits && !figure.has_marks()) { 1 } else { 2 };
        let draw = |panels: &[Panel]| -> Vec<Block> {
            let words = Words::above(panels, figure);
            panels.iter().map(|panel| self.panel(panel, words, columns)).collect()
        };
        let drawn = draw(&figure.panels);
        let widths: Vec<usize> = drawn.iter().map(Block::width).collect();
        let rows = flow::panels(&widths, ARROW.len(), PANEL_GAP, self.width);
        let caption = Block::text(&figure.caption);
        if rows.len() == 1 {
            return caption.over(with_arrow(&drawn, Words::above(&figure.panels, figure)));
        }
        let separators = ["", ARROW_DOWN].into_iter().chain(repeat(""));
        rows.into_iter().zip(separators).enumerate().fold(caption, |block, (place, (row, separator))| {
            let block = if place == 0 { block } else { block.over(Block::text(separator)) };
            block.over(Block::row(&draw(&figure.panels[row]), PANEL_GAP))
        })
    }

    /// A grid, or a question mark in its place, under the words of its row.
    fn panel(&self, panel: &Panel, words: Words, columns: usize) -> Block {
        let is_marked = panel.wrong_cells().next().is_some();
        let legend = if is_marked { format!(" ({})", self.ink.mark(columns)) } else { String::new() };
        let verdict = panel.verdict.map(|verdict| format!("{verdict}{legend}")).unwrap_or_default();
        let block = match words {
            Words::None => Block::default(),
            Words::Name => Block::text(&panel.name),
            Words::NameAndVerdict => Block::text(&panel.name).over(Block::text(&verdict)),
        };
        match (panel.grid, panel.verdict) {
            (Some(_), _) => block.over(self.cells(panel, columns)),
            (None, None) => block.over(Block::text(UNKNOWN)),
            (None, Some(_)) => block,
        }
    }

    fn cells(&self, panel: &Panel, columns: usize) -> Block {
        let grid = panel.grid.expect("what has cells is a grid");
        let line = |(row, cells): (usize, &[u8])| {
            let wrong: Vec<bool> = (0..cells.len()).map(|column| panel.is_wrong(row, column)).collect();
            (self.line(cells, &wrong, columns), cells.len() * columns)
        };
        Block::drawn(grid.iter_rows().enumerate().map(line))
    }

    fn line(&self, cells: &[u8], wrong: &[bool], columns: usize) -> String {
        let mut text = String::new();
        // Each sequence stands only where it changes what came before it.
        let (mut ground, mut writing) = (None, None);
        for (&cell, &is_wrong) in cells.iter().zip(wrong) {
            if ground.replace(cell) != Some(cell) {
                text += &self.ink.background(cell);
            }
            if is_wrong || cell == 0 {
                let colour = if is_wrong { colour_of(cell).contrasting() } else { GRID_LINE };
                if writing.replace(colour) != Some(colour) {
                    text += &self.ink.foreground(colour);
                }
            }
            text += &self.ink.letters(cell, is_wrong, columns);
        }
        if self.ink == Ink::Digits { text } else { text + "\u{1b}[0m" }
    }
}

/// All panels in one row, the arrow beside the first line of the input.
fn with_arrow(panels: &[Block], words: Words) -> Block {
    let above = (0..words as usize).map(|_| Block::text(""));
    let arrow = above.chain([Block::text(ARROW)]).fold(Block::default(), Block::over);
    Block::row(&[panels[0].clone(), arrow, Block::row(&panels[1..], PANEL_GAP)], 0)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{borrowed, grid, made_up, shipped, solved};
    use super::*;
    use crate::grid::Grid;
    use crate::task::Task;

    const INKS: [Ink; 3] = [Ink::TrueColour, Ink::Colours256, Ink::Digits];

    fn alone(task: &Task, ink: Ink, width: usize) -> String {
        to_terminal(&[Shown { title: "task a".into(), task, answers: None }], ink, width)
    }

    fn attempted(truth: &Grid, attempts: [Option<&Grid>; 2], ink: Ink, width: usize) -> String {
        let task = solved(truth);
        let shown = Shown { title: "task a".into(), task: &task, answers: Some(vec![attempts]) };
        let text = to_terminal(&[shown], ink, width);
        text.split_once("test 1\n").unwrap().1.to_owned()
    }

    /// The text without its colours.
    fn visible(text: &str) -> String {
        let mut parts = text.split('\u{1b}');
        let first = parts.next().unwrap().to_owned();
        first + &parts.map(|part| part.split_once('m').unwrap().1).collect::<String>()
    }

    #[test]
    fn digits_stand_side_by_side() {
        let mut task = solved(&grid(&["6"]));
        task.test[0].output = None;
        let expected = "task a\n\ndemonstration 1\n.1 -> 2\n      3\n\ntest 1\n45 -> ?\n";
        assert_eq!(alone(&task, Ink::Digits, 80), expected);
    }

    #[test]
    fn colours_are_backgrounds_and_end_with_the_row() {
        let task = solved(&grid(&["66"]));
        let text = alone(&task, Ink::TrueColour, 80);
        let black = "\u{1b}[48;2;0;0;0m\u{1b}[38;2;85;85;85m .";
        let line = format!("{black}\u{1b}[48;2;0;116;217m  \u{1b}[0m -> \u{1b}[48;2;255;65;54m  \u{1b}[0m\n");
        assert!(text.contains(&line), "{text:?}");
        assert!(text.ends_with(" -> \u{1b}[48;2;240;18;190m    \u{1b}[0m\n"), "{text:?}");
        let text = alone(&task, Ink::Colours256, 80);
        assert!(text.contains("\u{1b}[48;5;16m\u{1b}[38;5;240m .\u{1b}[48;5;32m  \u{1b}[0m -> "), "{text:?}");
    }

    #[test]
    fn pairs_stand_beside_each_other_as_many_as_fit() {
        let mut task = solved(&grid(&["6"]));
        task.train.push(task.train[0].clone());
        let two = "demonstration 1    demonstration 2\n.1 -> 2            .1 -> 2\n      3                  3\n";
        assert!(alone(&task, Ink::Digits, 34).contains(two));
        assert!(!alone(&task, Ink::Digits, 33).contains(two));
    }

    #[test]
    fn a_pair_that_does_not_fit_stands_one_above_the_other_and_cells_become_narrow_last() {
        let mut task = solved(&grid(&["6"]));
        task.test[0].input = grid(&["123456789"]);
        assert!(visible(&alone(&task, Ink::TrueColour, 24)).contains(&format!("test 1\n{} ->   \n", " ".repeat(18))));
        let stacked = alone(&task, Ink::TrueColour, 23);
        assert!(visible(&stacked).contains(&format!("test 1\n{}\nv\n", " ".repeat(18))), "{stacked}");
        let narrow = alone(&task, Ink::TrueColour, 17);
        assert!(visible(&narrow).contains(&format!("test 1\n{} ->  \n", " ".repeat(9))), "{narrow}");
    }

    #[test]
    fn attempts_stand_beside_the_truth_with_marks_where_they_differ() {
        let (truth, near, other) = (grid(&["12", "30"]), grid(&["12", "40"]), grid(&["123"]));
        let text = attempted(&truth, [Some(&near), Some(&other)], Ink::Digits, 80);
        let expected = "\
input    output   attempt 1                  attempt 2
                  1 of 4 cells differs (*)   1 x 3 instead of 2 x 2
4 5   -> 1 2      1 2                        1 2 3
         3 .      4*.
";
        assert_eq!(text, expected);
        let text = attempted(&truth, [Some(&truth), None], Ink::Digits, 80);
        let expected = "\
input    output   attempt 1   attempt 2
                  right       missing, or no grid
45    -> 12       12
         3.       3.
";
        assert_eq!(text, expected);
        let text = attempted(&truth, [Some(&near), Some(&truth)], Ink::TrueColour, 80);
        assert!(text.contains("1 of 4 cells differs (><)"));
        assert!(
            text.contains("\u{1b}[48;2;255;220;0m\u{1b}[38;2;0;0;0m><\u{1b}[48;2;0;0;0m\u{1b}[38;2;85;85;85m ."),
            "{text:?}"
        );
        let text = attempted(&truth, [Some(&near), Some(&truth)], Ink::Colours256, 80);
        assert!(text.contains("\u{1b}[48;5;220m\u{1b}[38;5;16m><\u{1b}[48;5;16m\u{1b}[38;5;240m ."), "{text:?}");
    }

    #[test]
    fn the_truth_stays_beside_the_attempts_when_not_all_fit() {
        let (truth, near) = (grid(&["1234567890"]), grid(&["1234567899"]));
        let text = attempted(&truth, [Some(&near), Some(&truth)], Ink::Digits, 80);
        assert!(text.starts_with("input "), "{text}");
        let text = attempted(&truth, [Some(&near), Some(&truth)], Ink::Digits, 72);
        let expected = "\
input
4 5
v
output                 attempt 1                   attempt 2
                       1 of 10 cells differs (*)   right
1 2 3 4 5 6 7 8 9 .    1 2 3 4 5 6 7 8 9 9*        1 2 3 4 5 6 7 8 9 .
";
        assert_eq!(text, expected);
    }

    #[test]
    fn no_line_of_any_shipped_task_is_longer_than_the_width_and_every_wrong_cell_is_marked() {
        for task in shipped() {
            let attempts = made_up(&task);
            let answers = Some(attempts.iter().map(borrowed).collect());
            let title = format!("task {} of arc-agi-1/evaluation, arc-agi-2/evaluation", task.id);
            let shown =
                [Shown { title: title.clone(), task: &task, answers }, Shown { title, task: &task, answers: None }];
            let figures = Figure::tests(&shown[0]);
            let wrong: usize =
                figures.iter().flat_map(|figure| &figure.panels).map(|panel| panel.wrong_cells().count()).sum();
            for (ink, width) in INKS.into_iter().flat_map(|ink| [40, 80, 200].map(|width| (ink, width))) {
                let text = visible(&to_terminal(&shown, ink, width));
                let longest = text.lines().map(|line| line.chars().count()).max();
                assert!(longest.is_some_and(|longest| longest <= width), "{} {ink:?} {width}:\n{text}", task.id);
                let (legends, shapes) = (text.matches('(').count(), 2 * text.matches("instead of").count());
                // the letter of a mark may also be in the task's name
                let named = shown.len() * task.id.matches('x').count();
                let marks = text.matches(['*', 'x']).count() - shapes - named + text.matches("><").count();
                assert_eq!(marks, wrong + legends, "{} {ink:?} {width}:\n{text}", task.id);
            }
        }
    }
}
