//! bfloat16 products with float32 sums: on tile registers, or by pairs in AVX-512 registers (`vdpbf16ps`).
//!
//! Activations stay float32 between products; both sides of a product are rounded to 8 significant bits.

use super::amx::{TILE, Tiles};
use super::tiles::{Format, LINES, Operand, Side};
use super::view::fits;
use super::{DEPTH_BLOCK, Engine, Level, Section, View, lanes};
use crate::clock::{Part, time};

/// Two bytes to a number.
#[derive(Clone, Copy, Debug)]
pub struct TwoBytes;

impl Format for TwoBytes {
    const PLANES: usize = 1;
    const STEP: usize = 32;

    unsafe fn scales(_: View<'_>, scales: &mut [f32]) {
        scales.fill(1.0);
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
    unsafe fn encode(lines: View<'_>, start: usize, _: &[f32], to: &mut [u8]) {
        use std::arch::x86_64::*;
        assert!(lines.lines() <= LINES && to.len() >= TILE);
        for row in 0..lines.lines() {
            let line = lines.line(row).get(start..).unwrap_or(&[]);
            let mask = |from: usize| ((1u32 << line.len().saturating_sub(from).min(16)) - 1) as u16;
            // SAFETY: the masks read what the line has; row is below 16, so that its 64 bytes are in `to`.
            unsafe {
                let low = _mm512_maskz_loadu_ps(mask(0), line.as_ptr());
                let high = _mm512_maskz_loadu_ps(mask(16), line.as_ptr().wrapping_add(16));
                let pairs: __m512i = std::mem::transmute(_mm512_cvtne2ps_pbh(high, low));
                _mm512_storeu_si512(to.as_mut_ptr().add(row * 64).cast(), pairs);
            }
        }
    }
}

/// bfloat16 on tile registers.
#[derive(Clone, Copy, Debug)]
pub struct TilePairs(());

impl TilePairs {
    /// The engine, where the processor has it.
    pub fn find() -> Option<Self> {
        Level::Amx.is_in_use().then_some(Self(()))
    }
}

/// bfloat16 by `vdpbf16ps`.
#[derive(Clone, Copy, Debug)]
pub struct VectorPairs(());

impl VectorPairs {
    /// The engine, where the processor has it.
    pub fn find() -> Option<Self> {
        Level::Avx512Bf16.is_in_use().then_some(Self(()))
    }
}

/// Columns whose tiles stay in the second-level cache while the rows go by.
const COLUMNS_AT_A_TIME: usize = 512;

#[repr(align(64))]
struct Edge([f32; 32 * 32]);

/// Runs `square` for every 32 x 32 numbers of the result: (tiles of rows, tiles of columns, rows that count, out, stride, add).
fn each_square(
    left: &Operand<TwoBytes>,
    right: &Operand<TwoBytes>,
    section: Section,
    out: &mut [f32],
    stride: usize,
    mut square: impl FnMut([&[u8]; 2], [&[u8]; 2], usize, &mut [f32], usize, bool),
) {
    assert!(section.first_depth.is_multiple_of(DEPTH_BLOCK) && section.first_column.is_multiple_of(2 * LINES));
    assert!(section.lies_within(left.depth, right.lines, right.depth));
    assert!(fits(out.len(), left.lines, section.columns, stride));
    let mut edge = Edge([0.0; 32 * 32]);
    for block in 0..left.depth.div_ceil(DEPTH_BLOCK) {
        let right_block = section.first_depth / DEPTH_BLOCK + block;
        let add = section.add || block > 0;
        for chunk in (0..section.columns).step_by(COLUMNS_AT_A_TIME) {
            let end = (chunk + COLUMNS_AT_A_TIME).min(section.columns);
            for row in (0..left.lines).step_by(2 * LINES) {
                let upper = [left.tile(block, row / LINES), left.tile(block, row / LINES + 1)];
                let rows = (left.lines - row).min(2 * LINES);
                for column in (chunk..end).step_by(2 * LINES) {
                    let place = (section.first_column + column) / LINES;
                    let columns = [right.tile(right_block, place), right.tile(right_block, place + 1)];
                    assert!(upper[0].len() <= columns[0].len());
                    let to = &mut out[row * stride + column..];
                    let width = (end - column).min(2 * LINES);
                    if rows == 2 * LINES && width == 2 * LINES {
                        square(upper, columns, rows, to, stride, add);
                        continue;
                    }
                    square(upper, columns, rows, &mut edge.0, 2 * LINES, false);
                    for i in 0..rows {
                        let from = &edge.0[i * 2 * LINES..][..width];
                        let to = &mut to[i * stride..][..width];
                        if add { lanes::add(to, from) } else { to.copy_from_slice(from) }
                    }
                }
            }
        }
    }
}

impl Engine for TilePairs {
    type Left<'a> = Operand<TwoBytes>;
    type Right = Operand<TwoBytes>;

