//! What moves the puzzle rows, and the schedule of every learning rate. What moves the trunk is an operation of the device, see
//! [`crate::ops::adam`] and [`crate::ops::muon`]; which of them it is, an [`Optimizer`] says.
//!
//! The puzzle rows lie in host memory: there are millions of numbers, of which a step sees only the rows of its batch.

mod optimizer;
mod schedule;
mod sign_sgd;

pub use optimizer::Optimizer;
pub use schedule::{Schedule, Shape};
pub use sign_sgd::{RowGradients, sign_sgd};
