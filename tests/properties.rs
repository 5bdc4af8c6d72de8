//! The promise: what holds of the examples in the other tests holds of any grid, augmentation, canvas, vote and score. What is drawn at random
//! and fails is made smaller until nothing can be left out, and printed.

use std::collections::HashMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::{Config, FileFailurePersistence};
use trm_arc::augment::{Augmentation, ColourMap, Dihedral, PuzzleView, form_of};
use trm_arc::encode::{
    Canvas, Extent, FIRST_COLOUR, Offset, PAD, VOCABULARY, draw, labels, puzzle, read, read_puzzle, vocabulary_of,
};
use trm_arc::grid::Grid;
use trm_arc::model::pack;
use trm_arc::prediction::{Answers, Attempts, Prediction};
use trm_arc::puzzle::Kind;
use trm_arc::recipe::Cut;
use trm_arc::score::{PASS_AT, Ranks, score, wilson};
use trm_arc::task::{Pair, Task, TaskSet, Test};
use trm_arc::vote::{attempts, rank};

/// So many examples of each, drawn anew at every run; nothing is kept of those that fail but what is printed.
fn config() -> Config {
    Config { cases: 128, failure_persistence: Some(Box::new(FileFailurePersistence::Off)), ..Config::default() }
}

/// A grid with at most so many rows and columns, of so many colours.
fn grid(most: usize, colours: u8) -> impl Strategy<Value = Grid> {
    (1..=most, 1..=most).prop_flat_map(move |(rows, columns)| {
        vec(0..colours, rows * columns).prop_map(move |cells| Grid::new(rows, columns, cells).unwrap())
    })
}

fn colour_map() -> impl Strategy<Value = ColourMap> {
    Just([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]).prop_shuffle().prop_map(|map| ColourMap::new(map).unwrap())
}

fn augmentation() -> impl Strategy<Value = Augmentation> {
    (select(Dihedral::ALL.to_vec()), colour_map()).prop_map(|(dihedral, colours)| Augmentation { dihedral, colours })
}

/// A kind of puzzle, a side that it has, and cells of a square of that side.
fn puzzle_grid() -> impl Strategy<Value = (Kind, Grid)> {
    let sides =
        select(vec![(Kind::Sudoku, 4), (Kind::Sudoku, 6), (Kind::Sudoku, 9), (Kind::Maze, 3), (Kind::Maze, 30)]);
    sides.prop_flat_map(|(kind, side)| {
        let cells = vec(0..kind.alphabet(side) as u8, side * side);
        cells.prop_map(move |cells| (kind, Grid::new(side, side, cells).unwrap()))
    })
}

/// Predictions of one test input: few grids, so that many agree, and halting probabilities whose sums are exact in any order.
fn votes() -> impl Strategy<Value = Vec<Prediction>> {
    let vote = (proptest::option::weighted(0.9, 0..5u8), 0..=64u8);
    vec(vote.prop_map(|(colour, halt)| prediction("a", 0, colour, f64::from(halt) / 64.0)), 0..20)
}

fn prediction(task: &str, test: usize, colour: Option<u8>, halt: f64) -> Prediction {
    let grid = colour.map(|colour| Grid::from_fn(1, 2, |_, _| colour));
    Prediction { task: task.into(), test, augmentation: "t0|||0123456789".into(), grid, halt, earlier: Vec::new() }
}

