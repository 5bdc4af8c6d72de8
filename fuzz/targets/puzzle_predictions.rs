//! The predictions of a run on puzzles.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trm_arc::puzzle::Kind;
use trm_arc::report::read_predictions;
use trm_arc_fuzz::{read_or_refused, with_file};

fuzz_target!(|input: &[u8]| {
    with_file("predictions.csv", input, |path| {
        for kind in [Kind::Sudoku, Kind::Maze] {
            let Some(predictions) = read_or_refused(path, read_predictions(path, kind)) else { continue };
            assert!(predictions.iter().all(|prediction| prediction.right() <= 900));
        }
    });
});
