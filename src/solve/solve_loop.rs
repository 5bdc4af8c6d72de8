//! Loop over rounds and tasks that every run goes through, with one solver or, where the checkpoint adapts to the tasks, with two.
//!
//! Note: the journal numbers the rounds of the second solver from [`FIRST_ADAPTED_ROUND`] on. Where the clock has ended the rounds of the
//! first one, the journal goes on there, and so does a run that goes on by it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::plan::{Plan, SolveError};
use super::run::{Outcome, Progress};
use super::standing::{Standing, TaskTrail};
use crate::prediction::Solver;
use crate::report::{Checkpoint, Record, Status};

/// Number of the first round after an adaptation in the journal: no solver has as many rounds.
const FIRST_ADAPTED_ROUND: usize = 1000;

/// Part of a run, by its solver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The solver that was asked for. Where it adapts later, it ends when so much of the run's time has passed.
    Base {
        /// The time.
        until: Option<Duration>,
    },
    /// The checkpoint that is adapted to the tasks. Its answers and those of before vote together.
    Adapted,
}

/// A run on its way, through one solver or two.
pub struct SolveLoop<'a> {
    plan: &'a Plan<'a>,
    standing: Standing<'a>,
    interrupt: &'a AtomicBool,
    /// Cut is only what was told to stop: a limit that passes while the last task is finished cuts nothing.
    is_cut: AtomicBool,
}

impl<'a> SolveLoop<'a> {
    /// Writes a valid submission and a record. `rounds` are those of the first solver, `adapts` says that another comes after it.
    ///
    /// # Errors
    /// [`SolveError`], also when the trail is another run's.
    pub fn start(
        plan: &'a Plan<'a>,
        record: Record,
        rounds: usize,
        adapts: bool,
        trail: Option<TaskTrail>,
        interrupt: &'a AtomicBool,
    ) -> Result<Self, SolveError> {
        plan.check()?;
        let standing = Standing::start(plan, record, rounds, adapts, trail)?;
        Ok(Self { plan, standing, interrupt, is_cut: AtomicBool::new(false) })
    }

    /// True when the run is to end: it is cut then, unless nothing is left to do.
    pub fn is_over(&self) -> bool {
        let is_over = self.interrupt.load(Ordering::Relaxed) || self.plan.is_over_time();
        self.is_cut.fetch_or(is_over, Ordering::Relaxed);
        is_over
    }

    /// Takes note of the checkpoint that is adapted to the tasks, and of the tasks that it is not adapted to.
    pub fn adapted(&mut self, name: String, checkpoint: Checkpoint, left_out: Vec<String>) {
        self.standing.adapted(name, checkpoint, left_out);
    }

