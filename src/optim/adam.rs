//! Adam for the trunk. Per number, t from 1, all in float32:
//!
//! ```text
//! p <- p * (1 - lr*wd)
//! m <- m + (1 - b1) * (g   - m)
//! v <- v + (1 - b2) * (g*g - v)
//! Adam-atan2:  p <- p - lr / (1 - b1^t) * atan2(m, sqrt(v) / sqrt(1 - b2^t))
//! AdamW:       p <- p - lr / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + 1e-8)
//! ```
//!
//! The moving average of the weights follows in the same pass, because the step waits for memory: five arrays read and four written.
//!
//! In Adam-atan2 the correction of the first moment multiplies the step, outside of the atan2: so did the published runs.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::atan2::atan2;
use super::{CHUNK, Ema};

/// The form of the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AdamKind {
    /// The published runs' choice: no epsilon, a step of at most `lr * pi/2`.
    AdamAtan2,
    /// Decoupled weight decay.
    AdamW,
}

const EPSILON: f32 = 1e-8;

/// The constants of an optimizer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adam {
    /// The form of the step.
    pub kind: AdamKind,
    /// b1.
    pub beta_1: f64,
    /// b2.
    pub beta_2: f64,
    /// wd, decoupled: multiplied by the scheduled learning rate.
    pub weight_decay: f64,
}

/// m and v of one tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    /// The mean of the gradients.
    pub first: Vec<f32>,
    /// The mean of their squares.
    pub second: Vec<f32>,
}

impl Moments {
    /// Those of a tensor that has not moved yet.
    pub fn new(length: usize) -> Self {
        Self { first: vec![0.0; length], second: vec![0.0; length] }
    }
}

/// What a step reads and writes of one tensor: all arrays `[n]`.
#[derive(Debug)]
pub struct Moved<'a> {
    /// The numbers that move.
    pub parameters: &'a mut [f32],
    /// Their derivatives.
    pub gradient: &'a [f32],
    /// Their moments.
    pub moments: &'a mut Moments,
    /// Their moving average, which follows in the same pass.
    pub average: &'a mut [f32],
}

impl Adam {
    /// One step of one tensor and of its moving average, in one pass over its memory. `step` counts from 1.
    pub fn step(&self, tensor: Moved<'_>, ema: Ema, learning_rate: f64, step: usize) {
        let Moved { parameters, gradient, moments, average } = tensor;
        let length = parameters.len();
        let lengths = [gradient.len(), moments.first.len(), moments.second.len(), average.len()];
        assert!(lengths == [length; 4], "gradient, moments and average have their tensor's length");
        let rule = Rule {
            keep: (1.0 - learning_rate * self.weight_decay) as f32,
            rest_1: (1.0 - self.beta_1) as f32,
            rest_2: (1.0 - self.beta_2) as f32,
            size: (learning_rate / (1.0 - self.beta_1.powi(step as i32))) as f32,
            correction: (1.0 - self.beta_2.powi(step as i32)).sqrt() as f32,
            ema,
        };
        let p = parameters.par_chunks_mut(CHUNK).zip(average.par_chunks_mut(CHUNK));
        let moments = moments.first.par_chunks_mut(CHUNK).zip(moments.second.par_chunks_mut(CHUNK));
        p.zip(moments).zip(gradient.par_chunks(CHUNK)).for_each(|(((p, average), (m, v)), g)| match self.kind {
            AdamKind::AdamAtan2 => Arch::new().dispatch(Chunk { p, g, m, v, average, rule, direction: atan2 }),
            AdamKind::AdamW => Arch::new().dispatch(Chunk { p, g, m, v, average, rule, direction: ratio }),
        });
    }
}

/// AdamW's direction.
#[inline(always)]
fn ratio(mean: f32, scale: f32) -> f32 {
    mean / (scale + EPSILON)
}

/// The constants of one step.
#[derive(Clone, Copy)]
struct Rule {
    keep: f32,
    rest_1: f32,
    rest_2: f32,
    size: f32,
    correction: f32,
    ema: Ema,
}

/// A piece of a tensor, with its letters in the formula above. `direction` is of (m, sqrt(v) / sqrt(1 - b2^t)).
struct Chunk<'a, F> {
    p: &'a mut [f32],
    g: &'a [f32],
    m: &'a mut [f32],
    v: &'a mut [f32],
    average: &'a mut [f32],
    rule: Rule,
    direction: F,
}

