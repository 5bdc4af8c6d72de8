//! `PuzzleScore`: how many puzzles are exact, and which share of their cells is right: of all, by rating, after each supervision step, and
//! apart for those that stand in the training set.
//!
//! As the published metrics have it: a puzzle is exact when its whole grid is the answer, and all cells count, those that are given too.

use std::fmt;

use itertools::Itertools;
use serde::{Deserialize, Serialize};

use crate::puzzle::Kind;
use crate::score::wilson;

/// What came of one puzzle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Its rating.
    pub rating: u32,
    /// Whether its question stands in the training set; `None` where that is not known.
    pub is_learned: Option<bool>,
    /// The cells that are right after each supervision step.
    pub right: Vec<u16>,
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PuzzleScore {
    /// Of all puzzles that were answered.
    pub all: Group,
    /// Those whose question stands in the training set, and the others; `None` where the training set is not at hand.
    pub learned: Option<Learned>,
    /// By rating, the bands that have a puzzle.
    pub by_rating: Vec<Band>,
    /// After each supervision step.
    pub by_step: Vec<Group>,
}

/// Puzzles together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// How many.
    pub puzzles: usize,
    /// How many of them are exact.
    pub exact: usize,
    /// The share of them that is exact, in 0..=1.
    pub exact_share: f64,
    /// Wilson's interval of that share.
    pub interval_95_percent: (f64, f64),
    /// The mean share of right cells, in 0..=1.
    pub accuracy: f64,
}

/// The puzzles whose questions stand in the training set, up to symmetries (of a Sudoku of 9 x 9 as they are), and the others.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Learned {
    /// Questions of the training set.
    pub learned: Group,
    /// Questions that the training never showed.
    pub unlearned: Group,
}

/// The puzzles whose ratings lie in a band.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Band {
    /// The least rating.
    pub least: u32,
    /// The highest rating; `None` of the last band, which has no end.
    pub most: Option<u32>,
    /// Its puzzles.
    pub group: Group,
}

/// The last ratings of the bands; one more has what is above. A Sudoku's rating is backtracks, a maze's is steps.
fn bands(kind: Kind) -> &'static [u32] {
    match kind {
        Kind::Sudoku => &[0, 10, 30, 100],
        Kind::Maze => &[10, 20, 50, 100, 150, 200],
    }
}

impl PuzzleScore {
    /// The score of these puzzles, each of so many cells; `None` of none.
    pub fn of(kind: Kind, cells: usize, judged: &[Judged]) -> Option<Self> {
        let last = judged.first()?.right.len().checked_sub(1)?;
        let group = |puzzles: &mut dyn Iterator<Item = &Judged>| Group::of(cells, puzzles.map(|one| one.right[last]));
        let ends = bands(kind);
        let band = |place: usize| {
            let (least, most) = (place.checked_sub(1).map_or(0, |before| ends[before] + 1), ends.get(place).copied());
            let is_within = |one: &&Judged| one.rating >= least && most.is_none_or(|most| one.rating <= most);
            Band { least, most, group: group(&mut judged.iter().filter(is_within)) }
        };
        let learned = |wanted: bool| group(&mut judged.iter().filter(|one| one.is_learned == Some(wanted)));
        let is_known = judged.iter().all(|one| one.is_learned.is_some());
        Some(Self {
            all: group(&mut judged.iter()),
            learned: is_known.then(|| Learned { learned: learned(true), unlearned: learned(false) }),
            by_rating: (0..=ends.len()).map(band).filter(|band| band.group.puzzles > 0).collect(),
            by_step: (0..=last).map(|step| Group::of(cells, judged.iter().map(|one| one.right[step]))).collect(),
        })
    }

    /// Every group with its name, in the order in which tables have them.
    pub fn groups(&self) -> Vec<(String, Group)> {
        let mut groups = vec![("all".to_owned(), self.all)];
        if let Some(Learned { learned, unlearned }) = self.learned {
            groups.extend([("not in training".to_owned(), unlearned), ("in training".to_owned(), learned)]);
        }
        groups.extend(self.by_rating.iter().map(|band| (band.to_string(), band.group)));
        groups.extend(self.by_step.iter().zip(1..).map(|(group, step)| (format!("after step {step}"), *group)));
        groups
    }
}

impl Group {
    /// Puzzles of so many cells, each with so many of them right.
    fn of(cells: usize, right: impl IntoIterator<Item = u16>) -> Self {
        let right = right.into_iter().map(usize::from).collect_vec();
        let exact = right.iter().filter(|&&right| right == cells).count();
        let (puzzles, share) =
            (right.len(), |part: f64, whole: usize| if whole == 0 { 0.0 } else { part / whole as f64 });
        Self {
            puzzles,
            exact,
            exact_share: share(exact as f64, puzzles),
            interval_95_percent: wilson(exact as f64, puzzles as f64),
            accuracy: share(right.iter().sum::<usize>() as f64, puzzles * cells),
        }
    }
}

impl fmt::Display for Band {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { least, most, .. } = self;
        match most {
            None => write!(f, "rating above {}", least.saturating_sub(1)),
            Some(most) if most == least => write!(f, "rating {least}"),
            Some(most) => write!(f, "rating {least} to {most}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(rating: u32, is_learned: bool, right: [u16; 2]) -> Judged {
        Judged { rating, is_learned: Some(is_learned), right: right.to_vec() }
    }

    #[test]
    fn every_puzzle_counts_once_in_each_way() {
        let all =
            [judged(0, true, [3, 4]), judged(10, false, [4, 4]), judged(11, false, [1, 2]), judged(900, true, [0, 4])];
        let score = PuzzleScore::of(Kind::Sudoku, 4, &all).unwrap();
        assert_eq!((score.all.puzzles, score.all.exact, score.all.exact_share), (4, 3, 0.75));
        assert_eq!((score.all.accuracy, score.all.interval_95_percent), (14.0 / 16.0, wilson(3.0, 4.0)));
        let names: Vec<String> = score.by_rating.iter().map(Band::to_string).collect();
        assert_eq!(names, ["rating 0", "rating 1 to 10", "rating 11 to 30", "rating above 100"]);
        assert_eq!(score.by_rating.iter().map(|band| band.group.exact).collect_vec(), [1, 1, 0, 1]);
        assert_eq!(score.by_step.iter().map(|step| step.exact).collect_vec(), [1, 3]);
        assert_eq!(score.by_step[1], score.all);
        let learned = score.learned.unwrap();
        assert_eq!((learned.learned.exact, learned.unlearned.exact, learned.unlearned.puzzles), (2, 1, 2));
        assert_eq!(score.groups().len(), 1 + 2 + 4 + 2);
    }

    #[test]
    fn what_is_not_known_is_not_counted() {
        let unknown = Judged { rating: 3, is_learned: None, right: vec![4] };
        assert_eq!(PuzzleScore::of(Kind::Maze, 4, &[unknown]).unwrap().learned, None);
        assert_eq!(PuzzleScore::of(Kind::Maze, 4, &[]), None);
    }
}
