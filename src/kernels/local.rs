//! The local layer, post-norm: `y = n(x + local(x))`, where each channel of a cell takes a weighted sum of that channel in the cell itself
//! and its eight neighbours.
//!
//! Who is whose neighbour comes as a table: for each row nine rows, place `3 * (i + 1) + (j + 1)` for the one i rows down and j columns to
//! the right, and a number that is no row where there is none. What bites: the gradient of x is the same sum with the nine weights in
//! backward order, because whoever has a neighbour at place k is at place `8 - k` of that neighbour.
//!
//! A layer reads whole rows around a row, so it cannot go in place: it reads a copy.

use rayon::prelude::*;

use super::level::by_level;
use super::{EPSILON, Scratch, lanes};
use crate::clock::{Part, time};

/// The cells of a neighbourhood.
pub const PLACES: usize = 9;

/// Numbers that one task takes.
const TASK: usize = 1 << 14;

/// Columns whose sums stay in registers.
const STRIP: usize = 64;

/// Rows whose terms of the weights' gradient are added up before they join the others.
const BLOCK: usize = 256;

/// A local layer over one batch.
#[derive(Clone, Copy, Debug)]
pub struct Local<'a> {
    weight: &'a [f32],
    near: &'a [[u32; PLACES]],
    width: usize,
}

/// Where the gradients of a local layer go.
#[derive(Debug)]
pub struct Gradients<'a> {
    /// Of its input.
    pub x: &'a mut [f32],
    /// Of its weights.
    pub weight: &'a mut [f32],
}

impl<'a> Local<'a> {
    /// A layer with these weights over rows with these neighbours.
    ///
    /// # Shapes
    /// weight `[9, D]`, near `[N]`.
    pub fn new(weight: &'a [f32], near: &'a [[u32; PLACES]]) -> Self {
        let width = weight.len() / PLACES;
        assert_eq!(weight.len(), PLACES * width, "a weight has nine rows");
        Self { weight, near, width }
    }

    fn rows_of_task(&self) -> usize {
        (TASK / self.width).max(1)
    }

    /// `rows <- y`, in place.
    ///
    /// # Shapes
    /// rows `[N, D]`.
    pub fn apply(&self, rows: &mut [f32]) {
        let mut x = Scratch::<f32>::new(rows.len());
        x.par_chunks_mut(TASK).zip(rows.par_chunks(TASK)).for_each(|(to, from)| to.copy_from_slice(from));
        let task = self.rows_of_task();
        rows.par_chunks_mut(task * self.width).zip(self.near.par_chunks(task)).for_each(|(rows, near)| {
            time(Part::Other, || mix_and_norm(rows, &x, self.weight, near, None));
        });
    }

    /// The same where `rows` is a copy of x; the norm's factor of each row is kept.
    ///
    /// # Shapes
    /// x, rows `[N, D]` -> `[N]`.
    pub fn forward(&self, x: &[f32], rows: &mut [f32]) -> Scratch<f32> {
        assert_eq!((x.len(), rows.len()), (self.near.len() * self.width, x.len()), "the rows do not fit the table");
        let mut factors = Scratch::new(self.near.len());
        let task = self.rows_of_task();
        let kept = self.near.par_chunks(task).zip(factors.par_chunks_mut(task));
        rows.par_chunks_mut(task * self.width).zip(kept).for_each(|(rows, (near, factors))| {
            time(Part::Other, || mix_and_norm(rows, x, self.weight, near, Some(factors)));
        });
        factors
    }

    /// From the gradient of y those of x and of the weights, each added to what is there. `gradient` is used up. Every number is a sum in one
    /// order, whatever the threads.
    ///
    /// # Shapes
    /// x, y, gradient, d_x `[N, D]`; factors `[N]`; d_weight `[9, D]`.
    pub fn backward(&self, x: &[f32], y: &[f32], gradient: &mut [f32], factors: &[f32], into: Gradients<'_>) {
        let (width, task) = (self.width, self.rows_of_task());
        let outputs = y.par_chunks(task * width).zip(factors.par_chunks(task));
        gradient.par_chunks_mut(task * width).zip(outputs).for_each(|(gradient, (y, factors))| {
            time(Part::Norm, || lanes::norm_backward(gradient, y, factors, width));
        });
        let slopes = &*gradient;
        let rows = into.x.par_chunks_mut(task * width).zip(slopes.par_chunks(task * width));
        rows.zip(self.near.par_chunks(task)).for_each(|((d_x, own), near)| {
            time(Part::Other, || add_slopes(d_x, own, slopes, self.weight, near));
        });
        let places = into.weight.par_chunks_mut(width).enumerate();
        places
            .flat_map(|(place, row)| row.par_chunks_mut(STRIP).enumerate().map(move |strip| (place, strip)))
            .for_each(|(place, (number, d_weight))| {
                let columns = Columns { slopes, x, near: self.near, place, width };
                time(Part::WeightGradient, || add_products(d_weight, columns, number * STRIP));
            });
    }
}

