//! The promise: a published checkpoint is read to the letter and evaluated as the published code does. The numbers are that code's;
//! `tests/published/oracle.py` wrote them, and says how it is called.

mod program;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dfdx::prelude::{Cpu, NoneTape};
use program::{Ended, Program, assert_refused, names_in};
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;
use trm_arc::checkpoint::CheckpointError;
use trm_arc::model::{Example, Inputs, Model};
use trm_arc::recipe::{Published, PublishedTensors};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/published").join(name)
}

fn path(name: &str) -> String {
    fixture(name).to_str().unwrap().to_owned()
}

fn json(name: &str) -> Value {
    serde_json::from_slice(&fs::read(fixture(name)).unwrap()).unwrap()
}

fn numbers(name: &str) -> Vec<f32> {
    numbers_of(&fixture("numbers.safetensors"), name)
}

fn numbers_of(file: &Path, name: &str) -> Vec<f32> {
    let bytes = fs::read(file).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let tensor = file.tensor(name).unwrap_or_else(|_| panic!("no {name}"));
    let words = tensor.data().as_chunks().0.iter();
    match tensor.dtype() {
        Dtype::F32 => words.map(|&b| f32::from_le_bytes(b)).collect(),
        Dtype::I32 => words.map(|&b| i32::from_le_bytes(b) as f32).collect(),
        other => panic!("{other:?}"),
    }
}

fn all(tensors: &mut PublishedTensors, name: &str) -> Vec<f32> {
    let mut values = Vec::new();
    let take = |piece: &[f32]| {
        values.extend_from_slice(piece);
        Ok(())
    };
    tensors.read(name, take).unwrap();
    values
}

/// The largest difference of logits and halting logits from the published code's, over these halting steps; of the logits every
/// `stride`-th cell is known.
fn differences(folder: &str, inputs: &str, cells: usize, stride: usize, steps: usize) -> [f32; 2] {
    let published = Published::read(&fixture(folder).join("all_config.yaml")).unwrap();
    let mut tensors = PublishedTensors::open(&fixture(folder).join("step_123")).unwrap();
    let config = published.model(12, cells);
    assert!(tensors.report(&config).fits(), "{}", tensors.report(&config));
    let table = all(&mut tensors, "puzzle_emb.weights");
    let values = |spec: &_| tensors.all(spec).map_err(Failed::Checkpoint);
    let model = Model::build(config.clone(), &Cpu::default(), values).unwrap();

    let kinds: Vec<u8> = numbers(&format!("{inputs}.inputs")).iter().map(|&kind| kind as u8).collect();
    let positions: Vec<u16> = (0..cells as u16).collect();
    let batch: Vec<_> = kinds.chunks(cells).map(|cells| Example { cells, positions: &positions }).collect();
    let ids = numbers(&format!("{inputs}.puzzle_ids"));
    let row = |id: &f32| &table[*id as usize * config.puzzle_width..][..config.puzzle_width];
    let rows: Vec<f32> = ids.iter().flat_map(row).copied().collect();
    let inputs = Inputs::new(&model, &batch);
    let (logits, halts) = (numbers(&format!("{folder}.logits")), numbers(&format!("{folder}.q_halt")));
    assert_eq!(halts.len(), steps * batch.len());
    let (of_step, mut carry, mut worst) = (logits.len() / steps, model.start(&inputs), [0.0f32; 2]);
    for step in 0..steps {
        let result = model.supervise::<NoneTape>(&inputs, model.rows(rows.clone()), carry);
        let found = result.logits.as_vec();
        let tokens = config.prefix + cells;
        let places = (0..batch.len())
            .flat_map(|example| (0..cells).step_by(stride).map(move |cell| example * tokens + config.prefix + cell));
        let found = places.flat_map(|token| &found[token * 12..][..12]);
        worst[0] = worst[0].max(largest(found, &logits[step * of_step..][..of_step]));
        worst[1] = worst[1].max(largest(&result.halt.as_vec(), &halts[step * batch.len()..][..batch.len()]));
        carry = result.carry;
    }
    println!("{folder}: logits {:.1e}, halting logits {:.1e} over {steps} steps", worst[0], worst[1]);
    worst
}

