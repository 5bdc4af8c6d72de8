//! The record of a run, and the table and the page made of it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trm_arc::report::{Comparison, PuzzleRecord, PuzzleReview, Run};
use trm_arc_fuzz::{read_or_refused, with_file};

fuzz_target!(|input: &[u8]| {
    with_file("run.json", input, |path| {
        if let Some(run) = read_or_refused(path, Run::read(path))
            && let Ok(comparison) = Comparison::of(&[run.clone(), run])
        {
            let texts = [comparison.to_terminal(), comparison.to_markdown(), comparison.to_json()];
            assert!(texts.iter().all(|text| !text.contains('\u{1b}')));
            comparison.to_csv().unwrap();
        }
        if let Some(record) = read_or_refused(path, PuzzleRecord::read(path)) {
            let review = PuzzleReview::of(&record, None).unwrap();
            let texts = [review.to_markdown(), review.to_json(), review.to_csv().unwrap(), review.to_html()];
            assert!(texts.iter().all(|text| !text.contains('\u{1b}')));
        }
    });
});
