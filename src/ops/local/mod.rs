//! The local layer, post-norm: `y = n(x + local(x))`, a depthwise convolution over the 3 x 3 cells around a cell:
//!
//! ```text
//! local(x)[cell (r, c), d] = sum over i, j in {-1, 0, 1} of w[3 (i + 1) + (j + 1), d] * x[cell (r + i, c + j), d]
//! ```
//!
//! Cells outside an example's canvas count as 0. Prefix tokens are no cells: they are no cell's neighbour, and local is 0 for them.
//! What bites: every cell reads cells around it, so without a tape the result lies in the place of x only after a copy.
//!
//! It is float32 in every precision: it waits for memory, not for arithmetic. No GPU has run its kernels.

mod composed;
mod cpu;
#[cfg(feature = "cuda")]
pub(super) mod cuda;
mod neighbours;
#[cfg(test)]
mod testing;

pub use composed::composed;
pub(super) use cpu::cpu;
pub use neighbours::Neighbours;
