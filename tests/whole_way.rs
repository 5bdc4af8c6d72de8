//! The whole way with a model, through the real program: train, solve, validate, score, compare; interrupt and resume; and
//! every checkpoint that is not one is refused.

mod program;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use program::tiny as recipe;
use serde_json::Value;

fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trm-arc"));
    command.current_dir(folder).args(arguments);
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    program(folder, arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn done(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output.stdout));
    assert!(output.stdout.is_empty());
    text(&output.stderr)
}

/// `solve` with the checkpoint `run`, into a folder of its own: the submission's bytes and the lines of the predictions.
fn solved(folder: &Path, name: &str, threads: &str, flags: &[&str]) -> (Vec<u8>, Vec<Value>) {
    let [submission, predictions] = ["submission.json", "predictions.jsonl"].map(|file| format!("{name}/{file}"));
    let solve = ["solve", "arc-agi-1/evaluation", "--checkpoint", "run", "--steps", "2", "--overwrite"];
    let outputs = ["--submission", &submission, "--predictions", &predictions];
    let mut command = program(folder, &[&solve[..], &outputs, flags].concat());
    assert!(command.env("RAYON_NUM_THREADS", threads).output().unwrap().status.success(), "{flags:?}");
    let lines = fs::read_to_string(folder.join(predictions)).unwrap();
    let lines = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (fs::read(folder.join(submission)).unwrap(), lines)
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_trained_model_solves_real_tasks_and_is_scored_and_compared() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    recipe(folder, 4);
    let trained = done(folder, &["train", "tiny.toml", "--output", "run"]);
    assert!(trained.contains("4 of 4 steps") && trained.contains("--checkpoint run"), "{trained}");

    let solve = ["solve", "arc-agi-1/evaluation", "--checkpoint", "run", "--views", "2", "--steps", "1"];
    let outputs = ["--submission", "out/submission.json", "--predictions", "out/predictions.jsonl"];
    let solved = done(folder, &[solve.as_slice(), &outputs].concat());
    assert!(solved.contains("TRM-attention"), "the comparison is printed: {solved}");
    let valid = done(folder, &["validate", "out/submission.json", "--tasks", "arc-agi-1/evaluation"]);
    assert!(valid.contains("400 tasks, 419 outputs"), "{valid}");

    let record = json(&folder.join("out/run.json"));
    let (answered, unseen) = (record["answered"].as_u64().unwrap(), record["unseen"].as_array().unwrap().len());
    assert!(answered > 0 && answered as usize + unseen == 400, "{answered} answered, {unseen} unseen");
    assert_eq!((&record["views"], &record["steps"]), (&Value::from(2), &Value::from(1)));
    assert_eq!(record["checkpoint"]["step"], 4);

    let predictions = fs::read_to_string(folder.join("out/predictions.jsonl")).unwrap();
    let first: Value = serde_json::from_str(predictions.lines().next().unwrap()).unwrap();
    let keys: Vec<_> = first.as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["task", "test", "augmentation", "grid", "halt"]);
    let asked = ["--tasks", "arc-agi-1/evaluation", "--predictions", "out/predictions.jsonl", "--json"];
    let score: Value =
        serde_json::from_str(&done(folder, &[["score", "out/submission.json"].as_slice(), &asked].concat())).unwrap();
    for key in ["tasks", "outputs", "kaggle_score", "task_score", "solved_tasks", "pass_at"] {
        assert!(!score[key].is_null(), "{key} is missing");
        assert_eq!(score[key], record["score"][key], "{key}");
    }
    assert!(done(folder, &["compare", "out", "--csv"]).lines().any(|line| line.contains(",out,")));
}

