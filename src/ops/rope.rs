//! Rotary positions: a query or key at position p is turned in the plane of its coordinates i and i + d/2 by the angle
//! `p * base^(-2i/d)` (the rotate-half form: `x*cos + [-x2, x1]*sin`).
//!
//! Rotate-half is a product with a signed permutation of the d coordinates, exact in floating point. Positions are those
//! of the full 30-column board, so that a cell keeps its position when the canvas shrinks.

use dfdx::prelude::*;

use crate::device::{Compute, Matrix};

/// The turning of one batch: it depends on the positions alone, so all passes of a step share it.
#[derive(Clone, Debug)]
pub struct Rotation<D: Compute> {
    /// cos of each token's angles, repeated for every head, `[N, D]`.
    cosine: Matrix<D>,
    /// sin likewise, `[N, D]`.
    sine: Matrix<D>,
    /// The signed permutation `x -> [-x2, x1]` of one head, `[d, d]`.
    half_turn: Matrix<D>,
}

impl<D: Compute> Rotation<D> {
    /// The rotation of tokens at these positions, for `heads` heads of `size` coordinates.
    ///
    /// # Shapes
    /// positions `[N]`; tables `[N, heads * size]`.
    pub fn new(device: &D, positions: &[usize], heads: usize, size: usize, base: f64) -> Self {
        assert_eq!(size % 2, 0, "a head of {size} coordinates has no pairs to turn");
        let half = size / 2;
        // Angles as PyTorch's float32 has them: the frequency is rounded first, then its product with the position.
        let frequency = |i: usize| base.powf(-2.0 * i as f64 / size as f64) as f32;
        let frequencies: Vec<f32> = (0..half).map(frequency).collect();
        let (mut cosine, mut sine) = (Vec::new(), Vec::new());
        for &position in positions {
            let angles = frequencies.iter().map(|frequency| f64::from(position as f32 * frequency));
            let (sines, cosines): (Vec<f32>, Vec<f32>) =
                angles.map(|angle| (angle.sin() as f32, angle.cos() as f32)).unzip();
            for _ in 0..2 * heads {
                cosine.extend_from_slice(&cosines);
                sine.extend_from_slice(&sines);
            }
        }
        let mut turn = vec![0.0; size * size];
        for i in 0..half {
            turn[(i + half) * size + i] = -1.0;
            turn[i * size + i + half] = 1.0;
        }
        let shape = (positions.len(), heads * size);
        Self {
            cosine: device.tensor_from_vec(cosine, shape),
            sine: device.tensor_from_vec(sine, shape),
            half_turn: device.tensor_from_vec(turn, (size, size)),
        }
    }

    /// The turned queries or keys.
    ///
    /// # Shapes
    /// `[N, D]` -> `[N, D]`.
    pub fn apply<T: Tape<f32, D>>(&self, x: Matrix<D, T>) -> Matrix<D, T> {
        let shape = *x.shape();
        let size = self.half_turn.shape().0;
        let (x, tape) = x.split_tape();
        let per_head = x.clone().put_tape(tape).reshape_like(&(shape.0 * shape.1 / size, size));
        let turned = per_head.matmul(self.half_turn.clone()).reshape_like(&shape) * self.sine.clone();
        let (turned, tape) = turned.split_tape();
        x.put_tape(tape) * self.cosine.clone() + turned
    }
}
