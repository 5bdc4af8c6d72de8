//! Boards turned over on CUDA.

use dfdx::prelude::*;

use crate::device::Matrix;
use crate::ops::bridge::cuda::{Context, Launch, address, launch, place, slope, take};

/// Numbers of a tile's side.
const TILE: usize = 32;

fn turn(context: &Context, from: u64, to: u64, (boards, rows, columns): (usize, usize, usize), add: bool) {
    // the third side of a grid is short
    let most = 1 << 15;
    for first in (0..boards).step_by(most) {
        let some = most.min(boards - first);
        let skipped = (4 * first * rows * columns) as u64;
        let grid = (columns.div_ceil(TILE) as u32, rows.div_ceil(TILE) as u32, some as u32);
        launch!(context, Boards, "turn_boards", Launch { grid, block: (TILE as u32, 8, 1), shared: 0 };
            Address from + skipped, Address to + skipped, Int rows as i32, Int columns as i32, Int i32::from(add));
    }
}

/// See [`super::composed`].
pub(in crate::ops) fn cuda<T: Tape<f32, Cuda>>(x: Matrix<Cuda, T>, boards: usize) -> Matrix<Cuda, T> {
    let (x, mut tape) = x.split_tape();
    let context = Context::of(x.device());
    let (rows, columns) = (x.shape().0 / boards, x.shape().1);
    let turned: Matrix<Cuda> = x.device().zeros_like(&(boards * columns, rows));
    turn(context, address(&x), address(&turned), (boards, rows, columns), false);
    if !T::OWNS_TAPE {
        return turned.put_tape(tape);
    }
    let ghost = turned.clone();
    tape.add_backward_op(move |gradients| {
        let gradient = take(gradients, &ghost)?;
        let to = slope(gradients, &x)?;
        turn(context, place(&gradient), to, (boards, columns, rows), true);
        Ok(())
    });
    turned.put_tape(tape)
}