/// The neighbours that a row has: where each one's weights begin, and where its numbers do.
struct Terms {
    all: [(usize, usize); PLACES],
    count: usize,
}

impl Terms {
    /// Of `rows` rows; `weight_of` says which weights a place takes.
    #[inline(always)]
    fn of(near: &[u32; PLACES], rows: usize, width: usize, weight_of: impl Fn(usize) -> usize) -> Self {
        let mut terms = Self { all: [(0, 0); PLACES], count: 0 };
        for place in 0..PLACES {
            let row = near[place] as usize;
            if row < rows {
                terms.all[terms.count] = (weight_of(place) * width, row * width);
                terms.count += 1;
            }
        }
        terms
    }

    /// `row += sum of weights * neighbour`, term by term.
    #[inline(always)]
    fn add(&self, row: &mut [f32], from: &[f32], weight: &[f32]) {
        let terms = &self.all[..self.count];
        let (strips, rest) = row.as_chunks_mut::<STRIP>();
        let done = strips.len() * STRIP;
        for (number, strip) in strips.iter_mut().enumerate() {
            let first = number * STRIP;
            let mut sums = *strip;
            for &(of_weight, of_row) in terms {
                let (weight, from) = (&weight[of_weight + first..][..STRIP], &from[of_row + first..][..STRIP]);
                for i in 0..STRIP {
                    sums[i] = weight[i].mul_add(from[i], sums[i]);
                }
            }
            *strip = sums;
        }
        for &(of_weight, of_row) in terms {
            for ((sum, weight), from) in rest.iter_mut().zip(&weight[of_weight + done..]).zip(&from[of_row + done..]) {
                *sum = weight.mul_add(*from, *sum);
            }
        }
    }
}

by_level! {
    /// `rows <- n(rows + local(x))` for the rows that have these neighbours; they hold what x has of them.
    fn mix_and_norm(rows: &mut [f32], x: &[f32], weight: &[f32], near: &[[u32; PLACES]], factors: Option<&mut [f32]>) {
        let mut factors = factors;
        let width = weight.len() / PLACES;
        let count = x.len() / width;
        for (i, (row, near)) in rows.chunks_exact_mut(width).zip(near).enumerate() {
            Terms::of(near, count, width, |place| place).add(row, x, weight);
            let factor = 1.0 / (lanes::dot(row, row) / width as f32 + EPSILON).sqrt();
            for number in row.iter_mut() {
                *number *= factor;
            }
            if let Some(factors) = &mut factors {
                factors[i] = factor;
            }
        }
    }

    /// `d_x += own + its share of its neighbours' slopes`, where own are the slopes of these rows.
    fn add_slopes(d_x: &mut [f32], own: &[f32], slopes: &[f32], weight: &[f32], near: &[[u32; PLACES]]) {
        let width = weight.len() / PLACES;
        let count = slopes.len() / width;
        for ((row, own), near) in d_x.chunks_exact_mut(width).zip(own.chunks_exact(width)).zip(near) {
            for (to, from) in row.iter_mut().zip(own) {
                *to += from;
            }
            Terms::of(near, count, width, |place| PLACES - 1 - place).add(row, slopes, weight);
        }
    }
}

/// What the weights of one place are multiplied with.
#[derive(Clone, Copy)]
struct Columns<'a> {
    slopes: &'a [f32],
    x: &'a [f32],
    near: &'a [[u32; PLACES]],
    place: usize,
    width: usize,
}

impl Columns<'_> {
    /// `d_weight += sum of slope * neighbour` over all rows that have one, in W columns.
    #[inline(always)]
    fn add<const W: usize>(self, d_weight: &mut [f32; W], first: usize) {
        let Self { slopes, x, near, place, width } = self;
        for (block, near) in near.chunks(BLOCK).enumerate() {
            let mut sums = [0.0f32; W];
            for (i, near) in near.iter().enumerate() {
                let (row, neighbour) = (block * BLOCK + i, near[place] as usize);
                if neighbour * width >= x.len() {
                    continue;
                }
                let (slope, from) = (&slopes[row * width + first..][..W], &x[neighbour * width + first..][..W]);
                for i in 0..W {
                    sums[i] = slope[i].mul_add(from[i], sums[i]);
                }
            }
            for (to, sum) in d_weight.iter_mut().zip(sums) {
                *to += sum;
            }
        }
    }
}

by_level! {
    /// The gradient of the weights of one place, in the columns from `first` on.
    fn add_products(d_weight: &mut [f32], columns: Columns<'_>, first: usize) {
        let mut first = first;
        let (strips, rest) = d_weight.as_chunks_mut::<STRIP>();
        for strip in strips {
            columns.add(strip, first);
            first += STRIP;
        }
        let (lanes, rest) = rest.as_chunks_mut::<16>();
        for lane in lanes {
            columns.add(lane, first);
            first += 16;
        }
        for one in rest.as_chunks_mut::<1>().0 {
            columns.add(one, first);
            first += 1;
        }
    }
}
