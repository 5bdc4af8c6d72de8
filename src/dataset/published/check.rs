//! The check of a published folder: everything that is not what the build of some task sets gives, each fault named.
//!
//! JSON is compared by what it says and an array by its description and its values, so that files of another version of numpy pass.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::array::{self, Kind};
use super::build::{BOARDS, PublishedBuild, PublishedError, file_name};
use super::part::{CELLS, Example, Part};
use crate::files::{self, Entries, FileError};

/// Keys that are named one by one before the rest is only counted.
const KEYS_NAMED: usize = 10;

impl PublishedBuild<'_> {
    /// Everything in the folder that is not as in this build; empty when all is well.
    ///
    /// # Errors
    /// [`PublishedError::File`] when there is no folder, [`PublishedError::Interrupted`] when `stop` is raised.
    pub fn check(&self, folder: &Path, stop: &AtomicBool) -> Result<Vec<String>, PublishedError> {
        is_data_folder(folder)?;
        let mut faults = Vec::new();
        self.check_names(&folder.join("identifiers.json"), &mut faults);
        check_object(&folder.join("test_puzzles.json"), &self.test_puzzles(), &mut faults);
        let mut numpy = self.order.numpy.clone();
        for part in self.parts() {
            let place = |name: &str| folder.join(part.half.name()).join(name);
            let metadata = part.metadata(self.order.count());
            check_object(&place("dataset.json"), metadata.as_object().expect("it is made as one"), &mut faults);
            for (name, numbers) in part.numbers() {
                check_numbers(&place(&file_name(name)), &numbers, &mut faults);
            }
            let mut boards = BOARDS.map(|name| Boards::open(place(&file_name(name)), part.examples()));
            part.draw(&mut numpy, |example| {
                let [inputs, labels] = &mut boards;
                inputs.compare(&example.input, example);
                labels.compare(&example.labels, example);
                if stop.load(Ordering::Relaxed) { Err(PublishedError::Interrupted) } else { Ok(()) }
            })?;
            faults.extend(boards.into_iter().filter_map(|boards| boards.fault(&part)));
        }
        Ok(faults)
    }

    fn check_names(&self, path: &Path, faults: &mut Vec<String>) {
        let found: Vec<String> = match files::read_json(path) {
            Ok(found) => found,
            Err(error) => return faults.push(error.to_string()),
        };
        let at = path.display();
        if found.len() != self.order.count() {
            faults.push(format!("{at}: {} names where {} belong", found.len(), self.order.count()));
        }
        let differing = found.iter().zip(self.order.names()).enumerate().find(|(_, (found, name))| *found != name);
        if let Some((row, (found, name))) = differing {
            faults.push(format!("{at}: name {row} is {found:?} where {name:?} belongs"));
        }
    }
}

/// Makes sure that a folder has something of a published build, before anything is drawn to compare it with.
///
/// # Errors
/// [`PublishedError::File`] when there is no folder, [`PublishedError::NoData`].
pub fn is_data_folder(folder: &Path) -> Result<(), PublishedError> {
    if !folder.is_dir() {
        let source = io::Error::new(io::ErrorKind::NotFound, "there is no such folder");
        return Err(FileError::Read { path: folder.to_owned(), source }.into());
    }
    match ["identifiers.json", "test_puzzles.json", "train/dataset.json", "test/dataset.json"]
        .iter()
        .any(|name| folder.join(name).exists())
    {
        true => Ok(()),
        false => Err(PublishedError::NoData(folder.to_owned())),
    }
}

/// Compares a JSON object key by key.
fn check_object(path: &Path, expected: &Map<String, Value>, faults: &mut Vec<String>) {
    // one entry at a time: each grows many times when it is taken apart
    let found: Vec<(String, Box<RawValue>)> = match files::read_json(path) {
        Ok(Entries(entries)) => entries,
        Err(error) => return faults.push(error.to_string()),
    };
    let keys: HashSet<&str> = found.iter().map(|(key, _)| key.as_str()).collect();
    let missing = expected.keys().filter(|key| !keys.contains(key.as_str())).map(|key| format!("{key:?} is missing"));
    let wrong = found.iter().filter_map(|(key, text)| match expected.get(key) {
        None => Some(format!("{key:?} does not belong there")),
        Some(expected) if serde_json::from_str::<Value>(text.get()).is_ok_and(|value| value == *expected) => None,
        Some(Value::Object(_) | Value::Array(_)) => Some(format!("{key:?} is another")),
        Some(expected) => Some(format!("{key:?} is {text} where {expected} belongs")),
    });
    let mut found: Vec<String> = missing.chain(wrong).collect();
    let others = found.len().saturating_sub(KEYS_NAMED);
    found.truncate(KEYS_NAMED);
    if others > 0 {
        found.push(format!("and {others} more of the kind"));
    }
    faults.extend(found.iter().map(|fault| format!("{}: {fault}", path.display())));
}