impl<F: Fn(f32, f32) -> f32> WithSimd for Chunk<'_, F> {
    type Output = ();

    /// Plain arithmetic, which becomes vectors of whatever width `dispatch` found. Multiply-adds are written out: the compiler makes none
    /// by itself, and so every processor gives the same bits.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { p, g, m, v, average, rule, direction } = self;
        for ((((p, &g), m), v), average) in p.iter_mut().zip(g).zip(m).zip(v).zip(average) {
            *m = rule.rest_1.mul_add(g - *m, *m);
            *v = rule.rest_2.mul_add(g.mul_add(g, -*v), *v);
            let scale = v.sqrt() / rule.correction;
            *p = (-rule.size).mul_add(direction(*m, scale), *p * rule.keep);
            *average = rule.ema.after(*average, *p);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(kind: AdamKind, gradients: &[f32]) -> f32 {
        let adam = Adam { kind, beta_1: 0.9, beta_2: 0.95, weight_decay: 0.1 };
        let (mut p, mut moments, mut average) = ([1.0], Moments::new(1), [0.0]);
        for (i, &g) in gradients.iter().enumerate() {
            let tensor = Moved { parameters: &mut p, gradient: &[g], moments: &mut moments, average: &mut average };
            adam.step(tensor, Ema::new(0.0), 0.01, i + 1);
        }
        assert_eq!(average, p, "an average without a memory is the value");
        p[0]
    }

    #[test]
    fn two_steps_of_adam_atan2_by_hand() {
        // t=1, g=2: m = 0.2, v = 0.2, atan2(0.2, sqrt(0.2)/sqrt(0.05)) = atan2(0.2, 2), size 0.01/0.1
        let one = 1.0f64 * 0.999 - 0.1 * (0.2f64).atan2(2.0);
        assert!((f64::from(run(AdamKind::AdamAtan2, &[2.0])) - one).abs() < 1e-6);
        // t=2, g=-1: m = 0.2 + 0.1*(-1.2) = 0.08, v = 0.2 + 0.05*(1 - 0.2) = 0.24
        let scale = 0.24f64.sqrt() / (1.0 - 0.95f64.powi(2)).sqrt();
        let two = one * 0.999 - 0.01 / (1.0 - 0.81) * 0.08f64.atan2(scale);
        assert!((f64::from(run(AdamKind::AdamAtan2, &[2.0, -1.0])) - two).abs() < 1e-6);
    }

    #[test]
    fn the_first_step_of_adam_w_is_the_learning_rate() {
        assert!((run(AdamKind::AdamW, &[5.0]) - (0.999 - 0.01)).abs() < 1e-6);
        assert!((run(AdamKind::AdamW, &[0.0]) - 0.999).abs() < 1e-7, "no gradient: decay alone");
        assert!((run(AdamKind::AdamAtan2, &[0.0]) - 0.999).abs() < 1e-7, "atan2(0, 0) is 0");
    }

    #[test]
    fn a_number_moves_alone_whatever_stands_beside_it() {
        let length = CHUNK + 37;
        let wave =
            |scale: f32, shift: f32| -> Vec<f32> { (0..length).map(|i| scale * (i as f32 + shift).sin()).collect() };
        for kind in [AdamKind::AdamAtan2, AdamKind::AdamW] {
            let adam = Adam { kind, beta_1: 0.9, beta_2: 0.95, weight_decay: 0.1 };
            let (mut p, mut average, mut moments) = (wave(1.0, 0.0), wave(1.0, 0.0), Moments::new(length));
            let (mut p_1, mut average_1, mut moments_1) = (p.clone(), average.clone(), vec![Moments::new(1); length]);
            for step in 1..4 {
                let gradient = wave(1e-3, step as f32);
                let parameters = &mut p;
                let whole = Moved { parameters, gradient: &gradient, moments: &mut moments, average: &mut average };
                adam.step(whole, Ema::new(0.999), 1e-3, step);
                let alone = p_1.chunks_mut(1).zip(average_1.chunks_mut(1)).zip(&mut moments_1).zip(gradient.chunks(1));
                for (((parameters, average), moments), gradient) in alone {
                    adam.step(Moved { parameters, gradient, moments, average }, Ema::new(0.999), 1e-3, step);
                }
            }
            assert!(p == p_1 && average == average_1, "{kind:?}");
            assert!(moments_1.iter().zip(&moments.second).all(|(one, v)| one.second[0] == *v));
        }
    }
}
