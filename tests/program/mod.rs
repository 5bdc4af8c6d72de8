//! The program in a folder of its own, for the tests that call it.

#![allow(dead_code)]

use std::fs;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::{self, Child, Output};

use assert_cmd::Command;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The program, in a folder of its own.
pub struct Program(pub TempDir);

/// How a command ended.
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Program {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    pub fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trm-arc"));
        // the terminal of whoever runs the tests is not part of them
        for variable in ["COLUMNS", "LINES", "COLORTERM", "NO_COLOR", "TERM"] {
            command.env_remove(variable);
        }
        let output = command.current_dir(self.0.path()).args(arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ended { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.path().join(name).exists()
    }
}

/// A program that goes on beside the test, and does not outlive it.
pub struct Running(Option<Child>);

impl Running {
    pub fn start(command: &mut process::Command) -> Self {
        Self(Some(command.spawn().unwrap()))
    }

    /// Waits for its end.
    pub fn output(mut self) -> Output {
        self.0.take().unwrap().wait_with_output().unwrap()
    }
}

impl Deref for Running {
    type Target = Child;

    fn deref(&self) -> &Child {
        self.0.as_ref().unwrap()
    }
}

impl DerefMut for Running {
    fn deref_mut(&mut self) -> &mut Child {
        self.0.as_mut().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The recipe small-grids with these places replaced and so many steps.
pub fn small_grids(changes: &[(&str, &str)], steps: usize) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes/small-grids.toml");
    let mut text = fs::read_to_string(path).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "the recipe has no {from}");
        text = text.replace(from, to);
    }
    let line = text.lines().find(|line| line.starts_with("steps = ")).unwrap().to_owned();
    text.replace(&line, &format!("steps = {steps}"))
}

/// The smallest recipe, in `tiny.toml`: a model of 32 numbers a token on the tiniest tasks.
pub fn tiny(folder: &Path, steps: usize) -> PathBuf {
    let changes = [
        ("hidden = 128", "hidden = 32"),
        ("puzzle_width = 128", "puzzle_width = 32"),
        ("heads = 4", "heads = 2"),
        ("largest_side = 10", "largest_side = 5"),
        ("largest_side = 7", "largest_side = 3"),
        ("batch = 16", "batch = 4"),
        ("warmup = 100", "warmup = 0"),
        ("sizes = \"kept\"", "sizes = \"any\""),
        ("log_every = 100", "log_every = 1"),
    ];
    let path = folder.join("tiny.toml");
    fs::write(&path, small_grids(&changes, steps)).unwrap();
    path
}

/// Bad input: exit 2, one `error:` line with these parts on stderr, nothing on stdout.
pub fn assert_refused(ended: &Ended, parts: &[&str]) {
    assert_eq!(ended.code, 2, "{}{}", ended.stdout, ended.stderr);
    assert_eq!(ended.stdout, "");
    assert!(ended.stderr.starts_with("error: "), "{}", ended.stderr);
    parts.iter().for_each(|part| assert!(ended.stderr.contains(part), "no \"{part}\" in: {}", ended.stderr));
}

pub fn task(train: Value, test: Value) -> String {
    json!({"x1": {"train": train, "test": test}}).to_string()
}

pub fn pair() -> Value {
    json!([{"input": [[1]], "output": [[2]]}])
}

pub fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.collect();
    names.sort();
    names
}
