//! Every reader against changed copies of sound files: bits turned, cut, repeated, spliced, and with enormous numbers.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use trm_arc::augment::Plan;
use trm_arc::checkpoint::{CheckpointError, Folder, Stored, Tensors, TorchFile};
use trm_arc::dataset::published::PublishedBuild;
use trm_arc::prediction;
use trm_arc::puzzle::{self, Kind};
use trm_arc::recipe::{About, Published, Recipe};
use trm_arc::report::{PuzzleRecord, Record, read_predictions};
use trm_arc::rng::Stream;
use trm_arc::submission;
use trm_arc::task;
use trm_arc::train::{HostState, read_log};

/// Changed copies of each seed.
const COPIES: usize = 150;

/// What takes longer hangs: the seeds have a few kilobytes.
const LONGEST: Duration = Duration::from_secs(5);

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn seed(path: &str) -> Vec<u8> {
    fs::read(repository(path)).unwrap()
}

/// The numbers that a size may be taken for.
const NUMBERS: [&str; 8] = [
    "0",
    "-1",
    "1e308",
    "1000000000000",
    "9223372036854775807",
    "18446744073709551615",
    "18446744073709551616",
    "340282366920938463463374607431768211456",
];

/// One change, of a kind and at a place that the stream draws.
fn changed(bytes: &[u8], others: &[u8], stream: &mut Stream) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let at = stream.below(bytes.len().max(1));
    let end = at + stream.below(bytes.len() - at + 1);
    match stream.below(7) {
        0 => bytes[at] ^= 1 << stream.below(8),
        1 => bytes.truncate(at),
        2 => drop(bytes.drain(at..end)),
        3 => {
            let piece = bytes[at..end].repeat(1 + stream.below(4));
            bytes.splice(at..at, piece);
        }
        4 => {
            let from = stream.below(others.len());
            let piece = others[from..(from + 64).min(others.len())].to_vec();
            bytes.splice(at..end.min(at + 64), piece);
        }
        5 => {
            // a number that stands there, or any place
            let is_digit = |place: &usize| bytes[*place].is_ascii_digit();
            let start = (at..bytes.len()).find(is_digit).unwrap_or(at);
            let length = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            let number = NUMBERS[stream.below(NUMBERS.len())];
            bytes.splice(start..start + length, number.bytes());
        }
        _ => bytes[at..(at + 8).min(end)].fill(0xff),
    }
    bytes
}

/// A reader: what its file is called, its seeds, and how it is read.
struct Reader {
    name: &'static str,
    seeds: Vec<Vec<u8>>,
    read: fn(&Path) -> Result<(), String>,
}

fn text<T>(result: Result<T, impl std::fmt::Display>) -> Result<(), String> {
    result.map(drop).map_err(|error| error.to_string())
}

fn torch(path: &Path) -> Result<(), String> {
    let mut file = TorchFile::open(path).map_err(|error| error.to_string())?;
    let names: Vec<String> = file.tensors().map(|(name, _)| name.to_owned()).collect();
    names.iter().try_for_each(|name| text(file.read(name, |_| Ok::<_, CheckpointError>(()))))
}

fn submitted(path: &Path) -> Result<(), String> {
    let set = task::load(repository("tests/published-data/tiny_first_challenges.json").to_str().unwrap()).unwrap();
    text(submission::check(path, &set))?;
    text(submission::read_attempts(path))?;
    text(submission::merge(&set, &[path.to_owned()]))
}

fn published(path: &Path) -> Result<(), String> {
    let sets = [task::load(repository("tests/published-data/tiny_first_challenges.json").to_str().unwrap()).unwrap()];
    let stop = AtomicBool::new(false);
    let build = PublishedBuild::new(&sets, &sets[0].name, &[], 1, 42, &stop).unwrap();
    let faults = build.check(path.parent().unwrap(), &stop).unwrap();
    let fault = faults.into_iter().find(|fault| fault.contains(path.file_name().unwrap().to_str().unwrap()));
    fault.map_or(Ok(()), Err)
}

