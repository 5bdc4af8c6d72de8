//! Rotary positions: a query or key at position p is turned in the plane of its coordinates i and i + d/2 by the angle
//! `p * base^(-2i/d)` (the rotate-half form: `x*cos + [-x2, x1]*sin`).
//!
//! Positions are those of the full 30-column board, so that a cell keeps its position when the canvas shrinks.

use std::sync::Arc;

/// The turning of one batch: it depends on the positions alone, so all passes of a step share it.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// cos of each token's angles, `[N, d/2]`.
    pub cosine: Arc<[f32]>,
    /// sin likewise, `[N, d/2]`.
    pub sine: Arc<[f32]>,
    /// d.
    pub size: usize,
}

impl Rotation {
    /// The rotation of tokens at these positions, for heads of `size` coordinates.
    ///
    /// # Shapes
    /// positions `[N]`; tables `[N, d/2]`.
    pub fn new(positions: &[usize], size: usize, base: f64) -> Self {
        assert_eq!(size % 2, 0, "a head of {size} coordinates has no pairs to turn");
        // Angles as PyTorch's float32 has them: the frequency is rounded first, then its product with the position.
        let frequency = |i: usize| base.powf(-2.0 * i as f64 / size as f64) as f32;
        let frequencies: Vec<f32> = (0..size / 2).map(frequency).collect();
        let angles = positions
            .iter()
            .flat_map(|&position| frequencies.iter().map(move |frequency| f64::from(position as f32 * frequency)));
        let (sine, cosine): (Vec<f32>, Vec<f32>) = angles.map(|angle| (angle.sin() as f32, angle.cos() as f32)).unzip();
        Self { cosine: cosine.into(), sine: sine.into(), size }
    }
}
