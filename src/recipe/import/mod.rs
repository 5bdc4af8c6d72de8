//! A published checkpoint becomes one of ours: the tensors under their published names, the puzzle table copied through and never
//! held, and beside them the names of its rows.
//!
//! What bites: the table does not say whose rows it has. The order of the names is computed from the task sets, and a wrong
//! one scores 0 without a word. So a table that has not exactly as many rows as names is explained, and one that has
//! fewer is refused. It is never reset.

mod config;
mod config_file;
mod data;
mod error;
mod export;
mod known;
mod tensors;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::checkpoint::{CheckpointError, Content, Folder, LoadReport, Part, header, to_bytes};
use crate::dataset::Identifiers;
use crate::encode::{VOCABULARY, vocabulary_of};
use crate::files::{self, FileError, NewFolder};
use crate::grid::MAX_SIDE;
use crate::model::{Config, Spec, specs};
use crate::puzzle::Kind;
use crate::recipe::trained::{About, PUZZLE_TABLE, SetDigest};
use crate::recipe::{Recipe, RecipeError};
pub use config::Published;
use data::data_of;
pub use error::ImportError;
pub use export::export;
use tensors::needed;
pub use tensors::{PUBLISHED_PREFIX, PublishedTensors};

/// Where a checkpoint's names of rows come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum NamesFrom {
    /// The published order of these many variants, from this seed.
    Order {
        /// Variants of each task beside the plain one.
        variants: usize,
        /// The seed.
        seed: u32,
    },
    /// A list that came with the checkpoint.
    List {
        /// Its file.
        file: String,
    },
    /// There is the blank one alone, of puzzles.
    Puzzles {
        /// What the checkpoint solves.
        kind: Kind,
        /// Their side.
        side: usize,
    },
}

impl NamesFrom {
    /// The kinds of cells and the cells of a board.
    fn board(&self) -> (usize, usize) {
        match *self {
            Self::Order { .. } | Self::List { .. } => (VOCABULARY, MAX_SIDE * MAX_SIDE),
            Self::Puzzles { kind, side } => (vocabulary_of(kind, side), side * side),
        }
    }
}

/// What a manifest says of an imported checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Imported {
    /// The published file's name.
    pub file: String,
    /// Its SHA-256.
    pub sha256: String,
    /// The number types of its tensors.
    pub numbers: Vec<String>,
    /// Where the names of the rows come from.
    pub names: NamesFrom,
    /// How many rows have a name; the others belong to tasks that were not given.
    pub named: usize,
}

/// What came of an import.
#[derive(Clone, Debug)]
pub struct Summary {
    /// How the tensors fit.
    pub report: LoadReport,
    /// The numbers of the trunk.
    pub parameters: usize,
    /// The rows of the puzzle table, and the numbers of each.
    pub rows: (usize, usize),
    /// What the manifest says.
    pub imported: Imported,
    /// The step in the file's name; 0 where it has none.
    pub step: usize,
    /// Whose checkpoint it is, when its digest is known.
    pub known: Option<&'static str>,
    /// Fields of the configuration that were passed over.
    pub unknown_fields: Vec<String>,
}

/// A published checkpoint whose configuration and tensors fit each other, before it is imported.
#[derive(Debug)]
pub struct PublishedCheckpoint {
    file: PathBuf,
    output: PathBuf,
    published: Published,
    tensors: PublishedTensors,
    names: NamesFrom,
    model: Config,
    report: LoadReport,
    /// Rows of the puzzle table.
    rows: usize,
}

impl PublishedCheckpoint {
    /// Opens a file of tensors and its `all_config.yaml`, to be imported into the new folder `output`. All is checked that can be without
    /// the names of the rows.
    ///
    /// # Errors
    /// [`RecipeError`].
    pub fn open(file: &Path, config: &Path, names: NamesFrom, output: &Path) -> Result<Self, RecipeError> {
        if output.exists() {
            return Err(ImportError::Exists(output.to_path_buf()).into());
        }
        let published = Published::read(config)?;
        let tensors = PublishedTensors::open(file)?;
        let (vocabulary, cells) = names.board();
        let model = published.model(vocabulary, cells);
        model.check()?;
        let report = tensors.report(&model);
        report.clone().or_unfit(file)?;
        let rows = tensors.shape(PUZZLE_TABLE).map_or(0, |shape| shape[0]);
        if let NamesFrom::Puzzles { .. } = names {
            check_rows(file, rows, 1, &names)?;
        }
        let (file, output) = (file.to_owned(), output.to_owned());
        let checkpoint = Self { file, output, published, tensors, names, model, report, rows };
        checkpoint.recipe(&[])?;
        Ok(checkpoint)
    }

    /// Checks the task sets, in order, before their variants are drawn.
    ///
    /// # Errors
    /// [`ImportError::OtherOrder`].
    pub fn check_sets(&self, sets: &[SetDigest]) -> Result<(), ImportError> {
        known::check(&self.file, self.rows, &self.names, sets)
    }