fn readers() -> Vec<Reader> {
    let reader = |name, seeds, read| Reader { name, seeds, read };
    let sudoku = "source,question,answer,rating\na,1.3434122.434321,1234341221434321,3\n";
    let answered = "source,question,answer,rating,prediction,exact,cells_right,halt,earlier\n\
        a,1.3434122.434321,1234341221434321,3,1234341221434321,true,16,0.9,1111341221434321|1234341221434321\n";
    let predicted = "{\"task\":\"a\",\"test\":0,\"augmentation\":\"t0|||0123456789\",\"grid\":[[1,2]],\"halt\":0.5,\"earlier\":[null,[[1]]]}\n";
    let attempted =
        "{\"a\":[{\"attempt_1\":[[1,2]],\"attempt_2\":[[0]]}],\"b\":[{\"attempt_1\":[[1]],\"attempt_2\":[[0]]}]}";
    let tensors = [&[64, 0, 0, 0, 0, 0, 0, 0][..], SAFETENSORS.as_bytes(), &[0; 16]].concat();
    let log = seed("checkpoints/default/log.csv")[..2000].to_vec();
    vec![
        reader(
            "x_challenges.json",
            vec![
                seed("tests/published-data/tiny_first_challenges.json"),
                seed("tests/published-data/tiny_hidden_challenges.json"),
            ],
            |path| text(task::load(path.to_str().unwrap())),
        ),
        reader("submission.json", vec![attempted.into()], submitted),
        reader("plan.toml", vec![seed("augmentations/variants-32.toml")], |path| {
            text(Plan::load(path.to_str().unwrap()))
        }),
        reader("all_config.yaml", vec![seed("tests/published/attention/all_config.yaml")], |path| {
            text(Published::read(path).map(|published| published.model(12, 900).check()))
        }),
        reader(
            "step_1",
            vec![seed("tests/published/broken/foreign-global/step_1"), seed("tests/published/broken/good/step_1")],
            torch,
        ),
        reader("model.safetensors", vec![tensors], |path| {
            text(Tensors::read(path))?;
            text(Stored::open(path))
        }),
        reader("identifiers.json", vec![seed("tests/published-data/tiny_identifiers.json")], published),
        reader("table.csv", vec![sudoku.into()], |path| text(puzzle::read(path))),
        reader("predictions.csv", vec![answered.into()], |path| text(read_predictions(path, Kind::Sudoku))),
        reader("manifest.json", vec![seed("checkpoints/default/manifest.json")], |path| {
            text(Folder::new(path.parent().unwrap()).manifest::<About<HostState>>())
        }),
        reader("predictions.jsonl", vec![predicted.into()], |path| text(prediction::read(path))),
        reader("run.json", vec![RECORD.into()], |path| text(Record::read(path))),
        reader("puzzles.json", vec![PUZZLE_RECORD.into()], |path| text(PuzzleRecord::read(path))),
        reader("log.csv", vec![log], |path| text(read_log(path))),
    ]
}

const SAFETENSORS: &str = "{\"a\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}      ";

pub const RECORD: &str = r#"{"name": "copy", "solver": "copy", "checkpoint": null,
    "tasks": {"name": "a", "digest": "00", "tasks": 1, "outputs": 1}, "seed": 0, "device": "cpu", "views": null, "steps": null,
    "started_unix": 0, "seconds": 0.5, "version": "0.1.0", "finished": true, "status": "complete", "answered": 1, "unanswered": 0,
    "unseen": [], "score": {"tasks": 1, "outputs": 1, "kaggle_score": 0.5, "task_score": 0.5, "solved_outputs": 0,
    "solved_tasks": ["b"], "pass_at": {"1": 0.5}},
    "entries": [{"id": "b", "solved": 0, "outputs": 1, "seconds": 0.5, "predictions": 1}]}"#;

