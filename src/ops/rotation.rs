//! Rotary positions: a query or key at position p is turned in the plane of its coordinates i and i + d/2 by the angle
//! `p * base^(-2i/d)` (the rotate-half form: `x*cos + [-x2, x1]*sin`).
//!
//! Positions are those of the full 30-column board, so that a cell keeps its position when the canvas shrinks. A batch has many tokens
//! and few positions, so angles are computed by position; what a device reads by token it makes of that.

use std::sync::{Arc, OnceLock};

/// The turning of one batch: it depends on the positions alone, so all passes of a step share it.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// The position of each token, `[N]`.
    pub positions: Arc<[u32]>,
    /// For each position from 0 to the largest.
    pub table: Arc<Angles>,
    /// d.
    pub size: usize,
    by_token: Arc<OnceLock<Angles>>,
}

/// The angles of rows, by their cosine and sine.
#[derive(Clone, Debug)]
pub struct Angles {
    /// cos, `[rows, d/2]`.
    pub cosine: Vec<f32>,
    /// sin, `[rows, d/2]`.
    pub sine: Vec<f32>,
}

impl Rotation {
    /// The rotation of tokens at these positions, for heads of `size` coordinates.
    ///
    /// # Shapes
    /// positions `[N]`.
    pub fn new(positions: &[usize], size: usize, base: f64) -> Self {
        assert_eq!(size % 2, 0, "a head of {size} coordinates has no pairs to turn");
        // Angles as PyTorch's float32 has them: the frequency is rounded first, then its product with the position.
        let frequency = |i: usize| base.powf(-2.0 * i as f64 / size as f64) as f32;
        let frequencies: Vec<f32> = (0..size / 2).map(frequency).collect();
        let rows = positions.iter().max().map_or(0, |largest| largest + 1);
        let angles = (0..rows)
            .flat_map(|position| frequencies.iter().map(move |frequency| f64::from(position as f32 * frequency)));
        let (sine, cosine) = angles.map(|angle| (angle.sin() as f32, angle.cos() as f32)).unzip();
        Self {
            positions: positions.iter().map(|&position| position as u32).collect(),
            table: Arc::new(Angles { cosine, sine }),
            size,
            by_token: Arc::default(),
        }
    }

    /// The angles of each token, `[N, d/2]`.
    pub fn by_token(&self) -> &Angles {
        self.by_token.get_or_init(|| {
            let half = self.size / 2;
            let rows = |table: &[f32]| {
                let row = |&position: &u32| &table[position as usize * half..(position as usize + 1) * half];
                self.positions.iter().flat_map(row).copied().collect()
            };
            Angles { cosine: rows(&self.table.cosine), sine: rows(&self.table.sine) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_turns_by_its_position() {
        let rotation = Rotation::new(&[5, 0, 5, 2], 4, 100.0);
        assert_eq!(rotation.table.cosine.len(), 6 * 2);
        let angles = rotation.by_token();
        let expected = [5.0f64, 0.5, 0.0, 0.0, 5.0, 0.5, 2.0, 0.2];
        for ((angle, cosine), sine) in expected.iter().zip(&angles.cosine).zip(&angles.sine) {
            assert!((angle.cos() as f32 - cosine).abs() < 1e-6 && (angle.sin() as f32 - sine).abs() < 1e-6);
        }
        assert!(Rotation::new(&[], 4, 100.0).by_token().sine.is_empty());
    }
}
