//! The promise: against a clock every task has an answer early and more votes later, and a run that the clock does not cut comes to what one
//! round comes to.

mod program;

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use dfdx::prelude::Cpu;
use program::{Program, assert_refused, small_grids};
use serde_json::Value;
use trm_arc::grid::Grid;
use trm_arc::prediction::{self, Prediction, Solved, Solver};
use trm_arc::recipe::Trained;
use trm_arc::report::{Record, Status};
use trm_arc::solve::{self, ModelSolver, Outcome, Plan, Progress};
use trm_arc::submission;
use trm_arc::task::{Pair, Task, TaskSet, Test};

fn grid(colour: u8) -> Grid {
    Grid::from_fn(1, 1, |_, _| colour)
}

/// Tasks of two test inputs each.
fn set(ids: &[&str]) -> TaskSet {
    let test = || Test { input: grid(3), output: Some(grid(7)) };
    let task = |id: &&str| Task {
        id: (*id).into(),
        train: vec![Pair { input: grid(1), output: grid(2) }],
        test: vec![test(), test()],
    };
    TaskSet { name: "mine".into(), tasks: ids.iter().map(task).collect() }
}

fn plan<'a>(set: &'a TaskSet, folder: &Path) -> Plan<'a> {
    let (submission, record) = (folder.join("submission.json"), folder.join("run.json"));
    let predictions = Some(folder.join("predictions.jsonl"));
    Plan { set, inputs: Vec::new(), submission, predictions, record, time_limit: None, started: Instant::now() }
}

/// Says 5 in the first round and 7 in the two after it, and does not know the task "none". Calls back with task and round.
struct Learns<'a> {
    in_rounds: bool,
    before: &'a dyn Fn(&Task, usize),
}

impl Learns<'_> {
    fn says(task: &Task, round: usize) -> Vec<Prediction> {
        let answer = |test: usize, view: usize| Prediction {
            task: task.id.clone(),
            test,
            augmentation: format!("view {view}"),
            grid: Some(grid(if round == 0 { 5 } else { 7 })),
            halt: 0.5,
            earlier: Vec::new(),
        };
        let first = round * (round + 1) / 2;
        let views = first..=first + round;
        let all = (0..task.test.len()).flat_map(|test| views.clone().map(move |view| answer(test, view)));
        if task.id == "none" { Vec::new() } else { all.collect() }
    }
}

impl Solver for Learns<'_> {
    fn name(&self) -> &str {
        "learns"
    }

    fn solve(&mut self, task: &Task, _: &(dyn Fn() -> bool + Sync)) -> Solved {
        let mut all: Vec<Prediction> = (0..3).flat_map(|round| Self::says(task, round)).collect();
        all.sort_by_key(|prediction| prediction.test);
        Ok(all)
    }

    fn rounds(&self) -> usize {
        if self.in_rounds { 3 } else { 1 }
    }

    fn solve_round(&mut self, task: &Task, round: usize, stop: &(dyn Fn() -> bool + Sync)) -> Solved {
        (self.before)(task, round);
        match self.in_rounds {
            true if stop() => Ok(Vec::new()),
            true => Ok(Self::says(task, round)),
            false => self.solve(task, stop),
        }
    }
}

fn go(solver: &mut dyn Solver, plan: &Plan<'_>, interrupt: &AtomicBool, seen: &mut dyn FnMut(Progress)) -> Outcome {
    solve::run(solver, plan, Record::new("test", "test", plan.set, 0, "cpu"), interrupt, seen).unwrap()
}

#[test]
fn rounds_that_are_not_cut_come_to_what_one_round_comes_to() {
    let (set, folder) = (set(&["a", "none", "b"]), tempfile::tempdir().unwrap());
    let interrupt = AtomicBool::new(false);
    let run = |in_rounds, name: &str| {
        let place = folder.path().join(name);
        let plan = plan(&set, &place);
        let mut last = None;
        let outcome =
            go(&mut Learns { in_rounds, before: &|_, _| () }, &plan, &interrupt, &mut |progress| last = Some(progress));
        let mut record = outcome.record;
        record.entries.iter_mut().for_each(|entry| entry.seconds = 0.0);
        (record.seconds, record.started_unix) = (0.0, 0);
        let read = |path: &Path| fs::read_to_string(path).unwrap();
        (record, read(&plan.submission), read(plan.predictions.as_ref().unwrap()), last.unwrap())
    };
    let (one, several) = (run(false, "one"), run(true, "several"));
    assert_eq!(one.2, several.2, "predictions stand in the order of tasks, tests and views");
    assert_eq!((&one.0, &one.1), (&several.0, &several.1));
    assert_eq!((one.0.answered, one.0.unseen.as_slice(), one.0.unanswered), (2, &["none".to_owned()][..], 0));
    assert_eq!((one.0.status, one.0.entries[0].predictions), (Status::Complete, 12));
    assert_eq!(one.0.score.as_ref().unwrap().solved_tasks.len(), 2);
    assert_eq!((one.3.rounds, one.3.done), (1, 3));
    assert_eq!((several.3.round, several.3.rounds, several.3.done, several.3.solved), (2, 3, 3, Some(2)));
}

