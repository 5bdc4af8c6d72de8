//! A benchmark from its plan to its report.

use std::time::Instant;

use rayon::ThreadPoolBuildError;
use thiserror::Error;

use crate::bench::check::check;
use crate::bench::operations;
use crate::bench::report::{Report, Run};
use crate::bench::{Work, ceiling};
use crate::clock;
use crate::device::{DeviceError, Needs, Precision};
use crate::model::{Carry, Config, ConfigError, NUMBER};
use crate::ops::{Inside, Operations};
use crate::recipe::Halting;
use crate::train;
use crate::units::Seconds;

/// The seed of weights and batch.
pub(super) const SEED: u64 = 0;

/// What to time.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The model.
    pub config: Config,
    /// B, full boards in a step; at least 1.
    pub batch: usize,
    /// With the loss and the backward pass.
    pub train: bool,
    /// The number type of products.
    pub precision: Precision,
    /// Threads; as many as the program has without it.
    pub threads: Option<usize>,
    /// Timed runs, after one that warms up; at least 1.
    pub runs: usize,
}

/// What keeps a benchmark from a result.
#[derive(Debug, Error)]
pub enum BenchError {
    /// A model that cannot be.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A precision that cannot be had.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A set in which nothing is shown.
    #[error("{0} has no demonstrations")]
    NoDemonstrations(String),
    /// A model whose examples cannot be short.
    #[error("the token-MLP kind needs full boards; add --canvas board, or leave out --mlp-t")]
    TightTokenMlp,
    /// Threads that the system does not give.
    #[error("cannot start the threads: {0}")]
    Threads(#[from] ThreadPoolBuildError),
    /// The answer is wrong.
    #[error(
        "the check failed, nothing was timed: {what} differ by {difference:.1e} from another way to compute them; {allowed:.0e} \
         is allowed"
    )]
    Disagrees {
        /// The numbers.
        what: String,
        /// The largest difference.
        difference: f32,
        /// The largest that would do.
        allowed: f32,
    },
    /// The answer is none.
    #[error("the check failed: {0} of the warm-up run are no finite numbers")]
    NotFinite(&'static str),
}

impl BenchError {
    /// True when the computation is at fault, and not what was asked for.
    pub fn is_failed_check(&self) -> bool {
        matches!(self, Self::Disagrees { .. } | Self::NotFinite(_))
    }
}

/// Checks, then times.
///
/// # Errors
/// [`BenchError`].
pub fn run<D: Operations>(plan: Plan, device: &D) -> Result<Report, BenchError> {
    plan.config.check()?;
    D::precision(Some(plan.precision), plan.train)?;
    check_room(
        &plan.config,
        plan.batch as f64 * plan.config.board_tokens() as f64,
        plan.train.then_some(plan.precision),
        device,
    )?;
    let threads = plan.threads.unwrap_or_else(rayon::current_num_threads);
    D::on_threads(Inside::CRATE, threads, || measure(plan, device, threads))?
}

/// Makes sure that there is room for so many tokens in one step, before any of it is there; with gradients where it is trained.
pub(super) fn check_room<D: Operations>(
    config: &Config,
    tokens: f64,
    trained: Option<Precision>,
    device: &D,
) -> Result<(), DeviceError> {
    let weights = NUMBER * config.numbers().unwrap_or(usize::MAX) as f64;
    let (gradients, token) = match trained {
        Some(precision) => (2.0 * weights, train::bytes_of_token(config, Halting::Halt, precision)),
        None => (0.0, config.bytes_of_token()),
    };
    let needs = Needs::default()
        .and("weights", weights + config.bytes_of_open_weights(trained.is_some()))
        .and("gradients", gradients)
        .and("activations", tokens * token);
    needs.within(
        device.room(),
        "this step",
        "take a smaller --batch (with --tasks fewer --tokens-per-batch) or a smaller --hidden",
    )
}

