//! `Figure` and `Panel`: what a task shows, before it is known where it will stand.

use std::fmt;

use super::{Attempts, Shown};
use crate::grid::Grid;
use crate::task::{Pair, Test};

/// A demonstration or a test input: the input, then what comes of it.
#[derive(Clone, Debug)]
pub(super) struct Figure<'a> {
    /// As `demonstration 1`.
    pub(super) caption: String,
    /// The input and the output, then the attempts.
    pub(super) panels: Vec<Panel<'a>>,
}

/// One grid, or the place of one that is not known.
#[derive(Clone, Debug)]
pub(super) struct Panel<'a> {
    /// As `attempt 1`.
    pub(super) name: String,
    /// What is drawn.
    pub(super) grid: Option<&'a Grid>,
    /// What an attempt is worth; `None` for what is no attempt.
    pub(super) verdict: Option<Verdict>,
    /// What an attempt is compared with, where the two have one shape.
    truth: Option<&'a Grid>,
}

/// What an attempt is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is the truth.
    Right,
    /// Some cells differ.
    Differs { cells: usize, of: usize },
    /// Rows and columns are not those of the truth.
    OtherShape { is: (usize, usize), should_be: (usize, usize) },
    /// It is not there or is no grid.
    Missing,
    /// The truth is not known.
    Unknown,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Right => f.write_str("right"),
            Self::Differs { cells: 1, of } => write!(f, "1 of {of} cells differs"),
            Self::Differs { cells, of } => write!(f, "{cells} of {of} cells differ"),
            Self::OtherShape { is, should_be } => {
                write!(f, "{} x {} instead of {} x {}", is.0, is.1, should_be.0, should_be.1)
            }
            Self::Missing => f.write_str("missing, or no grid"),
            Self::Unknown => f.write_str("truth unknown"),
        }
    }
}

/// The lines of words above the grids of a row; as a number, how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Words {
    /// None: the figure's caption and the arrow say all.
    None = 0,
    /// What each is.
    Name = 1,
    /// What each is, and below it what each attempt is worth.
    NameAndVerdict = 2,
}

impl Words {
    /// The words above some panels of a figure, the same for all of them so that their grids are in line.
    pub(super) fn above(panels: &[Panel], figure: &Figure) -> Self {
        match (figure.has_attempts(), panels.iter().any(|panel| panel.verdict.is_some())) {
            (false, _) => Self::None,
            (true, false) => Self::Name,
            (true, true) => Self::NameAndVerdict,
        }
    }
}

impl<'a> Figure<'a> {
    /// The demonstrations of a task.
    pub(super) fn demonstrations(shown: &Shown<'a>) -> Vec<Self> {
        let figure = |(place, pair): (usize, &'a Pair)| Self {
            caption: format!("demonstration {}", place + 1),
            panels: vec![Panel::plain("input", Some(&pair.input)), Panel::plain("output", Some(&pair.output))],
        };
        shown.task.train.iter().enumerate().map(figure).collect()
    }

    /// Its test inputs, with the attempts where there are answers.
    pub(super) fn tests(shown: &Shown<'a>) -> Vec<Self> {
        let figure = |(place, test): (usize, &'a Test)| {
            let truth = test.output.as_ref();
            let answers = shown.answers.as_ref().map(|answers| answers.get(place).copied().unwrap_or_default());
            Self {
                caption: format!("test {}", place + 1),
                panels: [Panel::plain("input", Some(&test.input)), Panel::plain("output", truth)]
                    .into_iter()
                    .chain(answers.into_iter().flat_map(|attempts| attempted(attempts, truth)))
                    .collect(),
            }
        };
        shown.task.test.iter().enumerate().map(figure).collect()
    }

    /// True when attempts stand beside the truth: the panels then bear their names.
    pub(super) fn has_attempts(&self) -> bool {
        self.panels.len() > 2
    }

    /// True when a cell of an attempt differs from the truth's.
    pub(super) fn has_marks(&self) -> bool {
        self.panels.iter().any(|panel| panel.truth.is_some())
    }

    /// The grids of all panels.
    pub(super) fn grids(&self) -> impl Iterator<Item = &'a Grid> {
        self.panels.iter().filter_map(|panel| panel.grid)
    }
}

