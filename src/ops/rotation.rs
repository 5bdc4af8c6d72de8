//! Rotary positions: a query or key at position p is turned in the plane of its coordinates i and i + d/2 by the angle
//! `p * base^(-2i/d)` (the rotate-half form: `x*cos + [-x2, x1]*sin`).
//!
//! In a plane the first half of the planes turns by the row and the second by the column, each half with frequencies of its own from 1
//! down: how two cells lie to each other is then the same wherever they lie, and whatever the length of a row.
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
    /// The rotation of tokens at these positions along one line, for heads of `size` coordinates.
    ///
    /// # Shapes
    /// positions `[N]`.
    pub fn along_line(positions: &[usize], size: usize, base: f64) -> Self {
        let frequencies = frequencies(size / 2, base);
        Self::new(positions, size, |position| turned(position, &frequencies))
    }

    /// The rotation of tokens at these positions of a plane, where `place` gives the row and the column of a position.
    ///
    /// # Shapes
    /// positions `[N]`.
    pub fn in_plane(positions: &[usize], place: impl Fn(usize) -> [usize; 2], size: usize, base: f64) -> Self {
        assert_eq!(size % 4, 0, "a head of {size} coordinates has no half of its pairs for rows and half for columns");
        let frequencies = frequencies(size / 4, base);
        Self::new(positions, size, |position| {
            place(position).into_iter().flat_map(|side| turned(side, &frequencies)).collect()
        })
    }

    /// `angles` gives the d/2 angles of a position.
    fn new(positions: &[usize], size: usize, angles: impl Fn(usize) -> Vec<f64>) -> Self {
        assert_eq!(size % 2, 0, "a head of {size} coordinates has no pairs to turn");
        let rows = positions.iter().max().map_or(0, |largest| largest + 1);
        let angles = (0..rows).flat_map(angles);
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

/// `base^(-i/count)`, rounded as PyTorch's float32 has them.
fn frequencies(count: usize, base: f64) -> Vec<f32> {
    (0..count).map(|i| base.powf(-(i as f64) / count as f64) as f32).collect()
}

/// The angles of a position; the product is rounded to float32, as PyTorch's is.
fn turned(position: usize, frequencies: &[f32]) -> Vec<f64> {
    frequencies.iter().map(|frequency| f64::from(position as f32 * frequency)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_turns_by_its_position() {
        let rotation = Rotation::along_line(&[5, 0, 5, 2], 4, 100.0);
        assert_eq!(rotation.table.cosine.len(), 6 * 2);
        let angles = rotation.by_token();
        let expected = [5.0f64, 0.5, 0.0, 0.0, 5.0, 0.5, 2.0, 0.2];
        for ((angle, cosine), sine) in expected.iter().zip(&angles.cosine).zip(&angles.sine) {
            assert!((angle.cos() as f32 - cosine).abs() < 1e-6 && (angle.sin() as f32 - sine).abs() < 1e-6);
        }
        assert!(Rotation::along_line(&[], 4, 100.0).by_token().sine.is_empty());
    }
    #[test]
    fn in_a_plane_the_angle_between_two_tokens_depends_on_how_they_lie_to_each_other_alone() {
        let place = |position: usize| [position / 30, position % 30];
        let rotation = Rotation::in_plane(&[31, 62, 93, 64], place, 8, 100.0);
        let angles = rotation.by_token();
        let expected = [1.0f64, 0.1, 1.0, 0.1, 2.0, 0.2, 2.0, 0.2, 3.0, 0.3, 3.0, 0.3, 2.0, 0.2, 4.0, 0.4];
        for ((angle, cosine), sine) in expected.iter().zip(&angles.cosine).zip(&angles.sine) {
            assert!((angle.cos() as f32 - cosine).abs() < 1e-6 && (angle.sin() as f32 - sine).abs() < 1e-6);
        }
    }
}
