//! The configuration beside a published checkpoint.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trm_arc::model::specs;
use trm_arc::recipe::Published;
use trm_arc_fuzz::{read_or_refused, with_file};

fuzz_target!(|input: &[u8]| {
    with_file("all_config.yaml", input, |path| {
        let Some(published) = read_or_refused(path, Published::read(path)) else { return };
        let model = published.model(12, 900);
        if model.check().is_ok() {
            specs(&model).iter().for_each(|spec| assert!(spec.len() > 0));
        }
    });
});
