//! A table of puzzles, whole and drawn from.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trm_arc::puzzle;
use trm_arc::rng::Stream;
use trm_arc_fuzz::{read_or_refused, with_file};

fuzz_target!(|input: &[u8]| {
    with_file("table.csv", input, |path| {
        let Some(set) = read_or_refused(path, puzzle::read(path)) else { return };
        let count = set.puzzles.len();
        let drawn = puzzle::read_drawn(path, count, &mut Stream::new(0, "fuzz"), &|| false).unwrap();
        assert_eq!(drawn.digest(), set.digest());
        read_or_refused(path, puzzle::read_drawn(path, usize::MAX, &mut Stream::new(0, "fuzz"), &|| false));
    });
});