#[test]
fn a_run_that_is_cut_in_a_later_round_has_an_answer_for_each_task_from_the_first() {
    let (set, folder) = (set(&["a", "none", "b"]), tempfile::tempdir().unwrap());
    let plan = plan(&set, folder.path());
    let (interrupt, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    let before = |task: &Task, round: usize| {
        asked.fetch_add(1, Ordering::Relaxed);
        assert!(round == 0 || task.id != "none", "what is not known is not asked again");
        if round == 1 {
            // what stood after the first round, and what the second has changed since
            let answers = submission::read_answers(&plan.submission).unwrap();
            assert!(answers["a"][0].contains(&grid(5)) && answers["none"][0].contains(&grid(3)));
            interrupt.store(task.id == "b", Ordering::Relaxed);
        }
    };
    let record = go(&mut Learns { in_rounds: true, before: &before }, &plan, &interrupt, &mut |_| ()).record;
    assert_eq!((record.status, record.answered, record.unanswered), (Status::Interrupted, 2, 0));
    assert_eq!((record.unseen.len(), asked.into_inner()), (1, 5));
    let answers = submission::read_answers(&plan.submission).unwrap();
    // two votes for 7 have overtaken the one for 5 where the second round came
    assert_eq!((&answers["a"][1][0], &answers["b"][1][0]), (&grid(7), &grid(5)));
    let lines = prediction::read(plan.predictions.as_ref().unwrap()).unwrap();
    let tasks: Vec<&str> = lines.iter().map(|line| line.task.as_str()).collect();
    assert_eq!(tasks, [["a"; 6].as_slice(), &["b"; 2]].concat());
    assert_eq!(record.entries.iter().map(|entry| entry.predictions).collect::<Vec<_>>(), [6, 0, 2]);
}

#[test]
fn a_limit_that_passes_when_nothing_is_left_to_do_cuts_nothing() {
    let (set, folder) = (set(&["a"]), tempfile::tempdir().unwrap());
    let plan = plan(&set, folder.path());
    let interrupt = AtomicBool::new(false);
    /// Has nothing more after its first round, and does not ask.
    struct Short<'a>(&'a AtomicBool);
    impl Solver for Short<'_> {
        fn name(&self) -> &str {
            "short"
        }

        fn solve(&mut self, task: &Task, _: &(dyn Fn() -> bool + Sync)) -> Solved {
            Ok(Learns::says(task, 0))
        }

        fn rounds(&self) -> usize {
            2
        }

        fn solve_round(&mut self, task: &Task, round: usize, stop: &(dyn Fn() -> bool + Sync)) -> Solved {
            self.0.store(true, Ordering::Relaxed);
            if round == 0 { self.solve(task, stop) } else { Ok(Vec::new()) }
        }
    }
    let record = go(&mut Short(&interrupt), &plan, &interrupt, &mut |_| ()).record;
    assert_eq!((record.status, record.answered), (Status::Complete, 1));
}

