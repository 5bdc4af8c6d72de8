//! Attacks by name, most of them through the program.

use std::fs;
use std::io::{Cursor, Write};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use assert_cmd::Command;
use serde_json::{Value, json};
use trm_arc::checkpoint::TorchFile;
use trm_arc::report::chart::{Curve, Panel, Scale, curves};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::mutations::{PUZZLE_RECORD, RECORD};
use crate::program::{Ended, Program, assert_refused, pair, small_grids, task};

/// The most memory of an attacked program, in kilobytes of address space: rooms for its threads, and none for what a file claims.
const MEMORY: usize = 4_000_000;

/// The program under a limit of memory and time; one that panics, aborts or hangs has no such code.
fn attacked(folder: &Program, arguments: &[&str]) -> Ended {
    within(MEMORY, folder, arguments)
}

fn within(memory: usize, folder: &Program, arguments: &[&str]) -> Ended {
    let program = env!("CARGO_BIN_EXE_trm-arc");
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -v {memory}; exec \"$0\" \"$@\""), program]).args(arguments);
    let output = command.current_dir(folder.0.path()).timeout(Duration::from_secs(20)).output().unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    let code = output.status.code().unwrap_or_else(|| panic!("{arguments:?} was ended: {stdout}{stderr}"));
    assert!([0, 1, 2].contains(&code), "{arguments:?} ended with {code}: {stdout}{stderr}");
    assert!(!stderr.contains("panicked"), "{arguments:?}: {stderr}");
    Ended { code, stdout, stderr }
}

fn tiny(folder: &Program) -> String {
    folder.write("t_challenges.json", &task(pair(), json!([{"input": [[3]]}])))
}

const SOUND: &str = r#"{"x1": [{"attempt_1": [[1]], "attempt_2": [[2]]}]}"#;

#[test]
fn a_device_in_place_of_a_file_is_refused_and_not_read() {
    let folder = Program::new();
    let tasks = tiny(&folder);
    let link = |name: &str| {
        fs::create_dir_all(Path::new(&folder.path(name)).parent().unwrap()).unwrap();
        symlink("/dev/zero", folder.path(name)).unwrap();
        folder.path(name)
    };
    let (json, csv, toml) = (link("z.json"), link("z.csv"), link("z.toml"));
    let (manifest, alone, record) = (link("checkpoint/manifest.json"), link("alone/a.json"), link("run/run.json"));
    let attacks: [(&[&str], &str); 13] = [
        (&["validate", &json, "--tasks", &tasks], "z.json"),
        (&["score", &json, "--tasks", &tasks], "z.json"),
        (&["merge", &json, "--tasks", &tasks, "--output", "m.json"], "z.json"),
        (&["tasks", "list", "/dev/zero"], "/dev/zero"),
        (&["tasks", "list", "alone"], &alone),
        (&["solve", &csv], "z.csv"),
        (&["puzzles", "show", &csv], "z.csv"),
        (&["inspect", "checkpoint"], &manifest),
        (&["import", &json, "--config", &json, "--tasks", &tasks, "--output", "o"], "z.json"),
        (&["plot", &csv], "z.csv"),
        (&["report", "run"], &record),
        (&["compare", "run"], &record),
        (&["train", &toml], "z.toml"),
    ];
    for (arguments, named) in attacks {
        let file = Path::new(named).file_name().unwrap().to_str().unwrap();
        assert_refused(&attacked(&folder, arguments), &["device", file]);
    }
}

#[test]
fn a_pipe_is_read_as_the_file_that_it_stands_for() {
    let folder = Program::new();
    let tasks = tiny(&folder);
    folder.write("s.json", SOUND);
    let through = |command: &str| {
        let mut bash = Command::new("bash");
        bash.args(["-c", command, env!("CARGO_BIN_EXE_trm-arc"), &tasks]).current_dir(folder.0.path());
        bash.timeout(Duration::from_secs(20)).output().unwrap()
    };
    for command in [
        "\"$0\" validate <(cat s.json) --tasks \"$1\"",
        "cat s.json | \"$0\" validate /dev/stdin --tasks \"$1\"",
        "\"$0\" validate s.json --tasks <(cat \"$1\")",
    ] {
        let ended = through(command);
        assert!(ended.status.success(), "{command}: {}", String::from_utf8_lossy(&ended.stderr));
    }
}

