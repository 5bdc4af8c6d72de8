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

/// What solves.
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
