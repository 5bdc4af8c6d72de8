//! The promise: where the machine gives little (no thread, no temporary folder, no environment) a command does its work or ends in words.
#![cfg(target_os = "linux")]

mod program;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use program::{Ended, Program, assert_refused, pair, task};
use serde_json::json;

fn ended(command: &mut Command) -> Ended {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn program(folder: &Program, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trm-arc"));
    command.current_dir(folder.0.path()).args(arguments);
    command
}

#[test]
fn more_threads_than_help_are_bounded_and_an_absurd_flag_is_refused() {
    let folder = Program::new();
    let generate = ["puzzles", "generate", "sudoku", "--side", "4", "--count", "20", "--output"];
    let few = program(&folder, &[&generate[..], &["few.csv"]].concat()).env("RAYON_NUM_THREADS", "2").output().unwrap();
    assert!(few.status.success() && few.stderr.is_empty());
    let many = ended(program(&folder, &[&generate[..], &["many.csv"]].concat()).env("RAYON_NUM_THREADS", "99999"));
    assert_eq!(many.code, 0, "{}", many.stderr);
    assert!(many.stderr.starts_with("note: RAYON_NUM_THREADS asks for more threads than help"), "{}", many.stderr);
    assert!(fs::read(folder.path("few.csv")).unwrap() == fs::read(folder.path("many.csv")).unwrap());
    let flag = folder.run(&["bench", "--threads", "99999"]);
    assert!(
        flag.code == 2 && flag.stderr.contains("'--threads <N>': on this machine it is a number"),
        "{}",
        flag.stderr
    );
}

/// The program as a user who may start no second thread, in a copy that this user may run. The superuser has no such limit.
fn without_threads(folder: &Program, arguments: &[&str]) -> Option<Ended> {
    let id = Command::new("id").arg("-u").output().ok()?;
    let copy = folder.path("program");
    fs::copy(env!("CARGO_BIN_EXE_trm-arc"), &copy).unwrap();
    fs::set_permissions(folder.0.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let mut command = match id.stdout.starts_with(b"0\n") {
        true => {
            let mut command = Command::new("setpriv");
            command.args(["--reuid", "54321", "--regid", "54321", "--clear-groups", "bash"]);
            command
        }
        false => Command::new("bash"),
    };
    command.args(["-c", "ulimit -u 1 && exec \"$0\" \"$@\"", &copy]).args(arguments).current_dir(folder.0.path());
    // bash has words of its own for a locale that is not there
    let ended = ended(command.env("RAYON_NUM_THREADS", "3").env("LC_ALL", "C"));
    (![-1, 126, 127].contains(&ended.code)).then_some(ended)
}

#[test]
fn a_user_who_may_start_no_thread_gets_the_answer_of_one_or_words() {
    let folder = Program::new();
    folder.run(&["puzzles", "generate", "sudoku", "--side", "4", "--count", "20", "--output", "p.csv"]);
    let Some(verified) = without_threads(&folder, &["puzzles", "verify", "p.csv"]) else {
        eprintln!("skipped: bash or setpriv is missing, or no other user may run the program here");
        return;
    };
    assert_eq!(verified.code, 0, "{}{}", verified.stdout, verified.stderr);
    assert!(verified.stderr.starts_with("note: cannot start 3 threads"), "{}", verified.stderr);
    let generate = ["puzzles", "generate", "sudoku", "--side", "4", "--count", "20", "--output", "q.csv"];
    let generated = without_threads(&folder, &generate).unwrap();
    let last = generated.stderr.lines().last().unwrap();
    assert_eq!(generated.code, 2, "{}", generated.stderr);
    assert!(last.starts_with("error: cannot catch signals") && last.contains("ulimit -u"), "{}", generated.stderr);
    assert!(!folder.has("q.csv"));
}

#[test]
fn a_regression_without_a_temporary_folder_names_it() {
    let folder = Program::new();
    let ended = ended(program(&folder, &["regress", "--quick"]).env("TMPDIR", "/nowhere/at/all"));
    assert_refused(&ended, &["cannot make a temporary folder in /nowhere/at/all", "hint: set TMPDIR"]);
}

#[test]
fn a_command_needs_no_home_and_no_other_variable() {
    let folder = Program::new();
    folder.write("mine_challenges.json", &task(pair(), json!([{"input": [[5]]}])));
    let solve = ["solve", "mine_challenges.json", "--solver", "copy", "--predictions", "p.jsonl"];
    let solved = ended(program(&folder, &solve).env_clear());
    assert_eq!(solved.code, 0, "{}", solved.stderr);
    assert!(Path::new(&folder.path("p.jsonl")).exists() && folder.has("submissions/submission.json"));
}