#[test]
fn deep_nesting_is_refused_by_every_format() {
    let folder = Program::new();
    let tasks = tiny(&folder);
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(200_000), close.repeat(200_000));
        let (json, toml) = (folder.write("d.json", &deep), folder.write("d.toml", &format!("variants = {deep}")));
        let yaml = folder.write("d.yaml", &format!("arch: {deep}"));
        fs::create_dir_all(folder.path("d")).unwrap();
        folder.write("d/manifest.json", &deep);
        folder.write("d/run.json", &deep);
        let attacks: [&[&str]; 8] = [
            &["validate", &json, "--tasks", &tasks],
            &["merge", &json, "--tasks", &tasks, "--output", "m.json"],
            &["tasks", "list", &json],
            &["inspect", "d"],
            &["report", "d"],
            &["train", &toml],
            &["import", &json, "--config", &yaml, "--tasks", &tasks, "--output", "o"],
            &["score", "s.json", "--tasks", &tasks, "--predictions", &json],
        ];
        folder.write("s.json", SOUND);
        for arguments in attacks {
            let ended = attacked(&folder, arguments);
            assert!(ended.code > 0 && ended.stdout.len() < 200, "{arguments:?}: {}{}", ended.stdout, ended.stderr);
            assert!(ended.stderr.len() < 10_000, "{arguments:?}: an error of {} bytes", ended.stderr.len());
        }
    }
}

#[test]
fn a_yaml_of_aliases_that_multiply_is_refused() {
    let folder = Program::new();
    let tasks = tiny(&folder);
    let mut yaml = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n".to_owned();
    for level in 1..10 {
        let before = format!("*a{}", level - 1);
        yaml += &format!("a{level}: &a{level} [{}]\n", vec![before; 10].join(", "));
    }
    let yaml = folder.write("bomb.yaml", &(yaml + "arch: *a9\n"));
    let ended = attacked(&folder, &["import", "x", "--config", &yaml, "--tasks", &tasks, "--output", "o"]);
    assert_refused(&ended, &["bomb.yaml"]);
}

#[test]
fn enormous_numbers_of_a_recipe_are_refused_by_name() {
    let folder = Program::new();
    let enormous = "9223372036854775807";
    let changes = [
        ("hidden = 128", "hidden"),
        ("heads = 4", "heads"),
        ("layers = 2", "layers"),
        ("h_cycles = 2", "h_cycles"),
        ("l_cycles = 3", "l_cycles"),
        ("prefix = 1", "prefix"),
        ("puzzle_width = 128", "puzzle_width"),
        ("batch = 16", "batch"),
        ("halt_max_steps = 4", "halt_max_steps"),
        ("expansion = 4.0", "expansion"),
        ("vocabulary = 12", "vocabulary"),
        ("cells = 900", "cells"),
    ];
    for (line, name) in changes {
        let number = if name == "expansion" { "1e300" } else { enormous };
        folder.write("r.toml", &small_grids(&[(line, &format!("{name} = {number}"))], 10));
        assert_refused(&attacked(&folder, &["train", "r.toml", "--output", "o"]), &[name, "at most"]);
    }
    let text =
        small_grids(&[("warmup = 100", "warmup = 0")], 10).replace("steps = 10\n", &format!("steps = {enormous}\n"));
    folder.write("r.toml", &text);
    assert_refused(&attacked(&folder, &["train", "r.toml", "--output", "o"]), &["steps", "at most"]);
    folder.write(
        "p.toml",
        &format!(
            "variants = {enormous}\ndihedral = \"dihedral\"\ncolours = \"permuted\"\ntranslate = true\nseed = 0\n"
        ),
    );
    folder.write(
        "r.toml",
        &small_grids(&[("plan = \"dihedral\"", "plan = \"p.toml\""), ("warmup = 100", "warmup = 0")], 10),
    );
    assert_refused(&attacked(&folder, &["train", "r.toml", "--output", "o"]), &["p.toml", "variants", "at most"]);
}

