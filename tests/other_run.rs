//! What an earlier run has left: one of other settings is not written over by mistake, and one that goes on on another kind of processor says
//! that it does not repeat.

mod program;

use std::fs;

use program::{Program, assert_refused, tiny};
use serde_json::{Value, json};

fn json_of(folder: &Program, name: &str) -> Value {
    serde_json::from_slice(&fs::read(folder.path(name)).unwrap()).unwrap()
}

#[test]
fn a_complete_run_of_other_settings_is_written_over_on_request_alone() {
    let folder = Program::new();
    let solve =
        |tasks: &str, more: &[&str]| folder.run(&[&["solve", tasks, "--submission", "o/s.json"], more].concat());
    let copy = ["--solver", "copy"];
    assert_eq!(solve("arc-agi-2/evaluation", &copy).code, 0);
    assert_eq!(solve("arc-agi-2/evaluation", &copy).code, 0, "the same settings are solved again");
    let before = fs::read(folder.path("o/s.json")).unwrap();
    let record = fs::read(folder.path("o/run.json")).unwrap();
    let random = ["--solver", "random", "--views", "3"];
    for (tasks, settings, parts) in [
        ("arc-agi-1/evaluation", &copy[..], ["tasks of the digest ", "o/run.json is the record of a run with "]),
        ("arc-agi-2/evaluation", &random, ["with solver copy", "this one has solver random"]),
    ] {
        for more in [&[][..], &["--resume"]] {
            let ended = solve(tasks, &[settings, more].concat());
            assert!(ended.code == 2 && ended.stdout.is_empty(), "{}", ended.stderr);
            parts
                .iter()
                .chain(&["hint: ", "--overwrite"])
                .for_each(|part| assert!(ended.stderr.contains(part), "{}", ended.stderr));
            assert!(fs::read(folder.path("o/s.json")).unwrap() == before);
            assert!(fs::read(folder.path("o/run.json")).unwrap() == record);
        }
    }
    assert_eq!(solve("arc-agi-2/evaluation", &[&random[..], &["--overwrite"]].concat()).code, 0);
    let other = solve("arc-agi-2/evaluation", &["--solver", "random", "--views", "4"]);
    assert_refused(&other, &["a run with views 3, and this one has views 4"]);
}

#[test]
fn a_training_that_goes_on_on_another_kind_of_processor_says_so_and_never_repeats_again() {
    let folder = Program::new();
    let recipe = tiny(folder.0.path(), 6);
    assert_eq!(folder.run(&["train", recipe.to_str().unwrap(), "--output", "run", "--time-limit", "0s"]).code, 0);
    let path = folder.path("run/manifest.json");
    let mut manifest = json_of(&folder, "run/manifest.json");
    let here = manifest["about"]["arithmetic"].clone();
    assert!(here.is_string() && manifest["about"]["repeats"]["bitwise"] == true, "{manifest}");
    manifest["about"]["arithmetic"] = json!("abacus");
    fs::write(&path, manifest.to_string()).unwrap();
    let resume =
        |output: &str, from: &str| folder.run(&["train", "--resume", from, "--output", output, "--time-limit", "0s"]);
    let ended = resume("on", "run");
    assert!(
        ended.code == 0 && ended.stderr.contains("note: ") && ended.stderr.contains("products in abacus, then in "),
        "{}",
        ended.stderr
    );
    let ended = resume("further", "on");
    assert!(ended.code == 0 && !ended.stderr.contains("abacus"), "{}", ended.stderr);
    for run in ["on", "further"] {
        let about = json_of(&folder, &format!("{run}/manifest.json"))["about"].clone();
        assert_eq!((&about["arithmetic"], &about["repeats"]["bitwise"]), (&here, &json!(false)));
        assert!(about["repeats"]["because"].as_str().unwrap().contains("abacus"));
    }
}

#[test]
fn a_solving_that_goes_on_on_another_kind_of_processor_says_so_and_never_repeats_again() {
    let folder = Program::new();
    let recipe = tiny(folder.0.path(), 3);
    assert_eq!(folder.run(&["train", recipe.to_str().unwrap(), "--output", "run"]).code, 0);
    let solve = |out: &str, more: &[&str]| {
        let submission = format!("{out}/s.json");
        let fixed = ["solve", "arc-agi-1/evaluation", "--checkpoint", "run", "--shard", "1/40", "--steps", "1"];
        folder.run(&[&fixed[..], &["--submission", &submission], more].concat())
    };
    assert_eq!(solve("whole", &[]).code, 0);
    let record = json_of(&folder, "whole/run.json");
    assert!(record["arithmetic"].is_string() && record["repeats"]["bitwise"] == true, "{record}");
    // what a kill after the first answer leaves, on a machine of another kind
    let mut began = record.clone();
    let fields = [("arithmetic", json!("abacus")), ("finished", json!(false)), ("status", json!("running"))];
    fields.into_iter().for_each(|(field, value)| began[field] = value);
    (began["answered"], began["unanswered"], began["score"], began["entries"], began["unseen"]) =
        (json!(0), json!(10), Value::Null, json!([]), json!([]));
    let answer = json!({"round": 0, "place": 0, "seconds": 0.5, "elapsed": 1.0, "predictions": []});
    for (out, repeats) in
        [("a", json!({"bitwise": true, "because": "x"})), ("b", json!({"bitwise": false, "because": "spoilt before"}))]
    {
        fs::create_dir(folder.path(out)).unwrap();
        folder.write(
            &format!("{out}/run.json.progress"),
            &format!("{}\n{answer}\n", json!({"record": began, "rounds": 1})),
        );
        let mut record = began.clone();
        record["repeats"] = repeats;
        folder.write(&format!("{out}/run.json"), &record.to_string());
        let ended = solve(out, &["--resume"]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert!(ended.stderr.contains("products in abacus, then in "), "{}", ended.stderr);
        let repeats = json_of(&folder, &format!("{out}/run.json"))["repeats"].clone();
        let because = if out == "a" { "abacus" } else { "spoilt before" };
        assert!(repeats["bitwise"] == false && repeats["because"].as_str().unwrap().contains(because), "{repeats}");
    }
}
