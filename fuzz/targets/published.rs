//! The published folder: the first byte says which of its files the others are.
#![no_main]

use std::fs;
use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;

use libfuzzer_sys::fuzz_target;
use trm_arc::dataset::published::PublishedBuild;
use trm_arc::task::{self, TaskSet};
use trm_arc_fuzz::folder;

const FILES: [&str; 7] = [
    "identifiers.json",
    "test_puzzles.json",
    "train/dataset.json",
    "train/all__inputs.npy",
    "train/all__puzzle_indices.npy",
    "test/all__labels.npy",
    "test/all__group_indices.npy",
];

static SETS: LazyLock<[TaskSet; 1]> = LazyLock::new(|| {
    [task::load(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/published-data/tiny_first_challenges.json")).unwrap()]
});

static BUILD: LazyLock<PublishedBuild<'static>> =
    LazyLock::new(|| PublishedBuild::new(&*SETS, &SETS[0].name, &[], 1, 42, &AtomicBool::new(false)).unwrap());

fuzz_target!(|input: &[u8]| {
    let Some((which, bytes)) = input.split_first() else { return };
    let folder = folder();
    let path = folder.path().join(FILES[usize::from(*which) % FILES.len()]);
    ["train", "test"].iter().for_each(|half| fs::create_dir(folder.path().join(half)).unwrap());
    fs::write(&path, bytes).unwrap();
    let faults = BUILD.check(folder.path(), &AtomicBool::new(false)).unwrap();
    assert!(faults.iter().map(String::len).sum::<usize>() < 65_536 + 4 * bytes.len());
});