/// The shipped checkpoint's manifest with a change, beside its other files.
fn checkpoint(folder: &Program, name: &str, change: impl FnOnce(&mut Value)) -> String {
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

const IMAGE: &str = "<img src=x onerror=alert(1)>";

#[test]
fn what_looks_like_html_runs_in_no_report() {
    let folder = Program::new();
    let challenges = task(pair(), json!([{"input": [[3]]}])).replace("x1", IMAGE);
    let tasks = folder.write("t_challenges.json", &challenges);
    folder.write("t_solutions.json", &json!({IMAGE: [[[3]]]}).to_string());
    let solve = [
        "solve",
        &tasks,
        "--solver",
        "copy",
        "--submission",
        "o/submission.json",
        "--predictions",
        "o/predictions.jsonl",
    ];
    assert_eq!(folder.run(&solve).code, 0);
    let mut record: Value = serde_json::from_str(&fs::read_to_string(folder.path("o/run.json")).unwrap()).unwrap();
    record["name"] = format!("</title><script>alert(2)</script>{IMAGE}").into();
    record["device"] = "</script><script>alert(3)</script>".into();
    folder.write("o/run.json", &record.to_string());
    let ended = folder.run(&["report", "o"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    for page in ["o/report.html", "o/report.md"] {
        let text = fs::read_to_string(folder.path(page)).unwrap();
        assert!(text.contains("img src=x") && !text.contains("<img"), "{page}");
        assert!(!text.contains("<script>alert"), "{page}");
    }
    for page in [folder.run(&["compare", "o", "--markdown"]), folder.run(&["compare", "o", "o", "--markdown"])] {
        assert!(page.stdout.contains("img src=x") && !page.stdout.contains("<img"), "{}", page.stdout);
    }
    let mut record: Value = serde_json::from_str(PUZZLE_RECORD).unwrap();
    (record["name"], record["device"]) = (IMAGE.into(), "<script>alert(4)</script>".into());
    fs::create_dir(folder.path("p")).unwrap();
    folder.write("p/run.json", &record.to_string());
    assert_eq!(folder.run(&["report", "p"]).code, 0);
    for page in ["p/report.html", "p/report.md"] {
        let text = fs::read_to_string(folder.path(page)).unwrap();
        assert!(text.contains("img src=x") && !text.contains("<img") && !text.contains("<script>alert"), "{page}");
    }
}

const ESCAPES: &str = "a\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\r\u{202e}b";

/// Nothing but lines and tabs.
fn assert_still(ended: &Ended, what: &str) {
    let steers = |letter: char| letter != '\n' && letter != '\t' && (letter.is_control() || letter == '\u{202e}');
    for (text, stream) in [(&ended.stdout, "stdout"), (&ended.stderr, "stderr")] {
        assert!(!text.contains(steers), "{what}, {stream}: {text:?}");
    }
    assert!(
        ended.stdout.contains("owned") || ended.stderr.contains("owned"),
        "{what} does not come to it: {}{}",
        ended.stdout,
        ended.stderr
    );
}

#[test]
fn no_name_of_a_file_steers_the_terminal() {
    let folder = Program::new();
    let tasks = tiny(&folder);
    let mut record: Value = serde_json::from_str(RECORD).unwrap();
    (record["name"], record["solver"], record["tasks"]["name"]) = (ESCAPES.into(), ESCAPES.into(), ESCAPES.into());
    record["score"]["solved_tasks"] = json!([ESCAPES]);
    let scored = folder.write("run.json", &record.to_string());
    record["score"] = Value::Null;
    let unscored = folder.write("unscored.json", &record.to_string());
    let submission =
        folder.write("s.json", &SOUND.replace("x1", "x2").replace("{\"x2", &format!("{{{}: 1, \"x1", json!(ESCAPES))));
    let key = folder.write("key.json", &json!({"x1": {ESCAPES: 1, "train": [], "test": []}}).to_string());
    let id = folder.write("id.json", &json!({ESCAPES: {"train": pair(), "test": pair()}}).to_string());
    let sound = folder.write("sound.json", SOUND);
    let predicted = json!({"task": ESCAPES, "test": 0, "augmentation": "t0|||0123456789", "grid": [[1]], "halt": 0.5});
    let predictions = folder.write("p.jsonl", &format!("{predicted}\n"));
    let recipe = folder.write("r.toml", &small_grids(&[("name = \"small-grids\"", "name = \"a\\u001b[2Jowned\"")], 1));
    let table = folder.write(
        "t.csv",
        &format!("source,question,answer,rating\n{},1.3434122.434321,1234341221434321,3\n", ESCAPES.replace('\r', "")),
    );
    let named = checkpoint(&folder, "c", |manifest| manifest["about"]["sets"][0]["name"] = ESCAPES.into());
    let part =
        checkpoint(&folder, "d", |manifest| manifest["files"]["identifiers"]["file"] = format!("../{ESCAPES}").into());
    let path = format!("{}\u{1b}[2Jowned.json", folder.path(""));
    let attacks: [&[&str]; 13] = [
        &["compare", &scored],
        &["compare", &scored, &scored, "--markdown"],
        &["compare", &unscored],
        &["validate", &submission, "--tasks", &tasks],
        &["score", &sound, "--tasks", &tasks, "--predictions", &predictions],
        &["tasks", "list", &key],
        &["tasks", "list", &id],
        &["tasks", "verify", &id],
        &["train", &recipe, "--output", "o"],
        &["puzzles", "show", &table],
        &["inspect", &named],
        &["inspect", &part],
        &["validate", &path, "--tasks", &tasks],
    ];
    folder.write("t_solutions.json", &json!({"x1": [[[3]]]}).to_string());
    for arguments in attacks {
        assert_still(&attacked(&folder, arguments), &format!("{arguments:?}"));
    }
}

#[test]
fn no_task_s_id_leaves_its_folder_or_goes_on_without_end() {
    let folder = Program::new();
    let long = "x".repeat(100_000);
    for id in ["../../x", "/etc/passwd", "..", ".", "a\\b", "a\nb", long.as_str()] {
        let file = folder.write("t_challenges.json", &json!({id: {"train": pair(), "test": pair()}}).to_string());
        let solve = ["solve", &file, "--solver", "copy", "--submission", "o/submission.json"];
        let ended = attacked(&folder, &solve);
        assert_refused(&ended, &["t_challenges.json", "its id"]);
        assert!(ended.stderr.len() < 10_000 && !folder.has("o"), "{} bytes", ended.stderr.len());
    }
}

#[test]
fn a_long_error_is_cut_and_says_so() {
    let folder = Program::new();
    let long = "k".repeat(1_000_000);
    let file =
        folder.write("t_challenges.json", &json!({"x1": {"train": pair(), "test": pair(), long: 1}}).to_string());
    let ended = attacked(&folder, &["tasks", "list", &file]);
    assert_refused(&ended, &["t_challenges.json", "bytes are left out", "train and test"]);
    assert!(ended.stderr.len() < 10_000, "{} bytes", ended.stderr.len());
}

#[test]
fn a_repeated_key_is_refused_or_named() {
    let folder = Program::new();
    let tasks = tiny(&folder);
    let twice = folder.write("twice.json", &format!("{{{0}, {0}}}", &SOUND[1..SOUND.len() - 1]));
    let ended = attacked(&folder, &["validate", &twice, "--tasks", &tasks]);
    assert!(
        ended.code == 1 && ended.stdout.contains("x1") && ended.stdout.contains("more than once"),
        "{}",
        ended.stdout
    );
    let ended = attacked(&folder, &["merge", &twice, "--tasks", &tasks, "--output", "m.json"]);
    assert_refused(&ended, &["twice.json", "x1", "more than once"]);
    let grid = pair();
    let inner = format!("{{\"x1\": {{\"train\": {grid}, \"train\": {grid}, \"test\": {grid}}}}}");
    let ended = attacked(&folder, &["tasks", "list", &folder.write("inner_challenges.json", &inner)]);
    assert_refused(&ended, &["inner_challenges.json", "train", "more than once"]);
}

#[test]
fn a_log_s_numbers_stop_no_drawing() {
    let numbers = [
        f64::NAN,
        f64::INFINITY,
        -f64::INFINITY,
        f64::MAX,
        f64::MIN,
        f64::MIN_POSITIVE,
        5e-324,
        1e-310,
        0.0,
        -0.0,
        1e300,
        1.0,
    ];
    for first in numbers {
        for second in numbers {
            let points = vec![(0.0, first), (second, second), (1.0, first), (first, second)];
            let panel = |scale| Panel {
                title: "a".into(),
                scale,
                curves: vec![Curve { name: "b".into(), points: points.clone() }],
            };
            let drawing = curves("c", "d", &[panel(Scale::Linear), panel(Scale::Logarithmic)]);
            assert!(
                drawing.len() < 50_000 && !drawing.contains("NaN") && !drawing.contains("inf"),
                "{first} {second}: {drawing}"
            );
        }
    }
}

/// Ten million bytes are answered or refused within half a gigabyte of addresses.
#[test]
fn a_long_file_takes_no_more_memory_than_its_bytes_allow() {
    let folder = Program::new();
    let tasks = tiny(&folder);
    let zeros = format!("[{}0]", "0,".repeat(5_000_000));
    let attempts = folder.write("long.json", &format!("{{\"x1\": {zeros}}}"));
    let long = folder.write("long_challenges.json", &format!("{{\"x1\": {{\"train\": {zeros}}}}}"));
    let toml = folder.write("long.toml", &format!("a = {zeros}\n"));
    let keys: Vec<String> = (0..500_000).map(|key| format!("\"{key}\":0")).collect();
    let keys = folder.write("keys.json", &format!("{{{}}}", keys.join(",")));
    let grid = folder.write(
        "long.jsonl",
        &format!("{{\"task\":\"a\",\"test\":0,\"augmentation\":\"\",\"halt\":0,\"grid\":{zeros}}}\n"),
    );
    folder.write("s.json", SOUND);
    let attacks: [(&[&str], &str); 7] = [
        (&["validate", &attempts, "--tasks", &tasks], "bytes; the most is"),
        (&["score", &attempts, "--tasks", &tasks], "no solution for test input 0"),
        (&["tasks", "list", &long], "bytes; the most is"),
        (&["train", &toml], "a file of settings has at most"),
        (&["validate", &keys, "--tasks", &tasks], "these are the first 10000"),
        (&["score", "s.json", "--tasks", &tasks, "--predictions", &grid], "line 1 is no prediction"),
        (&["compare", &attempts], "no run's record"),
    ];
    for (arguments, said) in attacks {
        let ended = within(MEMORY / 8, &folder, arguments);
        let text = ended.stdout + &ended.stderr;
        assert!(text.contains(said), "{arguments:?}: {}", text.chars().take(500).collect::<String>());
    }
}
