//! `PublishedBuild`: the published folder of some task sets, and how it is written.
//!
//! ```text
//! identifiers.json  test_puzzles.json
//! train/ test/      dataset.json  all__inputs.npy  all__labels.npy
//!                   all__puzzle_identifiers.npy  all__puzzle_indices.npy  all__group_indices.npy
//! ```
//!
//! What bites: the order of a task's pairs is that of its file, and the published files of ARC-AGI-1 list the tests before the
//! demonstrations. And where the test set is the first of the sets, the published program draws the halves in an order that changes from run
//! to run; here the training half always comes first.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Map, Value, json};
use thiserror::Error;

use super::array::{self, Kind};
use super::order::{self, OrderedTask, PublishedOrder, answered};
use super::part::{CELLS, Half, Part};
use crate::files::{self, FileError, NewFolder};
use crate::names;
use crate::task::{self, Pair, TaskSet};

/// The shipped sets whose published files list a task's tests before its demonstrations.
const TESTS_FIRST: [&str; 2] = ["arc-agi-1/training", "arc-agi-1/evaluation"];

/// The names of the two large arrays.
pub(super) const BOARDS: [&str; 2] = ["inputs", "labels"];

/// Why there is no folder, or no check of one.
#[derive(Debug, Error)]
pub enum PublishedError {
    /// A file that cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A set that is not among those of the build.
    #[error("{role} \"{name}\" is none of the sets{hint}; they are {known}")]
    NoSuchSet {
        /// What it was to be.
        role: &'static str,
        /// Its name.
        name: String,
        /// The nearest name.
        hint: String,
        /// The sets of the build.
        known: String,
    },
    /// A folder of something else.
    #[error(
        "{0} is no data folder: there is no identifiers.json and no train/dataset.json in it; hint: trm-arc dataset export writes one"
    )]
    NoData(PathBuf),
    /// More rows or examples than the format can count.
    #[error("{0} rows or examples are more than the format's 32-bit numbers can count; hint: ask for fewer --variants")]
    TooMany(usize),
    /// The flag was raised; nothing is left behind.
    #[error("interrupted")]
    Interrupted,
}

/// What a set is in a build.
#[derive(Clone, Copy, Debug)]
struct Role {
    /// Its tests are asked and not learned.
    is_test_set: bool,
    /// A task's tests come before its demonstrations.
    tests_first: bool,
}

/// A published folder, drawn but not written.
#[derive(Clone, Debug)]
pub struct PublishedBuild<'a> {
    pub(super) order: PublishedOrder<'a>,
    roles: Vec<Role>,
}

impl<'a> PublishedBuild<'a> {
    /// The build of these sets, for as many variants and this seed as [`identifiers`](super::identifiers) takes. The tests of the sets called
    /// `test_set` are held out. The tasks of the sets called as in `tests_first` list their tests before their demonstrations, and so do those
    /// of ARC-AGI-1 by themselves.
    ///
    /// # Errors
    /// [`PublishedError::NoSuchSet`], [`PublishedError::TooMany`], and [`PublishedError::Interrupted`] once `stop` is raised.
    pub fn new(
        sets: &'a [TaskSet],
        test_set: &str,
        tests_first: &[String],
        variants: usize,
        seed: u32,
        stop: &AtomicBool,
    ) -> Result<Self, PublishedError> {
        must_be_among(sets, "the test set", test_set)?;
        tests_first.iter().try_for_each(|name| must_be_among(sets, "the set with its tests first,", name))?;
        let role = |set: &TaskSet| Role {
            is_test_set: set.name == test_set,
            tests_first: tests_first.contains(&set.name)
                || task::shipped_with(&set.digest()).is_some_and(|shipped| TESTS_FIRST.contains(&shipped)),
        };
        let build =
            Self { roles: sets.iter().map(role).collect(), order: order::identifiers(sets, variants, seed, stop)? };
        match build.parts().iter().map(Part::examples).max() {
            Some(examples) if i32::try_from(examples).is_err() => Err(PublishedError::TooMany(examples)),
            _ => Ok(build),
        }
    }

