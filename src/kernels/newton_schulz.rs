//! Newton-Schulz: from a matrix towards its polar factor, the nearest matrix whose singular values are all 1.
//!
//! ```text
//! S = X X^T              of the shorter side; X^T X where X has more rows than columns
//! M = a I + b S + c S S
//! X <- M X               or X M
//! ```
//!
//! An odd polynomial of X moves its singular values, s <- a s + b s^3 + c s^5, and leaves its directions alone. S is symmetric, so nothing
//! is turned over: each product reads the lines of what lies there.

use rayon::prelude::*;

use super::{Engine, PANEL, Scratch, Section, View, panel_rows};

/// a, b and c: steep at 0, so that five steps bring a singular value of 0.005 near 1, where they stay within 0.7 and 1.2.
pub const QUINTIC: [f32; 3] = [3.4445, -4.775, 2.0315];

/// Steps.
pub const ITERATIONS: usize = 5;

/// `x <- about its polar factor`, on all threads; the numbers do not depend on how many. No singular value of x is above 1.
///
/// # Shapes
/// x `[rows, columns]`.
pub fn newton_schulz<E: Engine>(engine: E, x: &mut [f32], columns: usize) {
    let [a, b, c] = QUINTIC;
    let rows = x.len() / columns;
    assert_eq!(x.len(), rows * columns, "the rows of a matrix have one length");
    let (tall, side) = (rows > columns, rows.min(columns));
    let (mut square, mut mixing) = (Scratch::<f32>::new(side * side), Scratch::<f32>::new(side * side));
    let mut next = Scratch::<f32>::new(x.len());
    for _ in 0..ITERATIONS {
        let (by_row, by_column) = (View::rows(x, rows, columns, columns), View::columns(x, columns, rows, columns));
        let lines = if tall { by_column } else { by_row };
        multiply(engine, lines, lines, &mut square);
        let square_lines = View::rows(&square, side, side, side);
        multiply(engine, square_lines, square_lines, &mut mixing);
        mixing.iter_mut().zip(square.iter()).for_each(|(m, s)| *m = b * s + c * *m);
        mixing.iter_mut().step_by(side + 1).for_each(|m| *m += a);
        let mixing = View::rows(&mixing, side, side, side);
        match tall {
            true => multiply(engine, by_row, mixing, &mut next),
            false => multiply(engine, mixing, by_column, &mut next),
        }
        x.copy_from_slice(&next);
    }
}

/// `out[i, j] = <left_i, right_j>`, on all threads.
fn multiply<E: Engine>(engine: E, left: View<'_>, right: View<'_>, out: &mut [f32]) {
    let width = right.lines();
    let right = engine.right(right);
    let panel = panel_rows(left.lines(), engine.tile_rows(), PANEL);
    out.par_chunks_mut(panel * width).enumerate().for_each(|(task, out)| {
        let lines = left.some(task * panel, out.len() / width);
        engine.multiply(&engine.left(lines), &right, Section::whole(width), out, width);
    });
}
