//! Why a checkpoint is not imported or exported.

use std::path::PathBuf;

use thiserror::Error;

/// Reason why a checkpoint is not imported or exported.
#[derive(Debug, Error)]
pub enum ImportError {
    /// A configuration of another model.
    #[error("{path}: {fault}")]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fault: String,
    },
    /// More names than rows.
    #[error(
        "{path}: its puzzle table has {rows} rows, but these task sets, variants and seed give {names} names; \
         hint: name the sets that it was trained with, in their order, and its --variants and --seed, or give its identifiers.json"
    )]
    TooFewRows {
        /// The file.
        path: PathBuf,
        /// Rows of the table.
        rows: usize,
        /// Names.
        names: usize,
    },
    /// A list of names that is not the table's.
    #[error(
        "{path}: its puzzle table has {rows} rows and the identifiers given have {names} names; \
         hint: give the identifiers.json of this checkpoint's dataset, these belong to another checkpoint"
    )]
    OtherNames {
        /// The file.
        path: PathBuf,
        /// Rows of the table.
        rows: usize,
        /// Names.
        names: usize,
    },
    /// Names in an order that is not the table's.
    #[error(
        "{path}: a table of {rows} rows is that of a published run, and other names are given; \
         hint: its names come from --tasks {first} --tasks {second} --variants 1000 --seed 42, in this order, or from its identifiers.json"
    )]
    OtherOrder {
        /// The file.
        path: PathBuf,
        /// Rows of the table.
        rows: usize,
        /// The set that comes first.
        first: &'static str,
        /// The one after it.
        second: &'static str,
    },
    /// A table of tasks where there are only puzzles.
    #[error(
        "{path}: its puzzle table has {rows} rows, and that of puzzles has one; \
         hint: name its --tasks instead of --puzzles if it was trained on ARC"
    )]
    NoPuzzles {
        /// The file.
        path: PathBuf,
        /// Rows of the table.
        rows: usize,
    },
    /// A model of ours alone.
    #[error("{path} cannot be exported: {why}")]
    Unpublished {
        /// The checkpoint.
        path: PathBuf,
        /// Setting that the published code lacks.
        why: &'static str,
    },
    /// A place that is taken.
    #[error("{0} is there already; hint: name a new folder by --output")]
    Exists(PathBuf),
}
