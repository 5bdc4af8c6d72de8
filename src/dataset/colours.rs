//! `Colours`: whether a colour permutation belongs to a puzzle row, or is drawn anew in the grids whenever a task is seen.
//!
//! The paper gives every variant, colours included, a row of its own: the row says what each colour has become. Drawn in the grids, one row
//! serves all permutations, so it is visited more often. It can then no longer say which colour plays which part: that is left to the
//! grids. A colour that only outputs show could not be told at all, so it stays, as 0 does.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::augment::ColourMap;
use crate::grid::COLOURS;
use crate::rng::Stream;
use crate::task::{Pair, Task};

/// Where colours are permuted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Colours {
    /// In the variants alone, as the plan says, each with its own row.
    #[default]
    ByVariant,
    /// Also at every visit, in the grids alone: all but 0 and those that only outputs show.
    InGrids,
    /// The same, but a colour that every demonstration shows stays too: it is likely to play a part of its own.
    VaryingInGrids,
}

/// The permutations under which a task is looked at when nobody says how many.
pub const LOOKS: usize = 8;

/// The colours of a task that may change places, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Movable(Vec<u8>);

impl Movable {
    /// 1..=9 without those that only the demonstrations' outputs show; none where colours stay.
    pub fn of(task: &Task, colours: Colours) -> Self {
        let in_inputs = |colour| task.inputs().any(|grid| grid.cells().contains(&colour));
        let in_outputs = |colour| task.train.iter().any(|pair| pair.output.cells().contains(&colour));
        let shows = |pair: &Pair, colour| pair.input.cells().contains(&colour) || pair.output.cells().contains(&colour);
        let varies = |colour| !task.train.iter().all(|pair| shows(pair, colour));
        let moves = |&colour: &u8| match colours {
            Colours::ByVariant => false,
            Colours::InGrids => in_inputs(colour) || !in_outputs(colour),
            Colours::VaryingInGrids => (in_inputs(colour) || !in_outputs(colour)) && varies(colour),
        };
        Self((1..COLOURS).filter(moves).collect())
    }

    /// Which they are.
    pub fn colours(&self) -> &[u8] {
        &self.0
    }

    /// A permutation of them; every other colour stays. Draws nothing where there is none.
    pub fn draw(&self, stream: &mut Stream) -> ColourMap {
        let mut to = self.0.clone();
        stream.shuffle(&mut to);
        let mut map: [u8; COLOURS as usize] = std::array::from_fn(|colour| colour as u8);
        self.0.iter().zip(&to).for_each(|(&from, &to)| map[usize::from(from)] = to);
        ColourMap::new(map).expect("a shuffled permutation is one")
    }

    /// The first permutations under which a task is looked at, the identity first: `count` of them, or as many as its inputs tell apart.
    pub fn looks(&self, task: &Task, count: usize) -> Vec<ColourMap> {
        self.first_looks(task, count, count)
    }

    /// The first `wanted` of those `count` permutations.
    pub fn first_looks(&self, task: &Task, count: usize, wanted: usize) -> Vec<ColourMap> {
        let mut stream = Stream::new(0, &format!("colours of {}", task.id));
        let shown = shown(task);
        let seen = |map: &ColourMap| shown.iter().map(|&colour| map.apply(colour)).collect::<Vec<_>>();
        let mut maps = vec![ColourMap::IDENTITY];
        let mut known = HashSet::from([seen(&ColourMap::IDENTITY)]);
        let most = wanted.min(self.most_looks(task, count));
        for _ in 0..count.saturating_mul(DRAWS_PER_LOOK) {
            if maps.len() >= most {
                break;
            }
            let map = self.draw(&mut stream);
            if known.insert(seen(&map)) {
                maps.push(map);
            }
        }
        maps
    }

    /// A bound of how many permutations [`looks`](Self::looks) finds, without a search: `count`, or as many as the inputs tell apart.
    pub fn most_looks(&self, task: &Task, count: usize) -> usize {
        let shown = shown(task).iter().filter(|colour| self.0.contains(colour)).count();
        let places = self.0.len();
        let apart = (0..shown).map(|taken| places - taken).product::<usize>();
        count.max(1).min(apart)
    }
}

/// The colours that the inputs of a task show.
fn shown(task: &Task) -> Vec<u8> {
    (0..COLOURS).filter(|colour| task.inputs().any(|grid| grid.cells().contains(colour))).collect()
}

/// Draws per wanted permutation before a task is taken to have no more.
const DRAWS_PER_LOOK: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::Grid;
    use crate::task::Test;

    /// 5 becomes 2 or 1 stays; 7 stands in the test input alone.
    fn task() -> Task {
        let row = |cells: [u8; 3]| Grid::from_fn(1, 3, |_, column| cells[column]);
        let pair = |input, output| Pair { input: row(input), output: row(output) };
        Task {
            id: "a".into(),
            train: vec![pair([5, 0, 1], [2, 0, 1]), pair([0, 5, 5], [0, 2, 2])],
            test: vec![Test { input: row([7, 5, 0]), output: None }],
        }
    }

    #[test]
    fn the_background_and_what_only_outputs_show_stay() {
        let movable = Movable::of(&task(), Colours::InGrids);
        assert_eq!(movable.0, [1, 3, 4, 5, 6, 7, 8, 9]);
        let mut stream = Stream::new(0, "test");
        let maps: Vec<_> = (0..100).map(|_| movable.draw(&mut stream)).collect();
        assert!(maps.iter().all(|map| map.apply(0) == 0 && map.apply(2) == 2));
        assert!((3..10).all(|to| maps.iter().any(|map| map.apply(5) == to)));
        assert_eq!(
            Movable::of(&task(), Colours::VaryingInGrids).0,
            [1, 3, 4, 6, 7, 8, 9],
            "every demonstration shows 5"
        );
        let still = Movable::of(&task(), Colours::ByVariant);
        assert_eq!(still.draw(&mut stream), ColourMap::IDENTITY);
    }

    #[test]
    fn looks_are_distinct_to_the_eye_and_begin_with_the_task_as_it_is() {
        let movable = Movable::of(&task(), Colours::InGrids);
        let maps = movable.looks(&task(), 20);
        assert_eq!((maps.len(), maps[0]), (20, ColourMap::IDENTITY));
        let mut shown: Vec<_> = maps.iter().map(|map| [5, 1, 7].map(|colour| map.apply(colour))).collect();
        shown.sort_unstable();
        shown.dedup();
        assert_eq!(shown.len(), 20);
        assert_eq!(Movable::of(&task(), Colours::ByVariant).looks(&task(), 20).len(), 1);
        assert_eq!(maps, movable.looks(&task(), 20));
        assert_eq!(maps[..7], movable.first_looks(&task(), 20, 7));
    }
    #[test]
    fn all_looks_of_a_task_are_found_however_many_are_asked_for_and_in_no_time() {
        // 1, 5 and 7 move and are shown: they go to three of eight places
        let movable = Movable::of(&task(), Colours::InGrids);
        assert_eq!(movable.most_looks(&task(), usize::MAX), 8 * 7 * 6);
        let maps = movable.looks(&task(), usize::MAX);
        assert_eq!((maps.len(), maps[0]), (8 * 7 * 6, ColourMap::IDENTITY));
        assert_eq!(movable.looks(&task(), 0).len(), 1);
        let mut shows_all = task();
        shows_all.test[0].input = Grid::from_fn(3, 3, |row, column| (3 * row + column + 1) as u8);
        let movable = Movable::of(&shows_all, Colours::InGrids);
        assert_eq!(movable.looks(&shows_all, 20_000).len(), 20_000);
    }
}
