//! The step in plain dfdx: its definition, on every device.

use dfdx::prelude::*;

use super::{EPSILON, LEAST_NORM, MuonRule, Stacked, stretch};
use crate::device::{Compute, Matrix};
use crate::kernels::{ITERATIONS, QUINTIC};
use crate::ops::{Moments, Moved, Operations};

/// See [`Operations::muon`].
pub fn composed<D: Operations>(tensors: Vec<Stacked<'_, D>>, rule: MuonRule) {
    tensors.into_iter().for_each(|tensor| step(tensor, rule));
}

fn step<D: Operations>(tensor: Stacked<'_, D>, rule: MuonRule) {
    let Stacked { moved: Moved { parameters, gradient, moments: Moments { first, second }, average }, products } =
        tensor;
    let (all_rows, columns) = *parameters.shape();
    assert_eq!(all_rows % products, 0, "{all_rows} rows are not {products} products");
    let rows = all_rows / products;
    *first = first.clone() * rule.momentum + gradient.clone();
    let ahead = first.clone() * rule.momentum + gradient.clone();

    let (mut direction, mut row_squares) = (None, None);
    for product in 0..products {
        let lines = product * rows..(product + 1) * rows;
        let ahead = ahead.clone().slice((lines.clone(), 0..columns));
        let mut polar = polar(ahead);
        if let Some(rest) = rule.rest_of_rows {
            let (evened, squares) = even_rows(polar, second.clone().slice((lines, 0..1)), rest);
            (polar, row_squares) = (evened, Some(below(row_squares, squares)));
        }
        direction = Some(below(direction, polar));
    }
    let direction = direction.expect("a tensor has a product at least");
    if let Some(row_squares) = row_squares {
        *second = row_squares;
    }
    *parameters = parameters.clone() * rule.keep - direction * (rule.size * stretch(rows, columns));
    let (keep, take) = rule.ema.shares();
    *average = average.clone() * keep + parameters.clone() * take;
}

fn below<D: Operations>(top: Option<Matrix<D>>, bottom: Matrix<D>) -> Matrix<D> {
    match top {
        Some(top) => D::join(top, &bottom),
        None => bottom,
    }
}

/// About the polar factor of a matrix, `NewtonSchulz(x / |x|)`.
///
/// # Shapes
/// `[R, C]` -> `[R, C]`.
pub fn polar<D: Compute>(x: Matrix<D>) -> Matrix<D> {
    let [a, b, c] = QUINTIC;
    let (rows, columns) = *x.shape();
    let turned = |x: &Matrix<D>| x.clone().permute::<_, Axes2<1, 0>>();
    let mut x = times_one(x.clone(), (norm(&x) + LEAST_NORM).recip());
    for _ in 0..ITERATIONS {
        let tall = rows > columns;
        let square = if tall { turned(&x).matmul(x.clone()) } else { x.clone().matmul(turned(&x)) };
        let mixing = square.clone() * b + square.clone().matmul(square) * c;
        let mixed = if tall { x.clone().matmul(mixing) } else { mixing.matmul(x.clone()) };
        x = x * a + mixed;
    }
    x
}

/// NorMuon's rows, and their mean squares from now on.
///
/// # Shapes
/// o `[R, C]`, row_squares `[R, 1]` -> `[R, C]`, `[R, 1]`.
fn even_rows<D: Compute>(o: Matrix<D>, row_squares: Matrix<D>, rest: f32) -> (Matrix<D>, Matrix<D>) {
    let shape = *o.shape();
    let (rows, columns) = shape;
    let mean = row_sums(o.clone().square()) * (1.0 / columns as f32);
    let row_squares = row_squares.clone() + (mean - row_squares) * rest;
    let factor = (row_squares.clone().sqrt() + EPSILON).recip().reshape_like(&(rows,));
    let evened = factor.broadcast_like::<_, Axis<1>>(&shape) * o.clone();
    let back = norm(&o) / (norm(&evened) + LEAST_NORM);
    (times_one(evened, back), row_squares)
}

/// `|x|`, `[1, 1]`.
fn norm<D: Compute>(x: &Matrix<D>) -> Matrix<D> {
    let ones = x.device().tensor_from_vec(vec![1.0; x.shape().0], (1, x.shape().0));
    ones.matmul(row_sums(x.clone().square())).sqrt()
}

/// The sum of each row, `[R, 1]`: a product with a column of ones.
fn row_sums<D: Compute>(x: Matrix<D>) -> Matrix<D> {
    let columns = x.shape().1;
    let ones = x.device().tensor_from_vec(vec![1.0; columns], (columns, 1));
    x.matmul(ones)
}

/// A matrix times the only number of another.
fn times_one<D: Compute>(x: Matrix<D>, factor: Matrix<D>) -> Matrix<D> {
    let shape = *x.shape();
    factor.reshape_like(&()).broadcast_like::<_, Axes2<0, 1>>(&shape) * x
}
