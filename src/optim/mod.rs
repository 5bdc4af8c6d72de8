//! What moves the weights: Adam-atan2 or AdamW for the trunk, sign-SGD for the puzzle rows, the moving average, the schedule.
//!
//! All of it works on plain numbers in host memory, where the master copy and its moments live.

mod adam;
mod ema;
mod schedule;
mod sign_sgd;

pub use adam::{Adam, AdamKind, Moments};
pub use ema::average;
pub use schedule::Schedule;
pub use sign_sgd::{RowGradients, sign_sgd};
