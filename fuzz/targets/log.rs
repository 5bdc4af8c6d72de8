//! The log of a training, and its curves.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trm_arc::report::chart::{Curve, Panel, Scale, curves};
use trm_arc::train::{LogRow, read_log};
use trm_arc_fuzz::{read_or_refused, with_file};

fuzz_target!(|input: &[u8]| {
    with_file("log.csv", input, |path| {
        let Some(rows) = read_or_refused(path, read_log(path)) else { return };
        let panel = |scale, value: fn(&LogRow) -> f64| {
            let points = rows.iter().map(|row| (row.seconds, value(row))).collect();
            Panel { title: "a".into(), scale, curves: vec![Curve { name: "b".into(), points }] }
        };
        let panels =
            [panel(Scale::Logarithmic, |row| row.cross_entropy), panel(Scale::Linear, |row| row.learning_rate)];
        let drawing = curves("c", "d", &panels);
        assert!(!drawing.contains("NaN") && !drawing.contains("inf"), "{drawing}");
    });
});
