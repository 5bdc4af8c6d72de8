//! Runs on Sudoku and mazes: their record, their score, their predictions, and what is told of them.

mod predictions;
mod record;
mod score;
mod text;

pub use predictions::{KEPT, PuzzlePrediction, prediction_header, prediction_lines, read_predictions};
pub use record::{Asked, PuzzleRecord, PuzzleTable};
pub use score::{Band, Group, Judged, Learned, PuzzleScore};
