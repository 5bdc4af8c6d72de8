//! An augmentation plan.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trm_arc::augment::Plan;
use trm_arc_fuzz::{read_or_refused, with_file};

fuzz_target!(|input: &[u8]| {
    with_file("plan.toml", input, |path| read_or_refused(path, Plan::load(path.to_str().unwrap())));
});
