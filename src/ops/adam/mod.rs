//! Adam for the trunk. Per number, t from 1, all in float32:
//!
//! ```text
//! p <- p * (1 - lr*wd)
//! m <- m + (1 - b1) * (g   - m)
//! v <- v + (1 - b2) * (g*g - v)
//! Adam-atan2:  p <- p - lr / (1 - b1^t) * atan2(m, sqrt(v) / sqrt(1 - b2^t))
//! AdamW:       p <- p - lr / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + 1e-8)
//! average <- ema * average + (1 - ema) * p
//! ```
//!
//! The moving average of the weights follows in the same pass, because the step waits for memory: five arrays read and four written.
//!
//! In Adam-atan2 the correction of the first moment multiplies the step, outside of the atan2: so did the published runs.

mod atan2;
mod cpu;
#[cfg(feature = "cuda")]
mod cuda;
mod ema;
#[cfg(test)]
mod testing;

use dfdx::prelude::HasShape;

use crate::device::{Compute, Matrix};

pub use ema::Ema;

/// The form of the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdamKind {
    /// The published runs' choice: no epsilon, a step of at most `lr * pi/2`.
    AdamAtan2,
    /// Decoupled weight decay.
    AdamW,
}

/// The constants of an optimizer.
#[derive(Clone, Copy, Debug, PartialEq)]
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
///
/// # Shapes
/// The tensor's, `[R, C]`; but v by row is `[R, 1]`.
#[derive(Clone, Debug)]
pub struct Moments<D: Compute> {
    /// The mean of the gradients.
    pub first: Matrix<D>,
    /// The mean of their squares.
    pub second: Matrix<D>,
}

impl<D: Compute> Moments<D> {
    /// Those of a tensor that has not moved yet.
    pub fn of(tensor: &Matrix<D>) -> Self {
        let zeros = || tensor.device().zeros_like(tensor.shape());
        Self { first: zeros(), second: zeros() }
    }

    /// The same, with one second moment for each row: see [`crate::ops::muon`].
    pub fn by_row(tensor: &Matrix<D>) -> Self {
        let zeros = |shape| tensor.device().zeros_like(&shape);
        let (rows, columns) = *tensor.shape();
        Self { first: zeros((rows, columns)), second: zeros((rows, 1)) }
    }
}

/// What a step reads and writes of one tensor: all of its shape. What is written is nobody else's: a device changes it where it lies.
#[derive(Debug)]
pub struct Moved<'a, D: Compute> {
    /// The numbers that move.
    pub parameters: &'a mut Matrix<D>,
    /// Their derivatives.
    pub gradient: &'a Matrix<D>,
    /// Their moments.
    pub moments: &'a mut Moments<D>,
    /// Their moving average, which follows in the same pass.
    pub average: &'a mut Matrix<D>,
}

/// The constants of one step.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The form of the step.
    pub kind: AdamKind,
    /// `1 - lr*wd`.
    pub keep: f32,
    /// `1 - b1`.
    pub rest_1: f32,
    /// `1 - b2`.
    pub rest_2: f32,
    /// `lr / (1 - b1^t)`.
    pub size: f32,
    /// `sqrt(1 - b2^t)`.
    pub correction: f32,
    /// The moving average.
    pub ema: Ema,
}

/// The step on a device.
pub trait AdamOp: Compute {
    /// One step of one tensor and of its moving average, in one pass over its memory.
    fn adam(tensor: Moved<'_, Self>, rule: Rule);
}

impl Adam {
    /// The constants of a step; `step` counts from 1.
    pub fn rule(&self, ema: Ema, learning_rate: f64, step: usize) -> Rule {
        Rule {
            kind: self.kind,
            keep: (1.0 - learning_rate * self.weight_decay) as f32,
            rest_1: (1.0 - self.beta_1) as f32,
            rest_2: (1.0 - self.beta_2) as f32,
            size: (learning_rate / (1.0 - self.beta_1.powi(step as i32))) as f32,
            correction: (1.0 - self.beta_2.powi(step as i32)).sqrt() as f32,
            ema,
        }
    }
}
