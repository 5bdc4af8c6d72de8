//! What moves the weights: Adam-atan2 or AdamW for the trunk, sign-SGD for the puzzle rows, the moving average, the schedule.
//!
//! All of it works on plain numbers in host memory, where the master copy and its moments live. What goes over the whole trunk reads
//! and writes each number once: at two or more arrays of 28 MB for a model of 7 million, memory is what these passes wait for.

mod adam;
mod atan2;
mod ema;
mod schedule;
mod sign_sgd;
mod sum;

pub use adam::{Adam, AdamKind, Moments, Moved};
pub use ema::Ema;
pub use schedule::Schedule;
pub use sign_sgd::{RowGradients, sign_sgd};
pub use sum::add_in_order;

/// Numbers that a thread takes at a time: long enough to pay for handing them out, short enough that one tensor keeps all threads busy.
/// Every number is computed alone, so neither this nor the number of threads changes a bit.
const CHUNK: usize = 1 << 14;
