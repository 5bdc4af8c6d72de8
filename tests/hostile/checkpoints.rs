//! Attacks on the files of a checkpoint: what a manifest names and counts, what torch.save and safetensors files claim.

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;

use serde_json::{Value, json};
use trm_arc::checkpoint::TorchFile;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::attacks::{attacked, tiny};
use crate::program::{Program, assert_refused};
use crate::smallest;

/// The shipped checkpoint's manifest with a change, beside its other files.
pub fn checkpoint(folder: &Program, name: &str, change: impl FnOnce(&mut Value)) -> String {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("checkpoints/default");
    let place = folder.path(name);
    fs::create_dir_all(&place).unwrap();
    for entry in fs::read_dir(&shipped).unwrap() {
        let entry = entry.unwrap();
        let there = Path::new(&place).join(entry.file_name());
        let _ = fs::remove_file(&there);
        fs::copy(entry.path(), there).unwrap();
    }
    let file = Path::new(&place).join("manifest.json");
    let mut manifest: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    change(&mut manifest);
    fs::write(&file, manifest.to_string()).unwrap();
    place
}

#[test]
fn enormous_numbers_of_a_manifest_are_refused() {
    let folder = Program::new();
    for name in ["hidden", "layers", "l_cycles", "h_cycles", "puzzle_width", "prefix"] {
        let place = checkpoint(&folder, "c", |manifest| manifest["about"]["recipe"]["model"][name] = u64::MAX.into());
        assert_refused(&attacked(&folder, &["inspect", &place]), &[name, "at most"]);
    }
    let place = checkpoint(&folder, "c", |manifest| {
        manifest["about"]["recipe"]["training"]["halt_max_steps"] = (1u64 << 60).into()
    });
    assert_refused(&attacked(&folder, &["inspect", &place]), &["halt_max_steps", "at most"]);
    let place = checkpoint(&folder, "c", |manifest| manifest["format"] = json!({"a": vec![0; 100_000]}));
    let ended = attacked(&folder, &["inspect", &place]);
    assert_refused(&ended, &["layout"]);
    assert!(ended.stderr.len() < 2000, "{} bytes", ended.stderr.len());
}

/// Puts a number into the first place of a tensor of a checkpoint's part, whose digest is right again then.
fn poison(place: &str, part: &str, tensor: &str, value: f32) {
    let manifest = Path::new(place).join("manifest.json");
    let mut about: Value = serde_json::from_slice(&fs::read(&manifest).unwrap()).unwrap();
    let file = Path::new(place).join(about["files"][part]["file"].as_str().unwrap());
    let mut bytes = fs::read(&file).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let start = 8 + length + header[tensor]["data_offsets"][0].as_u64().unwrap() as usize;
    bytes[start..start + 4].copy_from_slice(&value.to_le_bytes());
    fs::write(&file, &bytes).unwrap();
    about["files"][part]["sha256"] = trm_arc::files::sha256(&bytes).into();
    fs::write(&manifest, about.to_string()).unwrap();
}

#[test]
fn numbers_that_cannot_be_computed_with_are_refused_by_every_command_with_their_tensor() {
    let folder = Program::new();
    let tasks = tiny(&folder);
    for (tensor, value) in [("H_init", f32::NAN), ("puzzle_emb.weights", f32::NEG_INFINITY), ("q_head.bias", 3e38)] {
        let place = checkpoint(&folder, "c", |_| ());
        poison(&place, "model", tensor, value);
        let attacks: [&[&str]; 4] = [
            &["inspect", &place],
            &["publish", &place, "--output", "copy"],
            &["solve", &tasks, "--checkpoint", &place, "--submission", "o/submission.json"],
            &["adapt", &place, &tasks, "--output", "adapted", "--steps", "1"],
        ];
        for arguments in attacks {
            let named = format!("number 0 of tensor {tensor} is {value}");
            assert_refused(&attacked(&folder, arguments), &["model-040000.safetensors", &named, "hint: "]);
        }
        assert!(!folder.has("o/submission.json") && !folder.has("copy") && !folder.has("adapted/manifest.json"));
    }
}

#[test]
fn a_training_does_not_go_on_from_numbers_that_cannot_be_computed_with() {
    let folder = Program::new();
    let mut trainer = smallest::begin(smallest::recipe(8));
    smallest::advance(&mut trainer, 1);
    trainer.save(Path::new(&folder.path("run")), 1.0).unwrap();
    poison(&folder.path("run"), "state", "second.lm_head.weight", f32::INFINITY);
    let ended = attacked(&folder, &["train", "--resume", "run"]);
    assert_refused(&ended, &["state-000001.safetensors", "number 0 of tensor second.lm_head.weight is inf"]);
}

