//! The scores, against numbers worked out by hand.

use std::collections::BTreeMap;

use trm_arc::grid::Grid;
use trm_arc::prediction::{Answers, Prediction};
use trm_arc::score::{Ranks, score};
use trm_arc::task::{Pair, Task, TaskSet, Test};

fn grid(colour: u8) -> Grid {
    Grid::from_fn(2, 3, |_, _| colour)
}

/// A task whose test outputs are full of these colours.
fn task(id: &str, outputs: &[u8]) -> Task {
    let test = |&colour: &u8| Test { input: grid(0), output: Some(grid(colour)) };
    Task {
        id: id.into(),
        train: vec![Pair { input: grid(0), output: grid(1) }],
        test: outputs.iter().map(test).collect(),
    }
}

/// Four tasks with 1, 2, 3 and 1 outputs: seven outputs.
fn set() -> TaskSet {
    let tasks = vec![task("one", &[1]), task("two", &[1, 2]), task("three", &[1, 2, 3]), task("four", &[9])];
    TaskSet { name: "by hand".into(), tasks }
}

fn answers(tasks: &[(&str, &[[u8; 2]])]) -> Answers {
    let pair = |&[first, second]: &[u8; 2]| vec![grid(first), grid(second)];
    tasks.iter().map(|(task, outputs)| (task.to_string(), outputs.iter().map(pair).collect())).collect()
}

fn votes(task: &str, test: usize, colours: &[Option<u8>]) -> Vec<Prediction> {
    let vote = |colour: &Option<u8>| Prediction {
        task: task.into(),
        test,
        augmentation: "t0|||0123456789".into(),
        grid: colour.map(grid),
        halt: 0.5,
        earlier: Vec::new(),
    };
    colours.iter().map(vote).collect()
}

#[test]
fn kaggle_counts_outputs_and_the_task_score_counts_tasks() {
    let answers = answers(&[
        ("one", &[[1, 0]]),                   // 1 of 1
        ("two", &[[0, 1], [0, 0]]),           // 1 of 2, by the second attempt
        ("three", &[[0, 0], [3, 1], [3, 3]]), // 1 of 3; the order of outputs counts
        ("four", &[[9, 9]]),                  // 1 of 1
    ]);
    let score = score(&answers, &set(), None).unwrap();
    assert_eq!((score.tasks, score.outputs, score.solved_outputs), (4, 7, 4));
    assert!((score.kaggle_score - 4.0 / 7.0).abs() < 1e-12);
    assert!((score.task_score - (1.0 + 0.5 + 1.0 / 3.0 + 1.0) / 4.0).abs() < 1e-12);
    assert_eq!(score.solved_tasks, ["one", "four"]);
    assert_eq!(score.pass_at, None);
}

#[test]
fn a_missing_task_a_missing_output_and_a_missing_attempt_count_as_wrong() {
    let mut answers = answers(&[("one", &[[1, 1]]), ("two", &[[1, 1]]), ("stranger", &[[9, 9]])]);
    answers.insert("three".into(), vec![vec![], vec![grid(2)], vec![grid(0)], vec![grid(3), grid(3)]]);
    let score = score(&answers, &set(), None).unwrap();
    assert_eq!((score.outputs, score.solved_outputs), (7, 3));
    assert!((score.task_score - (1.0 + 0.5 + 1.0 / 3.0 + 0.0) / 4.0).abs() < 1e-12);
    assert_eq!(score.solved_tasks, ["one"]);
}

#[test]
fn nothing_submitted_scores_zero_of_the_whole_set() {
    let score = score(&Answers::new(), &set(), None).unwrap();
    assert_eq!((score.tasks, score.outputs), (4, 7));
    assert_eq!((score.kaggle_score, score.task_score), (0.0, 0.0));
}

#[test]
fn a_grid_of_another_shape_is_wrong_though_its_cells_are_equal() {
    let turned = Grid::from_fn(3, 2, |_, _| 1);
    let answers = Answers::from([("one".into(), vec![vec![turned.clone(), turned]])]);
    assert_eq!(score(&answers, &set(), None).unwrap().solved_outputs, 0);
}

#[test]
fn pass_at_k_looks_at_the_first_k_candidates_and_means_over_tasks() {
    let predictions = [
        votes("one", 0, &[Some(1)]),                                           // truth at place 1
        votes("two", 0, &[Some(5), Some(5), Some(1)]),                         // place 2
        votes("two", 1, &[Some(5), Some(6), None, Some(7), Some(8), Some(2)]), // ties: order of arrival, place 6
        votes("three", 1, &[Some(5), Some(5), None, None, Some(2)]),           // place 3, the empty board before it
        votes("four", 0, &[Some(0), Some(1)]),                                 // never
        votes("stranger", 0, &[Some(1)]),
    ]
    .concat();
    let ranks = Ranks::of(&predictions, &set());
    let pass_at = score(&Answers::new(), &set(), Some(&ranks)).unwrap().pass_at.unwrap();
    let third = 1.0 / 3.0;
    let by_hand: BTreeMap<usize, f64> = [
        (1, 1.0 / 4.0),
        (2, (1.0 + 0.5) / 4.0),
        (5, (1.0 + 0.5 + third) / 4.0),
        (10, (1.0 + 1.0 + third) / 4.0),
        (100, (1.0 + 1.0 + third) / 4.0),
        (1000, (1.0 + 1.0 + third) / 4.0),
    ]
    .into();
    assert_eq!(pass_at.keys().collect::<Vec<_>>(), by_hand.keys().collect::<Vec<_>>());
    for (k, value) in by_hand {
        assert!((pass_at[&k] - value).abs() < 1e-12, "pass@{k}: {} is not {value}", pass_at[&k]);
    }
}

#[test]
fn the_surer_of_two_equally_frequent_grids_comes_first() {
    let mut predictions = votes("one", 0, &[Some(5), Some(1)]);
    let pass_at_1 = |predictions: &[Prediction]| {
        score(&Answers::new(), &set(), Some(&Ranks::of(predictions, &set()))).unwrap().pass_at.unwrap()[&1]
    };
    assert_eq!(pass_at_1(&predictions), 0.0);
    predictions[1].halt = 0.6;
    assert_eq!(pass_at_1(&predictions), 0.25);
}

#[test]
fn a_hidden_set_cannot_be_scored_and_says_where_the_solution_is_missing() {
    let mut set = set();
    set.tasks[2].test[1].output = None;
    let message = score(&Answers::new(), &set, None).unwrap_err().to_string();
    assert!(message.contains("test input 1 of task three") && message.contains("solutions file"), "{message}");
}

#[test]
fn the_keys_of_the_json_are_the_promised_ones() {
    let value = serde_json::to_value(score(&Answers::new(), &set(), Some(&Ranks::default())).unwrap()).unwrap();
    for key in ["tasks", "outputs", "kaggle_score", "task_score", "solved_tasks", "pass_at"] {
        assert!(value.get(key).is_some(), "{key}");
    }
    assert_eq!(value["pass_at"]["1000"], 0.0);
}
