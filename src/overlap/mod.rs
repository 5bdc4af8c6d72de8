//! `Overlap`: what a second set of tasks shares with a first, by id, by content and pair by pair.
//!
//! Two pairs are the same when their inputs and outputs are; where an output is not known on one side, when their inputs are. Two tasks have
//! the same content when each pair of one, demonstration or test, is a pair of the other, in any order. A test pair of the second set that is
//! a pair of the first leaks: who has learned the first set has seen the answer.
//!
//! Up to symmetry, a pair is also the same when one augmentation (a dihedral map and a permutation of all ten colours) makes it into the other.
//! What bites: each pair is then turned by itself, so that tasks of tiny grids can be the same by chance.

mod form;
mod index;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use crate::task::{Task, TaskSet};
use index::{Found, Index, Position, pairs};

/// When two pairs are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Likeness {
    /// When every cell is.
    Equal,
    /// Also when an augmentation makes one into the other.
    UpToSymmetry,
}

/// A part of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The demonstrations.
    Train,
    /// The questions.
    Test,
}

/// What tells that two pairs are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// Input and output.
    Pair,
    /// The input alone, since an output is not known.
    Input,
}

/// Where a pair stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The task.
    pub task: String,
    /// The part of it.
    pub part: Part,
    /// Which of that part, from 0.
    pub index: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = match self.part {
            Part::Train => "train",
            Part::Test => "test",
        };
        write!(f, "{} {part} {}", self.task, self.index)
    }
}

/// A pair that both sets have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SharedPair {
    /// Where in the second set.
    pub second: Place,
    /// Where in the first.
    pub first: Vec<Place>,
    /// What tells.
    pub by: Evidence,
}

/// Two tasks with the same content and different ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Renamed {
    /// The id in the second set.
    pub second: String,
    /// The id in the first.
    pub first: String,
}

/// How much a set has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Extent {
    /// Its name.
    pub name: String,
    /// Its digest.
    pub digest: String,
    /// Its tasks.
    pub tasks: usize,
    /// Its demonstrations.
    pub train: usize,
    /// Its test pairs.
    pub test: usize,
    /// False where the output of a test is not known: such tests are compared by their inputs.
    pub has_solutions: bool,
}

impl Extent {
    fn of(set: &TaskSet) -> Self {
        Self {
            name: set.name.clone(),
            digest: set.digest(),
            tasks: set.tasks.len(),
            train: set.tasks.iter().map(|task| task.train.len()).sum(),
            test: set.outputs(),
            has_solutions: set.has_solutions(),
        }
    }
}

/// What two sets share, in the order of the second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Overlap {
    /// When two pairs count as the same.
    pub likeness: Likeness,
    /// The first set.
    pub first: Extent,
    /// The second set.
    pub second: Extent,
    /// Tasks with the same id and the same content.
    pub same: Vec<String>,
    /// Tasks with the same id and other content.
    pub changed: Vec<String>,
    /// Tasks with the same content and another id.
    pub renamed: Vec<Renamed>,
    /// Demonstrations of the second set that are pairs of the first.
    pub shared: Vec<SharedPair>,
    /// Test pairs of the second set that are pairs of the first, demonstrations or tests.
    pub leaked: Vec<SharedPair>,
}

impl Overlap {
    /// What `second` shares with `first`.
    pub fn between(first: &TaskSet, second: &TaskSet, likeness: Likeness) -> Self {
        let mut overlap = Self {
            likeness,
            first: Extent::of(first),
            second: Extent::of(second),
            same: Vec::new(),
            changed: Vec::new(),
            renamed: Vec::new(),
            shared: Vec::new(),
            leaked: Vec::new(),
        };
        let index = Index::new(first, likeness);
        let by_id: BTreeMap<&str, usize> =
            first.tasks.iter().enumerate().map(|(i, task)| (task.id.as_str(), i)).collect();
        for (place, task) in second.tasks.iter().enumerate() {
            let found: Vec<Found> = pairs(task).map(|pair| index.find(pair)).collect();
            overlap.file_task(task, by_id.get(task.id.as_str()).copied(), &twins(first, &found), first);
            for (pair, Found { places, by }) in
                found.into_iter().enumerate().filter(|(_, found)| !found.places.is_empty())
            {
                let second = Position { task: place, pair }.in_words(second);
                let list = if second.part == Part::Test { &mut overlap.leaked } else { &mut overlap.shared };
                list.push(SharedPair { second, first: places.iter().map(|place| place.in_words(first)).collect(), by });
            }
        }
        overlap
    }