    fn name(self) -> &'static str {
        "bfloat16 on tile registers"
    }

    fn left<'a>(self, lines: View<'a>) -> Self::Left<'a> {
        time(Part::Packing, || Operand::pack(lines, Side::Left))
    }

    fn right(self, lines: View<'_>) -> Self::Right {
        time(Part::Packing, || Operand::pack(lines, Side::Right))
    }

    fn multiply(self, left: &Self::Left<'_>, right: &Self::Right, section: Section, out: &mut [f32], stride: usize) {
        let tiles = Tiles::take();
        let square =
            |[upper, lower]: [&[u8]; 2], [first, second]: [&[u8]; 2], _, out: &mut [f32], stride: usize, add: bool| {
                assert!(fits(out.len(), 2 * LINES, 2 * LINES, stride));
                let steps = upper.len() / TILE;
                let (rows, next_rows) = (upper.as_ptr(), lower.as_ptr() as usize - upper.as_ptr() as usize);
                let (columns, next) = (first.as_ptr(), second.as_ptr() as usize - first.as_ptr() as usize);
                // SAFETY: all four hold `steps` tiles or more, `out` 32 rows of 32 numbers.
                unsafe { tiles.bfloat16(steps, rows, next_rows, columns, next, out.as_mut_ptr(), stride * 4, add) };
            };
        time(section.part, || each_square(left, right, section, out, stride, square));
    }
}

impl Engine for VectorPairs {
    type Left<'a> = Operand<TwoBytes>;
    type Right = Operand<TwoBytes>;

    fn name(self) -> &'static str {
        "bfloat16 pairs in AVX-512 registers"
    }

    fn tile_rows(self) -> usize {
        ROWS
    }

    fn left<'a>(self, lines: View<'a>) -> Self::Left<'a> {
        time(Part::Packing, || Operand::pack(lines, Side::Left))
    }

    fn right(self, lines: View<'_>) -> Self::Right {
        time(Part::Packing, || Operand::pack(lines, Side::Right))
    }

    fn multiply(self, left: &Self::Left<'_>, right: &Self::Right, section: Section, out: &mut [f32], stride: usize) {
        let square =
            |rows: [&[u8]; 2], columns: [&[u8]; 2], count: usize, out: &mut [f32], stride: usize, add: bool| {
                for first in (0..count).step_by(ROWS) {
                    let rows = &rows[first / LINES][first % LINES * 64..];
                    // SAFETY: the processor was asked for these instructions when the engine was found.
                    unsafe { eight_rows(rows, columns, &mut out[first * stride..], stride, add) };
                }
            };
        time(section.part, || each_square(left, right, section, out, stride, square));
    }
}

/// Rows that are multiplied at a time.
const ROWS: usize = 8;

/// `out[8, 32] (+)= rows . columns`; `rows` begins at the first of eight rows of the first tile.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
fn eight_rows(rows: &[u8], columns: [&[u8]; 2], out: &mut [f32], stride: usize, add: bool) {
    use std::arch::x86_64::*;
    let steps = rows.len().div_ceil(TILE);
    assert!(columns.iter().all(|columns| columns.len() >= steps * TILE) && fits(out.len(), ROWS, 32, stride));
    assert!(rows.len() >= (steps - 1) * TILE + 8 * 64);
    let mut sums = [[_mm512_setzero_ps(); 2]; 8];
    for step in 0..steps {
        for pair in 0..LINES {
            // SAFETY: every tile has sixteen pairs of rows of 64 bytes; lengths are asserted above.
            unsafe {
                let column = |i: usize| -> __m512bh {
                    std::mem::transmute(_mm512_loadu_si512(columns[i].as_ptr().add(step * TILE + pair * 64).cast()))
                };
                let right = [column(0), column(1)];
                let left = rows.as_ptr().add(step * TILE + pair * 4);
                for i in 0..8 {
                    let both = left.add(i * 64).cast::<i32>().read_unaligned();
                    let both: __m512bh = std::mem::transmute(_mm512_set1_epi32(both));
                    sums[i][0] = _mm512_dpbf16_ps(sums[i][0], both, right[0]);
                    sums[i][1] = _mm512_dpbf16_ps(sums[i][1], both, right[1]);
                }
            }
        }
    }
    for (i, sums) in sums.into_iter().enumerate() {
        for (j, sum) in sums.into_iter().enumerate() {
            // SAFETY: `out` has eight rows of 32 numbers.
            unsafe {
                let to = out.as_mut_ptr().add(i * stride + j * 16);
                _mm512_storeu_ps(to, if add { _mm512_add_ps(_mm512_loadu_ps(to), sum) } else { sum });
            }
        }
    }
}
