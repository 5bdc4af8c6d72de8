//! The run: every task, in one round or in several, through any solver, with a valid submission on the disk from the first second.
//!
//! In rounds every task has an answer early and more votes later. What bites: a task that the time did not reach and a task that the solver
//! does not know both keep a copy of the input, but only the second is `unseen`.

use std::sync::atomic::AtomicBool;

use super::plan::{Plan, SolveError};
use super::solve_loop::{Phase, SolveLoop};
use super::standing::TaskTrail;
use crate::prediction::Solver;
use crate::report::Record;
use crate::submission::Submission;

/// How far a run is, after each task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The round, from 0.
    pub round: usize,
    /// All rounds.
    pub rounds: usize,
    /// Tasks of this round that are behind it.
    pub done: usize,
    /// All tasks.
    pub tasks: usize,
    /// Tasks with all outputs solved; `None` where the solutions are not known.
    pub solved: Option<usize>,
}

/// What a run leaves behind, as it stands in the files.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The record, finished.
    pub record: Record,
    /// The submission.
    pub submission: Submission,
}

/// Solves the tasks of a plan in order, round by round, until they are done, the time is up, or `interrupt` is set.
///
/// # Errors
/// [`SolveError`]; the submission on the disk is then the last one that could be written, and whole.
pub fn run(
    solver: &mut dyn Solver,
    plan: &Plan<'_>,
    record: Record,
    interrupt: &AtomicBool,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Outcome, SolveError> {
    go_on(solver, plan, record, None, interrupt, on_progress)
}

/// The same, but what is behind `trail` is not asked again.
///
/// # Errors
/// [`SolveError`], also when the trail is another run's.
pub fn go_on(
    solver: &mut dyn Solver,
    plan: &Plan<'_>,
    record: Record,
    trail: Option<TaskTrail>,
    interrupt: &AtomicBool,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Outcome, SolveError> {
    let mut solving = SolveLoop::start(plan, record, solver.rounds(), false, trail, interrupt)?;
    solving.solve(solver, Phase::Base { until: None }, on_progress)?;
    solving.finish()
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::atomic::Ordering;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::files::{self, FileError};
    use crate::grid::Grid;
    use crate::prediction::{self, Solved};
    use crate::report::Status;
    use crate::solver::Copy;
    use crate::submission;
    use crate::task::{Pair, Task, TaskSet, Test};

    fn grid(colour: u8) -> Grid {
        Grid::from_fn(1, 1, |_, _| colour)
    }

    fn set(ids: &[&str]) -> TaskSet {
        let task = |id: &&str| Task {
            id: (*id).into(),
            train: vec![Pair { input: grid(1), output: grid(2) }],
            test: vec![Test { input: grid(3), output: Some(grid(3)) }],
        };
        TaskSet { name: "mine".into(), tasks: ids.iter().map(task).collect() }
    }

    fn plan<'a>(set: &'a TaskSet, folder: &Path) -> Plan<'a> {
        let (submission, record) = (folder.join("submission.json"), folder.join("run.json"));
        let predictions = Some(folder.join("predictions.jsonl"));
        Plan { set, inputs: Vec::new(), submission, predictions, record, time_limit: None, started: Instant::now() }
    }

    /// Knows only some tasks, calls back before each, and stops when told.
    struct Knows<F: FnMut(&Task)>(&'static [&'static str], F);

    impl<F: FnMut(&Task)> Solver for Knows<F> {
        fn name(&self) -> &str {
            "knows"
        }

        fn solve(&mut self, task: &Task, stop: &(dyn Fn() -> bool + Sync)) -> Solved {
            (self.1)(task);
            if stop() {
                return Ok(Vec::new());
            }
            if self.0.contains(&task.id.as_str()) { Copy.solve(task, stop) } else { Ok(Vec::new()) }
        }
    }

    fn go(solver: &mut dyn Solver, plan: &Plan<'_>, interrupt: &AtomicBool) -> Result<Outcome, SolveError> {
        run(solver, plan, Record::new("test", "test", plan.set, 0, "cpu"), interrupt, &mut |_| {})
    }

    #[test]
    fn the_submission_is_whole_before_the_first_task_and_the_record_says_running() {
        let (set, folder) = (set(&["a", "b"]), tempfile::tempdir().unwrap());
        let plan = plan(&set, folder.path());
        let mut seen = 0;
        let mut solver = Knows(&["a", "b"], |_| {
            assert_eq!(submission::read_answers(&plan.submission).unwrap().len(), 2);
            assert_eq!(Record::read(&plan.record).unwrap().status, Status::Running);
            seen += 1;
        });
        let outcome = go(&mut solver, &plan, &AtomicBool::new(false)).unwrap();
        assert_eq!((seen, outcome.record.status), (2, Status::Complete));
        assert_eq!(Record::read(&plan.record).unwrap(), outcome.record);
        assert_eq!(prediction::read(plan.predictions.as_ref().unwrap()).unwrap().len(), 2);
        assert_eq!(outcome.record.score.unwrap().pass_at.unwrap()[&1], 1.0);
    }

    #[test]
    fn a_task_the_solver_does_not_know_is_unseen_and_answered_by_the_input() {
        let (set, folder) = (set(&["a", "b"]), tempfile::tempdir().unwrap());
        let plan = plan(&set, folder.path());
        let outcome = go(&mut Knows(&["b"], |_| {}), &plan, &AtomicBool::new(false)).unwrap();
        let record = outcome.record;
        assert_eq!((record.unseen.as_slice(), record.answered, record.unanswered), (&["a".to_owned()][..], 1, 0));
        assert_eq!(outcome.submission.get("a").unwrap()[0].attempt_1, grid(3));
        assert_eq!(record.score.unwrap().pass_at.unwrap()[&1000], 0.5);
    }

    #[test]
    fn an_interrupt_ends_the_run_in_order_and_what_it_missed_is_not_unseen() {
        let (set, folder) = (set(&["a", "b", "c"]), tempfile::tempdir().unwrap());
        let plan = plan(&set, folder.path());
        let interrupt = AtomicBool::new(false);
        let mut solver = Knows(&["a", "c"], |task| interrupt.store(task.id == "b", Ordering::Relaxed));
        let record = go(&mut solver, &plan, &interrupt).unwrap().record;
        assert_eq!((record.status, record.finished), (Status::Interrupted, true));
        assert_eq!((record.answered, record.unanswered, record.unseen.len()), (1, 2, 0));
        assert_eq!(submission::read_answers(&plan.submission).unwrap().len(), 3);
        assert_eq!(prediction::read(plan.predictions.as_ref().unwrap()).unwrap().len(), 1);
    }

    #[test]
    fn a_task_cut_short_uses_the_predictions_there_are() {
        let (mut set, folder) = (set(&["a"]), tempfile::tempdir().unwrap());
        let second = Test { input: grid(4), output: Some(grid(4)) };
        set.tasks[0].test.push(second);
        let plan = plan(&set, folder.path());
        let interrupt = AtomicBool::new(false);
        struct FirstOnly<'a>(&'a AtomicBool);
        impl Solver for FirstOnly<'_> {
            fn name(&self) -> &str {
                "first only"
            }

            fn solve(&mut self, task: &Task, stop: &(dyn Fn() -> bool + Sync)) -> Solved {
                self.0.store(true, Ordering::Relaxed);
                assert!(stop());
                let mut first = Copy.solve(task, stop)?;
                first.truncate(1);
                first[0].grid = Some(grid(9));
                Ok(first)
            }
        }
        let outcome = go(&mut FirstOnly(&interrupt), &plan, &interrupt).unwrap();
        assert_eq!((outcome.record.status, outcome.record.answered), (Status::Interrupted, 1));
        assert!(outcome.record.unseen.is_empty());
        let attempts = outcome.submission.get("a").unwrap();
        assert_eq!((&attempts[0].attempt_1, &attempts[1].attempt_1), (&grid(9), &grid(4)));
    }

    #[test]
    fn an_end_that_comes_during_the_last_task_and_cuts_nothing_leaves_a_complete_run() {
        struct Deaf<'a>(&'a AtomicBool);
        impl Solver for Deaf<'_> {
            fn name(&self) -> &str {
                "deaf"
            }

            fn solve(&mut self, task: &Task, _: &(dyn Fn() -> bool + Sync)) -> Solved {
                self.0.store(task.id == "b", Ordering::Relaxed);
                Copy.solve(task, &|| false)
            }
        }
        let (set, folder, interrupt) = (set(&["a", "b"]), tempfile::tempdir().unwrap(), AtomicBool::new(false));
        let record = go(&mut Deaf(&interrupt), &plan(&set, folder.path()), &interrupt).unwrap().record;
        assert_eq!((record.status, record.answered, record.unanswered), (Status::Complete, 2, 0));
    }

    #[test]
    fn a_spent_time_limit_still_leaves_every_file() {
        let (set, folder) = (set(&["a"]), tempfile::tempdir().unwrap());
        let plan = Plan { time_limit: Some(Duration::ZERO), ..plan(&set, folder.path()) };
        let record = go(&mut Copy, &plan, &AtomicBool::new(false)).unwrap().record;
        assert_eq!((record.status, record.unanswered, record.answered), (Status::TimeLimit, 1, 0));
        assert!(plan.submission.exists() && plan.record.exists() && plan.predictions.unwrap().exists());
    }

    #[test]
    fn outputs_that_cannot_be_written_are_found_before_the_work() {
        let (set, folder) = (set(&["a"]), tempfile::tempdir().unwrap());
        files::write(&folder.path().join("taken"), b"").unwrap();
        let plan = Plan { record: folder.path().join("taken/run.json"), ..plan(&set, folder.path()) };
        let mut solver = Knows(&[], |_| panic!("the work began"));
        assert!(go(&mut solver, &plan, &AtomicBool::new(false)).is_err());
        assert!(!plan.submission.exists());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
        let again = folder.path().join("new/../submission.json");
        let same = Plan { record: again, predictions: None, ..plan };
        assert!(matches!(same.check(), Err(FileError::SamePlace { .. })));
        let tasks = folder.path().join("./taken");
        let input = Plan { inputs: vec![folder.path().join("taken")], record: tasks, ..same };
        assert!(matches!(input.check(), Err(FileError::OverInput { .. })));
        let beside = Plan { inputs: vec![folder.path().to_owned()], record: folder.path().join("run.json"), ..input };
        assert!(matches!(beside.check(), Err(FileError::OverInput { .. })), "a folder of tasks holds tasks alone");
    }
}
