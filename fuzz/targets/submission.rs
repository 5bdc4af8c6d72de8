//! A submission: checked, read as far as it goes, and merged.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use trm_arc::submission;
use trm_arc::task::{self, TaskSet};
use trm_arc_fuzz::{read_or_refused, with_file};

static SET: LazyLock<TaskSet> = LazyLock::new(|| {
    task::load(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/published-data/tiny_first_challenges.json")).unwrap()
});

fuzz_target!(|input: &[u8]| {
    with_file("submission.json", input, |path| {
        let faults = read_or_refused(path, submission::check(path, &SET));
        read_or_refused(path, submission::read_attempts(path));
        let merged = submission::merge(&SET, &[path.to_owned()]);
        if let (Some(faults), Ok(merged)) = (faults, merged) {
            assert!(faults.is_empty(), "merged in spite of {faults:?}");
            assert_eq!(merged.answers().len(), SET.tasks.len());
        }
    });
});