    /// The order of its identifiers.
    pub fn order(&self) -> &PublishedOrder<'a> {
        &self.order
    }

    /// The examples of the training and of the test half.
    pub fn examples(&self) -> [usize; 2] {
        self.parts().map(|part| part.examples())
    }

    /// Both halves, in the order in which they are drawn.
    pub(super) fn parts(&self) -> [Part<'_>; 2] {
        Half::ALL.map(|half| {
            let groups = self.order.tasks.iter().filter_map(|task| Some((task, self.pairs(task, half)?)));
            Part { half, groups: groups.collect() }
        })
    }

    /// The pairs of a task that belong to a half, `None` when it has no part in it.
    fn pairs(&self, OrderedTask { set, task, .. }: &OrderedTask<'_>, half: Half) -> Option<Vec<Pair>> {
        let Role { is_test_set, tests_first } = self.roles[*set];
        let (train, test) = (task.train.iter().cloned(), task.test.iter().map(answered));
        match half {
            Half::Train if is_test_set => Some(train.collect()),
            Half::Train if tests_first => Some(test.chain(train).collect()),
            Half::Train => Some(train.chain(test).collect()),
            Half::Test => is_test_set.then(|| test.collect()),
        }
    }

    /// `test_puzzles.json`: the tasks of the test set with their answers.
    pub(super) fn test_puzzles(&self) -> Map<String, Value> {
        let asked = self.order.tasks.iter().filter(|task| self.roles[task.set].is_test_set);
        let puzzle = |OrderedTask { task, .. }: &OrderedTask<'_>| {
            let tests: Vec<Pair> = task.test.iter().map(answered).collect();
            (task.id.clone(), json!({"train": task.train, "test": tests}))
        };
        asked.map(puzzle).collect()
    }

    /// Fills a folder, which then gets its name. Nothing is left behind on an error, or when `stop` is raised.
    ///
    /// # Errors
    /// [`PublishedError::File`] and [`PublishedError::Interrupted`].
    pub fn export(&self, folder: NewFolder, stop: &AtomicBool) -> Result<(), PublishedError> {
        let write_json = |name: &str, text: serde_json::Result<String>| {
            let text = text.expect("names and grids are plain data");
            files::write(&folder.path().join(name), text.as_bytes())
        };
        write_json("identifiers.json", serde_json::to_string(&self.order.names().collect::<Vec<String>>()))?;
        write_json("test_puzzles.json", serde_json::to_string(&self.test_puzzles()))?;
        let mut numpy = self.order.numpy.clone();
        for part in self.parts() {
            let place = |name: &str| folder.path().join(part.half.name()).join(name);
            write_json(
                &format!("{}/dataset.json", part.half.name()),
                serde_json::to_string(&part.metadata(self.order.count())),
            )?;
            for (name, numbers) in part.numbers() {
                let mut file = ArrayFile::create(place(&file_name(name)), Kind::Numbers, &[numbers.len()])?;
                file.write(&array::number_bytes(&numbers))?;
                file.finish()?;
            }
            let create = |name| ArrayFile::create(place(&file_name(name)), Kind::Bytes, &[part.examples(), CELLS]);
            let [mut inputs, mut labels] = [create(BOARDS[0])?, create(BOARDS[1])?];
            part.draw(&mut numpy, |example| {
                if stop.load(Ordering::Relaxed) {
                    return Err(PublishedError::Interrupted);
                }
                inputs.write(&example.input)?;
                Ok(labels.write(&example.labels)?)
            })?;
            inputs.finish()?;
            labels.finish()?;
        }
        Ok(folder.finish()?)
    }
}

/// The file of an array.
pub(super) fn file_name(array: &str) -> String {
    format!("all__{array}.npy")
}

fn must_be_among(sets: &[TaskSet], role: &'static str, name: &str) -> Result<(), PublishedError> {
    if sets.iter().any(|set| set.name == name) {
        return Ok(());
    }
    let known = || sets.iter().map(|set| set.name.as_str());
    Err(PublishedError::NoSuchSet {
        role,
        name: name.to_owned(),
        hint: names::hint(name, known()),
        known: known().collect::<Vec<_>>().join(", "),
    })
}

/// An array that grows on the disk.
struct ArrayFile {
    path: PathBuf,
    file: BufWriter<File>,
}

impl ArrayFile {
    fn create(path: PathBuf, kind: Kind, shape: &[usize]) -> Result<Self, FileError> {
        let file = files::create(&path)?;
        let mut file = Self { path, file: BufWriter::with_capacity(1 << 20, file) };
        file.write(&array::header(kind, shape))?;
        Ok(file)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        self.file.write_all(bytes).map_err(|source| FileError::Write { path: self.path.clone(), source })
    }

    fn finish(self) -> Result<(), FileError> {
        let Self { path, file } = self;
        let flushed = file.into_inner().map_err(|error| error.into_error()).and_then(|file| file.sync_all());
        flushed.map_err(|source| FileError::Write { path, source })
    }
}
