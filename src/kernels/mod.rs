//! Kernels of the CPU over plain slices: products, and the layers of the net with their gradients. No tensors and no tape;
//! `ops` puts them behind dfdx.
//!
//! | file | what |
//! |---|---|
//! | `view` | the two sides of a product, and the trait of engines |
//! | `fma`, `bytes`, `bfloat16` | the engines; `tiles` and `amx` are what the last two share |
//! | `lanes`, `transpose` | passes over rows: softmax, gate, norm, rotation |
//! | `head`, `attention`, `gated`, `local` | the layers |
//! | `weight_gradient` | the product along the rows of a batch |
//! | `newton_schulz` | the polar factor of a matrix, about |
//! | `stable_max` | the loss, its gradient and the answers |
//! | `scratch` | working memory |
//! | `level` | the instruction set in use, and dispatch to it |
//!
//! Loops over lanes and tiles count by index: their bounds are fixed, and the compiler unrolls them.
//!
//! Which engine serves float32 and which bfloat16 depends on the [`Level`] in use: [`Kind::best`].

// the one room, beside `ops::bridge`, that may: tests/layers.rs lists its files and asks each block for its reason
#![allow(unsafe_code)]
#![allow(clippy::needless_range_loop)]

pub mod attention;
mod fma;
pub mod gated;
mod head;
pub mod lanes;
mod level;
pub mod local;
mod newton_schulz;
mod scratch;
pub mod stable_max;
#[cfg(test)]
mod testing;
mod transpose;
mod view;
mod weight_gradient;

#[cfg(target_arch = "x86_64")]
mod amx;
#[cfg(target_arch = "x86_64")]
mod bfloat16;
#[cfg(target_arch = "x86_64")]
mod bytes;
#[cfg(target_arch = "x86_64")]
mod tiles;

pub use fma::lanes;
pub use level::{Level, LevelError, VARIABLE as LEVEL_VARIABLE, dispatch};
pub use newton_schulz::{ITERATIONS, QUINTIC};
pub use scratch::Scratch;
pub use transpose::{transpose, transpose_boards};
pub use view::{DEPTH_BLOCK, Engine, Section, TILE_LINES, View, apart};

use std::sync::Arc;

use attention::{Attention, AttentionLayer};
use fma::Fma;
use gated::{Gated, GatedLayer};

/// A product with one weight: from x to out.
pub type Product = Box<dyn Fn(&[f32], &mut [f32]) + Send + Sync>;

/// What a norm adds to the mean square.
pub const EPSILON: f32 = 1e-5;

/// Rows of a panel, at most: their share of a layer stays in the second-level cache.
pub const PANEL: usize = 192;

/// The rows of a panel when `count` rows go over the threads at hand: whole tiles of `tile` rows, of at most `most` rows together, and
/// so many that the thread with the most panels is done as early as can be. A panel costs a tile more than it has, for the weights
/// that it reads. A row's result does not depend on its panel.
fn panel_rows(count: usize, tile: usize, most: usize) -> usize {
    let (tiles, threads) = (count.div_ceil(tile).max(1), rayon::current_num_threads());
    let longest = |panel: &usize| tiles.div_ceil(*panel).div_ceil(threads) * (panel + 1);
    (1..=(most / tile).max(1)).rev().min_by_key(longest).unwrap_or(1) * tile
}

/// The engines there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// float32 by fused multiply-adds.
    Fma,
    /// float32 as three bytes on tile registers.
    Bytes,
    /// bfloat16 on tile registers.
    TilePairs,
    /// bfloat16 in AVX-512 registers.
    VectorPairs,
}