/// A checkpoint of the smallest model with 32 variants of a few tasks, and these tasks.
fn trained(folder: &Program) -> String {
    let changes = [
        ("hidden = 128", "hidden = 32"),
        ("puzzle_width = 128", "puzzle_width = 32"),
        ("heads = 4", "heads = 2"),
        ("plan = \"dihedral\"", "plan = \"variants-32\""),
        ("largest_side = 10", "largest_side = 3"),
        ("largest_side = 7", "largest_side = 3"),
        ("batch = 16", "batch = 4"),
        ("warmup = 100", "warmup = 0"),
    ];
    let recipe = folder.write("tiny.toml", &small_grids(&changes, 4));
    let ended = folder.run(&["train", &recipe, "--output", "run"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    folder.path("run")
}

#[test]
fn the_views_of_a_model_come_in_rounds_and_are_those_of_one_to_the_bit() {
    let folder = Program::new();
    let path = trained(&folder);
    let solver = |views| {
        let trained = Trained::load(Path::new(&path), &Cpu::default()).unwrap();
        ModelSolver::new(trained, views, 2).unwrap().with_tokens_per_batch(100)
    };
    let set = trm_arc::task::load("arc-agi-1/evaluation").unwrap();
    let known = Trained::load(Path::new(&path), &Cpu::default()).unwrap().identifiers;
    let task = set.tasks.iter().find(|task| !known.of_task(&task.id).is_empty()).unwrap();
    let mut task = task.clone();
    task.test.push(Test { input: task.train[0].input.clone(), output: None });
    let views = known.of_task(&task.id).len();
    assert!(views > 8, "{views} views make no three rounds");
    let whole = solver(views).solve(&task, &|| false).unwrap();
    assert_eq!(whole.len(), views * task.test.len());
    let mut parts = Vec::new();
    let mut in_rounds = solver(views).in_rounds();
    assert_eq!((solver(1).in_rounds().rounds(), in_rounds.rounds(), solver(views).rounds()), (1, 3, 1));
    for (round, count) in [1, 7, views - 8].into_iter().enumerate() {
        let part = in_rounds.solve_round(&task, round, &|| false).unwrap();
        assert_eq!(part.len(), count * task.test.len());
        parts.extend(part);
    }
    parts.sort_by_key(|prediction| prediction.test);
    assert!(parts == whole, "an answer depends on its round");
}

#[test]
fn solve_against_a_clock_that_does_not_strike_writes_the_same_bytes() {
    let folder = Program::new();
    trained(&folder);
    let solve = |name: &str, flags: &[&str]| {
        let [submission, predictions] = ["s.json", "p.jsonl"].map(|file| folder.path(&format!("{name}/{file}")));
        let fixed =
            ["solve", "arc-agi-1/evaluation", "--checkpoint", "run", "--steps", "1", "--submission", &submission];
        let ended = folder.run(&[&fixed[..], &["--predictions", &predictions], flags].concat());
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert!(!ended.stdout.contains("ended by the time limit"), "{}", ended.stdout);
        (fs::read(submission).unwrap(), fs::read_to_string(predictions).unwrap())
    };
    let (without, with) = (solve("without", &[]), solve("with", &["--time-limit", "2h"]));
    assert!(without.1.lines().count() > 9);
    assert!(without == with, "the clock changed something");
}

#[test]
fn solve_adapts_first_within_its_limit_and_beside_its_submission() {
    let folder = Program::new();
    trained(&folder);
    let flags = ["--checkpoint", "run", "--steps", "1", "--submission", "out/s.json"];
    let solve = |more: &[&str]| folder.run(&[&["solve", "arc-agi-1/evaluation"], &flags[..], more].concat());
    assert_refused(&solve(&["--adapt", "3s", "--time-limit", "3s"]), &["--adapt leaves nothing of --time-limit"]);
    let copy = folder.run(&["solve", "arc-agi-1/evaluation", "--solver", "copy", "--adapt", "3s"]);
    assert_refused(&copy, &["--adapt belongs to --solver trm"]);
    let none = folder.run(&[
        "solve",
        "arc-agi-1/evaluation",
        "--checkpoint",
        "gone",
        "--adapt",
        "3s",
        "--submission",
        "out/s.json",
    ]);
    assert!(none.code == 2 && none.stderr.contains("error: gone is no checkpoint"), "{}", none.stderr);
    assert!(!folder.has("out"), "a checkpoint that is none leaves no submission");

    let ended = solve(&["--adapt", "4s", "--time-limit", "20m", "--shard", "2/8"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stderr.contains("adapting run to the tasks, into out/adapted"), "{}", ended.stderr);
    assert!(ended.stdout.contains("adapted     out/adapted"), "{}", ended.stdout);
    let record: Value = serde_json::from_slice(&fs::read(folder.path("out/run.json")).unwrap()).unwrap();
    assert_eq!(record["checkpoint"]["path"], "out/adapted");
    let adapted = Trained::load(Path::new(&folder.path("out/adapted")), &Cpu::default()).unwrap();
    // of this shard alone, and answered by the checkpoint as it was, or as far as there was time to adapt
    let before = Trained::load(Path::new(&folder.path("run")), &Cpu::default()).unwrap();
    let is_known = |trained: &Trained<Cpu>, id: &Value| !trained.identifiers.of_task(id.as_str().unwrap()).is_empty();
    let ids: Vec<&Value> = record["entries"].as_array().unwrap().iter().map(|entry| &entry["id"]).collect();
    let known = ids.iter().filter(|id| is_known(&before, id) || is_known(&adapted, id)).count();
    let answered = record["answered"].as_u64().unwrap() as usize;
    assert!(adapted.identifiers.tasks() > 0 && answered == known, "{answered} of {known}");
    assert_eq!((ids.len(), answered + record["unseen"].as_array().unwrap().len()), (50, 50));
    let left_out = record["adaptation"]["left_out"].as_array().unwrap().len();
    assert_eq!(left_out + adapted.identifiers.tasks(), 50);

    assert_refused(&solve(&["--adapt", "3s"]), &["out/adapted holds a checkpoint already", "--adapted"]);
    fs::write(folder.path("taken"), "").unwrap();
    assert_refused(&solve(&["--adapt", "3s", "--adapted", "taken"]), &["taken is there already", "--adapted"]);
}