    /// Imports the checkpoint with these names of its rows. `stop` ends it early.
    ///
    /// # Errors
    /// [`RecipeError`]; there is no output folder of ours then.
    pub fn import(
        mut self,
        identifiers: &Identifiers,
        sets: Vec<SetDigest>,
        stop: &AtomicBool,
    ) -> Result<Summary, RecipeError> {
        let (file, rows) = (&self.file, self.rows);
        check_rows(file, rows, identifiers.count(), &self.names)?;
        let recipe = self.recipe(&sets)?;
        let imported = Imported {
            file: file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            sha256: sha256_of(file, stop)?,
            numbers: self.tensors.number_types().into_iter().map(str::to_owned).collect(),
            names: self.names.clone(),
            named: identifiers.count(),
        };
        let (step, known) = (step_of(file), known::file(&imported.sha256));
        let about = About::<()> {
            recipe,
            sets,
            examples: 0,
            seconds: 0.0,
            repeats: None,
            arithmetic: None,
            state: None,
            imported: Some(imported.clone()),
        };
        self.write(about, identifiers, stop)?;
        Ok(Summary {
            report: self.report,
            parameters: specs(&self.model).iter().map(Spec::len).sum(),
            rows: (rows, self.model.puzzle_width),
            imported,
            step,
            known,
            unknown_fields: self.published.unknown().map(str::to_owned).collect(),
        })
    }

    fn recipe(&self, sets: &[SetDigest]) -> Result<Recipe, RecipeError> {
        let (name, data) = (name_of(&self.output), data_of(&self.names, sets));
        let recipe = self.published.recipe(&name, step_of(&self.file), data, self.model.clone());
        recipe.check()?;
        Ok(recipe)
    }

    /// Writes the checkpoint beside its place, and then renames it: it is there whole or not at all.
    fn write(&mut self, about: About<()>, identifiers: &Identifiers, stop: &AtomicBool) -> Result<(), RecipeError> {
        // of two imports into one place the first that is whole has it
        let output = self.output.clone();
        let taken = |fault: FileError| match output.exists() {
            true => RecipeError::from(ImportError::Exists(output.clone())),
            false => fault.into(),
        };
        let beside = NewFolder::begin(&self.output).map_err(taken)?;
        let (needed, tensors) = (needed(&self.model, self.rows), &mut self.tensors);
        let model = |sink: &mut files::Sink| {
            sink.write(&header(&needed))?;
            for (name, _) in &needed {
                tensors.read(name, |values| {
                    if stop.load(Ordering::Relaxed) {
                        return Err(CheckpointError::Stopped);
                    }
                    Ok(sink.write(&to_bytes(values))?)
                })?;
            }
            Ok(())
        };
        let parts = vec![
            (Part::Model, Content::Pieces(Box::new(model))),
            (Part::Identifiers, Content::Bytes(identifiers.to_lines().into_bytes())),
        ];
        match Folder::new(beside.path()).write(step_of(&self.file), about, parts) {
            Err(CheckpointError::Stopped) => return Err(RecipeError::Interrupted),
            result => result?,
        }
        beside.finish().map_err(taken)
    }
}

/// SHA-256 of a file, unless `stop` is raised.
fn sha256_of(file: &Path, stop: &AtomicBool) -> Result<String, RecipeError> {
    let mut digest = Sha256::new();
    files::read_pieces(file, |piece| {
        digest.update(piece);
        if stop.load(Ordering::Relaxed) { Err(RecipeError::Interrupted) } else { Ok(()) }
    })?;
    Ok(files::hex(&digest.finalize()))
}

fn check_rows(file: &Path, rows: usize, names: usize, from: &NamesFrom) -> Result<(), ImportError> {
    let path = file.to_owned();
    match from {
        NamesFrom::List { .. } if rows != names => Err(ImportError::OtherNames { path, rows, names }),
        NamesFrom::Order { .. } if rows < names => Err(ImportError::TooFewRows { path, rows, names }),
        NamesFrom::Puzzles { .. } if rows != names => Err(ImportError::NoPuzzles { path, rows }),
        _ => Ok(()),
    }
}

/// The number at the end of `step_518071`.
fn step_of(file: &Path) -> usize {
    let stem = file.file_name().unwrap_or_default().to_string_lossy();
    let digits: String = stem.strip_prefix("step_").unwrap_or("").chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

/// A recipe's name from the folder that it goes to.
fn name_of(output: &Path) -> String {
    let name = output.file_name().unwrap_or_default().to_string_lossy();
    let name: String = name.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect();
    let name = name.trim_start_matches('.').to_owned();
    if name.is_empty() { "imported".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_and_names_come_from_paths() {
        assert_eq!([step_of(Path::new("a/step_518071")), step_of(Path::new("model.pt"))], [518_071, 0]);
        assert_eq!(step_of(Path::new("step_12_all")), 12);
        assert_eq!(name_of(Path::new("runs/arc v1")), "arc-v1");
        assert_eq!(
            [name_of(Path::new(".hidden")), name_of(Path::new("..")), name_of(Path::new("/"))],
            ["hidden", "imported", "imported"]
        );
    }

    #[test]
    fn a_table_and_names_that_do_not_fit_are_explained() {
        let order = NamesFrom::Order { variants: 1000, seed: 42 };
        let list = NamesFrom::List { file: "identifiers.json".into() };
        let check = |rows, names, from| check_rows(Path::new("step_1"), rows, names, from).map_err(|e| e.to_string());
        assert!(check(10, 10, &order).is_ok() && check(11, 10, &order).is_ok() && check(10, 10, &list).is_ok());
        let few = check(9, 10, &order).unwrap_err();
        assert!(few.contains("9 rows") && few.contains("10 names") && few.contains("--variants"), "{few}");
        assert!(check(11, 10, &list).unwrap_err().contains("another checkpoint"));
        let puzzles = NamesFrom::Puzzles { kind: Kind::Maze, side: 30 };
        assert!(check(1, 1, &puzzles).is_ok());
        assert!(check(11, 1, &puzzles).unwrap_err().contains("11 rows, and that of puzzles has one"));
    }
}
