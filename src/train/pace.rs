//! Plan of an adaptation against a clock: the tasks that a time is enough for, and the steps that are left of it.
//!
//! Nothing here reads a clock, so that tests can give the time.

use std::collections::VecDeque;

/// Share of the time that is left that the steps are to fill. The rest is for checkpoints, and for a pace that falls.
const FILLED: f64 = 0.95;

/// Share of the time over which the pace is averaged: a machine with other work is slow for a while and fast again.
const AVERAGED: f64 = 0.1;

/// Fewest steps that tell a pace.
const MIN_STEPS: usize = 3;

/// A task and what its examples take.
#[derive(Clone, Debug)]
pub(super) struct Size {
    pub id: String,
    /// Mean of its examples.
    pub tokens: f64,
    pub examples: usize,
}

/// Time that tasks need, by a measured pace.
#[derive(Clone, Copy, Debug)]
pub(super) struct Demand {
    /// Seconds of a step, for each token of its batch.
    pub seconds_of_token: f64,
    /// Examples of a step.
    pub batch: usize,
    /// Steps of a task below which learning it is not worth the time.
    pub steps_of_task: f64,
}

impl Demand {
    fn seconds_of_step(&self, tokens: f64, examples: usize) -> f64 {
        self.seconds_of_token * self.batch as f64 * tokens / examples.max(1) as f64
    }

    /// Seconds that these tasks need.
    pub fn seconds(&self, sizes: &[Size]) -> f64 {
        let (tokens, examples) = sums(sizes);
        (self.steps_of_task * sizes.len() as f64).ceil() * self.seconds_of_step(tokens, examples) / FILLED
    }

    /// The smallest tasks that there is time for, at least one; in the order of `sizes`.
    pub fn fitting(&self, sizes: &[Size], left: f64) -> Vec<Size> {
        let mut order: Vec<usize> = (0..sizes.len()).collect();
        order.sort_by(|&a, &b| sizes[a].tokens.total_cmp(&sizes[b].tokens));
        let (mut tokens, mut examples) = sums(sizes);
        let mut count = sizes.len();
        while count > 1 {
            let needed = (self.steps_of_task * count as f64).ceil() * self.seconds_of_step(tokens, examples);
            if needed <= FILLED * left {
                break;
            }
            count -= 1;
            let largest = &sizes[order[count]];
            tokens -= largest.tokens * largest.examples as f64;
            examples -= largest.examples;
        }
        let mut taken = order[..count].to_vec();
        taken.sort_unstable();
        taken.into_iter().map(|place| sizes[place].clone()).collect()
    }

    /// Steps on these tasks that fill the time.
    pub fn steps(&self, sizes: &[Size], left: f64) -> usize {
        let (tokens, examples) = sums(sizes);
        ((FILLED * left / self.seconds_of_step(tokens, examples)) as usize).max(1)
    }
}

/// Tokens and examples of all tasks.
fn sums(sizes: &[Size]) -> (f64, usize) {
    let tokens = sizes.iter().map(|size| size.tokens * size.examples as f64).sum();
    (tokens, sizes.iter().map(|size| size.examples).sum())
}

/// Pace of the latest steps, by which the steps that are left are planned anew.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    /// Time at which the last step is to be done.
    limit: f64,
    /// Seconds of each of the latest steps.
    latest: VecDeque<f64>,
    /// Their sum.
    seconds: f64,
    window: f64,
    /// When the last step ended; none before the first.
    last: Option<f64>,
}

impl Pace {
    /// Pace of steps that end at `limit`, in seconds on the clock that [`plan`](Self::plan) is given.
    pub fn new(limit: f64) -> Self {
        Self { limit, latest: VecDeque::new(), seconds: 0.0, window: AVERAGED * limit, last: None }
    }

