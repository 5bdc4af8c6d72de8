//! The forms that submissions have: Kaggle's is read, and the others are named with the way to convert them.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::Deserializer;
use serde_json::value::RawValue;

use super::{ATTEMPTS, FILE_NAME};
use crate::files::{self, BYTE_ORDER_MARK, Entries, FileError};
use crate::names;
use crate::task::TaskSet;

/// The first line of the submissions of 2019.
const CSV_HEADER: &[u8] = b"output_id,output";

/// The most files of a folder that are looked at for their form.
const LOOKED_AT: usize = 20;

/// A form of submissions that is known and not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Foreign {
    Csv,
    OutputIds,
    ListsOfGrids,
    OneGrid,
    Benchmarking,
    BenchmarkingTask,
}

/// Returns the submission's file: `path` itself, of a folder the submission in it.
pub fn file_in(path: &Path) -> PathBuf {
    if path.is_dir() { path.join(FILE_NAME) } else { path.to_owned() }
}

/// Reads the bytes of the submission at `path`, a file or a run's folder.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    let file = file_in(path);
    if path.is_dir() && !file.exists() {
        return Err(match answers_of_tasks(path) {
            true => foreign(path, Foreign::BenchmarkingTask),
            false => {
                let source =
                    io::Error::other(format!("the folder has no {FILE_NAME}; hint: name the submission's file"));
                FileError::Read { path: path.to_owned(), source }
            }
        });
    }
    let bytes = files::read(&file)?;
    let text = bytes.strip_prefix(BYTE_ORDER_MARK.as_bytes()).unwrap_or(&bytes);
    match form(text) {
        Some(form) => Err(foreign(&file, form)),
        None => Ok(bytes),
    }
}

/// Refuses ids that are those of the set with the number of an output behind each.
pub(super) fn check_ids(file: &Path, ids: &[&str], set: &TaskSet) -> Result<(), FileError> {
    let is_known = |id: &str| set.tasks.iter().any(|task| task.id == id);
    let is_numbered = |id: &&str| {
        let parts = id.rsplit_once('_');
        parts.is_some_and(|(task, number)| number.parse::<usize>().is_ok() && is_known(task))
    };
    if ids.iter().any(is_numbered) && !ids.iter().any(|id| is_known(id)) {
        return Err(foreign(file, Foreign::OutputIds));
    }
    Ok(())
}

/// True of a folder among whose first JSON files one has the answers to one task.
fn answers_of_tasks(folder: &Path) -> bool {
    let entries = folder.read_dir().into_iter().flatten().flatten().map(|entry| entry.path());
    let mut paths: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    paths.sort();
    let is_of_a_task =
        |path: &PathBuf| files::read(path).is_ok_and(|bytes| form(&bytes) == Some(Foreign::BenchmarkingTask));
    paths.iter().take(LOOKED_AT).any(is_of_a_task)
}

fn form(text: &[u8]) -> Option<Foreign> {
    let text = text.trim_ascii_start();
    match text.first()? {
        b'o' if text.starts_with(CSV_HEADER) => Some(Foreign::Csv),
        b'[' => (form_of_outputs(text) == Some(Foreign::Benchmarking)).then_some(Foreign::BenchmarkingTask),
        b'{' => {
            let entries: Entries<&RawValue> = serde_json::from_slice(text).ok()?;
            let mut outputs = entries.0.iter().map(|(_, outputs)| outputs.get().as_bytes());
            let first = form_of_outputs(outputs.next()?)?;
            outputs.all(|outputs| form_of_outputs(outputs) == Some(first)).then_some(first)
        }
        _ => None,
    }
}

/// Tells the form of a task's outputs by the first of them.
fn form_of_outputs(text: &[u8]) -> Option<Foreign> {
    let mut opening = text.iter().filter(|byte| !byte.is_ascii_whitespace());
    let opening: [u8; 4] = std::array::from_fn(|_| opening.next().copied().unwrap_or_default());
    match &opening {
        b"[[[[" => Some(Foreign::ListsOfGrids),
        [b'[', b'[', b'[', _] => Some(Foreign::OneGrid),
        [b'[', b'{', ..] => {
            let place = text.iter().position(|byte| *byte == b'[')? + 1;
            let first = Deserializer::from_slice(&text[place..]).into_iter::<Entries<&RawValue>>().next()?.ok()?;
            let has_object =
                |(key, value): &(String, &RawValue)| ATTEMPTS.contains(&key.as_str()) && value.get().starts_with('{');
            first.0.iter().any(has_object).then_some(Foreign::Benchmarking)
        }
        _ => None,
    }
}

fn foreign(path: &Path, form: Foreign) -> FileError {
    let (what, filter) = form.described();
    let file = names::quoted(&files::one_line(path));
    let convert = match form {
        Foreign::BenchmarkingTask if path.is_dir() => format!("jq -n '{filter}' {file}/*.json"),
        Foreign::BenchmarkingTask => format!("jq -n '{filter}' {file}"),
        Foreign::Csv => format!("jq -Rn '{filter}' {file}"),
        _ => format!("jq '{filter}' {file}"),
    };
    files::format_error(path, format!("this looks like {what}; hint: convert it by `{convert} > {FILE_NAME}`"))
}

impl Foreign {
    /// The form's name, and the filter for jq that converts it.
    fn described(self) -> (&'static str, &'static str) {
        match self {
            Self::Csv => (
                "the table of attempts of the 2019 competition",
                "[inputs | select(test(\"^output_id|^ *$\") | not) | split(\",\") | {id: (.[0] | sub(\"_[0-9]+$\"; \"\")), \
                 attempts: [.[1] | splits(\" +\") | select(. != \"\") | ltrimstr(\"|\") | rtrimstr(\"|\") | split(\"|\") | \
                 map(split(\"\") | map(tonumber))]}] | group_by(.id) | \
                 map({(.[0].id): map({attempt_1: .attempts[0], attempt_2: (.attempts[1] // .attempts[0])})}) | add",
            ),
            Self::OutputIds => (
                "a submission by output, with the number of the output behind each task's id",
                "to_entries | group_by(.key | sub(\"_[0-9]+$\"; \"\")) | \
                 map({(.[0].key | sub(\"_[0-9]+$\"; \"\")): map(.value[0])}) | add",
            ),
            Self::ListsOfGrids => (
                "a submission with a list of grids for each output",
                "map_values(map({attempt_1: .[0], attempt_2: (.[1] // .[0])}))",
            ),
            Self::OneGrid => (
                "a submission with one grid for each output, as a solutions file has",
                "map_values(map({attempt_1: ., attempt_2: .}))",
            ),
            Self::Benchmarking => {
                ("a merged submission of arc-agi-benchmarking", "map_values(map(map_values(.answer)))")
            }
            Self::BenchmarkingTask => (
                "a submission of arc-agi-benchmarking, with one file for each task",
                "[inputs | {(input_filename | sub(\".*/\"; \"\") | rtrimstr(\".json\")): map(map_values(.answer))}] | add",
            ),
        }
    }
}
