//! The promise: when the machine fails the program (a full disk, a folder that goes, a file that changes under it, a second process in the same
//! place) it says so in one error with exit code 2, what stood before is still whole, and the work can go on afterwards.
#![cfg(target_os = "linux")]

mod program;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use program::{Ended, Program, Running, assert_refused, names_in, tiny};

fn command(folder: &Program, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trm-arc"));
    command.current_dir(folder.0.path()).args(arguments);
    command
}

/// The program where no file may have more than so many kilobytes: what a full disk is to it.
fn with_short_files(folder: &Program, kilobytes: usize, arguments: &[&str]) -> Ended {
    let mut command = Command::new("sh");
    // in blocks of 512 bytes
    command.args(["-c", &format!("ulimit -f {}; exec \"$0\" \"$@\"", 2 * kilobytes), env!("CARGO_BIN_EXE_trm-arc")]);
    ended(command.args(arguments).current_dir(folder.0.path()))
}

fn ended(command: &mut Command) -> Ended {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn done(folder: &Program, arguments: &[&str]) {
    let ended = folder.run(arguments);
    assert_eq!(ended.code, 0, "{arguments:?}: {}", ended.stderr);
}

/// Exit 2 and an `error:` line with these parts, after whatever was said before it.
fn assert_failed(ended: &Ended, parts: &[&str]) {
    assert_eq!(ended.code, 2, "{}{}", ended.stdout, ended.stderr);
    let last = ended.stderr.lines().last().unwrap_or_default();
    assert!(last.starts_with("error: "), "{}", ended.stderr);
    parts.iter().for_each(|part| assert!(last.contains(part), "no \"{part}\" in: {last}"));
}

/// Every file below a folder with its bytes.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for name in names_in(folder) {
        let path = folder.join(name);
        if path.is_dir() { all.extend(contents(&path)) } else { all.push((path.clone(), fs::read(&path).unwrap())) }
    }
    all
}

fn wait_for(what: &str, child: &mut Child, is_there: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_there() {
        if let Some(status) = child.try_wait().unwrap() {
            let mut text = String::new();
            child.stderr.as_mut().unwrap().read_to_string(&mut text).unwrap();
            panic!("{what}: it ended before, {status}: {text}");
        }
        assert!(started.elapsed() < Duration::from_secs(120), "{what}: not within two minutes");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn begin(command: &mut Command) -> Running {
    Running::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()))
}