fn attempted<'a>(attempts: Attempts<'a>, truth: Option<&'a Grid>) -> impl Iterator<Item = Panel<'a>> {
    attempts.into_iter().enumerate().map(move |(place, grid)| Panel::attempt(place + 1, grid, truth))
}

impl<'a> Panel<'a> {
    fn plain(name: &str, grid: Option<&'a Grid>) -> Self {
        Self { name: name.to_owned(), grid, verdict: None, truth: None }
    }

    fn attempt(number: usize, grid: Option<&'a Grid>, truth: Option<&'a Grid>) -> Self {
        let verdict = judge(grid, truth);
        let truth = truth.filter(|_| matches!(verdict, Verdict::Differs { .. }));
        Self { name: format!("attempt {number}"), grid, verdict: Some(verdict), truth }
    }

    /// True when the cell differs from the truth's; never where the shapes differ, since no cell has its counterpart then.
    pub(super) fn is_wrong(&self, row: usize, column: usize) -> bool {
        self.grid.zip(self.truth).is_some_and(|(grid, truth)| grid.at(row, column) != truth.at(row, column))
    }

    /// The cells that differ, in row order.
    pub(super) fn wrong_cells(&self) -> impl Iterator<Item = (usize, usize)> {
        let (rows, columns) = self.grid.map_or((0, 0), shape);
        let cells = (0..rows).flat_map(move |row| (0..columns).map(move |column| (row, column)));
        cells.filter(|&(row, column)| self.is_wrong(row, column))
    }
}

fn judge(grid: Option<&Grid>, truth: Option<&Grid>) -> Verdict {
    match (grid, truth) {
        (None, _) => Verdict::Missing,
        (_, None) => Verdict::Unknown,
        (Some(grid), Some(truth)) if shape(grid) != shape(truth) => {
            Verdict::OtherShape { is: shape(grid), should_be: shape(truth) }
        }
        (Some(grid), Some(truth)) => match grid.cells().iter().zip(truth.cells()).filter(|(a, b)| a != b).count() {
            0 => Verdict::Right,
            cells => Verdict::Differs { cells, of: truth.cells().len() },
        },
    }
}

fn shape(grid: &Grid) -> (usize, usize) {
    (grid.rows(), grid.columns())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{grid, solved};
    use super::*;

    #[test]
    fn every_attempt_is_judged_in_words() {
        let truth = grid(&["123", "456", "789"]);
        let words = |attempt: Option<&Grid>, truth: Option<&Grid>| judge(attempt, truth).to_string();
        assert_eq!(words(Some(&truth), Some(&truth)), "right");
        assert_eq!(words(Some(&grid(&["123", "456", "780"])), Some(&truth)), "1 of 9 cells differs");
        assert_eq!(words(Some(&grid(&["000", "456", "789"])), Some(&truth)), "3 of 9 cells differ");
        assert_eq!(words(Some(&grid(&["1234", "1234", "1234"])), Some(&truth)), "3 x 4 instead of 3 x 3");
        assert_eq!(words(None, Some(&truth)), "missing, or no grid");
        assert_eq!(words(Some(&truth), None), "truth unknown");
    }

    #[test]
    fn exactly_the_cells_that_differ_are_wrong() {
        let (truth, near, other) = (grid(&["12", "34"]), grid(&["12", "54"]), grid(&["123"]));
        let task = solved(&truth);
        let shown = Shown { title: String::new(), task: &task, answers: Some(vec![[Some(&near), Some(&other)]]) };
        let tests = Figure::tests(&shown);
        let wrong = tests[0].panels.iter().map(|panel| panel.wrong_cells().collect());
        assert_eq!(wrong.collect::<Vec<Vec<_>>>(), [vec![], vec![], vec![(1, 0)], vec![]]);
        assert!(tests[0].has_marks() && tests[0].has_attempts());
    }

    #[test]
    fn a_test_input_that_the_answers_lack_has_missing_attempts() {
        let truth = grid(&["1"]);
        let task = solved(&truth);
        let shown = Shown { title: String::new(), task: &task, answers: Some(vec![]) };
        let verdicts: Vec<_> = Figure::tests(&shown)[0].panels.iter().map(|panel| panel.verdict).collect();
        assert_eq!(verdicts, [None, None, Some(Verdict::Missing), Some(Verdict::Missing)]);
    }
}
