//! Runs on Sudoku and mazes: their record, their score, their predictions, and what is told of them.

mod page;
mod predictions;
mod record;
mod review;
mod score;
mod text;

pub use predictions::{KEPT, PuzzlePrediction, prediction_header, prediction_lines, read_predictions};
pub use record::{Asked, PuzzleRecord, PuzzleTable};
pub use review::PuzzleReview;
pub use score::{Band, Group, Judged, Learned, PuzzleScore};
