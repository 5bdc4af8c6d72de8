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

/// How a number becomes bytes.
///
/// # Safety
/// `encode` writes 64 bytes per plane and nothing else.
pub unsafe trait Format: Copy + Send + Sync + 'static {
    /// Planes of bytes.
    const PLANES: usize;
    /// Numbers in 64 bytes of a plane.
    const STEP: usize;

    /// What a line is divided by before it is encoded.
    ///
    /// # Safety
    /// The processor has the instructions of the format.
    unsafe fn scale(line: &[f32]) -> f32;

    /// Encodes at most [`Format::STEP`] numbers times `factor`: plane p goes to `to + p * TILE`. What is missing is zero.
    ///
    /// # Safety
    /// The processor has the instructions of the format; `to` has room.
    unsafe fn encode(line: &[f32], factor: f32, to: *mut u8);
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
        let dense = gathered.as_ref().map_or(lines, |values| View::rows(values, count, depth, depth));
        let tiles = count.div_ceil(TILE_LINES) * (TILE_LINES / LINES);
        let steps = depth.div_ceil(F::STEP);
        let mut scales = Scratch::<f32>::new(tiles * LINES);
        for (line, scale) in scales.iter_mut().enumerate() {
            // SAFETY: an engine that packs was found on this processor.
            *scale = if line < count { unsafe { F::scale(dense.line(line)) } } else { 0.0 };
        }
        let mut bytes = Scratch::<u8>::new(tiles * steps * F::PLANES * TILE);
        let block_bytes = tiles * Self::STEPS_PER_BLOCK * F::PLANES * TILE;
        for (block, bytes) in bytes.chunks_mut(block_bytes.max(1)).enumerate() {
            let tile_bytes = bytes.len() / tiles;
            let pack = |(tile, bytes): (usize, &mut [u8])| {
                let last = ((tile + 1) * LINES).min(count);
                let scales = &scales[tile * LINES..][..LINES];
                pack_tile::<F>(dense, tile * LINES..last, block * DEPTH_BLOCK, scales, side, bytes);
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

fn pack_tile<F: Format>(
    dense: View<'_>,
    lines: std::ops::Range<usize>,
    from: usize,
    scales: &[f32],
    side: Side,
    bytes: &mut [u8],
) {
    assert!(F::PLANES <= 3 && lines.len() <= LINES && bytes.len().is_multiple_of(F::PLANES * TILE));
    let mut aside = OneTile([0; 3 * TILE]);
    for (step, bytes) in bytes.chunks_exact_mut(F::PLANES * TILE).enumerate() {
        let target = if side == Side::Left { &mut *bytes } else { &mut aside.0[..F::PLANES * TILE] };
        if lines.len() < LINES {
            target.fill(0);
        }
        for (row, line) in lines.clone().enumerate() {
            let line = dense.line(line);
            let start = (from + step * F::STEP).min(line.len());
            let part = &line[start..(start + F::STEP).min(line.len())];
            let factor = if scales[row] == 0.0 { 0.0 } else { 1.0 / scales[row] };
            // SAFETY: an engine that packs was found on this processor; row is below 16, so that 64 bytes of every plane fit.
            unsafe { F::encode(part, factor, target.as_mut_ptr().add(row * 64)) };
        }
        if side == Side::Right {
            for plane in 0..F::PLANES {
                let (from, to) = (aside.0[plane * TILE..].as_ptr(), bytes[plane * TILE..].as_mut_ptr());
                // SAFETY: both are a whole tile of 16 rows of 64 bytes.
                unsafe { transpose::block(from.cast(), LINES, to.cast(), LINES) };
            }
        }
    }
}
