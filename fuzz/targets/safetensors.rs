//! A safetensors file, at once and where it lies.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trm_arc::checkpoint::{Stored, Tensors};
use trm_arc_fuzz::{read_or_refused, with_file};

fuzz_target!(|input: &[u8]| {
    with_file("model.safetensors", input, |path| {
        let needed = [("a".to_owned(), vec![2, 2])];
        if let Some(tensors) = read_or_refused(path, Tensors::read(path)) {
            read_or_refused(path, tensors.check(&needed));
        }
        let Some(stored) = read_or_refused(path, Stored::open(path)) else { return };
        if read_or_refused(path, stored.check(&needed)).is_some() {
            assert_eq!(stored.read("a").unwrap().len(), 4);
            assert_eq!(stored.rows("a").row(1).unwrap().len(), 2);
        }
    });
});
