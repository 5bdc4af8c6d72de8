//! Kaggle's pair of files, and the same bytes as the file of one task.
#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;
use trm_arc::task;
use trm_arc_fuzz::{files, folder, read_or_refused};

fuzz_target!(|input: &[u8]| {
    let [challenges, solutions] = files(input);
    let folder = folder();
    let path = folder.path().join("x_challenges.json");
    fs::write(&path, challenges).unwrap();
    if !solutions.is_empty() {
        fs::write(folder.path().join("x_solutions.json"), solutions).unwrap();
    }
    let name = path.to_str().unwrap();
    match task::load(name) {
        Err(error) => assert!(error.to_string().contains("x_")),
        Ok(set) => {
            fs::write(&path, task::challenges(&set)).unwrap();
            let again = task::load(name).unwrap();
            assert_eq!((again.digest(), again.tasks.len()), (set.digest(), set.tasks.len()));
        }
    }
    let alone = folder.path().join("alone");
    fs::create_dir(&alone).unwrap();
    fs::write(alone.join("a.json"), challenges).unwrap();
    read_or_refused(&alone.join("a.json"), task::load(alone.to_str().unwrap()));
});
