//! Solving: the loop that every solver goes through, and the trained model as a solver of tasks and of puzzles.

mod journal;
mod plan;
mod puzzles;
mod rollout;
mod room;
mod run;
mod solve_loop;
mod standing;
mod trail;

pub use plan::{Plan, SolveError, record_beside};
pub use puzzles::{NotKnown, PuzzlePlan, PuzzleProgress, PuzzleSolver, PuzzleTrail, Training, run_puzzles};
pub use rollout::{ModelSolver, Views};
pub use run::{Outcome, Progress, go_on, run};
pub use solve_loop::{Phase, SolveLoop};
pub use standing::{Start, TaskTrail};
pub use trail::{Head, Step, Trail, trail_beside};