#[test]
fn batches_of_any_size_give_the_same_answers_in_the_same_order_on_any_number_of_threads() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    recipe(folder, 4);
    done(folder, &["train", "tiny.toml", "--output", "run"]);
    let (default, predictions) = solved(folder, "default", "2", &[]);
    let tokens = |name: &str| json(&folder.join(name).join("run.json"))["tokens_per_batch"].clone();
    assert_eq!(tokens("default"), 450);
    // One token is less than any view, so that each is a batch of its own; a million are more than all views.
    for budget in ["1", "100", "1000000"] {
        let flags = ["--tokens-per-batch", budget];
        let (one, two) = (solved(folder, "one", "1", &flags), solved(folder, "two", "2", &flags));
        assert!(one == two, "{budget}: the number of threads changed something");
        assert_eq!(tokens("one"), budget.parse::<u64>().unwrap());
        assert_eq!(one.1.len(), predictions.len());
        for (found, expected) in one.1.iter().zip(&predictions) {
            for key in ["task", "test", "augmentation", "grid"] {
                assert_eq!(found[key], expected[key], "{budget}: {key} of {expected}");
            }
            let halt = |line: &Value| line["halt"].as_f64().unwrap();
            assert!((halt(found) - halt(expected)).abs() < 1e-5, "{budget}: {found} {expected}");
        }
        assert!(one.0 == default, "{budget}: the submission differs");
    }
}

#[test]
fn a_published_checkpoint_solves_the_same_and_cannot_be_resumed() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    recipe(folder, 2);
    done(folder, &["train", "tiny.toml", "--output", "run"]);
    done(folder, &["publish", "run", "--output", "published"]);
    let names = fs::read_dir(folder.join("published")).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["identifiers.txt", "log.csv", "manifest.json", "model-000002.safetensors"]);
    let solve = |checkpoint: &str| {
        let submission = format!("{checkpoint}.json");
        let views = ["--views", "1", "--steps", "1", "--submission", &submission, "--record", "record.json"];
        done(folder, &[["solve", "arc-agi-1/evaluation", "--checkpoint", checkpoint].as_slice(), &views].concat());
        fs::read(folder.join(submission)).unwrap()
    };
    assert_eq!(solve("run"), solve("published"));
    assert!(refused(folder, &["train", "--resume", "published"]).contains("no training state"));
    assert!(refused(folder, &["publish", "run", "--output", "run"]).contains("this command reads run"));
}

