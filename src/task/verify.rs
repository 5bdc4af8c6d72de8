//! Checks that a set is what it was: for the sets that come with the project, digests and counts against the table in
//! `tasks/README.md`; for any other set, that every task of it can be read.

use super::shipped::shipped_file;
use super::{SHIPPED, TaskError, load_noted};
use crate::files::{self, FileError};

const TABLE: &str = "tasks/README.md";

/// A line of the table: `` | `file` | `sha256` | tasks | test outputs | ``.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    file: String,
    sha256: String,
    tasks: usize,
    outputs: usize,
}

impl Line {
    fn parse(line: &str) -> Option<Self> {
        let cells: Vec<&str> =
            line.trim().trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        let &[file, sha256, tasks, outputs] = cells.as_slice() else { return None };
        let (tasks, outputs) = (tasks.parse().ok()?, outputs.parse().ok()?);
        Some(Self { file: file.to_owned(), sha256: sha256.to_owned(), tasks, outputs })
    }
}

/// Everything that is wrong with a set; empty when all is well. Strictly, what is ignored is wrong too.
///
/// # Errors
/// [`TaskError`] when there is no such set, or the table of digests cannot be read.
pub fn verify(name: &str, is_strict: bool) -> Result<Vec<String>, TaskError> {
    let mut faults = Vec::new();
    let lines = if SHIPPED.contains(&name) { lines_of(name)? } else { Vec::new() };
    for line in &lines {
        faults.extend(digest_fault(line));
    }
    let set = match load_noted(name) {
        Ok((set, ignored)) => {
            faults.extend(ignored.notes(name).into_iter().filter(|_| is_strict));
            set
        }
        Err(error @ (TaskError::NoSuchSet { .. } | TaskError::File(FileError::Read { .. }))) => return Err(error),
        Err(fault) => {
            faults.push(fault.to_string());
            return Ok(faults);
        }
    };
    for line in &lines {
        let (found, expected) = ((set.tasks.len(), set.outputs()), (line.tasks, line.outputs));
        if found != expected {
            let (tasks, outputs) = found;
            let file = &line.file;
            faults.push(format!("{file}: {tasks} tasks and {outputs} test outputs; {TABLE} says {expected:?}"));
        }
    }
    if !lines.is_empty() && !set.has_solutions() {
        faults.push(format!("{name}: some test outputs have no solution"));
    }
    Ok(faults)
}

/// The two files of a shipped set, as the table has them.
fn lines_of(name: &str) -> Result<Vec<Line>, TaskError> {
    let path = shipped_file("README.md");
    let text = files::read_text(&path)?;
    let lines: Vec<Line> = text.lines().filter_map(Line::parse).filter(|line| line.file.starts_with(name)).collect();
    if lines.len() != 2 {
        let message = format!("{} lines with a digest for {name} where 2 belong", lines.len());
        return Err(files::format_error(&path, message).into());
    }
    Ok(lines)
}

fn digest_fault(line: &Line) -> Option<String> {
    let path = shipped_file(&line.file);
    match files::read(&path) {
        Err(fault) => Some(fault.to_string()),
        Ok(bytes) => {
            let found = files::sha256(&bytes);
            let message = || format!("{}: its sha256 is {found}; {TABLE} says {}", path.display(), line.sha256);
            (found != line.sha256).then(message)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_sets_are_what_they_were() {
        for name in SHIPPED {
            assert_eq!(verify(name, true).unwrap(), Vec::<String>::new());
        }
    }

    #[test]
    fn a_changed_file_is_found_by_its_digest() {
        let mut lines = lines_of("arc-agi-2/evaluation").unwrap();
        assert_eq!((lines[0].tasks, lines[0].outputs), (120, 172));
        assert_eq!(digest_fault(&lines[0]), None);
        lines[0].sha256.replace_range(0..1, "x");
        assert!(digest_fault(&lines[0]).unwrap().contains("evaluation_challenges.json"));
    }

    #[test]
    fn a_set_of_ones_own_is_checked_by_reading_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine_challenges.json");
        files::write(&path, br#"{"x1": {"train": [], "test": []}}"#).unwrap();
        let faults = verify(path.to_str().unwrap(), false).unwrap();
        assert!(faults.len() == 1 && faults[0].contains("task x1"), "{faults:?}");
        assert!(verify("arc-agi-3/evaluation", false).is_err());
    }
}
