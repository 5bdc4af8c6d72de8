//! A checkpoint: manifest, identifiers, model. `SHA-IDENTIFIERS` and `SHA-MODEL` in the manifest become the digests of what lies there.
#![no_main]

use std::fs;

use dfdx::prelude::Cpu;
use libfuzzer_sys::fuzz_target;
use trm_arc::checkpoint::Folder;
use trm_arc::files::sha256;
use trm_arc::recipe::{About, Trained};
use trm_arc::train::HostState;
use trm_arc_fuzz::{files, folder};

fuzz_target!(|input: &[u8]| {
    let [manifest, identifiers, model] = files(input);
    let folder = folder();
    let text = String::from_utf8_lossy(manifest);
    let text = text.replace("SHA-IDENTIFIERS", &sha256(identifiers)).replace("SHA-MODEL", &sha256(model));
    for (name, bytes) in [("manifest.json", text.as_bytes()), ("identifiers.txt", identifiers), ("model", model)] {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let _ = Folder::new(folder.path()).manifest::<About<HostState>>();
    if let Ok(trained) = Trained::load(folder.path(), &Cpu::default()) {
        assert!(trained.table.count() >= trained.identifiers.count());
    }
});