fn end(child: Running) -> Ended {
    let output = child.output();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn lines(path: &str) -> usize {
    fs::read_to_string(path).map_or(0, |text| text.lines().count())
}

/// A checkpoint after one of its steps, `run`, and a record with submission and predictions in `solved`.
fn trained(steps: usize) -> Program {
    let folder = Program::new();
    tiny(folder.0.path(), steps);
    done(&folder, &["train", "tiny.toml", "--output", "run", "--time-limit", "0s"]);
    folder
}

#[test]
fn a_training_whose_disk_is_full_ends_in_words_and_goes_on_when_there_is_room() {
    let folder = trained(6);
    let whole = Program::new();
    tiny(whole.0.path(), 6);
    done(&whole, &["train", "tiny.toml", "--output", "run"]);
    let before = contents(&folder.0.path().join("run"));
    for kilobytes in [0, 1, 20] {
        assert_failed(&with_short_files(&folder, kilobytes, &["train", "--resume", "run"]), &["cannot write", "run/"]);
        assert!(contents(&folder.0.path().join("run")) == before, "{kilobytes} KB: what stood before is still whole");
        let new = with_short_files(&folder, kilobytes, &["train", "tiny.toml", "--output", "new"]);
        assert_failed(&new, &["cannot write", "new/"]);
        assert!(!folder.has("new/manifest.json"), "what is not whole is no checkpoint");
    }
    done(&folder, &["train", "--resume", "run"]);
    done(&folder, &["train", "tiny.toml", "--output", "new"]);
    for file in ["model-000006.safetensors", "state-000006.safetensors"] {
        let read = |folder: &Program, name: &str| fs::read(folder.path(&format!("{name}/{file}"))).unwrap();
        assert!(read(&folder, "run") == read(&whole, "run") && read(&folder, "new") == read(&whole, "run"), "{file}");
    }
}

#[test]
fn every_command_that_writes_says_that_the_disk_is_full_and_leaves_what_stood_before() {
    let folder = trained(2);
    let copy = ["solve", "arc-agi-1/evaluation", "--solver", "copy", "--submission", "solved/submission.json"];
    done(&folder, &[&copy[..], &["--predictions", "solved/predictions.jsonl"]].concat());
    done(&folder, &["report", "solved", "--output", "reported"]);
    done(&folder, &["puzzles", "generate", "sudoku", "--side", "4", "--count", "200", "--output", "puzzles.csv"]);
    let published = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/published/quick");
    let config = published.join("all_config.yaml");
    let weights = published.with_file_name("attention").join("step_123");
    let (config, weights) = (config.to_str().unwrap(), weights.to_str().unwrap());
    let identifiers = published.with_file_name("identifiers.json");
    let import = [
        "import",
        weights,
        "--config",
        &config.replace("quick", "attention"),
        "--identifiers",
        identifiers.to_str().unwrap(),
    ];
    let sets = ["--tasks", "arc-agi-1/evaluation", "--variants", "1"];
    let commands: [(&[&str], &str); 8] = [
        (&[&copy[..], &["--predictions", "solved/predictions.jsonl"]].concat(), "solved/"),
        (
            &["solve", "arc-agi-1/evaluation", "--solver", "copy", "--submission", "fresh/submission.json"],
            "fresh/submission.json",
        ),
        (&["report", "solved", "--output", "reported"], "reported/report.html"),
        (&["publish", "run", "--output", "published"], "published/model-000000.safetensors"),
        (&["export", "run", "weights.pt"], "weights.pt"),
        (&[&import[..], &["--output", "imported"]].concat(), "model-000123.safetensors"),
        (
            &[&["dataset", "export"], &sets[..], &["--test-set", "arc-agi-1/evaluation", "--output", "data"]].concat(),
            "identifiers.json",
        ),
        (
            &[
                "puzzles",
                "generate",
                "sudoku",
                "--side",
                "4",
                "--count",
                "200",
                "--seed",
                "1",
                "--output",
                "puzzles.csv",
            ],
            "puzzles.csv",
        ),
    ];
    let before = contents(folder.0.path());
    let mut failed = 0;
    for (arguments, place) in commands {
        let ended = with_short_files(&folder, 2, arguments);
        assert_failed(&ended, &["cannot write", place, "File too large"]);
        failed += 1;
        let kept =
            contents(folder.0.path()).into_iter().filter(|(path, _)| before.iter().any(|(known, _)| known == path));
        assert!(kept.eq(before.iter().cloned()), "{arguments:?}: what stood before is still whole");
        let left = names_in(folder.0.path()).into_iter().filter(|name| name.starts_with(".trm-arc-"));
        assert_eq!(left.count(), 0, "{arguments:?}: nothing half-made is left");
    }
    assert_eq!(failed, 8);
}

/// A small disk of its own, gone when it is dropped; `None` where this user may have none.
struct Disk(tempfile::TempDir);

impl Disk {
    fn new(size: &str) -> Option<Self> {
        let place = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(place.path())
            .output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(place))
    }

    fn remount(&self, how: &str) {
        let options = format!("remount,{how}");
        assert!(Command::new("mount").args(["-o", &options]).arg(self.0.path()).status().unwrap().success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn a_disk_that_fills_up_or_becomes_read_only_while_a_training_runs_loses_nothing() {
    let Some(disk) = Disk::new("4m") else {
        eprintln!("skipped: this user may not mount a disk");
        return;
    };
    let folder = Program::new();
    tiny(folder.0.path(), 1_000_000);
    let text = fs::read_to_string(folder.path("tiny.toml")).unwrap();
    let every = text.lines().find(|line| line.starts_with("checkpoint_every")).unwrap();
    folder.write("often.toml", &text.replace(every, "checkpoint_every = 2"));
    let run = disk.0.path().join("run");
    let [output, log] = [run.clone(), run.join("log.csv")].map(|path| path.to_str().unwrap().to_owned());
    let filler = disk.0.path().join("filler");
    for (fault, words) in [("full", "No space left"), ("read-only", "Read-only file system")] {
        let arguments: &[&str] =
            if run.exists() { &["train", "--resume", &output] } else { &["train", "often.toml", "--output", &output] };
        let before = lines(&log);
        let mut child = begin(&mut command(&folder, arguments));
        wait_for(fault, &mut child, || lines(&log) > before + 3);
        match fault {
            // what is left goes to the last byte, as others on the disk would have it
            "full" => drop(
                Command::new("sh").args(["-c", "cat /dev/zero > \"$0\""]).arg(&filler).stderr(Stdio::null()).status(),
            ),
            _ => {
                // a file that is open for writing would keep the disk as it is
                let began = Instant::now();
                while !Command::new("mount")
                    .args(["-o", "remount,ro"])
                    .arg(disk.0.path())
                    .stderr(Stdio::null())
                    .status()
                    .unwrap()
                    .success()
                {
                    assert!(began.elapsed() < Duration::from_secs(60));
                }
            }
        }
        assert_failed(&end(child), &["cannot write", words]);
        if fault == "read-only" {
            assert_refused(&folder.run(&["train", "--resume", &output]), &["cannot write", words]);
            disk.remount("rw");
        }
        done(&folder, &["inspect", &output]);
        let _ = fs::remove_file(&filler);
        done(&folder, &["train", "--resume", &output, "--time-limit", "0s"]);
    }
}

#[test]
fn an_output_folder_that_is_removed_while_a_training_runs_is_made_again_whole_or_named() {
    let folder = Program::new();
    tiny(folder.0.path(), 1_000_000);
    let log = folder.path("run/log.csv");
    let mut again = 0;
    for round in 0..4 {
        let _ = fs::remove_dir_all(folder.path("run"));
        let mut child = begin(&mut command(&folder, &["train", "tiny.toml", "--output", "run"]));
        wait_for("the first steps", &mut child, || lines(&log) > 2 + round);
        // it may come back between two removals of what is in it
        while fs::remove_dir_all(folder.path("run")).is_err() && folder.has("run") {}
        let began = Instant::now();
        while lines(&log) < 3 && child.try_wait().unwrap().is_none() {
            assert!(began.elapsed() < Duration::from_secs(120), "it neither goes on nor ends");
        }
        let _ = Command::new("kill").args(["-INT", &child.id().to_string()]).stderr(Stdio::null()).status();
        let ended = end(child);
        if ended.code != 130 {
            // the folder went between its making and the making of the file in it
            assert_failed(&ended, &["cannot write", "run/"]);
            continue;
        }
        again += 1;
        done(&folder, &["inspect", "run"]);
        done(&folder, &["train", "--resume", "run", "--time-limit", "0s"]);
    }
    assert!(again > 0, "it was never made again");
}

#[test]
fn a_second_training_into_a_folder_is_refused_and_the_first_goes_on() {
    let folder = trained(1_000_000);
    for attempt in 0..3 {
        let log = folder.path("run/log.csv");
        let before = lines(&log);
        let mut first = begin(&mut command(&folder, &["train", "--resume", "run"]));
        wait_for("the first steps", &mut first, || lines(&log) > before + 1);
        let second = folder.run(&["train", "--resume", "run", "--time-limit", "0s"]);
        assert_refused(&second, &["another run is writing to run", "another place"]);
        let elsewhere = format!("other-{attempt}");
        done(&folder, &["train", "--resume", "run", "--output", &elsewhere, "--time-limit", "0s"]);
        assert!(Command::new("kill").args(["-INT", &first.id().to_string()]).status().unwrap().success());
        assert_eq!(end(first).code, 130);
    }
    // a killed one leaves no lock behind
    let log = folder.path("run/log.csv");
    let before = lines(&log);
    let mut killed = begin(&mut command(&folder, &["train", "--resume", "run"]));
    wait_for("the first steps", &mut killed, || lines(&log) > before + 1);
    killed.kill().unwrap();
    killed.wait().unwrap();
    done(&folder, &["train", "--resume", "run", "--time-limit", "0s"]);
}

#[test]
fn two_trainings_that_begin_at_once_in_one_place_leave_one_whole_checkpoint() {
    for _ in 0..5 {
        let folder = Program::new();
        tiny(folder.0.path(), 3);
        let both = [0, 1].map(|_| begin(&mut command(&folder, &["train", "tiny.toml", "--output", "run"])));
        let ends = both.map(end);
        let done_by = ends.iter().filter(|ended| ended.code == 0).count();
        assert_eq!(done_by, 1, "{} {}", ends[0].stderr, ends[1].stderr);
        let refused = ends.iter().find(|ended| ended.code != 0).unwrap();
        assert_eq!(refused.code, 2);
        let said = ["another run is writing to run", "run already holds a checkpoint"];
        assert!(said.iter().any(|words| refused.stderr.contains(words)), "{}", refused.stderr);
        done(&folder, &["train", "--resume", "run"]);
    }
}

#[test]
fn a_submission_s_folder_that_is_removed_while_it_is_solved_is_made_again_or_named() {
    let folder = trained(1);
    for predictions in [false, true] {
        let mut arguments =
            vec!["solve", "arc-agi-1/evaluation", "--checkpoint", "run", "--steps", "30", "--submission", "out/s.json"];
        if predictions {
            arguments.extend(["--predictions", "out/p.jsonl"]);
        }
        let mut child = begin(&mut command(&folder, &arguments));
        wait_for("the submission", &mut child, || folder.has("out/s.json"));
        while fs::remove_dir_all(folder.path("out")).is_err() && folder.has("out") {}
        let ended = end(child);
        if ended.code == 0 {
            assert!(folder.run(&["validate", "out/s.json", "--tasks", "arc-agi-1/evaluation"]).code == 0);
            assert!(!predictions || lines(&folder.path("out/p.jsonl")) > 0);
        } else {
            assert_failed(&ended, &["cannot write", "out/"]);
        }
        done(&folder, &arguments);
        let _ = fs::remove_dir_all(folder.path("out"));
    }
}

#[test]
fn a_checkpoint_that_is_replaced_while_it_solves_does_not_change_its_answers_and_one_that_is_cut_off_is_named() {
    let folder = trained(3);
    done(&folder, &["train", "--resume", "run"]);
    let solve = |name: &str| {
        let outputs =
            ["--submission", &format!("{name}/s.json"), "--predictions", &format!("{name}/p.jsonl")].map(str::to_owned);
        let fixed = ["solve", "arc-agi-1/evaluation", "--checkpoint", "run", "--steps", "30"].map(str::to_owned);
        let arguments: Vec<String> = fixed.into_iter().chain(outputs).collect();
        begin(&mut command(&folder, &arguments.iter().map(String::as_str).collect::<Vec<_>>()))
    };
    let read = |name: &str| ["s.json", "p.jsonl"].map(|file| fs::read(folder.path(&format!("{name}/{file}"))).unwrap());
    assert_eq!(end(solve("alone")).code, 0);
    for attempt in ["first", "second"] {
        let mut child = solve(attempt);
        wait_for("the submission", &mut child, || folder.has(&format!("{attempt}/s.json")));
        fs::rename(folder.path("run"), folder.path("moved")).unwrap();
        let ended = end(child);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        fs::rename(folder.path("moved"), folder.path("run")).unwrap();
        assert!(
            read(attempt) == read("alone"),
            "another file stands there now, and the answers are of the one that was opened"
        );
    }
    let mut child = solve("cut");
    wait_for("the submission", &mut child, || folder.has("cut/s.json"));
    fs::File::options().write(true).open(folder.path("run/model-000003.safetensors")).unwrap().set_len(100).unwrap();
    assert_failed(&end(child), &["cannot read", "model-000003.safetensors"]);
    assert!(
        folder.run(&["validate", "cut/s.json", "--tasks", "arc-agi-1/evaluation"]).code == 0,
        "the submission is whole"
    );
    assert_refused(&folder.run(&["inspect", "run"]), &["model-000003.safetensors"]);
}

#[test]
fn an_output_that_takes_no_more_is_named() {
    let folder = Program::new();
    for arguments in [&["tasks", "list", "arc-agi-1/training"][..], &["man"], &["compare"]] {
        let mut shell = Command::new("sh");
        shell.args(["-c", "exec \"$0\" \"$@\" > /dev/full", env!("CARGO_BIN_EXE_trm-arc")]).args(arguments);
        let output = shell.current_dir(folder.0.path()).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
        assert!(text.contains("cannot write to the standard output"), "{text}");
    }
}

/// The clock of the day may jump; what the program measures and waits for it takes from one that does not. Only the moment at which a run began
/// is of the day, and nothing is computed from it.
#[test]
fn the_time_of_day_is_asked_for_the_records_alone() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let sources = contents(&root).into_iter().filter(|(path, _)| path.extension().is_some_and(|ending| ending == "rs"));
    let asks = sources.filter(|(_, text)| String::from_utf8_lossy(text).contains("SystemTime::now()"));
    let asks: Vec<String> = asks.map(|(path, _)| path.strip_prefix(&root).unwrap().display().to_string()).collect();
    assert_eq!(asks, ["report/puzzles/record.rs", "report/record.rs"]);
}
