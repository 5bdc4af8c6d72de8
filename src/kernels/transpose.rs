//! Turning matrices over, sixteen by sixteen numbers at a time: `to[j, i] = from[i, j]`.
//!
//! The numbers are 32 bits wide whatever they mean: a float32, a pair of bfloat16 or four bytes of a packed tile.

use rayon::prelude::*;

#[cfg(target_arch = "x86_64")]
use super::Level;
use super::view::fits;

/// The side of a block: as many 32-bit numbers as an AVX-512 register, and as a cache line, holds.
const SIDE: usize = 16;

/// `to[j * to_stride + i] = from[i * from_stride + j]` for i below `rows` and j below `columns`.
pub fn transpose(from: &[f32], from_stride: usize, to: &mut [f32], to_stride: usize, rows: usize, columns: usize) {
    if rows == 0 || columns == 0 {
        return;
    }
    assert!(fits(from.len(), rows, columns, from_stride), "the matrix does not fit its slice");
    assert!(fits(to.len(), columns, rows, to_stride), "the turned matrix does not fit its slice");
    for i in (0..rows).step_by(SIDE) {
        for j in (0..columns).step_by(SIDE) {
            let (from, to) = (&from[i * from_stride + j..], &mut to[j * to_stride + i..]);
            let (rows, columns) = (SIDE.min(rows - i), SIDE.min(columns - j));
            if rows == SIDE && columns == SIDE && whole_block(from, from_stride, to, to_stride) {
                continue;
            }
            for i in 0..rows {
                for j in 0..columns {
                    to[j * to_stride + i] = from[i * from_stride + j];
                }
            }
        }
    }
}

/// For each of `boards` matrices `[rows, columns]`, one after another, its transpose.
pub fn transpose_boards(from: &[f32], to: &mut [f32], rows: usize, columns: usize) {
    let boards = from.par_chunks_exact(rows * columns).zip(to.par_chunks_exact_mut(rows * columns));
    boards.for_each(|(from, to)| transpose(from, columns, to, rows, rows, columns));
}

#[cfg(not(target_arch = "x86_64"))]
fn whole_block(_: &[f32], _: usize, _: &mut [f32], _: usize) -> bool {
    false
}

/// A block of 16 x 16 by vector instructions; false where the processor has none.
#[cfg(target_arch = "x86_64")]
fn whole_block(from: &[f32], from_stride: usize, to: &mut [f32], to_stride: usize) -> bool {
    if !Level::Avx512.is_in_use() {
        return false;
    }
    assert!(fits(from.len(), SIDE, SIDE, from_stride) && fits(to.len(), SIDE, SIDE, to_stride));
    // SAFETY: the processor has AVX-512; the last of the sixteen rows fits both slices.
    unsafe { block(from.as_ptr().cast(), from_stride, to.as_mut_ptr().cast(), to_stride) };
    true
}

/// `to[j, i] = from[i, j]` for 16 x 16 numbers of 32 bits; strides count numbers.
///
/// # Safety
/// Sixteen rows of sixteen numbers can be read from `from` and written to `to`.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
#[inline]
pub unsafe fn block(from: *const i32, from_stride: usize, to: *mut i32, to_stride: usize) {
    use std::arch::x86_64::*;
    let mut rows = [_mm512_setzero_si512(); SIDE];
    for (i, row) in rows.iter_mut().enumerate() {
        // SAFETY: the caller vouches for sixteen rows.
        *row = unsafe { _mm512_loadu_si512(from.add(i * from_stride).cast()) };
    }
    // four rounds, each exchanging halves of twice the size: 1, 2, 4 and 8 numbers
    let mut turned = rows;
    for i in 0..8 {
        turned[2 * i] = _mm512_unpacklo_epi32(rows[2 * i], rows[2 * i + 1]);
        turned[2 * i + 1] = _mm512_unpackhi_epi32(rows[2 * i], rows[2 * i + 1]);
    }
    for i in 0..4 {
        for j in 0..2 {
            rows[4 * i + 2 * j] = _mm512_unpacklo_epi64(turned[4 * i + j], turned[4 * i + j + 2]);
            rows[4 * i + 2 * j + 1] = _mm512_unpackhi_epi64(turned[4 * i + j], turned[4 * i + j + 2]);
        }
    }
    // now rows[4 * i + j] holds, in each quarter q, column 4 * q + j of the rows 4 * i .. 4 * i + 4
    for half in 0..2 {
        for j in 0..4 {
            let (low, high) = (rows[8 * half + j], rows[8 * half + 4 + j]);
            turned[8 * half + j] = _mm512_shuffle_i32x4::<0x88>(low, high);
            turned[8 * half + 4 + j] = _mm512_shuffle_i32x4::<0xdd>(low, high);
        }
    }
    for j in 0..8 {
        let (low, high) = (turned[j], turned[8 + j]);
        rows[(j / 4) * 4 + j % 4] = _mm512_shuffle_i32x4::<0x88>(low, high);
        rows[8 + (j / 4) * 4 + j % 4] = _mm512_shuffle_i32x4::<0xdd>(low, high);
    }
    for (j, row) in rows.into_iter().enumerate() {
        // SAFETY: the caller vouches for sixteen rows.
        unsafe { _mm512_storeu_si512(to.add(j * to_stride).cast(), row) };
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn strides_that_overflow_are_refused() {
        let transpose = |from_stride: usize, to_stride: usize| {
            let (from, mut to) = ([0.0f32; 512], [0.0f32; 512]);
            std::panic::catch_unwind(move || super::transpose(&from, from_stride, &mut to, to_stride, 17, 16)).is_err()
        };
        // sixteen strides wrap around to nothing
        assert!(transpose(1 << 60, 17) && transpose(16, usize::MAX / 15 + 1) && !transpose(16, 17));
    }

    #[test]
    fn every_size_is_turned_over() {
        for (rows, columns) in [(1, 1), (16, 16), (17, 33), (5, 40), (48, 32)] {
            let (from_stride, to_stride) = (columns + 3, rows + 1);
            let from: Vec<f32> = (0..rows * from_stride).map(|x| x as f32).collect();
            let mut to = vec![-1.0; columns * to_stride];
            super::transpose(&from, from_stride, &mut to, to_stride, rows, columns);
            for i in 0..rows {
                for j in 0..columns {
                    assert_eq!(to[j * to_stride + i], from[i * from_stride + j], "{rows}x{columns} at {i}, {j}");
                }
            }
            assert!((0..columns).all(|j| to[j * to_stride + rows] == -1.0), "nothing beside it is touched");
        }
    }
}
