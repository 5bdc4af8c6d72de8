//! Check, then time: a fast wrong answer is worth nothing.
//!
//! A small model of the same kind (the same mixer and head width, random weights) takes its first supervision step twice: as it is
//! timed, and in [`another_way`]. Logits, losses and, in training, every gradient must agree. The timed model itself
//! is asked for finite numbers only: with random weights, over several steps, honest implementations part.

use dfdx::prelude::Cpu;

use crate::bench::BenchError;
use crate::bench::work::Work;
use crate::device::Precision;
use crate::model::{Config, specs};
use crate::ops::Operations;
use crate::recipe::TrunkValues;

/// The largest difference that float32 is allowed: of a logit or a loss, or of a derivative as a share of its tensor's largest.
pub const ALLOWED: f32 = 1e-4;

/// The same of bfloat16 against float32: eight bits, rounded anew in every product of two cycles.
pub const ALLOWED_OF_BFLOAT16: f32 = 0.2;

/// Examples of the small batch.
pub(super) const BATCH: usize = 3;

/// How far two ways to compute one step are apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// Logits and halting logits, at most.
    pub logits: f32,
    /// Derivatives, at most, as a share of their tensor's largest; `None` forward.
    pub gradient: Option<f32>,
}

/// The derivatives, on the host.
struct Gradient {
    /// For each tensor of [`specs`]; empty for those that are never trained.
    trunk: TrunkValues,
    /// Of the puzzle rows, `[B * puzzle_width]`.
    rows: Vec<f32>,
}

/// What a step computes, on the host, in the order of the examples.
struct Numbers {
    /// Of the cells, `[B * S * V]`, then the halting logits, `[B]`.
    logits: Vec<f32>,
    /// The cross entropy, the halting loss and the gradient; `None` forward.
    training: Option<([f64; 2], Gradient)>,
}

/// Computes a small step twice and compares.
///
/// # Errors
/// [`BenchError::Disagrees`] naming the tensor, or [`BenchError::Config`].
pub fn check<D: Operations>(
    config: &Config,
    precision: Precision,
    train: bool,
    device: &D,
) -> Result<Agreement, BenchError> {
    let (config, cpu) = (small(config), Cpu::default());
    check_work(Work::new(config.clone(), BATCH, device, 1)?, &Work::new(config, BATCH, &cpu, 1)?, precision, train)
}

/// Computes the step of a work as it is timed, and the same work on the CPU another way, and compares.
///
/// # Errors
/// [`BenchError::Disagrees`] naming the tensor.
pub(super) fn check_work<D: Operations>(
    mut work: Work<D>,
    same: &Work<Cpu>,
    precision: Precision,
    train: bool,
) -> Result<Agreement, BenchError> {
    let expected = another_way(same, train);
    work.model.precision = precision;
    compare(&work.model.config, &as_timed(&work, train), &expected, allowed(precision))
}

/// The largest difference that a precision is allowed.
pub(super) fn allowed(precision: Precision) -> f32 {
    match precision {
        Precision::F32 => ALLOWED,
        Precision::Bf16 => ALLOWED_OF_BFLOAT16,
    }
}

/// A small model of the same kind: at most two heads of the same width, odd numbers of tokens, at most two cycles.
pub(super) fn small(config: &Config) -> Config {
    let heads = config.heads.min(2);
    let hidden = config.hidden / config.heads * heads;
    Config {
        heads,
        hidden,
        puzzle_width: hidden,
        prefix: config.prefix.min(3),
        cells: config.cells.min(34),
        h_cycles: config.h_cycles.min(2),
        l_cycles: config.l_cycles.min(2),
        ..config.clone()
    }
}

/// The step as it is timed: the whole batch at once, in the precision of the model.
fn as_timed<D: Operations>(work: &Work<D>, train: bool) -> Numbers {
    numbers(work, train, work.batch())
}

/// The same step by other means, on the CPU in float32: one example at a time, their gradients summed.
fn another_way(work: &Work<Cpu>, train: bool) -> Numbers {
    let parts: Vec<Numbers> = work.one_by_one().map(|one| numbers(&one, train, work.batch())).collect();
    let (mut logits, mut halts) = (Vec::new(), Vec::new());
    let mut training: Option<([f64; 2], Gradient)> = None;
    for part in parts {
        let (halt, cells) = part.logits.split_last().expect("an example has a halting logit");
        logits.extend(cells);
        halts.push(*halt);
        training = match (training, part.training) {
            (Some(sum), Some(next)) => Some(added(sum, next)),
            (_, next) => next,
        };
    }
    logits.extend(halts);
    Numbers { logits, training }
}

fn added(sum: ([f64; 2], Gradient), next: ([f64; 2], Gradient)) -> ([f64; 2], Gradient) {
    let ((mut losses, mut gradient), (more_losses, more)) = (sum, next);
    losses.iter_mut().zip(more_losses).for_each(|(loss, more)| *loss += more);
    for (values, more) in gradient.trunk.iter_mut().zip(&more.trunk) {
        values.iter_mut().zip(more).for_each(|(value, more)| *value += more);
    }
    gradient.rows.extend(more.rows);
    (losses, gradient)
}