/// Waits until the training has done some steps.
fn wait_for_steps(child: &mut Child, log: &Path) {
    let started = Instant::now();
    while fs::read_to_string(log).map_or(0, |text| text.lines().count()) < 3 {
        assert!(child.try_wait().unwrap().is_none(), "the training ended by itself");
        assert!(started.elapsed() < Duration::from_secs(120), "no step within two minutes");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn an_interrupted_training_exits_130_and_says_how_to_go_on() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    recipe(folder, 1_000_000);
    let mut command = program(folder, &["train", "tiny.toml", "--output", "run"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for_steps(&mut child, &folder.join("run/log.csv"));
    let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(text(&output.stdout).contains("trm-arc train --resume run"), "{}", text(&output.stdout));

    let step = |folder: &Path| json(&folder.join("run/manifest.json"))["step"].as_u64().unwrap();
    let before = step(folder);
    assert!(before >= 2);
    done(folder, &["train", "--resume", "run", "--time-limit", "1s"]);
    assert!(step(folder) > before);
    let log = fs::read_to_string(folder.join("run/log.csv")).unwrap();
    let steps: Vec<u64> = log.lines().skip(1).map(|row| row.split(',').next().unwrap().parse().unwrap()).collect();
    assert!(steps.is_sorted_by(|a, b| a + 1 == *b), "the log goes on without a gap or a repeat: {steps:?}");
}

#[test]
fn a_training_can_be_cut_by_tokens_and_goes_on_as_it_began() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    recipe(folder, 2);
    done(folder, &["train", "tiny.toml", "--output", "run", "--tokens-per-batch", "90"]);
    let training = json(&folder.join("run/manifest.json"))["about"]["recipe"]["training"].clone();
    assert_eq!((&training["tokens_per_batch"], &training["parts"]), (&Value::from(90), &Value::Null));
    done(folder, &["train", "--resume", "run"]);
    let ask = |flags: &[&str]| refused(folder, &[&["train", "--output", "other"], flags].concat());
    assert!(ask(&["tiny.toml", "--resume", "run"]).contains("the recipe differs"));
    assert!(ask(&["--resume", "run", "--tokens-per-batch", "90"]).contains("cannot be used with"));
    assert!(ask(&["tiny.toml", "--tokens-per-batch", "0"]).contains("not in 1.."));
    assert!(!folder.join("other").exists());
}

#[test]
fn what_is_no_checkpoint_is_refused_by_name_with_nothing_written() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    recipe(folder, 1);
    done(folder, &["train", "tiny.toml", "--output", "run"]);
    let solve =
        || refused(folder, &["solve", "arc-agi-1/evaluation", "--checkpoint", "run", "--submission", "out/s.json"]);

    let manifest = folder.join("run/manifest.json");
    let whole = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, whole.replace("\"layers\": 2", "\"layers\": 3")).unwrap();
    let missing = solve();
    assert!(missing.contains("missing: L_level.layers.2.self_attn.qkv_proj.weight"), "{missing}");
    fs::write(&manifest, whole.replace("\"l_cycles\"", "\"L_cycles\"")).unwrap();
    assert!(solve().contains("L_cycles"));
    fs::write(&manifest, &whole[..whole.len() / 2]).unwrap();
    assert!(solve().contains("manifest.json"));
    fs::write(&manifest, &whole).unwrap();

    let model = folder.join("run/model-000001.safetensors");
    let bytes = fs::read(&model).unwrap();
    fs::write(&model, &bytes[..bytes.len() - 7]).unwrap();
    let damaged = solve();
    assert!(damaged.contains("model-000001.safetensors is damaged"), "{damaged}");
    fs::remove_file(&model).unwrap();
    assert!(solve().contains("cannot read"));
    assert!(!folder.join("out/s.json").exists(), "nothing half-written");

    let nowhere = ["solve", "arc-agi-1/evaluation", "--checkpoint", "nowhere", "--submission", "out/s.json"];
    assert!(refused(folder, &nowhere).contains("nowhere is no checkpoint"));
}

#[test]
fn a_wrong_recipe_is_refused_before_the_first_step() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    let path = recipe(folder, 1);
    let whole = fs::read_to_string(&path).unwrap();
    let refuse = |from: &str, to: &str| {
        assert!(whole.contains(from));
        fs::write(&path, whole.replacen(from, to, 1)).unwrap();
        refused(folder, &["train", "tiny.toml", "--output", "run"])
    };
    assert!(refuse("warmup = 0", "warmpu = 0").contains("did you mean \"warmup\"?"));
    assert!(refuse("canvas = \"tight\"", "canvas = \"thigt\"").contains("did you mean \"tight\"?"));
    assert!(refuse("test_pairs = false", "test_pairs = true").contains("never learned"));
    assert!(refuse("plan = \"dihedral\"", "plan = \"dihedrall\"").contains("did you mean \"dihedral\"?"));
    assert!(refuse("arc-agi-1/training", "arc-agi-1/trianing").contains("did you mean \"arc-agi-1/training\"?"));
    assert!(refuse("parts = 2\n", "").contains("neither parts nor tokens_per_batch"));
    assert!(refuse("parts = 2\n", "parts = 2\ntokens_per_batch = 90\n").contains("leave one of them out"));
    assert!(refuse("parts = 2\n", "tokens_per_bach = 90\n").contains("did you mean \"tokens_per_batch\"?"));
    assert!(!folder.join("run").exists(), "nothing half-written");
    fs::write(&path, &whole).unwrap();
    fs::write(folder.join("taken"), "").unwrap();
    assert!(refused(folder, &["train", "tiny.toml", "--output", "taken/run"]).contains("taken/run"));
    assert!(refused(folder, &["train", "smal-grids"]).contains("did you mean \"small-grids\"?"));
}
