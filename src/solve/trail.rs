//! `Trail`: what is behind a run, in `run.json.progress` beside its record, so that one that broke off goes on where it was.
//!
//! The first line is the record at the start and the number of rounds; every other line is what the solver said about a task in a round,
//! in the order of asking. Only whole answers are put down: a task that was cut short is asked again. Lines are appended, and the one at
//! which a program was killed may be cut off; it is dropped. What is read back goes through the same vote as what is asked, so that the run
//! ends with the same bytes. The file is locked while a run goes on, and removed when it is complete.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::files::{self, FileError};
use crate::prediction::Prediction;
use crate::report::Record;

/// What a run was when it began.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// The record before the first task.
    pub record: Record,
    /// Rounds over all tasks.
    pub rounds: usize,
}

/// What the solver said about a task in a round.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    pub round: usize,
    /// Of the task in the set.
    pub place: usize,
    /// Seconds that the solver took.
    pub seconds: f64,
    /// Seconds of the run so far.
    pub elapsed: f64,
    pub predictions: Vec<Prediction>,
}

/// A run's trail.
#[derive(Debug)]
pub struct Trail {
    path: PathBuf,
    file: File,
    start: Start,
    steps: usize,
    /// Seconds of the run before it broke off.
    before: f64,
    behind: Option<Behind>,
}

/// The steps of before, read one after another.
#[derive(Debug)]
struct Behind {
    lines: BufReader<File>,
    left: usize,
    next: Option<Step>,
}

/// Where the trail of a run with this record lies.
pub fn trail_beside(record: &Path) -> PathBuf {
    let mut name = record.file_name().unwrap_or_default().to_owned();
    name.push(".progress");
    record.with_file_name(name)
}

impl Trail {
    /// A new one, over whatever stands there.
    ///
    /// # Errors
    /// [`FileError`], also when another run has it.
    pub(super) fn begin(path: &Path, start: Start) -> Result<Self, FileError> {
        let path = files::place(path)?;
        files::make_room_for(&path)?;
        let failed = |source| FileError::Write { path: path.clone(), source };
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = open.map_err(failed)?;
        files::hold(&file, &path)?;
        file.set_len(0).map_err(failed)?;
        file.write_all(line(&start).as_bytes()).map_err(failed)?;
        Ok(Self { path, file, start, steps: 0, before: 0.0, behind: None })
    }

    /// The trail that a run left at `path`; `None` where there is none, or none with a task behind it.
    ///
    /// # Errors
    /// [`FileError`], also when another run has it, or when it is no trail.
    pub fn find(path: &Path) -> Result<Option<Self>, FileError> {
        let path = files::place(path)?;
        let failed = |source| FileError::Read { path: path.clone(), source };
        let file = match OpenOptions::new().read(true).write(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            result => result.map_err(failed)?,
        };
        files::hold(&file, &path)?;
        let mut lines = BufReader::new(file);
        let (mut count, mut end, mut first, mut last) = (0, 0, Vec::new(), Vec::new());
        loop {
            let mut read = Vec::new();
            end += lines.read_until(b'\n', &mut read).map_err(failed)?;
            match (read.last(), count) {
                (Some(b'\n'), 0) => first = read,
                (Some(b'\n'), _) => last = read,
                _ => {
                    end -= read.len();
                    break;
                }
            }
            count += 1;
        }
        if count < 2 {
            return Ok(None);
        }
        let start: Start = parse(&path, 1, &first)?;
        let before = parse::<Step>(&path, count, &last)?.elapsed;
        let mut file = lines.into_inner();
        file.set_len(end as u64).and_then(|()| file.seek(SeekFrom::End(0))).map_err(failed)?;
        let mut again = BufReader::new(File::open(&path).map_err(failed)?);
        again.read_until(b'\n', &mut Vec::new()).map_err(failed)?;
        let behind = Some(Behind { lines: again, left: count - 1, next: None });
        Ok(Some(Self { path, file, start, steps: count - 1, before, behind }))
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the run was when it began.
    pub fn start(&self) -> &Start {
        &self.start
    }

    /// Tasks that are behind it, those of each round counted.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Seconds of the run before it broke off.
    pub(super) fn before(&self) -> f64 {
        self.before
    }

    /// What the solver said about this task in this round before the run broke off. Asked in the order of asking.
    pub(super) fn take(&mut self, round: usize, place: usize) -> Result<Option<Step>, FileError> {
        let Some(behind) = &mut self.behind else { return Ok(None) };
        if behind.next.is_none() && behind.left > 0 {
            let mut read = Vec::new();
            let number = self.steps - behind.left + 2;
            let failed = |source| FileError::Read { path: self.path.clone(), source };
            behind.lines.read_until(b'\n', &mut read).map_err(failed)?;
            (behind.next, behind.left) = (Some(parse(&self.path, number, &read)?), behind.left - 1);
        }
        let is_next = behind.next.as_ref().is_some_and(|step| (step.round, step.place) == (round, place));
        let step = if is_next { behind.next.take() } else { None };
        if behind.next.is_none() && behind.left == 0 {
            self.behind = None;
        }
        Ok(step)
    }

    /// Puts down what the solver has just said.
    pub(super) fn add(&mut self, step: &Step) -> Result<(), FileError> {
        // at once, so that a kill between two pieces of a line is rare
        let written = self.file.write_all(line(step).as_bytes());
        written.map_err(|source| FileError::Write { path: self.path.clone(), source })
    }

    /// Flushes it to the disk.
    pub(super) fn flush(&self) -> Result<(), FileError> {
        self.file.sync_data().map_err(|source| FileError::Write { path: self.path.clone(), source })
    }

    /// Nothing is left to go on with.
    pub(super) fn remove(self) -> Result<(), FileError> {
        fs::remove_file(&self.path).map_err(|source| FileError::Write { path: self.path.clone(), source })
    }
}

fn line(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("a trail is plain data") + "\n"
}

fn parse<'a, T: Deserialize<'a>>(path: &Path, number: usize, line: &'a [u8]) -> Result<T, FileError> {
    serde_json::from_slice(line).map_err(|fault| {
        let way = "remove this file to begin anew";
        files::format_error(path, format!("line {number} is nothing that a run puts down: {fault}; {way}"))
    })
}
