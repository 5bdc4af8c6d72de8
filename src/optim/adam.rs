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
//! In Adam-atan2 the correction of the first moment multiplies the step, outside of the atan2: so did the published runs.

use serde::{Deserialize, Serialize};

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

impl Adam {
    /// One step of one tensor. `step` counts from 1.
    ///
    /// # Shapes
    /// parameters, gradient and both moments `[n]`.
    pub fn step(
        &self,
        parameters: &mut [f32],
        gradient: &[f32],
        moments: &mut Moments,
        learning_rate: f64,
        step: usize,
    ) {
        assert_eq!(parameters.len(), gradient.len(), "a gradient has its tensor's length");
        let keep = (1.0 - learning_rate * self.weight_decay) as f32;
        let (rest_1, rest_2) = ((1.0 - self.beta_1) as f32, (1.0 - self.beta_2) as f32);
        let size = (learning_rate / (1.0 - self.beta_1.powi(step as i32))) as f32;
        let correction = (1.0 - self.beta_2.powi(step as i32)).sqrt() as f32;
        let moments = moments.first.iter_mut().zip(&mut moments.second);
        for ((p, &g), (m, v)) in parameters.iter_mut().zip(gradient).zip(moments) {
            *p *= keep;
            *m += rest_1 * (g - *m);
            *v += rest_2 * (g * g - *v);
            let scale = v.sqrt() / correction;
            *p -= size
                * match self.kind {
                    AdamKind::AdamAtan2 => m.atan2(scale),
                    AdamKind::AdamW => *m / (scale + EPSILON),
                };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(kind: AdamKind, gradients: &[f32]) -> f32 {
        let adam = Adam { kind, beta_1: 0.9, beta_2: 0.95, weight_decay: 0.1 };
        let (mut p, mut moments) = ([1.0], Moments::new(1));
        for (i, &g) in gradients.iter().enumerate() {
            adam.step(&mut p, &[g], &mut moments, 0.01, i + 1);
        }
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
}