#[derive(Debug)]
enum Failed {
    Checkpoint(#[expect(dead_code, reason = "for its text")] CheckpointError),
    Config,
}

impl From<trm_arc::model::ConfigError> for Failed {
    fn from(_: trm_arc::model::ConfigError) -> Self {
        Self::Config
    }
}

fn largest<'a>(found: impl IntoIterator<Item = &'a f32>, expected: &[f32]) -> f32 {
    let found: Vec<f32> = found.into_iter().copied().collect();
    assert_eq!(found.len(), expected.len());
    found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn logits_are_the_published_ones_at_every_halting_step() {
    for worst in [differences("attention", "attention", 900, 7, 16), differences("token-mlp", "token-mlp", 36, 1, 16)] {
        assert!(worst.iter().all(|difference| *difference < 1e-4), "{worst:?}");
    }
}

#[test]
fn half_precision_files_are_read_as_they_are() {
    for folder in ["attention-float16", "attention-bfloat16"] {
        let worst = differences(folder, "attention", 900, 7, 1);
        assert!(worst.iter().all(|difference| *difference < 1e-4), "{folder}: {worst:?}");
    }
}

/// HRM is imported as its own code saves it, and answers as PyTorch does.
#[test]
fn an_hrm_is_imported_and_its_logits_are_pytorch_s() {
    let oracle = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle");
    let (file, config) = (oracle.join("hrm/step_7"), oracle.join("hrm/all_config.yaml"));
    let published = Published::read(&config).unwrap();
    let mut tensors = PublishedTensors::open(&file).unwrap();
    let (cells, steps) = (25, 2);
    let sizes = published.model(12, cells);
    assert!(tensors.report(&sizes).fits(), "{}", tensors.report(&sizes));
    let table = all(&mut tensors, "puzzle_emb.weights");
    let values = |spec: &_| tensors.all(spec).map_err(Failed::Checkpoint);
    let model = Model::build(sizes.clone(), &Cpu::default(), values).unwrap();

    let numbers = |name: &str| numbers_of(&oracle.join("hrm.safetensors"), name);
    let kinds: Vec<u8> = numbers("inputs").iter().map(|&kind| kind as u8).collect();
    let positions: Vec<u16> = (0..cells as u16).collect();
    let batch: Vec<_> = kinds.chunks(cells).map(|cells| Example { cells, positions: &positions }).collect();
    let row = |id: &f32| &table[*id as usize * sizes.puzzle_width..][..sizes.puzzle_width];
    let rows: Vec<f32> = numbers("puzzle_ids").iter().flat_map(row).copied().collect();
    let inputs = Inputs::new(&model, &batch);
    let mut carry = model.start(&inputs);
    for step in 1..=steps {
        let result = model.supervise::<NoneTape>(&inputs, model.rows(rows.clone()), carry);
        let found = result.logits.as_vec();
        let of_cells =
            inputs.segments.ranges().flat_map(|range| &found[(range.start + sizes.prefix) * 12..range.end * 12]);
        assert!(largest(of_cells, &numbers(&format!("step{step}.logits"))) < 1e-4, "step {step}");
        assert!(largest(&result.halt.as_vec(), &numbers(&format!("step{step}.q_halt"))) < 1e-4, "step {step}");
        carry = result.carry;
    }

    // and through the program, there and back
    let folder = Program::new();
    let names = folder.write("identifiers.json", r#"["<blank>", "a", "b", "c", "d"]"#);
    let (file, config) = (file.to_str().unwrap(), config.to_str().unwrap());
    let imported = folder.run(&["import", file, "--config", config, "--identifiers", &names, "--output", "model"]);
    assert_eq!(imported.code, 0, "{}", imported.stderr);
    let described = folder.run(&["inspect", "model"]).stdout;
    assert!(described.contains("a net for each state, gradients through the last two updates"), "{described}");
    assert_eq!(folder.run(&["export", "model", "back.safetensors"]).code, 0);
    for (name, shape) in
        SafeTensors::deserialize(&fs::read(folder.path("back.safetensors")).unwrap()).unwrap().tensors()
    {
        let inner = name.strip_prefix("_orig_mod.model.inner.").unwrap();
        assert_eq!(Some(shape.shape()), tensors.shape(inner), "{name}");
    }
}

#[test]
fn a_checkpoint_of_puzzles_is_imported_and_solves_a_table() {
    let oracle = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/sudoku");
    let [file, config] = ["step_7", "all_config.yaml"].map(|name| oracle.join(name).to_str().unwrap().to_owned());
    let folder = Program::new();
    let import = |rest: &[&str]| {
        folder.run(&[&["import", &file, "--config", &config, "--output", "model", "--puzzles"], rest].concat())
    };
    assert_refused(&import(&["sudoku"]), &["embed_tokens.embedding_weight is [6, 16] and not [11, 16]"]);
    assert_refused(&import(&["sudoku", "--side", "5"]), &["--side 5: a Sudoku is 16, 36 or 81 characters"]);
    assert!(names_in(folder.0.path()).is_empty());
    let imported = import(&["sudoku", "--side", "4"]);
    assert!(imported.stdout.contains("1 row of 24 in the puzzle table"), "{}{}", imported.stdout, imported.stderr);
    assert!(folder.run(&["inspect", "model"]).stdout.contains("solves      Sudoku 4 x 4"));
    let generate = ["puzzles", "generate", "sudoku", "--side", "4", "--count", "5", "--output", "a.csv"];
    assert_eq!(folder.run(&generate).code, 0);
    let solved = folder.run(&["solve", "a.csv", "--checkpoint", "model", "--predictions", "out/p.csv"]);
    assert!(solved.stdout.contains("Sudoku of 4 x 4: 5 of 5 puzzles answered"), "{}{}", solved.stdout, solved.stderr);
    assert!(solved.stderr.contains("an imported checkpoint does not say what it has learned"), "{}", solved.stderr);
}

/// Imports a fixture with the names of the tiny task sets.
fn import(folder: &Program, file: &str, config: &str, variants: &str) -> Ended {
    let (alpha, beta) = (path("tiny/arc-agi_alpha_challenges.json"), path("tiny/arc-agi_beta_challenges.json"));
    let (file, config) = (path(file), path(config));
    let names = ["--tasks", &alpha, "--tasks", &beta, "--variants", variants];
    folder.run(&[&["import", &file, "--config", &config, "--output", "model"][..], &names].concat())
}

/// Grids as JSON, an empty board as the single cell that stands for it.
fn normalised(submission: &Value) -> Value {
    let mut submission = submission.clone();
    for answers in submission.as_object_mut().unwrap().values_mut() {
        for attempts in answers.as_array_mut().unwrap() {
            for grid in attempts.as_object_mut().unwrap().values_mut() {
                if grid.as_array().unwrap().is_empty() {
                    *grid = serde_json::json!([[0]]);
                }
            }
        }
    }
    submission
}

/// Imports a checkpoint, solves the tiny evaluation set as published ones are, and holds submission and pass@K against the published code's.
fn evaluate(config: &str, expected: &str) {
    let folder = Program::new();
    let imported = import(&folder, "attention/step_123", config, "8");
    assert_eq!(imported.code, 0, "{}", imported.stderr);
    let beta = path("tiny/arc-agi_beta_challenges.json");
    let solve = ["solve", &beta, "--checkpoint", "model", "--predictions", "all.jsonl", "--submission", "s.json"];
    let solved = folder.run(&solve);
    assert_eq!(solved.code, 0, "{}", solved.stderr);
    let submission: Value = serde_json::from_slice(&fs::read(folder.path("s.json")).unwrap()).unwrap();
    assert_eq!(submission, normalised(&json(&format!("{expected}submission.json"))));

    let score = folder.run(&["score", "s.json", "--tasks", &beta, "--predictions", "all.jsonl", "--json"]);
    let score: Value = serde_json::from_str(&score.stdout).unwrap();
    let (mut held, published) = (0, json(&format!("{expected}evaluation.json")));
    for (name, expected) in published.as_object().unwrap() {
        let Some(k) = name.strip_prefix("ARC/pass@") else { continue };
        let found = score["pass_at"][k].as_f64().unwrap();
        assert!((found - expected.as_f64().unwrap()).abs() < 1e-12, "{name}: {found} and not {expected}");
        held += 1;
    }
    assert_eq!(held, 6, "{published}");
}

#[test]
fn an_evaluation_is_the_published_one_grid_for_grid() {
    evaluate("attention/all_config.yaml", "");
}

#[test]
fn a_checkpoint_with_fewer_halting_steps_runs_its_own() {
    evaluate("quick/all_config.yaml", "quick/");
}

#[test]
fn the_names_of_the_rows_are_computed_or_given() {
    let folder = Program::new();
    let computed = import(&folder, "attention/step_123", "attention/all_config.yaml", "8");
    let names = json("identifiers.json");
    let lines: String = names.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned() + "\n").collect();
    assert_eq!(fs::read_to_string(folder.path("model/identifiers.txt")).unwrap(), lines);
    assert!(computed.stdout.contains("every row has a name"), "{}", computed.stdout);

    let (file, config) = (path("attention/step_123"), path("attention/all_config.yaml"));
    let given = |list: &str, output: &str| {
        folder.run(&["import", &file, "--config", &config, "--identifiers", list, "--output", output])
    };
    assert_eq!(given(&path("identifiers.json"), "given").code, 0);
    assert_eq!(fs::read_to_string(folder.path("given/identifiers.txt")).unwrap(), lines);
    let short = folder.write("short.json", r#"["<blank>", "a"]"#);
    assert_refused(&given(&short, "other"), &["the identifiers given have 2 names", "another checkpoint"]);
    assert_refused(&given(&path("identifiers.json"), "given"), &["given is there already", "--output"]);

    // fewer variants than it was trained with: the table has rows without a name, which is said
    let folder = Program::new();
    let fewer = import(&folder, "attention/step_123", "attention/all_config.yaml", "7");
    assert!(fewer.code == 0 && fewer.stdout.contains("rows have names; the other "), "{}", fewer.stdout);
    let more = Program::new();
    let refused = import(&more, "attention/step_123", "attention/all_config.yaml", "9");
    assert_refused(&refused, &["its puzzle table has", "--variants", "hint: "]);
}

/// Imports the fixture of attention as `model` with another file in the place of one of its own.
fn import_with(folder: &Program, file: &str, config: &str, list: &str) -> Ended {
    folder.run(&["import", file, "--config", config, "--identifiers", list, "--output", "model"])
}

#[test]
fn a_configuration_with_references_is_the_one_without() {
    let folder = Program::new();
    let text = fs::read_to_string(fixture("attention/all_config.yaml")).unwrap();
    let line = |name: &str| text.lines().find(|line| line.trim_start().starts_with(name)).unwrap().to_owned();
    let (width, decay) = (line("puzzle_emb_ndim: 32"), line("puzzle_emb_weight_decay: 0.1"));
    let text = text
        .replace(&width, "  puzzle_emb_ndim: ${.hidden_size}")
        .replace(&decay, "puzzle_emb_weight_decay: ${weight_decay}");
    let config = folder.write("config.yaml", &text);
    let imported = import_with(&folder, &path("attention/step_123"), &config, &path("identifiers.json"));
    assert_eq!(imported.code, 0, "{}", imported.stderr);
    let described: Value = serde_json::from_str(&folder.run(&["inspect", "model", "--json"]).stdout).unwrap();
    assert_eq!(described["model"]["puzzle_width"], 32);
    let nowhere = folder.write("config.yaml", &text.replace("${.hidden_size}", "${.width}"));
    fs::remove_dir_all(folder.path("model")).unwrap();
    let refused = import_with(&folder, &path("attention/step_123"), &nowhere, &path("identifiers.json"));
    assert_refused(&refused, &["config.yaml", "${.width}"]);
}

#[test]
fn names_in_the_form_of_hrm_are_read_as_variants() {
    let names: Vec<String> = serde_json::from_value(json("identifiers.json")).unwrap();
    let of_hrm: Vec<String> = names.iter().map(|name| name.replace("|||", "_")).collect();
    let folder = Program::new();
    let list = folder.write("identifiers.json", &serde_json::to_string(&of_hrm).unwrap());
    let (file, config) = (path("attention/step_123"), path("attention/all_config.yaml"));
    let imported = import_with(&folder, &file, &config, &list);
    assert_eq!(imported.code, 0, "{}", imported.stderr);
    assert_eq!(fs::read_to_string(folder.path("model/identifiers.txt")).unwrap(), names.join("\n") + "\n");
    assert!(folder.run(&["inspect", "model"]).stdout.contains("known tasks 7, each with 9 rows"));
    fs::rename(folder.path("model"), folder.path("first")).unwrap();
    let lines = import_with(&folder, &file, &config, "first/identifiers.txt");
    assert_eq!(lines.code, 0, "one name a line: {}", lines.stderr);
    let folder = Program::new();
    let hashed: Vec<String> = of_hrm
        .iter()
        .map(|name| name.rsplit_once("_t").map_or(name.clone(), |(task, _)| format!("{task}_t3_-{}", name.len())))
        .collect();
    let list = folder.write("identifiers.json", &serde_json::to_string(&hashed).unwrap());
    let refused = import_with(&folder, &file, &config, &list);
    assert_refused(&refused, &["identifiers.json", "HRM's form", "ten colors", "hint: "]);
    let broken = folder.write("identifiers.json", &serde_json::json!(["<blank>", "a\nb"]).to_string());
    assert_refused(&import_with(&folder, &file, &config, &broken), &["\"a\\nb\"", "a line feed"]);
    assert!(!folder.has("model"));
}

#[test]
fn what_was_exported_is_imported_again_number_for_number() {
    let folder = Program::new();
    let (config, list) = (path("attention/all_config.yaml"), path("identifiers.json"));
    assert_eq!(import_with(&folder, &path("attention/step_123"), &config, &list).code, 0);
    assert_eq!(folder.run(&["export", "model", "step_123.safetensors"]).code, 0);
    fs::rename(folder.path("model"), folder.path("first")).unwrap();
    let again = import_with(&folder, "step_123.safetensors", &config, &list);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert!(again.stdout.contains("float32 of step_123.safetensors, step 123, as model"), "{}", again.stdout);
    for file in ["model-000123.safetensors", "identifiers.txt"] {
        let read = |name: &str| fs::read(folder.0.path().join(name).join(file)).unwrap();
        assert!(read("first") == read("model"), "{file}");
    }
    let mut bytes = fs::read(folder.path("step_123.safetensors")).unwrap();
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(&3e38f32.to_le_bytes());
    fs::write(folder.path("absurd.safetensors"), &bytes).unwrap();
    fs::remove_dir_all(folder.path("model")).unwrap();
    let absurd = import_with(&folder, "absurd.safetensors", &config, &list);
    assert_refused(&absurd, &["absurd.safetensors", "puzzle_emb.weights is 300000000000"]);
    fs::write(folder.path("cut.safetensors"), &bytes[..end - 1]).unwrap();
    assert_refused(&import_with(&folder, "cut.safetensors", &config, &list), &["cut.safetensors", "it ends within"]);
    assert!(!folder.has("model"));
}

#[test]
fn a_checkpoint_of_another_kind_is_refused_before_names_are_drawn() {
    let oracle = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/sudoku");
    let [file, config] = ["step_7", "all_config.yaml"].map(|name| oracle.join(name).to_str().unwrap().to_owned());
    let folder = Program::new();
    let mut program = assert_cmd::Command::new(env!("CARGO_BIN_EXE_trm-arc"));
    // names whose drawing takes hours
    program.args(["import", &file, "--config", &config, "--tasks", "arc-agi-1/training", "--variants", "2903039"]);
    let output = program.args(["--output", "model"]).current_dir(folder.0.path()).timeout(Duration::from_secs(20));
    let output = output.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("embed_tokens.embedding_weight is [6, 16] and not [12, 16]"), "{said}");
}

#[test]
fn an_export_has_the_published_names_and_the_same_numbers() {
    let folder = Program::new();
    assert_eq!(import(&folder, "attention/step_123", "attention/all_config.yaml", "8").code, 0);
    let exported = folder.run(&["export", "model", "back.safetensors"]);
    assert_eq!(exported.code, 0, "{}", exported.stderr);
    let bytes = fs::read(folder.path("back.safetensors")).unwrap();
    let back = SafeTensors::deserialize(&bytes).unwrap();
    let mut tensors = PublishedTensors::open(&fixture("attention/step_123")).unwrap();
    assert_eq!(back.len(), 15);
    for (name, view) in back.tensors() {
        let inner = name.strip_prefix("_orig_mod.model.inner.").unwrap();
        assert_eq!(Some(view.shape()), tensors.shape(inner), "{name}");
        let values: Vec<f32> = view.data().as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect();
        assert_eq!(values, all(&mut tensors, inner), "{name}");
    }
}

#[test]
fn a_checkpoint_is_described() {
    let folder = Program::new();
    let imported = import(&folder, "attention-bfloat16/step_123", "attention-bfloat16/all_config.yaml", "8");
    assert!(imported.stdout.starts_with("15 tensors fit: "), "{}", imported.stdout);
    let found = folder.run(&["inspect", "model"]);
    for part in [
        "step        123",
        "hidden 32, 2 layers, attention with 2 heads",
        "step_123 (bfloat16), sha256 ",
        "known tasks 7, ",
    ] {
        assert!(found.stdout.contains(part), "no \"{part}\" in {}", found.stdout);
    }
    let rows = folder.run(&["inspect", "model", "--tasks"]).stdout;
    assert!(rows.lines().count() == 7 && rows.lines().all(|line| line.ends_with(" 9")), "{rows}");
    let described: Value = serde_json::from_str(&folder.run(&["inspect", "model", "--json"]).stdout).unwrap();
    assert_eq!((&described["step"], &described["model"]["hidden"]), (&123.into(), &32.into()));
    assert_eq!(described["imported"]["names"]["order"]["variants"], 8);
}

#[test]
fn what_is_broken_is_named_and_leaves_nothing_behind() {
    let cases: [(&str, &[&str]); 8] = [
        ("truncated", &["step_1", "cut off or damaged"]),
        ("foreign-global", &["its pickle asks for", "nothing was run"]),
        ("other-shape", &["mismatched: q_head.weight is [2, 7] and not [2, 8]"]),
        ("not-a-number", &["of tensor _orig_mod.model.inner.L_level.layers.1.mlp.down_proj.weight is NaN"]),
        ("short-table", &["its puzzle table has 63 rows", "give 64 names"]),
        ("missing-tensor", &["missing: L_level.layers.0.self_attn.o_proj.weight"]),
        ("legacy", &["before PyTorch 1.6"]),
        ("no-l-cycles", &["all_config.yaml", "L_cycles"]),
    ];
    for (case, parts) in cases {
        let folder = Program::new();
        let ended = import(&folder, &format!("broken/{case}/step_1"), &format!("broken/{case}/all_config.yaml"), "8");
        assert_refused(&ended, parts);
        assert!(names_in(folder.0.path()).is_empty(), "{case}: {:?}", names_in(folder.0.path()));
    }
    let folder = Program::new();
    let (text, config) = (folder.write("step_1", "no checkpoint"), path("broken/good/all_config.yaml"));
    let call = ["import", &text, "--config", &config, "--tasks", "arc-agi-1/training", "--output", "model"];
    assert_refused(&folder.run(&call), &["step_1", "no zip archive"]);
    assert_eq!(names_in(folder.0.path()), ["step_1"]);
    let folder = Program::new();
    assert_eq!(
        import(&folder, "broken/good/step_1", "broken/good/all_config.yaml", "8").code,
        0,
        "their sound sibling"
    );
}
