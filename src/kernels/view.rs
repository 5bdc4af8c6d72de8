//! `View`: lines of numbers inside a slice, the way both sides of a product are named.
//!
//! A product `out[i, j] = sum_k left[i, k] * right[j, k]` reads lines on both sides: line i of the left one is a row of
//! the result, line j of the right one a column, and k runs along the depth. A PyTorch weight `[M, K]` is M lines of depth
//! K as it stands; turned over, the same memory is K lines of depth M.

use super::Scratch;
use crate::clock::Part;

/// `lines` times `depth` numbers of a slice, evenly spaced.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    values: &'a [f32],
    lines: usize,
    depth: usize,
    line_stride: usize,
    depth_stride: usize,
    bound: Option<f32>,
}

impl<'a> View<'a> {
    /// The rows of a matrix as lines: line i is `values[i * stride ..][.. depth]`.
    pub fn rows(values: &'a [f32], lines: usize, depth: usize, stride: usize) -> Self {
        assert!(fits(values.len(), lines, depth, stride), "the rows do not fit their slice");
        Self { values, lines, depth, line_stride: stride, depth_stride: 1, bound: None }
    }

    /// The columns of a matrix as lines: number k of line i is `values[k * stride + i]`.
    pub fn columns(values: &'a [f32], lines: usize, depth: usize, stride: usize) -> Self {
        assert!(fits(values.len(), depth, lines, stride), "the columns do not fit their slice");
        Self { values, lines, depth, line_stride: 1, depth_stride: stride, bound: None }
    }

    /// Some of the lines.
    pub fn some(self, first: usize, count: usize) -> Self {
        assert!(first <= self.lines && count <= self.lines - first, "{count} lines from {first} on, of {}", self.lines);
        let start = first.saturating_mul(self.line_stride).min(self.values.len());
        Self { values: &self.values[start..], lines: count, ..self }
    }

    /// The same lines, of which no number is larger than `bound`: an engine that scales by line need not look for it.
    pub fn bounded(self, bound: f32) -> Self {
        Self { bound: Some(bound), ..self }
    }

    /// What no number is larger than, where that is known.
    pub fn bound(&self) -> Option<f32> {
        self.bound
    }

    /// How many lines.
    pub fn lines(&self) -> usize {
        self.lines
    }

    /// The numbers of a line.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// True when the numbers of a line lie side by side.
    pub fn is_dense(&self) -> bool {
        self.depth_stride == 1
    }

    /// Line i, which must be dense.
    #[inline(always)]
    pub fn line(&self, i: usize) -> &'a [f32] {
        debug_assert!(self.is_dense());
        &self.values[i * self.line_stride..][..self.depth]
    }

    /// Lays lines side by side: number k of line `first + i` goes to `to[k * stride + i]`.
    pub fn interleave(&self, first: usize, count: usize, to: &mut [f32], stride: usize) {
        let some = self.some(first, count);
        if self.is_dense() {
            return super::transpose(some.values, some.line_stride, to, stride, count, some.depth);
        }
        for k in 0..some.depth {
            to[k * stride..][..count].copy_from_slice(&some.values[k * some.depth_stride..][..count]);
        }
    }

    /// The same lines with their numbers side by side, `[lines, depth]`.
    pub fn gathered(&self) -> Scratch<f32> {
        let mut out = Scratch::new(self.lines.checked_mul(self.depth).expect("as many numbers as memory has"));
        super::transpose(self.values, self.depth_stride, &mut out, self.depth, self.depth, self.lines);
        out
    }
}

/// True when `lines` lines of `width` numbers, each `stride` after the last one, lie within `length` numbers; false when their end overflows.
///
/// Code that reads through pointers asserts this: unchecked, a stride near `usize::MAX` would wrap around to a place that seems to fit.
pub(super) fn fits(length: usize, lines: usize, width: usize, stride: usize) -> bool {
    let Some(last) = lines.checked_sub(1) else { return true };
    last.checked_mul(stride).and_then(|start| start.checked_add(width)).is_some_and(|end| end <= length)
}