/// Runs `$body` with the engine of a kind as `$engine`.
macro_rules! with_engine {
    ($kind:expr, $engine:ident => $body:expr) => {
        match $kind {
            #[cfg(target_arch = "x86_64")]
            Kind::Bytes => {
                let $engine = bytes::Bytes::find().expect("the engine was found");
                $body
            }
            #[cfg(target_arch = "x86_64")]
            Kind::TilePairs => {
                let $engine = bfloat16::TilePairs::find().expect("the engine was found");
                $body
            }
            #[cfg(target_arch = "x86_64")]
            Kind::VectorPairs => {
                let $engine = bfloat16::VectorPairs::find().expect("the engine was found");
                $body
            }
            _ => {
                let $engine = Fma;
                $body
            }
        }
    };
}

impl Kind {
    /// The engines that this processor has, the fastest first, of float32 or of bfloat16 products.
    pub fn available(bfloat16: bool) -> Vec<Self> {
        let kinds = if bfloat16 { vec![Self::TilePairs, Self::VectorPairs] } else { vec![Self::Bytes, Self::Fma] };
        kinds.into_iter().filter(|kind| kind.is_available()).collect()
    }

    /// The fastest engine; none where the processor has no bfloat16 products.
    pub fn best(bfloat16: bool) -> Option<Self> {
        Self::available(bfloat16).first().copied()
    }

    /// The float32 engines that can be tested here: those of [`Kind::available`], and the one of bytes on emulated tiles.
    #[cfg(test)]
    pub fn testable() -> Vec<Self> {
        let mut kinds = Self::available(false);
        #[cfg(target_arch = "x86_64")]
        if Level::is_emulating_tiles() {
            kinds.push(Self::Bytes);
        }
        kinds
    }

    #[cfg(target_arch = "x86_64")]
    fn is_available(self) -> bool {
        match self {
            Self::Fma => true,
            Self::Bytes => Level::Amx.is_in_use(),
            Self::TilePairs => bfloat16::TilePairs::find().is_some(),
            Self::VectorPairs => bfloat16::VectorPairs::find().is_some(),
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn is_available(self) -> bool {
        self == Self::Fma
    }

    /// Its name in reports.
    pub fn name(self) -> &'static str {
        with_engine!(self, engine => engine.name())
    }

    /// An attention layer on this engine; see [`Attention::new`].
    pub fn attention(
        self,
        projection: &[f32],
        output: &[f32],
        width: usize,
        heads: usize,
        trained: bool,
    ) -> Arc<dyn AttentionLayer> {
        with_engine!(self, engine => Arc::new(Attention::new(engine, projection, output, width, heads, trained)))
    }

    /// A gated layer on this engine; see [`Gated::new`].
    pub fn gated(self, up: &[f32], down: &[f32], width: usize, trained: bool) -> Arc<dyn GatedLayer> {
        with_engine!(self, engine => Arc::new(Gated::new(engine, up, down, width, trained)))
    }

    /// The product with a weight that is packed once, `x -> F.linear(x, weight)`: for tests, and for measuring an engine.
    ///
    /// # Shapes
    /// weight `[m, k]`; x `[n, k]` -> out `[n, m]`.
    pub fn product(self, weight: &[f32], depth: usize) -> Product {
        with_engine!(self, engine => product(engine, weight, depth))
    }

    /// Brings a matrix near its polar factor on this engine.
    ///
    /// # Shapes
    /// x `[rows, columns]`, of which no singular value is above 1.
    pub fn newton_schulz(self, x: &mut [f32], columns: usize) {
        with_engine!(self, engine => newton_schulz::newton_schulz(engine, x, columns));
    }
}

fn product<E: Engine>(engine: E, weight: &[f32], depth: usize) -> Product {
    use rayon::prelude::*;
    let columns = weight.len() / depth;
    let right = engine.right(View::rows(weight, columns, depth, depth));
    Box::new(move |x, out| {
        x.par_chunks(PANEL * depth).zip(out.par_chunks_mut(PANEL * columns)).for_each(|(x, out)| {
            let left = engine.left(View::rows(x, x.len() / depth, depth, depth));
            engine.multiply(&left, &right, Section::whole(columns), out, columns);
        });
    })
}