#[test]
fn no_checkpoint_is_written_that_could_not_be_read_again() {
    let place = tempfile::tempdir().unwrap();
    let mut recipe = smallest::recipe(8);
    (recipe.trunk.learning_rate, recipe.training.warmup) = (1e30, 0);
    let mut trainer = smallest::begin(recipe);
    trainer.save(place.path(), 0.0).unwrap();
    smallest::advance(&mut trainer, 1);
    let fault = trainer.save(place.path(), 1.0).unwrap_err().to_string();
    assert!(fault.contains("a checkpoint holds finite numbers up to 1e12; hint: "), "{fault}");
    let manifest = fs::read_to_string(place.path().join("manifest.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&manifest).unwrap()["step"], 0, "the one before still stands");
}

#[test]
fn a_manifest_s_files_lie_in_its_folder() {
    let folder = Program::new();
    folder.write("outside.txt", "<blank>\n");
    for file in ["../outside.txt", "/etc/passwd", "..", ".", "", "a/../../outside.txt"] {
        let place = checkpoint(&folder, "c", |manifest| manifest["files"]["identifiers"]["file"] = file.into());
        assert_refused(&attacked(&folder, &["inspect", &place]), &["outside of the folder", "manifest.json"]);
    }
}

#[test]
fn identifiers_that_are_no_text_are_refused() {
    let folder = Program::new();
    let place = checkpoint(&folder, "c", |_| ());
    let file = Path::new(&place).join("identifiers.txt");
    let mut bytes = fs::read(&file).unwrap();
    let before = trm_arc::files::sha256(&bytes);
    bytes.extend(b"\xff\xfe\n");
    fs::write(&file, &bytes).unwrap();
    let manifest = Path::new(&place).join("manifest.json");
    let text = fs::read_to_string(&manifest).unwrap().replace(&before, &trm_arc::files::sha256(&bytes));
    fs::write(&manifest, text).unwrap();
    assert_refused(&attacked(&folder, &["inspect", &place]), &["identifiers.txt", "not text"]);
}

/// A file of torch.save with these entries.
fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        archive.start_file(*name, SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn opened(bytes: &[u8]) -> Result<TorchFile, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("step_1");
    fs::write(&path, bytes).unwrap();
    TorchFile::open(&path).map_err(|error| error.to_string())
}

#[test]
fn an_archive_that_inflates_or_lies_about_its_size_is_refused() {
    let sound = archive(&[("a/data.pkl", b"\x80\x02}."), ("a/byteorder", b"little")]);
    opened(&sound).unwrap();
    // the method of both headers of the first entry: 8 is deflate
    let changed = |changes: &[(usize, usize, &[u8])]| {
        let central = sound.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
        let mut bytes = sound.clone();
        for (local, in_central, value) in changes {
            bytes[*local..][..value.len()].copy_from_slice(value);
            bytes[central + in_central..][..value.len()].copy_from_slice(value);
        }
        opened(&bytes).unwrap_err()
    };
    let deflated = changed(&[(8, 10, &[8, 0])]);
    assert!(deflated.contains("step_1") && deflated.contains("ompression"), "{deflated}");
    let large = changed(&[(18, 20, &[0xff, 0xff, 0xff, 0x7f]), (22, 24, &[0xff, 0xff, 0xff, 0x7f])]);
    assert!(large.contains("step_1"), "{large}");
}

/// A pickle of one tensor of this shape, put into the dictionary under so many names.
fn pickle(shape: &[i32], names: usize) -> Vec<u8> {
    let mut program =
        b"\x80\x02}q\x00ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\n".to_vec();
    program.extend(b"X\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x06tQK\x00");
    let mut sizes = |values: &[i32]| {
        program.push(b'(');
        values.iter().for_each(|value| program.extend([&b"J"[..], &value.to_le_bytes()].concat()));
        program.push(b't');
    };
    sizes(shape);
    let strides: Vec<i32> = (1..=shape.len()).map(|from| shape[from..].iter().product()).collect();
    sizes(&strides);
    program.extend(b"\x89}tRq\x01");
    // the dictionary again, under it its items
    program.extend(b"h\x00");
    for name in 0..names {
        program.extend(format!("X\x05\x00\x00\x00{name:05}h\x01s").bytes());
    }
    program.push(b'.');
    program
}

#[test]
fn tensors_that_claim_more_than_the_file_has_are_refused() {
    let file = |shape: &[i32], names| {
        let pickle = pickle(shape, names);
        archive(&[("a/data.pkl", &pickle), ("a/data/0", &[0; 4096])])
    };
    assert_eq!(opened(&file(&[2, 3], 1)).unwrap().tensors().collect::<Vec<_>>(), [("00000", &[2, 3][..])]);
    let large = opened(&file(&[40_000, 40_000], 1)).unwrap_err();
    assert!(large.contains("claim 6400000000 bytes"), "{large}");
    // one storage of 4096 bytes under ten thousand names
    let shared = opened(&file(&[32, 32], 10_000)).unwrap_err();
    assert!(shared.contains("claim 40960000 bytes"), "{shared}");
    let deep = opened(&file(&[1; 60_000], 1_000)).unwrap_err();
    assert!(deep.contains("60000 sides"), "{deep}");
    let mut twice = pickle(&[2, 3], 1);
    twice.pop();
    twice.extend(b"X\x05\x00\x00\x0000000h\x01s.");
    let twice = opened(&archive(&[("a/data.pkl", &twice), ("a/data/0", &[0; 4096])])).unwrap_err();
    assert!(twice.contains("00000 stands in it more than once"), "{twice}");
}

#[test]
fn a_safetensors_header_that_claims_more_than_there_is_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let headers = [
        r#"{"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}}"#,
        r#"{"a":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4000000000000]}}"#,
        r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#,
        r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#,
        r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[18446744073709551612,0]}}"#,
    ];
    let read = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let errors = [
            trm_arc::checkpoint::Stored::open(&path).map(drop).unwrap_err().to_string(),
            trm_arc::checkpoint::Tensors::read(&path).map(drop).unwrap_err().to_string(),
        ];
        errors.iter().for_each(|error| assert!(error.contains("model.safetensors"), "{error}"));
    };
    for header in headers {
        read(&[&(header.len() as u64).to_le_bytes(), header.as_bytes(), &[0; 8]].concat());
    }
    for length in [u64::MAX, u64::MAX - 7, 1 << 40, 99_999_999] {
        read(&[&length.to_le_bytes()[..], b"{}"].concat());
    }
}