    /// Files a task of the second set by its namesake in the first and by the tasks there with its content.
    fn file_task(&mut self, task: &Task, namesake: Option<usize>, twins: &[usize], first: &TaskSet) {
        if let Some(namesake) = namesake {
            let list = if twins.contains(&namesake) { &mut self.same } else { &mut self.changed };
            list.push(task.id.clone());
        }
        let others = twins.iter().filter(|&&twin| namesake != Some(twin));
        let renamed = |&twin: &usize| Renamed { second: task.id.clone(), first: first.tasks[twin].id.clone() };
        self.renamed.extend(others.map(renamed));
    }
}

/// The tasks of a set with the same content as one whose pairs were found so: each of its pairs is among theirs, and each of theirs among its.
fn twins(set: &TaskSet, found: &[Found]) -> Vec<usize> {
    let candidates: BTreeSet<usize> = found.iter().flat_map(|found| &found.places).map(|place| place.task).collect();
    let has_every_pair = |&task: &usize| {
        let in_it = |found: &Found| found.places.iter().any(|place| place.task == task);
        let places = found.iter().flat_map(|found| &found.places).filter(|place| place.task == task);
        let theirs: BTreeSet<usize> = places.map(|place| place.pair).collect();
        found.iter().all(in_it) && theirs.len() == pairs(&set.tasks[task]).count()
    };
    candidates.into_iter().filter(has_every_pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::{Augmentation, ColourMap, Dihedral};
    use crate::grid::Grid;
    use crate::task::{self, Pair, Test};

    fn between(first: &str, second: &str, likeness: Likeness) -> Overlap {
        Overlap::between(&task::load(first).unwrap(), &task::load(second).unwrap(), likeness)
    }

    /// Same, changed and renamed tasks, shared demonstrations and leaked tests.
    fn counts(overlap: &Overlap) -> [usize; 5] {
        let Overlap { same, changed, renamed, shared, leaked, .. } = overlap;
        [same.len(), changed.len(), renamed.len(), shared.len(), leaked.len()]
    }

    #[test]
    fn six_evaluation_tasks_of_arc_agi_2_are_evaluation_tasks_of_arc_agi_1() {
        let overlap = between("arc-agi-1/evaluation", "arc-agi-2/evaluation", Likeness::Equal);
        let mut same = overlap.same.clone();
        same.sort_unstable();
        assert_eq!(same, ["0934a4d8", "136b0064", "16b78196", "981571dc", "aa4ec2a5", "da515329"]);
        assert_eq!(counts(&overlap), [6, 0, 0, 24, 6]);
        assert!(overlap.leaked.iter().all(|pair| pair.second.part == Part::Test && pair.by == Evidence::Pair));
    }

    #[test]
    fn of_the_training_tasks_of_arc_agi_2_767_are_tasks_of_arc_agi_1_by_id_and_766_by_id_and_content() {
        let training = between("arc-agi-1/training", "arc-agi-2/training", Likeness::Equal);
        let evaluation = between("arc-agi-1/evaluation", "arc-agi-2/training", Likeness::Equal);
        assert_eq!(counts(&training), [391, 0, 1, 1276, 408]);
        assert_eq!(counts(&evaluation), [375, 1, 0, 1275, 395]);
        assert_eq!(training.same.len() + evaluation.same.len(), 766);
    }

    #[test]
    fn a_task_of_arc_agi_1_stands_in_both_its_sets_under_two_ids() {
        let overlap = between("arc-agi-1/training", "arc-agi-1/evaluation", Likeness::Equal);
        assert_eq!(overlap.renamed, [Renamed { second: "070dd51e".into(), first: "40853293".into() }]);
        assert_eq!(counts(&overlap), [0, 0, 1, 2, 1]);
        assert_eq!(
            format!("{} {}", overlap.leaked[0].second, overlap.leaked[0].first[0]),
            "070dd51e test 0 40853293 test 0"
        );
    }

    /// 50a16a69 test 0 is, recoloured, a demonstration of another task's: only cell by cell are the sets nearly apart.
    #[test]
    fn one_more_evaluation_test_of_arc_agi_1_is_a_demonstration_of_its_training_set_up_to_symmetry() {
        let overlap = between("arc-agi-1/training", "arc-agi-1/evaluation", Likeness::UpToSymmetry);
        let leaked = overlap.leaked.iter().map(|pair| format!("{} is {}", pair.second, pair.first[0]));
        let expected = ["070dd51e test 0 is 40853293 test 0", "50a16a69 test 0 is caa06a1f train 2"];
        assert_eq!(leaked.collect::<Vec<_>>(), expected);
    }

    fn grid(cells: [u8; 4]) -> Grid {
        Grid::new(2, 2, cells.to_vec()).unwrap()
    }

    fn one(id: &str, train: [[u8; 4]; 2], test: [u8; 4], answer: Option<[u8; 4]>) -> TaskSet {
        let train = vec![Pair { input: grid(train[0]), output: grid(train[1]) }];
        let test = vec![Test { input: grid(test), output: answer.map(grid) }];
        TaskSet { name: id.into(), tasks: vec![Task { id: id.into(), train, test }] }
    }

    #[test]
    fn a_test_that_is_a_demonstration_elsewhere_leaks_and_the_same_input_with_another_answer_does_not() {
        let first = one("a", [[1, 2, 3, 4], [4, 3, 2, 1]], [9, 9, 9, 9], Some([8, 8, 8, 8]));
        let leaky = one("b", [[5, 5, 5, 5], [6, 6, 6, 6]], [1, 2, 3, 4], Some([4, 3, 2, 1]));
        let overlap = Overlap::between(&first, &leaky, Likeness::Equal);
        assert_eq!((counts(&overlap), overlap.leaked[0].first[0].to_string()), ([0, 0, 0, 0, 1], "a train 0".into()));
        let other = one("b", [[5, 5, 5, 5], [6, 6, 6, 6]], [1, 2, 3, 4], Some([0, 3, 2, 1]));
        assert_eq!(counts(&Overlap::between(&first, &other, Likeness::Equal)), [0; 5]);
    }

    #[test]
    fn demonstrations_and_tests_in_another_order_are_the_same_content() {
        let first = one("a", [[1, 2, 3, 4], [4, 3, 2, 1]], [9, 9, 9, 9], Some([8, 8, 8, 8]));
        let turned = one("a", [[9, 9, 9, 9], [8, 8, 8, 8]], [1, 2, 3, 4], Some([4, 3, 2, 1]));
        assert_eq!(counts(&Overlap::between(&first, &turned, Likeness::Equal)), [1, 0, 0, 1, 1]);
        let mut longer = turned.clone();
        longer.tasks[0].train.push(Pair { input: grid([7; 4]), output: grid([7; 4]) });
        for (first, second) in [(&first, &longer), (&longer, &first)] {
            assert_eq!(counts(&Overlap::between(first, second, Likeness::Equal)), [0, 1, 0, 1, 1], "one pair more");
        }
    }

    #[test]
    fn without_solutions_on_either_side_tests_are_compared_by_their_inputs() {
        let known = one("a", [[1, 2, 3, 4], [4, 3, 2, 1]], [9, 9, 9, 0], Some([8, 8, 8, 8]));
        let hidden = one("b", [[5, 5, 5, 5], [6, 6, 6, 6]], [9, 9, 9, 0], None);
        for (first, second) in [(&known, &hidden), (&hidden, &known), (&hidden, &hidden)] {
            let overlap = Overlap::between(first, second, Likeness::Equal);
            assert_eq!((overlap.leaked.len(), overlap.leaked[0].by), (1, Evidence::Input));
            assert!(!overlap.first.has_solutions || !overlap.second.has_solutions);
        }
    }

    #[test]
    fn a_turned_and_recoloured_set_leaks_up_to_symmetry_alone() {
        let set = task::load("arc-agi-2/evaluation").unwrap();
        let colours = ColourMap::new([7, 9, 0, 1, 8, 2, 4, 5, 3, 6]).unwrap();
        let view = Augmentation { dihedral: Dihedral::Quarter, colours };
        let mut turned = set.clone();
        for task in &mut turned.tasks {
            task.id.push('x');
            for pair in &mut task.train {
                (pair.input, pair.output) = (view.apply(&pair.input), view.apply(&pair.output));
            }
            for test in &mut task.test {
                (test.input, test.output) =
                    (view.apply(&test.input), test.output.as_ref().map(|grid| view.apply(grid)));
            }
        }
        assert_eq!(counts(&Overlap::between(&turned, &set, Likeness::Equal)), [0; 5]);
        let overlap = Overlap::between(&turned, &set, Likeness::UpToSymmetry);
        assert_eq!(counts(&overlap), [0, 0, 120, 358, 172]);
    }
}
