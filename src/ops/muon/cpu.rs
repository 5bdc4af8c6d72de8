//! The step of the CPU: all products side by side, and their own products on all threads as well. Every number is summed in one order, so
//! the number of threads changes no bit.

use dfdx::prelude::{Cpu, HasShape};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::{EPSILON, LEAST_NORM, MuonRule, Stacked, stretch};
use crate::kernels::{Kind, Scratch, dispatch, lanes};
use crate::ops::{Ema, Moved, bridge};

/// See [`Operations::muon`](crate::ops::Operations::muon).
pub fn cpu(tensors: Vec<Stacked<'_, Cpu>>, rule: MuonRule) {
    let engine = Kind::best(false).expect("every processor has float32");
    tensors.into_par_iter().for_each(|Stacked { moved, products }| {
        let Moved { parameters, gradient, moments, average } = moved;
        let (all_rows, columns) = *parameters.shape();
        assert_eq!(all_rows % products, 0, "{all_rows} rows are not {products} products");
        let rows = all_rows / products;
        let size = rows * columns;
        let p = bridge::values_mut(parameters).par_chunks_mut(size);
        let average = bridge::values_mut(average).par_chunks_mut(size);
        let m = bridge::values_mut(&mut moments.first).par_chunks_mut(size);
        let v = bridge::values_mut(&mut moments.second).par_chunks_mut(rows);
        let g = bridge::values(gradient).par_chunks(size);
        p.zip(average).zip(m.zip(v)).zip(g).for_each(|(((p, average), (m, v)), g)| {
            Product { p, average, m, v, g, rows, columns }.step(engine, rule);
        });
    });
}

/// A product, with its letters in the formula.
struct Product<'a> {
    p: &'a mut [f32],
    average: &'a mut [f32],
    m: &'a mut [f32],
    v: &'a mut [f32],
    g: &'a [f32],
    rows: usize,
    columns: usize,
}

impl Product<'_> {
    fn step(self, engine: Kind, rule: MuonRule) {
        let Self { p, average, m, v, g, rows, columns } = self;
        let mut o = Scratch::<f32>::new(rows * columns);
        dispatch(Momentum { m, g, u: &mut o, momentum: rule.momentum });
        let mut squares = vec![0.0; rows];
        lanes::squares(&o, columns, &mut squares);
        let inverse = 1.0 / (root_of_sum(&squares) + LEAST_NORM);
        o.iter_mut().for_each(|u| *u *= inverse);
        engine.newton_schulz(&mut o, columns);

        let size = rule.size * stretch(rows, columns);
        let mut sizes = vec![size; rows];
        if let Some(rest) = rule.rest_of_rows {
            lanes::squares(&o, columns, &mut squares);
            even_rows(&mut sizes, v, &squares, columns, rest);
        }
        dispatch(Step { p, average, o: &o, sizes: &sizes, keep: rule.keep, ema: rule.ema });
    }
}

/// From the sums of squares of the rows of O, NorMuon's v, and each row's size times `|O| / |N| / (sqrt(v) + 1e-8)`.
fn even_rows(sizes: &mut [f32], v: &mut [f32], squares: &[f32], columns: usize, rest: f32) {
    let mut evened = vec![0.0; squares.len()];
    for (i, &square) in squares.iter().enumerate() {
        v[i] += rest * (square / columns as f32 - v[i]);
        let factor = 1.0 / (v[i].sqrt() + EPSILON);
        sizes[i] *= factor;
        evened[i] = square * factor * factor;
    }
    let back = root_of_sum(squares) / (root_of_sum(&evened) + LEAST_NORM);
    sizes.iter_mut().for_each(|size| *size *= back);
}

fn root_of_sum(squares: &[f32]) -> f32 {
    squares.iter().map(|&square| f64::from(square)).sum::<f64>().sqrt() as f32
}

/// `m <- mu * m + g` and `u = g + mu * m`.
struct Momentum<'a> {
    m: &'a mut [f32],
    g: &'a [f32],
    u: &'a mut [f32],
    momentum: f32,
}

impl WithSimd for Momentum<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { m, g, u, momentum } = self;
        for ((m, &g), u) in m.iter_mut().zip(g).zip(u) {
            *m = momentum.mul_add(*m, g);
            *u = momentum.mul_add(*m, g);
        }
    }
}

/// What the direction does to the numbers and to their average; each row has its size.
struct Step<'a> {
    p: &'a mut [f32],
    average: &'a mut [f32],
    o: &'a [f32],
    sizes: &'a [f32],
    keep: f32,
    ema: Ema,
}

impl WithSimd for Step<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { p, average, o, sizes, keep, ema } = self;
        let columns = p.len() / sizes.len();
        let rows = p.chunks_exact_mut(columns).zip(average.chunks_exact_mut(columns)).zip(o.chunks_exact(columns));
        for (((p, average), o), &size) in rows.zip(sizes) {
            for ((p, average), &o) in p.iter_mut().zip(average).zip(o) {
                *p = (-size).mul_add(o, *p * keep);
                *average = ema.after(*average, *p);
            }
        }
    }
}
