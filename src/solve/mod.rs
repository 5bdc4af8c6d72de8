//! Solving: the loop that every solver goes through, and the trained model as a solver.

mod journal;
mod plan;
mod rollout;
mod run;
mod standing;

pub use plan::{Plan, SolveError, record_beside};
pub use rollout::{ModelSolver, Views};
pub use run::{Outcome, Progress, run};