pub const PUZZLE_RECORD: &str = r#"{"name": "trm a", "puzzles": {"name": "a.csv", "digest": "00", "kind": "sudoku", "side": 4, "count": 2},
    "checkpoint": {"path": "b", "digest": "01", "step": 3, "parameters": 5, "puzzle_rows": 8, "recipe": "a"},
    "device": "cpu", "precision": "f32", "steps": 4, "tokens_per_batch": 100, "started_unix": 0, "seconds": 1.5,
    "solving_seconds": 1.0, "version": "0.1.0", "commit": null, "finished": true, "status": "complete", "answered": 2,
    "unanswered": 0, "score": null}"#;

/// Recipes have a test of their own: a refusal names the recipe, which is what was asked for, and not always its file.
#[test]
fn no_change_of_a_recipe_makes_its_reader_panic_or_hang() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recipe.toml");
    let mut stream = Stream::new(2, "recipes");
    let seeds = ["recipes/small-grids.toml", "recipes/sudoku-4x4.toml"].map(seed);
    for place in 0..4 * COPIES {
        fs::write(&path, changed(&seeds[place % 2], &seeds[1 - place % 2], &mut stream)).unwrap();
        let began = Instant::now();
        if let Ok(recipe) = Recipe::load(path.to_str().unwrap()) {
            let tensors = trm_arc::model::specs(&recipe.model);
            assert!(tensors.iter().all(|spec| !spec.is_empty()) && tensors.len() < 100_000);
        }
        assert!(began.elapsed() < LONGEST, "{:?}: {}", began.elapsed(), fs::read_to_string(&path).unwrap_or_default());
    }
}

#[test]
fn no_changed_file_makes_its_reader_panic_or_hang_and_each_refusal_names_it() {
    let all: Vec<u8> = readers().iter().flat_map(|reader| reader.seeds.concat()).take(40_000).collect();
    for Reader { name, seeds, read } in readers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let mut stream = Stream::new(1, name);
        let mut refused = 0;
        for seed in &seeds {
            for _ in 0..COPIES {
                let mut bytes = changed(seed, &all, &mut stream);
                if !bytes.is_empty() && stream.below(3) == 0 {
                    bytes = changed(&bytes, &all, &mut stream);
                }
                fs::write(&path, &bytes).unwrap();
                let began = Instant::now();
                let shown = || String::from_utf8_lossy(&bytes[..bytes.len().min(3000)]).into_owned();
                let Ok(result) = catch_unwind(AssertUnwindSafe(|| read(&path))) else {
                    panic!("{name} panicked on {}", shown())
                };
                assert!(began.elapsed() < LONGEST, "{name} took {:?} for {}", began.elapsed(), shown());
                if let Err(error) = result {
                    assert!(error.contains(name), "the error does not name {name}: {error}");
                    assert!(error.len() < 2 * bytes.len() + 10_000, "{name}: an error of {} bytes", error.len());
                    refused += 1;
                }
            }
        }
        assert!(refused > 20, "{name}: only {refused} were refused: do the changes reach it?");
    }
}

#[test]
fn no_reader_takes_an_empty_file_or_a_folder_in_place_of_a_file() {
    for Reader { name, read, .. } in readers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, "").unwrap();
        match read(&path) {
            Err(error) => assert!(error.contains(name), "{name}: {error}"),
            // no lines are no predictions and no rows
            Ok(()) => assert!(["predictions.jsonl", "log.csv"].contains(&name), "{name}"),
        }
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        let error = read(&path).unwrap_err();
        assert!(error.contains(name), "{name}: {error}");
    }
}

#[cfg(unix)]
#[test]
fn no_reader_takes_a_device_in_place_of_a_file() {
    for Reader { name, read, .. } in readers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::os::unix::fs::symlink("/dev/null", &path).unwrap();
        let error = read(&path).unwrap_err();
        assert!(error.contains(name) && error.contains("device"), "{name}: {error}");
    }
}