/// A set of tasks with one to three test outputs of five colours, and predictions for some of them.
fn judged() -> impl Strategy<Value = (TaskSet, Vec<Prediction>)> {
    let task = |number: usize, outputs: Vec<u8>| {
        let grid = |colour: u8| Grid::from_fn(1, 2, |_, _| colour);
        let test = |colour: u8| Test { input: grid(9), output: Some(grid(colour)) };
        let train = vec![Pair { input: grid(1), output: grid(2) }];
        Task { id: number.to_string(), train, test: outputs.into_iter().map(test).collect() }
    };
    vec(vec(0..5u8, 1..4), 1..6).prop_flat_map(move |tasks| {
        let tasks: Vec<Task> = tasks.into_iter().enumerate().map(|(number, outputs)| task(number, outputs)).collect();
        let count = tasks.len();
        let vote = (0..count, 0..3usize, proptest::option::weighted(0.9, 0..5u8), 0..=64u8);
        let vote = vote
            .prop_map(|(task, test, colour, halt)| prediction(&task.to_string(), test, colour, f64::from(halt) / 64.0));
        (Just(TaskSet { name: "drawn".into(), tasks }), vec(vote, 0..60))
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_is_augmented_is_undone_and_its_name_says_all(grid in grid(30, 10), by in augmentation()) {
        let seen = by.apply(&grid);
        prop_assert_eq!(&by.undo(&seen), &grid);
        prop_assert_eq!(&by.apply(&by.undo(&grid)), &grid);
        prop_assert_eq!(by.to_string().parse::<Augmentation>().unwrap(), by);
        let name = by.variant_name("007bbfb7");
        prop_assert_eq!(Augmentation::parse_variant(&name).unwrap(), ("007bbfb7", by));
        let mut counts = [seen.cells().to_vec(), grid.map(|colour| by.colours.apply(colour)).cells().to_vec()];
        counts.iter_mut().for_each(|cells| cells.sort_unstable());
        prop_assert_eq!(&counts[0], &counts[1], "no cell is lost");
    }

    #[test]
    fn colours_before_an_augmentation_are_part_of_it(grid in grid(6, 10), by in augmentation(), first in colour_map()) {
        prop_assert_eq!(by.after(first).apply(&grid), by.apply(&grid.map(|colour| first.apply(colour))));
        prop_assert!(first.then(&first.inverse()).is_identity() && first.inverse().then(&first).is_identity());
    }

    #[test]
    fn a_puzzle_seen_in_any_variant_is_taken_back_and_keeps_its_form((kind, grid) in puzzle_grid(), number in 0..1000usize, variant in 0..8usize) {
        let view = PuzzleView::variant(kind, grid.rows(), number, variant);
        let seen = view.apply(&grid);
        prop_assert_eq!(&view.undo(&seen), &grid);
        if kind == Kind::Maze || grid.rows() == 4 {
            prop_assert_eq!(form_of(kind, &seen), form_of(kind, &grid));
        }
    }

    #[test]
    fn a_puzzle_is_read_as_it_was_written((kind, grid) in puzzle_grid()) {
        let line = kind.text(&grid);
        prop_assert_eq!(&kind.parse(&line).unwrap(), &grid);
        let drawing = puzzle(&grid);
        prop_assert!(drawing.cells.iter().all(|&cell| cell != PAD && usize::from(cell) < vocabulary_of(kind, grid.rows())));
        prop_assert_eq!(&read_puzzle(kind, &grid, &drawing.cells), &grid);
    }

    #[test]
    fn a_grid_drawn_on_any_canvas_that_holds_it_is_read_back(grid in grid(30, 10), more in (0..4usize, 0..4usize)) {
        let extent = Extent { rows: (grid.rows() + more.0).min(30), columns: (grid.columns() + more.1).min(30) };
        let board = Extent { rows: 30, columns: 30 };
        for extent in [extent, board] {
            let drawing = draw(&grid, extent, Offset::default()).unwrap();
            prop_assert_eq!(read(&drawing.cells, extent), Some(grid.clone()));
            prop_assert!(drawing.cells.iter().all(|&cell| usize::from(cell) < VOCABULARY));
            let learned = labels(&drawing).iter().flatten().filter(|&&cell| cell >= FIRST_COLOUR).count();
            prop_assert_eq!(learned, grid.cells().len(), "every cell is learned");
        }
        let offset = Offset { row: extent.rows - grid.rows(), column: extent.columns - grid.columns() };
        prop_assert!(draw(&grid, extent, offset).is_some());
        let below = Offset { row: offset.row + 1, ..offset };
        prop_assert!(draw(&grid, extent, below).is_none());
    }

    #[test]
    fn a_tight_canvas_holds_all_that_is_shown_of_tasks_that_keep_sizes(inputs in vec(grid(30, 10), 1..4), test in grid(30, 10)) {
        let train = inputs.into_iter().map(|input| Pair { output: input.map(|colour| 9 - colour), input }).collect();
        let hidden = Test { input: test.clone(), output: None };
        let task = Task { id: "drawn".into(), train, test: vec![hidden] };
        for pair in &task.train {
            let extent = Canvas::Tight.extent(&task, &pair.input);
            prop_assert!(extent.holds(&pair.input) && extent.holds(&pair.output));
        }
        let mut known = task.clone();
        known.test[0].output = Some(Grid::from_fn(30, 30, |_, _| 1));
        prop_assert_eq!(Canvas::Tight.extent(&task, &test), Canvas::Tight.extent(&known, &test), "the answer is not looked at");
    }

    #[test]
    fn batches_hold_every_example_once_in_order_and_none_is_cut_too_late(lengths in vec(1..200usize, 0..40), budget in 0..500usize) {
        let batches = pack(lengths.iter().copied(), budget);
        let joined: Vec<usize> = batches.iter().cloned().flatten().collect();
        prop_assert_eq!(joined, (0..lengths.len()).collect::<Vec<_>>());
        let tokens = |batch: &std::ops::Range<usize>| lengths[batch.clone()].iter().sum::<usize>();
        prop_assert!(batches.iter().all(|batch| batch.len() == 1 || tokens(batch) <= budget));
        for two in batches.windows(2) {
            prop_assert!(tokens(&two[0]) + lengths[two[1].start] > budget, "the next one would have fitted");
        }
        let examples = Cut::Examples(budget + 1).parts(&lengths);
        prop_assert_eq!(examples.into_iter().flatten().count(), lengths.len());
    }

    #[test]
    fn a_vote_does_not_hang_on_the_order_of_what_is_not_tied(votes in votes(), order in any::<proptest::sample::Index>()) {
        let candidates = rank(&votes);
        prop_assert_eq!(candidates.iter().map(|candidate| candidate.votes).sum::<usize>(), votes.len(), "every vote counts once");
        prop_assert!(candidates.windows(2).all(|two| (two[0].votes, two[0].halt) >= (two[1].votes, two[1].halt)));
        prop_assert!(candidates.iter().all(|candidate| (0.0..=1.0).contains(&candidate.halt)));
        let mut turned = votes.clone();
        turned.rotate_left(if votes.is_empty() { 0 } else { order.index(votes.len()) });
        turned.reverse();
        let key = |candidates: &[trm_arc::vote::Candidate]| {
            let mut all: Vec<_> = candidates.iter().map(|c| (c.votes, c.halt.to_bits(), c.grid.clone())).collect();
            all.sort();
            all
        };
        let again = rank(&turned);
        prop_assert_eq!(key(&candidates), key(&again));
        let places = |candidates: &[trm_arc::vote::Candidate]| candidates.iter().map(|c| (c.votes, c.halt.to_bits())).collect::<Vec<_>>();
        prop_assert_eq!(places(&candidates), places(&again), "the places are the same but for exact ties");
        let tied = |candidates: &[trm_arc::vote::Candidate]| {
            candidates.windows(2).any(|two| (two[0].votes, two[0].halt) == (two[1].votes, two[1].halt))
        };
        if !tied(&candidates) {
            prop_assert_eq!(candidates, again);
        }
    }

    #[test]
    fn one_more_vote_for_the_winner_leaves_it_the_winner_and_what_ends_last_is_submitted_never(votes in votes(), halt in 0..=64u8) {
        let input = Grid::from_fn(1, 1, |_, _| 7);
        let candidates = rank(&votes);
        let submitted = attempts(&candidates, &input);
        let Some(winner) = candidates.first() else {
            prop_assert!(submitted.attempt_1 == input && submitted.attempt_2 == input);
            return Ok(());
        };
        let mut more = votes.clone();
        more.push(Prediction { grid: winner.grid.clone(), ..prediction("a", 0, None, f64::from(halt) / 64.0) });
        let again = rank(&more);
        prop_assert_eq!(&again[0].grid, &winner.grid);
        prop_assert_eq!(again[0].votes, winner.votes + 1);
        prop_assert_eq!(attempts(&again, &input).attempt_1, submitted.attempt_1);
        prop_assert_eq!(submitted.attempt_2 == attempts(&candidates, &input).attempt_1, candidates.len() == 1);
    }

    #[test]
    fn scores_are_shares_that_grow_with_k_and_are_what_is_counted_anew((set, predictions) in judged(), kept in any::<proptest::sample::Index>()) {
        let ranks = Ranks::of(&predictions, &set);
        let voted = |task: &Task, test: usize| -> Vec<Option<Grid>> {
            let own = predictions.iter().filter(|one| one.task == task.id && one.test == test);
            rank(own).into_iter().map(|candidate| candidate.grid).collect()
        };
        let submitted = |task: &Task, test: usize| -> Vec<Grid> { voted(task, test).into_iter().take(2).flatten().collect() };
        let of_task = |task: &Task| (task.id.clone(), (0..task.test.len()).map(|test| submitted(task, test)).collect());
        let mut answers: Answers = set.tasks.iter().map(of_task).collect();
        let found = score(&answers, &set, Some(&ranks)).unwrap();

        // counted anew, without sums of shares: outputs by outputs
        let right = |task: &Task, test: usize, k: usize| voted(task, test).into_iter().take(k).any(|grid| grid == task.test[test].output);
        let count = |k: usize| set.tasks.iter().map(|task| (0..task.test.len()).filter(|&test| right(task, test, k)).count()).collect::<Vec<_>>();
        let share = |k: usize| count(k).iter().zip(&set.tasks).map(|(count, task)| *count as f64 / task.test.len() as f64).sum::<f64>() / set.tasks.len() as f64;
        prop_assert_eq!(found.solved_outputs, count(2).iter().sum::<usize>());
        prop_assert!((found.kaggle_score - found.solved_outputs as f64 / set.outputs() as f64).abs() < 1e-12);
        prop_assert!((found.task_score - share(2)).abs() < 1e-12);
        let whole: Vec<_> = set.tasks.iter().zip(count(2)).filter(|(task, count)| task.test.len() == *count).map(|(task, _)| task.id.clone()).collect();
        prop_assert_eq!(&found.solved_tasks, &whole);

        let pass_at = found.pass_at.unwrap();
        prop_assert_eq!(pass_at.keys().copied().collect::<Vec<_>>(), PASS_AT.to_vec());
        prop_assert!(pass_at.iter().all(|(&k, &value)| (value - share(k)).abs() < 1e-12));
        prop_assert!(pass_at.values().collect::<Vec<_>>().windows(2).all(|two| two[0] <= two[1]), "{:?}", pass_at);
        prop_assert!(pass_at.values().chain([&found.kaggle_score, &found.task_score]).all(|share| (0.0..=1.0).contains(share)));
        prop_assert!((pass_at[&2] - found.task_score).abs() < 1e-12, "two attempts are two candidates");

        // a task that is left out is a wrong one: no other task's outputs count for more
        let left_out = &set.tasks[kept.index(set.tasks.len())].id;
        answers.remove(left_out);
        let fewer = score(&answers, &set, None).unwrap();
        prop_assert_eq!(fewer.outputs, found.outputs);
        prop_assert!(fewer.kaggle_score <= found.kaggle_score && fewer.task_score <= found.task_score);
        prop_assert_eq!(fewer.solved_tasks, whole.into_iter().filter(|id| id != left_out).collect::<Vec<_>>());
    }

    #[test]
    fn an_interval_holds_its_share_and_narrows_with_more_trials(trials in 1..2000u32, part in 0.0..=1.0f64) {
        let (successes, trials) = ((f64::from(trials) * part).floor(), f64::from(trials));
        let (low, high) = wilson(successes, trials);
        let share = successes / trials;
        prop_assert!(0.0 <= low && low <= share + 1e-12 && share <= high + 1e-12 && high <= 1.0);
        let (more_low, more_high) = wilson(4.0 * successes, 4.0 * trials);
        prop_assert!(more_high - more_low < high - low);
    }

    #[test]
    fn predictions_and_submissions_are_read_as_they_were_written((set, predictions) in judged(), taken in subsequence((0..6usize).collect::<Vec<_>>(), 0..=6)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("predictions.jsonl");
        std::fs::write(&path, trm_arc::prediction::to_lines(&predictions)).unwrap();
        prop_assert_eq!(trm_arc::prediction::read(&path).unwrap(), predictions);
        let mut submission = trm_arc::submission::Submission::placeholders(&set);
        for task in taken.iter().filter_map(|&number| set.tasks.get(number)) {
            // two that differ, so that none stands in the place of the other
            let two = |test: &Test| Attempts { attempt_1: test.input.clone(), attempt_2: test.output.clone().unwrap() };
            let answers = task.test.iter().map(two).collect();
            submission.set(&task.id, answers).unwrap();
        }
        let path = folder.path().join("submission.json");
        submission.write(&path).unwrap();
        let read: HashMap<_, _> = trm_arc::submission::read_answers(&path).unwrap();
        prop_assert_eq!(read, submission.answers());
        prop_assert!(trm_arc::submission::check(&path, &set).unwrap().is_empty(), "Kaggle takes it");
    }
}