    /// Solves the tasks in order, round by round, until they are done or the phase is to end.
    ///
    /// # Errors
    /// [`SolveError`]; the submission on the disk is then the last one that could be written, and whole.
    pub fn solve(
        &mut self,
        solver: &mut dyn Solver,
        phase: Phase,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<(), SolveError> {
        let (first, next_phase, until) = match phase {
            Phase::Base { until } => (0, FIRST_ADAPTED_ROUND, until),
            Phase::Adapted => (FIRST_ADAPTED_ROUND, usize::MAX, None),
        };
        let (plan, interrupt, all_cut) = (self.plan, self.interrupt, &self.is_cut);
        let is_cut = AtomicBool::new(false);
        let stop = || {
            let is_over = interrupt.load(Ordering::Relaxed) || plan.is_over_time();
            all_cut.fetch_or(is_over, Ordering::Relaxed);
            let is_over = is_over || until.is_some_and(|until| plan.started.elapsed() >= until);
            is_cut.fetch_or(is_over, Ordering::Relaxed);
            is_over
        };
        let standing = &mut self.standing;
        let rounds = solver.rounds();
        for round in 0..rounds {
            for (place, task) in plan.set.tasks.iter().enumerate() {
                let is_first = round == 0;
                if is_first || standing.has_answer(place) {
                    if standing.is_behind() {
                        // what is behind is taken over whatever the clock says, or the submission would lose answers
                        if interrupt.load(Ordering::Relaxed) {
                            all_cut.store(true, Ordering::Relaxed);
                            return Ok(());
                        }
                        if standing.next_round()?.is_some_and(|round| round >= next_phase) {
                            return Ok(());
                        }
                    }
                    let behind = standing.behind(first + round, place)?;
                    // Later rounds ask the solver alone: it may have nothing left to be cut.
                    if behind.is_none() && is_first && stop() {
                        return Ok(());
                    }
                    let (predictions, spent) = match behind {
                        Some(behind) => behind,
                        None => {
                            let before = Instant::now();
                            let predictions = solver.solve_round(task, round, &stop)?;
                            let spent = before.elapsed();
                            if !is_cut.load(Ordering::Relaxed) {
                                standing.put_down(first + round, place, &predictions, spent)?;
                            }
                            (predictions, spent)
                        }
                    };
                    let is_cut = is_cut.load(Ordering::Relaxed);
                    let ends_phase_alone = is_cut && !all_cut.load(Ordering::Relaxed);
                    // what the journal does not have must not count in a run that goes on
                    if is_cut && (predictions.is_empty() || ends_phase_alone) {
                        return Ok(());
                    }
                    if is_first || !predictions.is_empty() {
                        standing.take(place, predictions, spent, is_cut)?;
                    }
                }
                on_progress(standing.progress(round, rounds, place + 1));
            }
        }
        Ok(())
    }

    /// Writes all that comes of the run.
    ///
    /// # Errors
    /// [`SolveError`].
    pub fn finish(self) -> Result<Outcome, SolveError> {
        let status = match (self.is_cut.into_inner(), self.interrupt.load(Ordering::Relaxed)) {
            (false, _) => Status::Complete,
            (true, true) => Status::Interrupted,
            (true, false) => Status::TimeLimit,
        };
        self.standing.finish(status)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::grid::Grid;
    use crate::prediction::{Prediction, Solved};
    use crate::submission;
    use crate::task::{Pair, Task, TaskSet, Test};

    fn grid(color: u8) -> Grid {
        Grid::from_fn(1, 1, |_, _| color)
    }

    fn set() -> TaskSet {
        let task = |id: &str| Task {
            id: id.into(),
            train: vec![Pair { input: grid(1), output: grid(2) }],
            test: vec![Test { input: grid(3), output: Some(grid(5)) }],
        };
        TaskSet { name: "mine".into(), tasks: ["a", "b", "c"].map(task).into() }
    }

    fn plan<'a>(set: &'a TaskSet, folder: &Path) -> Plan<'a> {
        let (submission, record) = (folder.join("s.json"), folder.join("run.json"));
        let predictions = Some(folder.join("p.jsonl"));
        Plan { set, inputs: Vec::new(), submission, predictions, record, time_limit: None, started: Instant::now() }
    }

