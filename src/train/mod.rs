//! Training: deep supervision with halting slots, one optimizer step per supervision step.

mod supervision;

pub use supervision::{Gradient, Losses, Supervision, supervise};
