//! Lines packed as tiles of 16 lines by 64 bytes of depth, the way tile registers and bfloat16 pairs want them.
//!
//! Tiles of lines come first, then steps of 64 bytes along the depth, then planes (a format may spread a number over several
//! bytes). On the right side every tile is turned over by units of four bytes, so that a
//! row of it holds the same depth of sixteen columns. Lines and depth are filled up with zeros.

use std::marker::PhantomData;

use rayon::prelude::*;

use super::amx::TILE;
use super::{DEPTH_BLOCK, Scratch, TILE_LINES, View, transpose};

/// Lines of a tile.
pub const LINES: usize = 16;

/// Tiles that are gathered together when their lines are columns: of every row they take whole runs of cache lines, for each of which
/// an address must be looked up.
const GROUP: usize = 4;

/// How a number becomes bytes.
pub trait Format: Copy + Send + Sync + 'static {
    /// Planes of bytes.
    const PLANES: usize;
    /// Numbers in 64 bytes of a plane.
    const STEP: usize;

    /// What each of at most 16 dense lines is divided by before it is encoded; 0 for a line of zeros, and where there is none.
    ///
    /// # Safety
    /// The processor has the instructions of the format.
    unsafe fn scales(lines: View<'_>, scales: &mut [f32]);

    /// Encodes [`Format::STEP`] numbers of every line, from `start` on: line r of plane p goes to `to[p * TILE + r * 64..][..64]`. What is
    /// beyond the end of a line is zero; rows without a line are left alone.
    ///
    /// # Safety
    /// The processor has the instructions of the format.
    unsafe fn encode(lines: View<'_>, start: usize, scales: &[f32], to: &mut [u8]);
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
        let (count, depth) = (lines.lines(), lines.depth());
        let tiles = count.div_ceil(TILE_LINES) * (TILE_LINES / LINES);
        let mut scales = Scratch::<f32>::new(tiles * LINES);
        let mut bytes = Scratch::<u8>::new(tiles * Self::tile_bytes(depth));
        let tile_bytes = Self::tile_bytes(depth);
        let pack = |(group, (bytes, scales)): (usize, (&mut [u8], &mut [f32]))| {
            let first = (group * GROUP * LINES).min(count);
            let lines = lines.some(first, (GROUP * LINES).min(count - first));
            let gathered = (!lines.is_dense()).then(|| lines.gathered());
            let mut dense = gathered.as_ref().map_or(lines, |values| View::rows(values, lines.lines(), depth, depth));
            if let Some(bound) = lines.bound() {
                dense = dense.bounded(bound);
            }
            let tiles = bytes.chunks_exact_mut(tile_bytes).zip(scales.chunks_exact_mut(LINES));
            for (tile, (bytes, scales)) in tiles.enumerate() {
                let first = (tile * LINES).min(dense.lines());
                pack_tile::<F>(dense.some(first, LINES.min(dense.lines() - first)), scales, side, bytes);
            }
        };
        // a weight is worth all threads, a panel of activations is one thread's work
        if side == Side::Right && count * depth > 1 << 17 {
            let groups = bytes.par_chunks_mut(GROUP * tile_bytes).zip(scales.par_chunks_mut(GROUP * LINES));
            groups.enumerate().for_each(pack);
        } else {
            let groups = bytes.chunks_mut(GROUP * tile_bytes).zip(scales.chunks_mut(GROUP * LINES));
            groups.enumerate().for_each(pack);
        }
        Self { bytes, scales, lines: count, depth, format: PhantomData }
    }

    /// The bytes of a tile over a whole depth.
    fn tile_bytes(depth: usize) -> usize {
        depth.div_ceil(F::STEP) * F::PLANES * TILE
    }

    /// The steps of a block of the depth.
    pub(super) fn steps(&self, block: usize) -> usize {
        (self.depth.div_ceil(F::STEP) - block * Self::STEPS_PER_BLOCK).min(Self::STEPS_PER_BLOCK)
    }

    /// The bytes of one tile over a block of the depth.
    pub(super) fn tile(&self, block: usize, tile: usize) -> &[u8] {
        let start = tile * Self::tile_bytes(self.depth) + block * Self::STEPS_PER_BLOCK * F::PLANES * TILE;
        &self.bytes[start..][..self.steps(block) * F::PLANES * TILE]
    }
}

#[repr(align(64))]
struct OneTile([u8; 3 * TILE]);

/// Packs one tile of dense lines.
fn pack_tile<F: Format>(lines: View<'_>, scales: &mut [f32], side: Side, bytes: &mut [u8]) {
    assert!(F::PLANES <= 3 && lines.lines() <= LINES && lines.is_dense());
    // SAFETY: an engine that packs was found on this processor.
    unsafe { F::scales(lines, scales) };
    let mut aside = OneTile([0; 3 * TILE]);
    for (step, bytes) in bytes.chunks_exact_mut(F::PLANES * TILE).enumerate() {
        let target = if side == Side::Left { &mut *bytes } else { &mut aside.0[..F::PLANES * TILE] };
        if lines.lines() < LINES {
            target.fill(0);
        }
        // SAFETY: an engine that packs was found on this processor.
        unsafe { F::encode(lines, step * F::STEP, scales, target) };
        if side == Side::Right {
            for (from, to) in aside.0.chunks_exact(TILE).zip(bytes.chunks_exact_mut(TILE)) {
                // SAFETY: both are a whole tile of 16 rows of 64 bytes; tiles come with AVX-512.
                unsafe { transpose::block(from.as_ptr().cast(), LINES, to.as_mut_ptr().cast(), LINES) };
            }
        }
    }
}
