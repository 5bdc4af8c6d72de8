//! Fixed work, timed against its ceiling: one supervision step of a model with random weights, forward or with its backward pass.
//!
//! Check, then time: the answer is compared with another way to it ([`check`](self::check())), then one run warms up and the next ones are
//! timed, each going on with the carry of the one before, as the PyTorch peer does. The best run counts. Its speed is set beside the
//! operations that the step needs ([`operations`]) and the fastest product of this machine ([`ceiling`](self::ceiling())), measured in the same call.
//! [`canvas`] times the same step on the demonstrations of a task set, on tight canvases and on full boards.

pub mod canvas;
mod ceiling;
mod check;
pub mod operations;
mod report;
mod run;
mod work;

pub use ceiling::{Ceiling, ceiling};
pub use check::{ALLOWED, Agreement, check};
pub use report::Report;
pub use run::{BenchError, Plan, run};
pub use work::Work;
