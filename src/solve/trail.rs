//! `Trail`: what is behind a run, in `run.json.progress` beside its record, so that one that broke off goes on where it was.
//!
//! The first line says what the run was at its start; every other line is a step of it, in order: what the solver said about a task in a
//! round, or about a piece of a table. Only whole answers are put down: what was cut short is asked again. Lines are appended, and the one
//! at which a program was killed may be cut off; it is dropped. What is read back goes the same way as what is asked, so that the run ends
//! with the same bytes. The file is locked while a run goes on, and removed when it is complete.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::files::{self, FileError};

/// Settings of a run at its start.
pub trait Head: Serialize + DeserializeOwned {
    /// True when something is to go on with before the first step is done.
    fn has_other_work(&self) -> bool {
        false
    }
}

/// What was done between two lines.
pub trait Step: Serialize + DeserializeOwned {
    /// Its place in the run: no two steps have the same, and each comes where it is asked for.
    fn place(&self) -> (usize, usize);

    /// Seconds of the run up to its end.
    fn elapsed(&self) -> f64;
}

/// The trail of a run that is an `S` at its start and goes by steps of `T`.
#[derive(Debug)]
pub struct Trail<S, T> {
    of: PhantomData<T>,
    path: PathBuf,
    file: File,
    start: S,
    steps: usize,
    /// The next of the steps of before, when it was looked at.
    next: Option<T>,
    /// Seconds of the run before it broke off.
    before: f64,
    behind: Option<Behind>,
}

/// The steps of before, read one after another.
#[derive(Debug)]
struct Behind {
    lines: BufReader<File>,
    left: usize,
}

/// Where the trail of a run with this record lies.
pub fn trail_beside(record: &Path) -> PathBuf {
    let mut name = record.file_name().unwrap_or_default().to_owned();
    name.push(".progress");
    record.with_file_name(name)
}

impl<S: Head, T: Step> Trail<S, T> {
    /// A new one, over whatever stands there.
    ///
    /// # Errors
    /// [`FileError`], also when another run has it.
    pub(super) fn begin(path: &Path, start: S) -> Result<Self, FileError> {
        let path = path.to_owned();
        let failed = |source| FileError::Write { path: path.clone(), source };
        let mut file = files::open_growing(&path)?;
        files::hold(&file, &path)?;
        file.set_len(0).map_err(failed)?;
        file.write_all(line(&start).as_bytes()).map_err(failed)?;
        Ok(Self { of: PhantomData, path, file, start, steps: 0, next: None, before: 0.0, behind: None })
    }

    /// The trail that a run left at `path`; `None` where there is none, or none with anything behind it.
    ///
    /// # Errors
    /// [`FileError`], also when another run has it, or when it is no trail.
    pub fn find(path: &Path) -> Result<Option<Self>, FileError> {
        let path = path.to_owned();
        let failed = |source| FileError::Read { path: path.clone(), source };
        let Some(file) = files::open_grown(&path)? else { return Ok(None) };
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
        let start: S = match parse::<S>(&path, 1, &first) {
            Ok(start) if count > 1 || start.has_other_work() => start,
            Err(fault) if count > 1 => return Err(fault),
            _ => return Ok(None),
        };
        let before = if count > 1 { parse::<T>(&path, count, &last)?.elapsed() } else { 0.0 };
        let mut file = lines.into_inner();
        file.set_len(end as u64).and_then(|()| file.seek(SeekFrom::End(0))).map_err(failed)?;
        let Some(again) = files::open_grown(&path)? else { return Ok(None) };
        let mut again = BufReader::new(again);
        again.read_until(b'\n', &mut Vec::new()).map_err(failed)?;
        let behind = Some(Behind { lines: again, left: count - 1 });
        Ok(Some(Self { of: PhantomData, path, file, start, steps: count - 1, next: None, before, behind }))
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the run was when it began.
    pub fn start(&self) -> &S {
        &self.start
    }

    /// Steps that are behind it.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Seconds of the run before it broke off.
    pub(super) fn before(&self) -> f64 {
        self.before
    }

    /// True while steps of before are left to be taken.
    pub(super) fn is_behind(&self) -> bool {
        self.next.is_some() || self.behind.as_ref().is_some_and(|behind| behind.left > 0)
    }

    /// The place of the next step of before.
    pub(super) fn next_place(&mut self) -> Result<Option<(usize, usize)>, FileError> {
        if self.next.is_none() {
            let Some(behind) = self.behind.as_mut().filter(|behind| behind.left > 0) else { return Ok(None) };
            let mut read = Vec::new();
            let number = self.steps - behind.left + 2;
            let failed = |source| FileError::Read { path: self.path.clone(), source };
            behind.lines.read_until(b'\n', &mut read).map_err(failed)?;
            behind.left -= 1;
            self.next = Some(parse(&self.path, number, &read)?);
        }
        Ok(self.next.as_ref().map(T::place))
    }

    /// The step of this place, if the run took it before it broke off. Every step is asked for in its order.
    pub(super) fn take(&mut self, place: (usize, usize)) -> Result<Option<T>, FileError> {
        let Some(found) = self.next_place()? else { return Ok(None) };
        if found != place {
            let number = self.steps - self.behind.as_ref().map_or(0, |behind| behind.left) + 1;
            return Err(no_line(&self.path, number, format!("it is step {found:?}, and {place:?} comes here")));
        }
        Ok(self.next.take())
    }

    /// The error for what step of this number says.
    pub(super) fn refuse(&self, step: usize, fault: &str) -> FileError {
        no_line(&self.path, step + 2, fault.to_owned())
    }

    /// Puts down a step.
    pub(super) fn add(&mut self, step: &T) -> Result<(), FileError> {
        // at once, so that a kill between two pieces of a line is rare
        let written = self.file.write_all(line(step).as_bytes());
        self.steps += 1;
        written.map_err(|source| FileError::Write { path: self.path.clone(), source })
    }

    /// Flushes it to the disk.
    pub(super) fn flush(&self) -> Result<(), FileError> {
        self.file.sync_data().map_err(|source| FileError::Write { path: self.path.clone(), source })
    }

    /// At a run's end: what can be gone on with is flushed, what cannot is removed.
    pub(super) fn end(self, is_complete: bool) -> Result<(), FileError> {
        if !is_complete && (self.steps > 0 || self.start.has_other_work()) {
            return self.flush();
        }
        fs::remove_file(&self.path).map_err(|source| FileError::Write { path: self.path.clone(), source })
    }
}

fn line(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("a trail is plain data") + "\n"
}

fn parse<T: DeserializeOwned>(path: &Path, number: usize, line: &[u8]) -> Result<T, FileError> {
    serde_json::from_slice(line).map_err(|fault| no_line(path, number, fault.to_string()))
}

fn no_line(path: &Path, number: usize, fault: String) -> FileError {
    files::format_error(
        path,
        format!("line {number} is not what the run put down: {fault}; remove this file to begin anew"),
    )
}
