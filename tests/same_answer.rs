//! The promise: the same seed gives the same answer. On the CPU what the program writes is the same, byte for byte, whatever the number of
//! threads and the size of batches, and whether it was interrupted on the way; and what is written says so, and where it need not be.

mod program;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use program::{Program, small_grids, tiny};
use serde_json::Value;
use trm_arc::kernels::Kind;
use trm_arc::rng::Stream;

fn command(folder: &Program, threads: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trm-arc"));
    command.current_dir(folder.0.path()).env("RAYON_NUM_THREADS", threads).args(arguments);
    command
}

fn done(folder: &Program, threads: &str, arguments: &[&str]) {
    let output = command(folder, threads, arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn json(path: &str) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The files of a checkpoint and what its manifest says, but for the seconds that it took.
fn checkpoint(folder: &Program, name: &str) -> (Vec<(String, Vec<u8>)>, Value) {
    let mut manifest = json(&folder.path(&format!("{name}/manifest.json")));
    manifest["about"].as_object_mut().unwrap().remove("seconds").unwrap();
    manifest["about"]["state"]["window"].as_object_mut().unwrap().remove("seconds").unwrap();
    let names = program::names_in(Path::new(&folder.path(name)));
    let names = names.into_iter().filter(|name| name != "manifest.json" && name != "log.csv");
    let files = names.map(|file| (file.clone(), fs::read(folder.path(&format!("{name}/{file}"))).unwrap()));
    (files.collect(), manifest)
}

/// A recipe wide enough for its products to be split over threads, of two parts and of parts by tokens.
fn wide(folder: &Program, name: &str, more: &[(&str, &str)], steps: usize) -> String {
    let changes = [
        ("warmup = 100", "warmup = 0"),
        ("largest_side = 10", "largest_side = 6"),
        ("log_every = 100", "log_every = 1"),
    ];
    folder.write(name, &small_grids(&[&changes[..], more].concat(), steps))
}

#[test]
fn a_training_writes_the_same_checkpoint_on_any_number_of_threads() {
    let folder = Program::new();
    wide(&folder, "parts.toml", &[], 3);
    wide(&folder, "tokens.toml", &[("parts = 2", "tokens_per_batch = 150")], 3);
    for recipe in ["parts", "tokens"] {
        let of = |threads: &str| {
            let output = format!("{recipe}-{threads}");
            done(&folder, threads, &["train", &format!("{recipe}.toml"), "--output", &output]);
            checkpoint(&folder, &output)
        };
        let one = of("1");
        assert_eq!(one.0.len(), 3, "model, state and identifiers");
        for threads in ["2", "3"] {
            assert!(one == of(threads), "{recipe}: {threads} threads write something else");
        }
    }
}

/// Interrupts a training in the midst of it, after so many rows of its log.
fn interrupt(folder: &Program, threads: &str, arguments: &[&str], log: &str, rows: usize) {
    let mut child = command(folder, threads, arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let started = Instant::now();
    while fs::read_to_string(folder.path(log)).map_or(0, |text| text.lines().count()) < 1 + rows {
        assert!(started.elapsed() < Duration::from_secs(120), "no step within two minutes");
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let code = child.wait().unwrap().code();
    assert!(code == Some(130) || code == Some(0), "{code:?}");
}

#[test]
fn a_training_that_was_interrupted_and_resumed_writes_what_one_that_never_stopped_writes() {
    let folder = Program::new();
    wide(&folder, "recipe.toml", &[], 16);
    done(&folder, "2", &["train", "recipe.toml", "--output", "whole"]);
    let whole = checkpoint(&folder, "whole");
    let mut stops = Vec::new();
    for (before, after) in [("2", "1"), ("1", "2")] {
        let output = format!("cut-{before}{after}");
        interrupt(&folder, before, &["train", "recipe.toml", "--output", &output], &format!("{output}/log.csv"), 2);
        let manifest = format!("{output}/manifest.json");
        stops.push(json(&folder.path(&manifest))["step"].as_u64().unwrap());
        done(&folder, after, &["train", "--resume", &output]);
        assert!(
            whole == checkpoint(&folder, &output),
            "stopped at {stops:?}, gone on with on {after} threads: it differs"
        );
    }
    assert!(stops.iter().any(|stop| (2..16).contains(stop)), "none of them was cut: {stops:?}");
}

#[test]
fn a_run_writes_the_same_submission_predictions_and_record_on_any_number_of_threads_and_in_any_batches() {
    let folder = Program::new();
    tiny(folder.0.path(), 4);
    done(&folder, "2", &["train", "tiny.toml", "--output", "run"]);
    let solved = |name: &str, threads: &str, more: &[&str]| {
        let [submission, predictions] = ["submission.json", "predictions.jsonl"].map(|file| format!("{name}/{file}"));
        let fixed = ["solve", "arc-agi-1/evaluation", "--checkpoint", "run", "--steps", "3", "--overwrite"];
        done(
            &folder,
            threads,
            &[&fixed, &["--submission", &submission, "--predictions", &predictions][..], more].concat(),
        );
        let mut record = json(&folder.path(&format!("{name}/run.json")));
        let fields = record.as_object_mut().unwrap();
        ["seconds", "started_unix", "device"].iter().for_each(|field| drop(fields.remove(*field).unwrap()));
        fields["entries"]
            .as_array_mut()
            .unwrap()
            .iter_mut()
            .for_each(|entry| drop(entry.as_object_mut().unwrap().remove("seconds")));
        (fs::read(folder.path(&submission)).unwrap(), fs::read(folder.path(&predictions)).unwrap(), record)
    };
    let usual = solved("usual", "2", &[]);
    for more in [&[][..], &["--tokens-per-batch", "1"], &["--tokens-per-batch", "1000000"], &["--time-limit", "1h"]] {
        let one = solved("one", "1", more);
        assert!(one.1.iter().filter(|byte| **byte == b'\n').count() > 9, "there are predictions");
        assert_eq!(one.2["repeats"]["bitwise"], true);
        assert!((&one.0, &one.1) == (&usual.0, &usual.1), "{more:?}: batches of another size answer something else");
        for threads in ["2", "3"] {
            assert!(one == solved("other", threads, more), "{more:?}: {threads} threads write something else");
        }
    }
    let limited = solved("limited", "1", &["--time-limit", "1h"]).2["repeats"]["because"].clone();
    assert!(limited.as_str().unwrap().contains("where the time limit has cut the run"), "{limited}");
}

/// Numbers about 0, the same each time.
fn numbers(count: usize, seed: &str) -> Vec<f32> {
    let mut stream = Stream::new(0, seed);
    (0..count).map(|_| (stream.below(2001) as f32 - 1000.0) / 4000.0).collect()
}

#[test]
fn an_example_comes_to_the_same_bits_whatever_stands_beside_it_on_every_engine_of_this_processor() {
    let (width, heads, inner) = (96, 3, 256);
    let weight = |rows: usize, columns: usize, seed| numbers(rows * columns, seed);
    for kind in [false, true].into_iter().flat_map(Kind::available) {
        let attention =
            kind.attention(&weight(3 * width, width, "in"), &weight(width, width, "out"), width, heads, false);
        let gated = kind.gated(&weight(2 * inner, width, "up"), &weight(width, inner, "down"), width, false);
        let lengths = [7, 1, 40, 13, 33];
        let starts = lengths.iter().scan(0, |end, length| {
            *end += length;
            Some(*end - length..*end)
        });
        let segments: Vec<_> = starts.collect();
        let all = numbers(lengths.iter().sum::<usize>() * width, "rows");
        let mut together = all.clone();
        attention.apply(&mut together, &segments, None);
        gated.apply(&mut together);
        for segment in segments {
            let place = segment.start * width..segment.end * width;
            let mut alone = all[place.clone()].to_vec();
            attention.apply(&mut alone, &std::iter::once(0..segment.len()).collect::<Vec<_>>(), None);
            gated.apply(&mut alone);
            assert!(alone.iter().all(|number| number.is_finite()) && alone != all[place.clone()]);
            let bits = |numbers: &[f32]| numbers.iter().map(|number| number.to_bits()).collect::<Vec<_>>();
            assert!(bits(&alone) == bits(&together[place]), "{}: rows {segment:?}", kind.name());
        }
    }
}

#[test]
fn what_is_generated_is_the_same_on_any_number_of_threads() {
    let folder = Program::new();
    for (kind, side) in [("sudoku", "6"), ("maze", "9")] {
        let of = |threads: &str| {
            let file = format!("{kind}-{threads}.csv");
            done(
                &folder,
                threads,
                &["puzzles", "generate", kind, "--side", side, "--count", "60", "--seed", "5", "--output", &file],
            );
            fs::read(folder.path(&file)).unwrap()
        };
        let one = of("1");
        assert!(["2", "3"].iter().all(|threads| one == of(threads)), "{kind}");
    }
}

#[test]
fn a_checkpoint_says_whether_it_repeats_and_one_of_before_that_was_said_is_gone_on_with() {
    let folder = Program::new();
    tiny(folder.0.path(), 2);
    done(&folder, "1", &["train", "tiny.toml", "--output", "run", "--time-limit", "0s"]);
    let path = folder.path("run/manifest.json");
    let repeats = |path: &str| json(path)["about"].get("repeats").cloned();
    let said = repeats(&path).unwrap();
    assert!(said["bitwise"] == true && said["because"].as_str().unwrap().contains("any number of threads"), "{said}");

    // one that a GPU has had a part in never says again that it repeats
    let mut manifest = json(&path);
    let of_gpu = serde_json::json!({"bitwise": false, "because": "a part of it ran on a GPU"});
    manifest["about"]["repeats"] = of_gpu.clone();
    fs::write(&path, manifest.to_string()).unwrap();
    done(&folder, "1", &["train", "--resume", "run", "--output", "gone-on"]);
    assert_eq!(repeats(&folder.path("gone-on/manifest.json")), Some(of_gpu));
    manifest["about"].as_object_mut().unwrap().remove("repeats");
    fs::write(&path, manifest.to_string()).unwrap();
    done(&folder, "1", &["train", "--resume", "run", "--output", "old"]);
    assert_eq!(repeats(&folder.path("old/manifest.json")), None, "of what began before, nothing is known");
    done(&folder, "1", &["publish", "gone-on", "--output", "published"]);
    assert_eq!(repeats(&folder.path("published/manifest.json")).unwrap()["bitwise"], false);
}
