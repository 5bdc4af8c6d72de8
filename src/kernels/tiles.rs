//! Lines packed as tiles of 16 lines by 64 bytes of depth, the way tile registers and bfloat16 pairs want them.
//!
//! Blocks of the depth come first, then tiles of lines, then steps of 64 bytes along the depth, then planes (a format may
//! spread a number over several bytes). On the right side every tile is turned over by units of four bytes, so that a
//! row of it holds the same depth of sixteen columns. Lines and depth are filled up with zeros.

use std::marker::PhantomData;

use rayon::prelude::*;

use super::amx::TILE;
use super::{DEPTH_BLOCK, Scratch, TILE_LINES, View, transpose};

/// Lines of a tile.
pub const LINES: usize = 16;

/// The lines of one tile, at most 16.
#[derive(Clone, Copy, Debug)]
pub struct Lines<'a> {
    dense: View<'a>,
    first: usize,
    count: usize,
}

impl<'a> Lines<'a> {
    /// How many lines.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// What no number is larger than, where that is known.
    pub(super) fn bound(&self) -> Option<f32> {
        self.dense.bound()
    }

    /// A line.
    #[inline(always)]
    pub(super) fn line(&self, row: usize) -> &'a [f32] {
        self.dense.line(self.first + row)
    }
}

/// How a number becomes bytes.
pub trait Format: Copy + Send + Sync + 'static {
    /// Planes of bytes.
    const PLANES: usize;
    /// Numbers in 64 bytes of a plane.
    const STEP: usize;

    /// What each line of a tile is divided by before it is encoded; 0 for a line of zeros, and where there is none.
    ///
    /// # Safety
    /// The processor has the instructions of the format.
    unsafe fn scales(lines: Lines<'_>, scales: &mut [f32]);

    /// Encodes [`Format::STEP`] numbers of every line, from `start` on: line r of plane p goes to `to[p * TILE + r * 64..][..64]`. What is
    /// beyond the end of a line is zero; rows without a line are left alone.
    ///
    /// # Safety
    /// The processor has the instructions of the format.
    unsafe fn encode(lines: Lines<'_>, start: usize, scales: &[f32], to: &mut [u8]);
}

/// The side of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Rows of the result.
    Left,
    /// Columns of the result.
    Right,
}

/// Packed lines.
#[derive(Debug)]
pub struct Operand<F> {
    bytes: Scratch<u8>,
    /// What each line was divided by; 0 beyond the last.
    pub(super) scales: Scratch<f32>,
    pub(super) lines: usize,
    pub(super) depth: usize,
    format: PhantomData<F>,
}

impl<F: Format> Operand<F> {
    const STEPS_PER_BLOCK: usize = DEPTH_BLOCK / F::STEP;

    /// Packs lines for one side.
    pub(super) fn pack(lines: View<'_>, side: Side) -> Self {
        let gathered = (!lines.is_dense()).then(|| lines.gathered());
        let (count, depth) = (lines.lines(), lines.depth());
        let mut dense = gathered.as_ref().map_or(lines, |values| View::rows(values, count, depth, depth));
        if let Some(bound) = lines.bound() {
            dense = dense.bounded(bound);
        }
        let tiles = count.div_ceil(TILE_LINES) * (TILE_LINES / LINES);
        let steps = depth.div_ceil(F::STEP);
        let mut scales = Scratch::<f32>::new(tiles * LINES);
        let of_tile = |tile: usize| {
            let first = (tile * LINES).min(count);
            Lines { dense, first, count: LINES.min(count - first) }
        };
        for (tile, scales) in scales.chunks_exact_mut(LINES).enumerate() {
            // SAFETY: an engine that packs was found on this processor.
            unsafe { F::scales(of_tile(tile), scales) };
        }
        let mut bytes = Scratch::<u8>::new(tiles * steps * F::PLANES * TILE);
        let block_bytes = tiles * Self::STEPS_PER_BLOCK * F::PLANES * TILE;
        for (block, bytes) in bytes.chunks_mut(block_bytes.max(1)).enumerate() {
            let tile_bytes = bytes.len() / tiles;
            let pack = |(tile, bytes): (usize, &mut [u8])| {
                let scales = &scales[tile * LINES..][..LINES];
                pack_tile::<F>(of_tile(tile), block * DEPTH_BLOCK, scales, side, bytes);
            };
            // a weight is worth all threads, a panel of activations is one thread's work
            if side == Side::Right && count * depth > 1 << 17 {
                bytes.par_chunks_mut(tile_bytes).enumerate().for_each(pack);
            } else {
                bytes.chunks_mut(tile_bytes).enumerate().for_each(pack);
            }
        }
        Self { bytes, scales, lines: count, depth, format: PhantomData }
    }

    /// Tiles of lines.
    pub(super) fn tiles(&self) -> usize {
        self.scales.len() / LINES
    }

    /// The steps of a block of the depth.
    pub(super) fn steps(&self, block: usize) -> usize {
        (self.depth.div_ceil(F::STEP) - block * Self::STEPS_PER_BLOCK).min(Self::STEPS_PER_BLOCK)
    }

    /// The bytes of one tile over a block of the depth.
    pub(super) fn tile(&self, block: usize, tile: usize) -> &[u8] {
        let bytes = self.steps(block) * F::PLANES * TILE;
        let start = block * self.tiles() * Self::STEPS_PER_BLOCK * F::PLANES * TILE;
        &self.bytes[start + tile * bytes..][..bytes]
    }
}

#[repr(align(64))]
struct OneTile([u8; 3 * TILE]);

/// Packs one tile of lines over a block of the depth that begins at `from`.
fn pack_tile<F: Format>(lines: Lines<'_>, from: usize, scales: &[f32], side: Side, bytes: &mut [u8]) {
    assert!(F::PLANES <= 3 && bytes.len().is_multiple_of(F::PLANES * TILE));
    let mut aside = OneTile([0; 3 * TILE]);
    for (step, bytes) in bytes.chunks_exact_mut(F::PLANES * TILE).enumerate() {
        let target = if side == Side::Left { &mut *bytes } else { &mut aside.0[..F::PLANES * TILE] };
        if lines.count < LINES {
            target.fill(0);
        }
        // SAFETY: an engine that packs was found on this processor.
        unsafe { F::encode(lines, from + step * F::STEP, scales, target) };
        if side == Side::Right {
            for (from, to) in aside.0.chunks_exact(TILE).zip(bytes.chunks_exact_mut(TILE)) {
                // SAFETY: both are a whole tile of 16 rows of 64 bytes; tiles come with AVX-512.
                unsafe { transpose::block(from.as_ptr().cast(), LINES, to.as_mut_ptr().cast(), LINES) };
            }
        }
    }
}
