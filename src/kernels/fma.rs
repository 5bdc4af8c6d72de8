//! The float32 engine of every processor: fused multiply-adds on a tile of registers, the widest vectors found at run time.
//!
//! The right side is packed once, 2 vectors of columns side by side for each step of the depth; the left side is read in
//! place. A tile of the result lives in registers over a block of the depth.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::level::dispatch;
use super::{DEPTH_BLOCK, Engine, Scratch, Section, View};
use crate::clock::{Part, time};

/// float32 products by fused multiply-adds.
#[derive(Clone, Copy, Debug)]
pub struct Fma;

/// Vectors of columns in a tile.
const VECTORS: usize = 2;

/// The right side: for each tile of columns `[depth, columns of a tile]`, zero beyond the last line.
#[derive(Debug)]
pub struct Packed {
    values: Scratch<f32>,
    depth: usize,
    width: usize,
}

/// The left side: in place where its lines are dense.
#[derive(Debug)]
pub enum Lines<'a> {
    /// As they lie.
    Borrowed(View<'a>),
    /// Gathered.
    Owned(Scratch<f32>, usize),
}

/// Rows of a tile: as many as the registers hold, 32 of 16 lanes, else 16.
const fn rows_of_lanes(lanes: usize) -> usize {
    if lanes == 16 { 12 } else { 6 }
}

/// Returns the numbers of a vector of the level in use.
pub fn lanes() -> usize {
    struct Lanes;
    impl WithSimd for Lanes {
        type Output = usize;

        fn with_simd<S: Simd>(self, _: S) -> usize {
            S::F32_LANES
        }
    }
    dispatch(Lanes)
}

impl Packed {
    fn new(lines: View<'_>) -> Self {
        let (depth, width) = (lines.depth(), VECTORS * lanes());
        let mut values = Scratch::new(lines.lines().div_ceil(width) * width * depth);
        let pack = |(tile, packed): (usize, &mut [f32])| {
            let first = tile * width;
            let count = width.min(lines.lines() - first);
            if count < width {
                packed.fill(0.0);
            }
            lines.interleave(first, count, packed, width);
        };
        // a weight is worth all threads, the keys of a head are one thread's work
        match lines.lines() * depth > 1 << 17 {
            true => values.par_chunks_mut(width * depth).enumerate().for_each(pack),
            false => values.chunks_mut(width * depth).enumerate().for_each(pack),
        }
        Self { values, depth, width }
    }
}

impl Engine for Fma {
    type Left<'a> = Lines<'a>;
    type Right = Packed;

    fn name(self) -> &'static str {
        "fused multiply-add"
    }

    fn tile_rows(self) -> usize {
        rows_of_lanes(lanes())
    }

    fn left<'a>(self, lines: View<'a>) -> Lines<'a> {
        if lines.is_dense() { Lines::Borrowed(lines) } else { Lines::Owned(lines.gathered(), lines.lines()) }
    }

    fn right(self, lines: View<'_>) -> Packed {
        time(Part::Packing, || Packed::new(lines))
    }

    fn multiply(self, left: &Lines<'_>, right: &Packed, section: Section, out: &mut [f32], stride: usize) {
        let left = match left {
            Lines::Borrowed(view) => *view,
            Lines::Owned(values, lines) => {
                let depth = values.len() / (*lines).max(1);
                View::rows(values, *lines, depth, depth)
            }
        };
        time(section.part, || dispatch(Product { left, right, section, out, stride }));
    }
}

struct Product<'a> {
    left: View<'a>,
    right: &'a Packed,
    section: Section,
    out: &'a mut [f32],
    stride: usize,
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if S::F32_LANES == 16 {
            self.run::<S, { rows_of_lanes(16) }>(simd)
        } else {
            self.run::<S, { rows_of_lanes(8) }>(simd)
        }
    }
}

impl Product<'_> {
    #[inline(always)]
    fn run<S: Simd, const ROWS: usize>(self, simd: S) {
        let Self { left, right, section, out, stride } = self;
        let width = VECTORS * S::F32_LANES;
        assert_eq!(width, right.width, "a right side packed for other vectors");
        assert!(section.first_column % width == 0 && section.first_depth + left.depth() <= right.depth);
        let mut edge = [0.0f32; 12 * 32];
        for from in (0..left.depth()).step_by(DEPTH_BLOCK) {
            let depth = DEPTH_BLOCK.min(left.depth() - from);
            let add = section.add || from > 0;
            for column in (0..section.columns).step_by(width) {
                let tile = (section.first_column + column) / width;
                let packed =
                    &right.values[(tile * right.depth + section.first_depth + from) * width..][..depth * width];
                let columns = width.min(section.columns - column);
                for row in (0..left.lines()).step_by(ROWS) {
                    let rows = ROWS.min(left.lines() - row);
                    // beyond the last row the last is read again, and its result left out
                    let mut lines: [&[f32]; ROWS] = [&[]; ROWS];
                    for (i, line) in lines.iter_mut().enumerate() {
                        *line = &left.line(row + i.min(rows - 1))[from..from + depth];
                    }
                    if rows == ROWS && columns == width {
                        tile_product::<S, ROWS>(simd, lines, packed, &mut out[row * stride + column..], stride, add);
                        continue;
                    }
                    tile_product::<S, ROWS>(simd, lines, packed, &mut edge, width, false);
                    for i in 0..rows {
                        let from = &edge[i * width..][..columns];
                        let to = &mut out[(row + i) * stride + column..][..columns];
                        if add { super::lanes::add(to, from) } else { to.copy_from_slice(from) }
                    }
                }
            }
        }
    }
}

/// `out (+)= lines . packed`: ROWS lines, one tile of columns.
#[inline(always)]
fn tile_product<S: Simd, const ROWS: usize>(
    simd: S,
    mut lines: [&[f32]; ROWS],
    packed: &[f32],
    out: &mut [f32],
    stride: usize,
    add: bool,
) {
    let (packed, _) = S::as_simd_f32s(packed);
    let (packed, _) = packed.as_chunks::<VECTORS>();
    for line in &mut lines {
        *line = &line[..packed.len()];
    }
    let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
    for (k, columns) in packed.iter().enumerate() {
        for i in 0..ROWS {
            let x = simd.splat_f32s(lines[i][k]);
            for j in 0..VECTORS {
                sums[i][j] = simd.mul_add_f32s(x, columns[j], sums[i][j]);
            }
        }
    }
    for (i, sums) in sums.into_iter().enumerate() {
        let row = &mut out[i * stride..][..VECTORS * S::F32_LANES];
        let (row, _) = S::as_mut_simd_f32s(row);
        for j in 0..VECTORS {
            row[j] = if add { simd.add_f32s(row[j], sums[j]) } else { sums[j] };
        }
    }
}
