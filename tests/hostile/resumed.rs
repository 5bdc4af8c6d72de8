//! A training state that was tampered with: its manifest is no secret, and no digest covers it.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use dfdx::prelude::Cpu;
use serde_json::{Value, json};
use tempfile::TempDir;
use trm_arc::train::Trainer;

use crate::smallest;

static SAVED: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let mut trainer = smallest::begin(smallest::recipe(8));
    smallest::advance(&mut trainer, 2);
    trainer.save(folder.path(), 1.0).unwrap();
    folder
});

fn resumed(change: impl FnOnce(&mut Value)) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(SAVED.path()).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    let file = folder.path().join("manifest.json");
    let mut manifest: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    change(&mut manifest);
    fs::write(&file, manifest.to_string()).unwrap();
    resume(folder.path())
}

fn resume(path: &Path) -> Result<(), String> {
    let (mut trainer, _) = Trainer::resume(path, &Cpu::default()).map_err(|error| error.to_string())?;
    smallest::advance(&mut trainer, 1);
    Ok(())
}

#[test]
fn a_tampered_training_state_is_refused() {
    resumed(|_| ()).unwrap();
    let state = |change: fn(&mut Value)| resumed(move |manifest| change(&mut manifest["about"]["state"])).unwrap_err();
    let sampler = [
        state(|state| state["sampler"]["waiting"][0] = 1_000_000_000.into()),
        state(|state| state["sampler"]["ready"] = json!([{"task": 1_000_000_000, "variant": 0, "pair": 0}])),
    ];
    sampler.iter().for_each(|error| assert!(error.contains("sampler") || error.contains("manifest.json"), "{error}"));
    // lengths whose sum is what it was, counted on from the largest number
    let wrapped = state(|state| {
        let sum: u64 = state["parts"][0].as_array().unwrap().iter().map(|length| length.as_u64().unwrap()).sum();
        state["slots"].as_array_mut().unwrap().iter_mut().for_each(|slot| *slot = Value::Null);
        state["parts"][0] = json!([1u64 << 63, (1u64 << 63) + sum]);
    });
    assert!(wrapped.contains("restore it"), "{wrapped}");
    let examples = resumed(|manifest| manifest["about"]["examples"] = u64::MAX.into()).unwrap_err();
    assert!(examples.contains("more examples than"), "{examples}");
    let step = resumed(|manifest| manifest["step"] = u64::MAX.into()).unwrap_err();
    assert!(step.contains("more steps or"), "{step}");
}