/// Which part of a product to compute, and what to do with it.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// The first line of the right side, a multiple of [`TILE_LINES`].
    pub first_column: usize,
    /// How many lines of the right side.
    pub columns: usize,
    /// Where along the right side's depth the left side begins, a multiple of [`DEPTH_BLOCK`].
    pub first_depth: usize,
    /// Add to what is there instead of replacing it.
    pub add: bool,
    /// What the clock counts it as.
    pub part: Part,
}

/// Every engine's tiles divide this many columns.
pub const TILE_LINES: usize = 32;

/// The depth that is multiplied at a time: a tile's share of both sides stays in the first-level cache.
pub const DEPTH_BLOCK: usize = 256;

/// The stride of working rows of `width` numbers: whole cache lines, an odd number of them, so that the rows of a tile do not
/// fall on the same few sets of the first-level cache.
pub fn apart(width: usize) -> usize {
    (width.div_ceil(16) | 1) * 16
}

impl Section {
    /// All columns over the whole depth, replacing what is there.
    pub fn whole(columns: usize) -> Self {
        Self { first_column: 0, columns, first_depth: 0, add: false, part: Part::Products }
    }

    /// Some columns over the whole depth.
    pub fn columns(first: usize, count: usize) -> Self {
        Self { first_column: first, ..Self::whole(count) }
    }

    /// All columns, where the left side holds the depth from `first` on; the first of them replaces, the rest are added.
    pub fn depth(first: usize, columns: usize) -> Self {
        Self { first_depth: first, add: first > 0, ..Self::whole(columns) }
    }

    /// The same as a product inside attention.
    pub fn of_attention(self) -> Self {
        Self { part: Part::Attention, ..self }
    }

    /// True when a left side of this depth meets a right side of these lines and depth inside of it.
    pub(super) fn lies_within(self, left_depth: usize, lines: usize, depth: usize) -> bool {
        let end = |start: usize, count: usize, of: usize| start.checked_add(count).is_some_and(|end| end <= of);
        end(self.first_depth, left_depth, depth) && end(self.first_column, self.columns, lines)
    }

    /// The same part, added to what is there.
    pub fn added(self) -> Self {
        Self { add: true, ..self }
    }
}

/// A way of multiplying: what a processor offers for float32 or bfloat16 products.
///
/// Results do not depend on how rows are cut into calls, so they do not depend on the number of threads.
pub trait Engine: Copy + Send + Sync + 'static {
    /// Lines ready to be the left side.
    type Left<'a>;
    /// Lines ready to be the right side, kept over many products.
    type Right: Send + Sync;

    /// Its name in reports.
    fn name(self) -> &'static str;

    /// The rows of a tile: what is cut into multiples of them wastes nothing.
    fn tile_rows(self) -> usize {
        TILE_LINES
    }

    /// Makes lines ready to be the left side.
    fn left<'a>(self, lines: View<'a>) -> Self::Left<'a>;

    /// Makes lines ready to be the right side.
    fn right(self, lines: View<'_>) -> Self::Right;

    /// `out[i * stride + j] = sum_k left[i, k] * right[first_column + j, first_depth + k]`.
    fn multiply(self, left: &Self::Left<'_>, right: &Self::Right, section: Section, out: &mut [f32], stride: usize);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_whose_end_overflows_do_not_fit() {
        assert!(fits(10, 0, 99, usize::MAX) && fits(10, 1, 10, usize::MAX) && fits(10, 2, 4, 6));
        assert!(!fits(10, 2, 5, 6) && !fits(10, 1, 11, 0));
        // each of these products and sums wraps around to a small number
        for (lines, width, stride) in [(3, 4, 1 << 63), (17, 4, 1 << 60), (2, 8, usize::MAX - 3), (2, usize::MAX, 2)] {
            assert!(!fits(64, lines, width, stride), "{lines} lines of {width}, {stride} apart");
        }
    }

    #[test]
    fn a_view_of_lines_that_overflow_is_refused() {
        let values = [0.0f32; 64];
        for refused in [
            std::panic::catch_unwind(|| View::rows(&values, 3, 4, 1 << 63).lines()),
            std::panic::catch_unwind(|| View::columns(&values, 4, 3, 1 << 63).lines()),
            std::panic::catch_unwind(|| View::rows(&values, 4, 4, 4).some(usize::MAX, 2).lines()),
        ] {
            assert!(refused.is_err());
        }
    }
}