    /// Gives a grid of one color so many votes, for the tasks that it knows, and calls back before each.
    struct Says<F: FnMut(&str)>(&'static [&'static str], u8, usize, F);

    impl<F: FnMut(&str)> Solver for Says<F> {
        fn name(&self) -> &str {
            "says"
        }

        fn solve(&mut self, task: &Task, stop: &(dyn Fn() -> bool + Sync)) -> Solved {
            (self.3)(&task.id);
            let votes = if self.0.contains(&task.id.as_str()) && !stop() { self.2 } else { 0 };
            let prediction = Prediction {
                task: task.id.clone(),
                test: 0,
                augmentation: "t0|||0123456789".into(),
                grid: Some(grid(self.1)),
                halt: 0.5,
                earlier: Vec::new(),
            };
            Ok(vec![prediction; votes])
        }
    }

    fn record(set: &TaskSet) -> Record {
        Record::new("test", "test", set, 0, "cpu")
    }

    const BASE: Phase = Phase::Base { until: None };

    #[test]
    fn the_answers_of_both_checkpoints_vote_and_what_the_second_does_not_know_keeps_those_of_the_first() {
        let (set, folder) = (set(), tempfile::tempdir().unwrap());
        let (plan, interrupt) = (plan(&set, folder.path()), AtomicBool::new(false));
        let mut solving = SolveLoop::start(&plan, record(&set), 1, true, None, &interrupt).unwrap();
        solving.solve(&mut Says(&["a", "b"], 5, 3, |_| ()), BASE, &mut |_| ()).unwrap();
        let between = submission::read_answers(&plan.submission).unwrap();
        assert_eq!(between["a"][0][0], grid(5), "a good submission stands before the adaptation");
        solving.solve(&mut Says(&["a", "c"], 7, 2, |_| ()), Phase::Adapted, &mut |_| ()).unwrap();
        let outcome = solving.finish().unwrap();
        let attempts = |id| {
            let attempts = &outcome.submission.get(id).unwrap()[0];
            (attempts.attempt_1.clone(), attempts.attempt_2.clone())
        };
        assert_eq!(attempts("a"), (grid(5), grid(7)));
        assert_eq!(attempts("b"), (grid(5), grid(5)));
        assert_eq!(attempts("c"), (grid(7), grid(7)));
        let record = outcome.record;
        assert_eq!((record.status, record.answered, record.unanswered), (Status::Complete, 3, 0));
        assert!(record.unseen.is_empty(), "c is known by now");
        assert_eq!(record.entries.iter().map(|entry| entry.predictions).collect::<Vec<_>>(), [5, 3, 2]);
    }

    #[test]
    fn a_first_phase_that_its_time_ends_cuts_no_run_and_a_run_that_goes_on_does_not_take_it_up_again() {
        let (set, folder) = (set(), tempfile::tempdir().unwrap());
        let (plan, interrupt) = (plan(&set, folder.path()), AtomicBool::new(false));
        let over = Phase::Base { until: Some(Duration::ZERO) };
        let mut solving = SolveLoop::start(&plan, record(&set), 1, true, None, &interrupt).unwrap();
        solving.solve(&mut Says(&["a", "b"], 5, 3, |_| panic!("the phase is over")), over, &mut |_| ()).unwrap();
        assert!(!solving.is_over());
        let ends = |id: &str| interrupt.store(id == "b", Ordering::Relaxed);
        solving.solve(&mut Says(&["a", "b", "c"], 7, 2, ends), Phase::Adapted, &mut |_| ()).unwrap();
        assert_eq!(solving.finish().unwrap().record.status, Status::Interrupted);

        interrupt.store(false, Ordering::Relaxed);
        let trail = TaskTrail::find(&plan.trail()).unwrap().unwrap();
        let mut solving = SolveLoop::start(&plan, record(&set), 1, true, Some(trail), &interrupt).unwrap();
        solving.solve(&mut Says(&[], 5, 3, |id| panic!("{id} is asked again")), BASE, &mut |_| ()).unwrap();
        let asked_before = |id: &str| assert_ne!(id, "a");
        solving.solve(&mut Says(&["b", "c"], 7, 2, asked_before), Phase::Adapted, &mut |_| ()).unwrap();
        let record = solving.finish().unwrap().record;
        assert_eq!((record.status, record.answered), (Status::Complete, 3));
    }

    #[test]
    fn a_run_that_is_stopped_before_it_has_caught_up_leaves_the_answers_that_stand() {
        let (set, folder) = (set(), tempfile::tempdir().unwrap());
        let (plan, interrupt) = (plan(&set, folder.path()), AtomicBool::new(false));
        let mut solving = SolveLoop::start(&plan, record(&set), 1, true, None, &interrupt).unwrap();
        solving.solve(&mut Says(&["a", "b", "c"], 5, 1, |_| ()), BASE, &mut |_| ()).unwrap();
        interrupt.store(true, Ordering::Relaxed);
        assert!(solving.is_over());
        solving.finish().unwrap();
        for (is_stopped, status) in [(true, Status::Interrupted), (false, Status::Complete)] {
            interrupt.store(is_stopped, Ordering::Relaxed);
            let trail = TaskTrail::find(&plan.trail()).unwrap().unwrap();
            let mut solving = SolveLoop::start(&plan, record(&set), 1, true, Some(trail), &interrupt).unwrap();
            solving.solve(&mut Says(&[], 5, 1, |_| panic!("asked again")), BASE, &mut |_| ()).unwrap();
            assert_eq!(solving.finish().unwrap().record.status, status);
            assert_eq!(submission::read_answers(&plan.submission).unwrap()["c"][0][0], grid(5), "{status:?}");
        }
    }
}
