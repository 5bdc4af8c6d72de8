//! A file of torch.save, byte for byte.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trm_arc::checkpoint::{CheckpointError, TorchFile};
use trm_arc_fuzz::{read_or_refused, with_file};

fuzz_target!(|input: &[u8]| {
    with_file("step_1", input, |path| {
        let Some(mut file) = read_or_refused(path, TorchFile::open(path)) else { return };
        let names: Vec<String> = file.tensors().map(|(name, _)| name.to_owned()).collect();
        for name in names {
            read_or_refused(path, file.read(&name, |_| Ok::<_, CheckpointError>(())));
        }
    });
});
