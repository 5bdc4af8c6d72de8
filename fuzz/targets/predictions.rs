//! The predictions of a run on tasks.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trm_arc::prediction;
use trm_arc_fuzz::{read_or_refused, with_file};

fuzz_target!(|input: &[u8]| {
    with_file("predictions.jsonl", input, |path| {
        let Some(predictions) = read_or_refused(path, prediction::read(path)) else { return };
        assert!(prediction::to_lines(&predictions).lines().count() == predictions.len());
    });
});