fn measure<D: Operations>(plan: Plan, device: &D, threads: usize) -> Result<Report, BenchError> {
    let agreement = check(&plan.config, plan.precision, plan.train, device)?;
    let mut work = Work::new(plan.config.clone(), plan.batch, device, SEED)?;
    work.model.precision = plan.precision;
    // Before and after the work: a machine that is shared, or warms up, is not equally fast all the time.
    let before = ceiling(device, plan.precision);
    let mut carry = warm_up(&work, plan.train)?;
    device.synchronize();
    let mut runs = Vec::with_capacity(plan.runs);
    // The clock is on in the timed runs, so that the parts are those of the time they explain; what it costs, it costs us.
    for _ in 0..plan.runs {
        clock::start();
        let begun = Instant::now();
        carry = step(&work, plan.train, carry);
        device.synchronize();
        let time = Seconds::from(begun.elapsed());
        runs.push(Run { time, parts: clock::stop() });
    }
    runs.sort_by(|a, b| a.time.0.total_cmp(&b.time.0));
    let after = ceiling(device, plan.precision);
    let operations = operations::of_step(&plan.config, plan.batch, plan.train);
    let device = device.in_words();
    Ok(Report { agreement, device, threads, runs, operations, ceiling: before.or_faster(after), plan })
}

/// One timed step. What it gives besides the carry is dropped within the time, as the peer does.
fn step<D: Operations>(work: &Work<D>, train: bool, carry: Carry<D>) -> Carry<D> {
    if train { work.train(carry, work.batch()).carry } else { work.forward(carry).carry }
}

/// The first step, whose numbers must be finite.
pub(super) fn warm_up<D: Operations>(work: &Work<D>, train: bool) -> Result<Carry<D>, BenchError> {
    let finite = |what, numbers: &[f32]| match numbers.iter().all(|number| number.is_finite()) {
        true => Ok(()),
        false => Err(BenchError::NotFinite(what)),
    };
    if !train {
        let step = work.forward(work.start());
        finite("logits", &work.cell_logits(&step.logits))?;
        finite("halting logits", &step.halt.as_vec())?;
        return Ok(step.carry);
    }
    let result = work.train(work.start(), work.batch());
    finite("losses", &[result.losses.cross_entropy as f32, result.losses.halting as f32])?;
    result.gradient.trunk_values().iter().try_for_each(|values| finite("gradients", values))?;
    finite("gradients", &result.gradient.rows)?;
    Ok(result.carry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use dfdx::prelude::{Cpu, TensorFromVec};

    fn plan() -> Plan {
        let config = Config { hidden: 8, heads: 2, cells: 4, prefix: 1, puzzle_width: 8, ..Config::arc() };
        Plan { config, batch: 2, train: false, precision: Precision::F32, threads: Some(1), runs: 3 }
    }

    #[test]
    fn what_cannot_be_is_refused_before_any_work() {
        let refused = |change: fn(&mut Plan)| {
            let mut plan = plan();
            change(&mut plan);
            let error = run(plan, &Cpu::default()).unwrap_err();
            assert!(!error.is_failed_check());
            error.to_string()
        };
        assert!(refused(|plan| plan.config.heads = 3).contains("3 heads"));
        assert!(refused(|plan| plan.config.cells = 65537).contains("cells is 65537"));
        assert!(refused(|plan| (plan.precision, plan.train) = (Precision::Bf16, true)).contains("bf16"));
    }

    #[test]
    fn numbers_that_are_none_are_found_in_the_warm_up() {
        for train in [false, true] {
            let mut work = Work::new(plan().config, 2, &Cpu::default(), 0).unwrap();
            assert!(warm_up(&work, train).is_ok());
            work.model.weights.head = Cpu::default().tensor_from_vec(vec![f32::NAN; 12 * 8], (12, 8));
            let error = warm_up(&work, train).map(|_| ()).unwrap_err();
            assert!(error.is_failed_check() && error.to_string().contains("no finite numbers"), "{error}");
        }
    }
}
