//! Muon for the products inside the blocks, and NorMuon (arXiv 2510.05491), which also evens out their rows. Per product p of R rows and C
//! columns, all in float32:
//!
//! ```text
//! p <- p * (1 - lr*wd)
//! m <- mu * m + g
//! u  = g + mu * m                                      Nesterov's look ahead
//! O  = NewtonSchulz(u / |u|)                           about u's polar factor; |.| is the root of the sum of squares
//! NorMuon:  v_r <- v_r + (1 - br) * (mean(O_r^2) - v_r)      one number for each row r
//!           N_r  = O_r / (sqrt(v_r) + 1e-8)
//!           O   <- N * |O| / |N|
//! p <- p - lr * sqrt(max(1, R/C)) * O
//! average <- ema * average + (1 - ema) * p
//! ```
//!
//! NewtonSchulz is five steps of `X <- a X + b (X X^T) X + c (X X^T)^2 X`, on the transposed matrix where R is above C, with a = 3.4445,
//! b = -4.775, c = 2.0315: the singular values of O are within about 0.7 and 1.2, the directions those of u.
//!
//! What bites: weights lie stacked, q over k over v and gate over value, and are products of their own: each is made orthogonal apart.
//! v begins at 0 and is not corrected for it: what it lacks is the same for all rows, and |O| / |N| takes it out.

mod composed;
mod cpu;
#[cfg(test)]
mod testing;

use super::{Ema, Moved};
use crate::device::Compute;

pub use composed::composed;
pub(super) use cpu::cpu;

/// What is added to a product's |u|: without a gradient its direction is 0.
const LEAST_NORM: f32 = 1e-12;

/// What is added to the root of a row's mean square.
const EPSILON: f32 = 1e-8;

/// The constants of an optimizer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Muon {
    /// mu.
    pub momentum: f64,
    /// wd, decoupled: multiplied by the scheduled learning rate.
    pub weight_decay: f64,
    /// br of NorMuon; without it rows are left as they are.
    pub row_beta: Option<f64>,
}

/// The constants of one step.
#[derive(Clone, Copy, Debug)]
pub struct MuonRule {
    /// `1 - lr*wd`.
    pub keep: f32,
    /// lr.
    pub size: f32,
    /// mu.
    pub momentum: f32,
    /// `1 - br` of NorMuon.
    pub rest_of_rows: Option<f32>,
    /// The moving average.
    pub ema: Ema,
}

impl Muon {
    /// The constants of a step.
    pub fn rule(&self, ema: Ema, learning_rate: f64) -> MuonRule {
        MuonRule {
            keep: (1.0 - learning_rate * self.weight_decay) as f32,
            size: learning_rate as f32,
            momentum: self.momentum as f32,
            rest_of_rows: self.row_beta.map(|beta| (1.0 - beta) as f32),
            ema,
        }
    }
}

/// A tensor of products that lie one over another, of equally many rows.
#[derive(Debug)]
pub struct Stacked<'a, D: Compute> {
    /// The tensor. Its moments are those of [`Moments::by_row`](super::Moments::by_row): m, and v of NorMuon; Muon leaves v alone.
    pub moved: Moved<'a, D>,
    /// How many products.
    pub products: usize,
}

/// `sqrt(max(1, R/C))`: the step of a product that has more outputs than inputs is as large, per output, as that of a square one.
fn stretch(rows: usize, columns: usize) -> f32 {
    (rows as f64 / columns as f64).max(1.0).sqrt() as f32
}
