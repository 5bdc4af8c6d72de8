//! Joined and padded rows on CUDA. dfdx would compile its kernels for these while the program runs, and ask for a compiler then.

use dfdx::prelude::*;

use crate::device::Matrix;
use crate::ops::bridge::cuda::{Context, Launch, address, launch, place, slope, take};
use crate::ops::sum::cuda::add_to;

/// See [`super::join`].
pub(in crate::ops) fn join<T: Tape<f32, Cuda>>(top: Matrix<Cuda, T>, bottom: &Matrix<Cuda>) -> Matrix<Cuda, T> {
    let (top, mut tape) = top.split_tape();
    let context = Context::of(top.device());
    let ((above, width), below) = (*top.shape(), bottom.shape().0);
    assert_eq!(bottom.shape().1, width, "rows of one width");
    let joined: Matrix<Cuda> = top.device().zeros_like(&(above + below, width));
    let (first, skipped) = (address(&joined), (4 * above * width) as u64);
    context.copy(address(&top), first, 4 * above * width);
    context.copy(address(bottom), first + skipped, 4 * below * width);
    if !T::OWNS_TAPE {
        return joined.put_tape(tape);
    }
    let (ghost, bottom) = (joined.clone(), bottom.clone());
    tape.add_backward_op(move |gradients| {
        let gradient = take(gradients, &ghost)?;
        add_to(context, slope(gradients, &top)?, place(&gradient), above * width);
        add_to(context, slope(gradients, &bottom)?, place(&gradient) + skipped, below * width);
        Ok(())
    });
    joined.put_tape(tape)
}

/// See [`super::pad`].
pub(in crate::ops) fn pad<T: Tape<f32, Cuda>>(x: Matrix<Cuda, T>, columns: usize) -> Matrix<Cuda, T> {
    let (x, mut tape) = x.split_tape();
    let (context, (rows, width)) = (Context::of(x.device()), *x.shape());
    let padded: Matrix<Cuda> = x.device().zeros_like(&(rows, columns));
    launch!(context, Embed, "pad_rows", Launch::blocks(rows, 256);
        Address address(&x), Address address(&padded), Int width as i32, Int columns as i32);
    if !T::OWNS_TAPE {
        return padded.put_tape(tape);
    }
    let ghost = padded.clone();
    tape.add_backward_op(move |gradients| {
        let gradient = take(gradients, &ghost)?;
        launch!(context, Embed, "add_first", Launch::blocks(rows, 256);
            Address slope(gradients, &x)?, Address place(&gradient), Int width as i32, Int columns as i32);
        Ok(())
    });
    padded.put_tape(tape)
}