fn numbers<D: Operations>(work: &Work<D>, train: bool, whole_batch: usize) -> Numbers {
    let step = work.forward(work.start());
    let mut logits = work.cell_logits(&step.logits);
    logits.extend(step.halt.as_vec());
    let training = train.then(|| {
        let result = work.train(work.start(), whole_batch);
        let gradient = Gradient { trunk: result.gradient.trunk_values(), rows: result.gradient.rows };
        ([result.losses.cross_entropy, result.losses.halting], gradient)
    });
    Numbers { logits, training }
}

fn compare(config: &Config, found: &Numbers, expected: &Numbers, allowed: f32) -> Result<Agreement, BenchError> {
    let logits = within("the logits", difference(&found.logits, &expected.logits), allowed)?;
    let (Some((losses, found)), Some((expected_losses, expected))) = (&found.training, &expected.training) else {
        return Ok(Agreement { logits, gradient: None });
    };
    for (name, (loss, expected)) in ["cross entropy", "halting loss"].iter().zip(losses.iter().zip(expected_losses)) {
        within(&format!("the {name}"), (loss - expected).abs() as f32, allowed)?;
    }
    let mut gradient = within("the gradient of the puzzle rows", share(&found.rows, &expected.rows), allowed)?;
    for ((spec, found), expected) in specs(config).iter().zip(&found.trunk).zip(&expected.trunk) {
        gradient = gradient.max(within(&format!("the gradient of {}", spec.name), share(found, expected), allowed)?);
    }
    Ok(Agreement { logits, gradient: Some(gradient) })
}

fn within(what: &str, difference: f32, allowed: f32) -> Result<f32, BenchError> {
    match difference <= allowed {
        true => Ok(difference),
        false => Err(BenchError::Disagrees { what: what.to_owned(), difference, allowed }),
    }
}

/// The largest absolute difference; infinite when one is no number or the lengths differ.
fn difference(found: &[f32], expected: &[f32]) -> f32 {
    let pairs = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
    let largest = pairs.fold(0.0f32, |most, next| if next.is_nan() { f32::INFINITY } else { most.max(next) });
    if found.len() == expected.len() { largest } else { f32::INFINITY }
}

/// The largest difference as a share of the largest expected number.
fn share(found: &[f32], expected: &[f32]) -> f32 {
    let largest = expected.iter().fold(0.0f32, |most, value| most.max(value.abs()));
    match difference(found, expected) {
        0.0 => 0.0,
        difference => difference / largest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Mixer;

    fn config(mixer: Mixer) -> Config {
        Config { hidden: 16, heads: 4, cells: 9, prefix: 2, puzzle_width: 16, mixer, ..Config::arc() }
    }

    #[test]
    fn what_is_timed_agrees_with_another_way() {
        for mixer in [Mixer::Attention, Mixer::TokenMlp] {
            let forward = check(&config(mixer), Precision::F32, false, &Cpu::default()).unwrap();
            let train = check(&config(mixer), Precision::F32, true, &Cpu::default()).unwrap();
            assert_eq!((forward.gradient, forward.logits), (None, train.logits));
            assert!(train.gradient.unwrap() <= ALLOWED);
        }
    }

    #[test]
    fn whatever_is_wrong_is_named() {
        let work = Work::new(small(&config(Mixer::Attention)), BATCH, &Cpu::default(), 1).unwrap();
        let found = |change: fn(&mut Numbers)| {
            let mut wrong = as_timed(&work, true);
            change(&mut wrong);
            compare(&work.model.config, &wrong, &another_way(&work, true), ALLOWED).unwrap_err().to_string()
        };
        assert!(found(|wrong| wrong.logits[7] += 1e-3).contains("the logits"));
        assert!(found(|wrong| *wrong.logits.last_mut().unwrap() = f32::NAN).contains("the logits"));
        assert!(found(|wrong| wrong.logits.truncate(5)).contains("the logits"));
        assert!(found(|wrong| wrong.training.as_mut().unwrap().0[1] += 1e-3).contains("the halting loss"));
        assert!(found(|wrong| wrong.training.as_mut().unwrap().1.rows[3] += 1e-3).contains("the puzzle rows"));
        let gradient = found(|wrong| wrong.training.as_mut().unwrap().1.trunk[6][0] *= 1.5);
        assert!(gradient.contains("qkv_proj") && gradient.contains("allowed"), "{gradient}");
    }

    #[test]
    fn the_small_model_keeps_the_kind_and_the_width_of_a_head() {
        let small = small(&Config::arc());
        assert_eq!((small.hidden, small.heads, small.cells, small.prefix), (128, 2, 34, 3));
        assert_eq!(small.check(), Ok(()));
        let one = Config { heads: 1, hidden: 64, ..Config::arc() };
        assert_eq!((super::small(&one).hidden, super::small(&one).heads), (64, 1));
    }
}