fn check_numbers(path: &Path, expected: &[i32], faults: &mut Vec<String>) {
    let read = || -> Result<Vec<u8>, String> {
        let file = open(path, Kind::Numbers, &[expected.len()])?;
        let (mut bytes, most) = (Vec::new(), size_of_val(expected) as u64 + 1);
        file.take(most).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        Ok(bytes)
    };
    let fault = match read() {
        Err(fault) => Some(fault),
        Ok(bytes) if bytes.len() != size_of_val(expected) => {
            let more = if bytes.len() > size_of_val(expected) { " or more" } else { "" };
            Some(format!("{}{more} bytes of numbers where {} belong", bytes.len(), size_of_val(expected)))
        }
        Ok(bytes) => {
            let found = bytes.chunks_exact(4).map(|bytes| i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
            let mut pairs = found.zip(expected).enumerate();
            let differing = pairs.find(|(_, (found, expected))| found != *expected);
            differing.map(|(i, (found, expected))| format!("number {i} is {found} where {expected} belongs"))
        }
    };
    faults.extend(fault.map(|fault| format!("{}: {fault}", path.display())));
}

/// Opens an array and reads its description, which must be the one expected.
fn open(path: &Path, kind: Kind, shape: &[usize]) -> Result<BufReader<File>, String> {
    let file = files::open(path).map_err(|error| match error {
        FileError::Read { source, .. } => source.to_string(),
        other => other.to_string(),
    })?;
    let mut file = BufReader::with_capacity(1 << 20, file);
    let found = array::read_description(&mut file).map_err(|error| error.to_string())?;
    let expected = array::description(kind, shape);
    if found == expected { Ok(file) } else { Err(format!("it is {found} where {expected} belongs")) }
}

/// One of the large arrays, compared example by example.
struct Boards {
    path: PathBuf,
    /// `None` from the first fault on that leaves nothing to compare.
    file: Option<BufReader<File>>,
    fault: Option<String>,
    read: usize,
    differing: usize,
    /// The first that differs.
    first: Option<String>,
}

impl Boards {
    fn open(path: PathBuf, examples: usize) -> Self {
        let (file, fault) = match open(&path, Kind::Bytes, &[examples, CELLS]) {
            Ok(file) => (Some(file), None),
            Err(fault) => (None, Some(fault)),
        };
        Self { path, file, fault, read: 0, differing: 0, first: None }
    }

    fn compare(&mut self, expected: &[u8], example: &Example<'_>) {
        let Some(file) = &mut self.file else { return };
        let mut found = [0; CELLS];
        if let Err(error) = file.read_exact(&mut found) {
            self.fault = Some(match error.kind() {
                io::ErrorKind::UnexpectedEof => format!("it ends after {} examples", self.read),
                _ => error.to_string(),
            });
            self.file = None;
        } else {
            if found != expected {
                self.differing += 1;
                self.first.get_or_insert_with(|| format!("number {}, {}", self.read, example.name()));
            }
            self.read += 1;
        }
    }

    /// What is wrong with it after the last example.
    fn fault(mut self, part: &Part<'_>) -> Option<String> {
        let goes_on = self.file.as_mut().is_some_and(|file| file.read_exact(&mut [0]).is_ok());
        let differs = self
            .first
            .map(|first| format!("{} of {} examples differ, the first is {first}", self.differing, part.examples()));
        let goes_on = goes_on.then(|| "it goes on after the last example".to_owned());
        let faults: Vec<String> = differs.into_iter().chain(self.fault).chain(goes_on).collect();
        (!faults.is_empty()).then(|| format!("{}: {}", self.path.display(), faults.join("; ")))
    }
}
