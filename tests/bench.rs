//! `trm-arc bench`, as it is called: what it prints, what it refuses.

mod program;

use program::{Program, assert_refused, names_in};
use serde_json::{Value, json};

/// A benchmark that takes milliseconds.
const SMALL: [&str; 9] = ["bench", "--hidden", "32", "--cells", "9", "--runs", "2", "--threads", "2"];

#[test]
fn bench_prints_speed_ceiling_and_parts_with_their_units() {
    let folder = Program::new();
    for (flag, pass) in
        [("--mlp-t", "forward, batch 4, 9 cells"), ("--train", "forward and backward, batch 4, 9 cells")]
    {
        let ended = folder.run(&[&SMALL[..], &[flag]].concat());
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
        for part in [pass, "2 threads", "of 2 runs", " ms", " GFLOP/s", "ceiling", "%\n", "untimed", "1e-4 is allowed"]
        {
            assert!(ended.stdout.contains(part), "no \"{part}\" in: {}", ended.stdout);
        }
    }
    assert_eq!(names_in(folder.0.path()), [""; 0], "a benchmark leaves nothing behind");
}

#[test]
fn bench_json_is_one_object_with_the_peer_s_keys() {
    let folder = Program::new();
    let ended = folder.run(&[&SMALL[..], &["--json", "--train", "--batch", "3", "--l-cycles", "2"]].concat());
    assert_eq!((ended.code, ended.stdout.lines().count()), (0, 1), "{}{}", ended.stdout, ended.stderr);
    let found: Value = serde_json::from_str(&ended.stdout).unwrap();
    for (key, expected) in [
        ("threads", json!(2)),
        ("device", json!("cpu")),
        ("dtype", json!("float32")),
        ("precision", json!("f32")),
        ("train", json!(true)),
        ("batch", json!(3)),
        ("cells", json!(9)),
        ("hidden", json!(32)),
        ("mlp_t", json!(false)),
        ("h_cycles", json!(3)),
        ("l_cycles", json!(2)),
    ] {
        assert_eq!(found[key], expected, "{key}");
    }
    let number = |key: &str| found[key].as_f64().unwrap();
    assert!(number("ms_per_example") > 0.0 && number("ms_per_example") <= number("slowest_ms_per_example"));
    assert!((number("ceiling_share") - number("gflops") / number("ceiling_gflops")).abs() < 0.01, "{found}");
    assert!(found["parts"]["untimed"]["share"].is_number(), "{found}");
}

/// The same on three real boards.
const CANVASES: [&str; 9] =
    ["bench", "--tasks", "arc-agi-1/evaluation", "--hidden", "32", "--examples", "3", "--l-cycles", "1"];

#[test]
fn bench_sets_tight_canvases_beside_full_boards() {
    let folder = Program::new();
    let ended = folder.run(&CANVASES);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    for part in
        ["forward, 3 of 1,363 demonstrations of arc-agi-1/evaluation", "3 x 1 cycles", "3,664 tokens", " times\n"]
    {
        assert!(ended.stdout.contains(part), "no \"{part}\" in: {}", ended.stdout);
    }
    let ended = folder.run(&[&CANVASES[..], &["--json", "--tokens-per-batch", "1000", "--runs", "1"]].concat());
    assert_eq!((ended.code, ended.stdout.lines().count()), (0, 1), "{}{}", ended.stdout, ended.stderr);
    let found: Value = serde_json::from_str(&ended.stdout).unwrap();
    let (tight, board) = (&found["canvases"]["tight"], &found["canvases"]["board"]);
    assert_eq!((&tight["examples"], &board["examples"]), (&json!(3), &json!(3)));
    assert_eq!((&board["tokens"], &board["batches"]), (&json!(3 * 916), &json!(3)));
    assert!(tight["tokens"].as_u64() < board["tokens"].as_u64(), "{found}");
    assert!(tight["examples_per_second"].as_f64().unwrap() > 0.0 && found["tight_over_board"].is_number(), "{found}");
    let alone = folder.run(&[&CANVASES[..], &["--canvas", "board", "--mlp-t", "--runs", "1"]].concat());
    assert!(alone.code == 0 && alone.stdout.contains("token MLP"), "{}", alone.stderr);
    assert!(!alone.stdout.contains("times"), "{}", alone.stdout);
    assert_eq!(names_in(folder.0.path()), [""; 0], "a benchmark leaves nothing behind");
}

#[test]
fn bench_refuses_what_canvases_cannot_be() {
    let folder = Program::new();
    let set = ["bench", "--tasks", "arc-agi-1/evaluation"];
    assert_refused(&folder.run(&[&set[..], &["--mlp-t"]].concat()), &["needs full boards", "--canvas board"]);
    assert_refused(&folder.run(&["bench", "--tasks", "arc-agi-1/evalution"]), &["did you mean"]);
    for flags in [&["--train"][..], &["--batch", "4"], &["--cells", "9"], &["--examples", "0"], &["--canvas", "wide"]] {
        let ended = folder.run(&[&set, flags].concat());
        assert!(ended.code == 2 && ended.stderr.contains(flags[0]), "{}", ended.stderr);
    }
    for flags in [["--canvas", "tight"], ["--examples", "3"], ["--tokens-per-batch", "9"]] {
        let ended = folder.run(&[&["bench"], &flags[..]].concat());
        assert!(ended.code == 2 && ended.stderr.contains("--tasks"), "{}", ended.stderr);
    }
}

#[test]
fn bench_refuses_what_cannot_be() {
    let folder = Program::new();
    let refused = |flags: &[&str], part: &str| assert_refused(&folder.run(&[&["bench"], flags].concat()), &[part]);
    refused(&["--heads", "7"], "hidden 512 does not divide into 7 heads");
    refused(&["--hidden", "0"], "hidden is 0");
    refused(&["--l-cycles", "0"], "l_cycles is 0");
    refused(&["--cells", "0"], "cells is 0");
    refused(&["--cells", "65537"], "cells is 65537");
    refused(&["--precision", "bf16", "--train"], "training on the CPU is float32");
    for flags in [["--batch", "0"], ["--runs", "0"], ["--threads", "0"], ["--precision", "f16"]] {
        let ended = folder.run(&[&["bench"], &flags[..]].concat());
        assert!(ended.code == 2 && ended.stderr.contains(flags[0]), "{}", ended.stderr);
    }
}