    /// All steps of the schedule, when the step of this number has ended `now` and `planned` steps were to come. From
    /// `first_falling_step` on, where the learning rate falls, the schedule is only shortened.
    pub fn plan(&mut self, step: usize, planned: usize, first_falling_step: usize, now: f64) -> usize {
        // the first step also makes what all others find there, so it tells no pace
        if let Some(last) = self.last.replace(now) {
            self.latest.push_back(now - last);
            self.seconds += now - last;
        }
        while self.latest.len() > MIN_STEPS && self.seconds - self.latest[0] >= self.window {
            self.seconds -= self.latest.pop_front().unwrap_or(0.0);
        }
        let left = self.limit - now;
        let pace = self.seconds / self.latest.len().max(1) as f64;
        if left <= 0.0 || (left < pace && self.latest.len() >= MIN_STEPS) {
            return step;
        }
        if self.latest.len() < MIN_STEPS {
            return planned;
        }
        let fitting = step + ((FILLED * left / pace) as usize).max(1);
        if step < first_falling_step { fitting } else { planned.min(fitting) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(tokens: &[f64]) -> Vec<Size> {
        let size = |(number, &tokens): (usize, &f64)| Size { id: format!("t{number}"), tokens, examples: 3 };
        tokens.iter().enumerate().map(size).collect()
    }

    fn ids(sizes: &[Size]) -> Vec<&str> {
        sizes.iter().map(|size| size.id.as_str()).collect()
    }

    #[test]
    fn the_smallest_tasks_that_fit_are_taken_in_their_order() {
        // a step on 100 tokens an example takes 1 s, and a task needs 2 steps
        let demand = Demand { seconds_of_token: 0.001, batch: 10, steps_of_task: 2.0 };
        let all = sizes(&[400.0, 100.0, 100.0, 200.0]);
        let needed = demand.seconds(&all);
        assert!((needed - 8.0 * 2.0 / FILLED).abs() < 1e-9, "{needed}");
        assert_eq!(ids(&demand.fitting(&all, needed + 1e-9)), ["t0", "t1", "t2", "t3"]);
        assert_eq!(ids(&demand.fitting(&all, needed - 0.1)), ["t1", "t2", "t3"]);
        assert_eq!(ids(&demand.fitting(&all, 5.0)), ["t1", "t2"]);
        assert_eq!(ids(&demand.fitting(&all, 0.0)), ["t1"], "one at least");
        assert_eq!(demand.steps(&demand.fitting(&all, 5.0), 20.0), 19);
        assert_eq!(demand.steps(&all, 0.0), 1);
    }

    /// Goes through a schedule on a clock where the step of each number takes as long as `seconds` says. The steps, the time at the end, and
    /// the plan at each step.
    fn run(limit: f64, planned: usize, seconds: impl Fn(usize) -> f64) -> (usize, f64, Vec<usize>) {
        let (mut pace, mut now, mut steps, mut plans) = (Pace::new(limit), 0.0, planned, Vec::new());
        let mut step = 0;
        while step < steps {
            step += 1;
            now += seconds(step);
            steps = pace.plan(step, steps, steps - steps / 4 + 1, now);
            plans.push(steps);
        }
        (step, now, plans)
    }

    #[test]
    fn a_schedule_ends_with_the_time_when_other_work_slows_the_steps_down() {
        for slow in [2.0, 2.7, 5.0] {
            let (steps, end, plans) = run(100.0, 148, |step| if step < 20 { 0.64 } else { 0.64 * slow });
            assert!((90.0..=100.0).contains(&end), "{slow}: {end} s");
            assert!(steps < 148 && plans.last() == Some(&steps));
            // the plan is near its end long before the last quarter of the steps, so that the rate falls over these
            let at_three_quarters = plans[steps * 3 / 4];
            assert!(at_three_quarters as f64 <= 1.1 * steps as f64, "{slow}: {at_three_quarters} and then {steps}");
        }
    }

    #[test]
    fn a_schedule_is_lengthened_while_the_rate_holds_and_never_while_it_falls() {
        let (steps, end, _) = run(100.0, 100, |_| 0.5);
        assert!(steps > 180 && (90.0..=100.0).contains(&end), "{steps} steps in {end} s");
        let (_, end, plans) = run(100.0, 100, |step| if step < 80 { 1.0 } else { 0.1 });
        let falling = plans.iter().enumerate().find(|(step, plan)| step + 1 > **plan - **plan / 4).unwrap().0;
        assert!(plans[falling..].is_sorted_by(|a, b| a >= b), "{plans:?}");
        assert!(end < 100.0);
    }

    #[test]
    fn a_schedule_ends_at_once_when_the_time_is_over() {
        let (steps, end, _) = run(10.0, 100, |_| 6.0);
        assert_eq!((steps, end), (2, 12.0));
        let (steps, ..) = run(10.0, 100, |_| 100.0);
        assert_eq!(steps, 1);
        let (steps, end, _) = run(10.0, 7, |_| 0.0001);
        assert!(end <= 10.0 && steps > 7);
    }
}
