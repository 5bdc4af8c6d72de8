//! The pickle of a file of torch.save, in an archive whose checksums are right.
#![no_main]

use std::io::{Cursor, Write};

use libfuzzer_sys::fuzz_target;
use trm_arc::checkpoint::{CheckpointError, TorchFile};
use trm_arc_fuzz::{read_or_refused, with_file};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

fn archive(pickle: &[u8]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in [("a/data.pkl", pickle), ("a/byteorder", b"little"), ("a/data/0", &[0; 64])] {
        archive.start_file(name, SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fuzz_target!(|input: &[u8]| {
    with_file("step_1", &archive(input), |path| {
        let Some(mut file) = read_or_refused(path, TorchFile::open(path)) else { return };
        let names: Vec<String> = file.tensors().map(|(name, _)| name.to_owned()).collect();
        for name in names {
            read_or_refused(path, file.read(&name, |_| Ok::<_, CheckpointError>(())));
        }
    });
});
