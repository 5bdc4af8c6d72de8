//! `FileError`: what can go wrong with a file, each with its way out.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::one_line;

/// Failure of an operation on a file.
#[derive(Debug, Error)]
pub enum FileError {
    /// The file could not be read.
    #[error("cannot read {}: {source}{}", one_line(.path), way_in(.source))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file could not be written.
    #[error("cannot write {}: {source}{}", one_line(.path), remedy(.source))]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Neither a file nor a name of the project's.
    #[error("there is no file \"{name}\", and none of that name in {folder}{hint}; it has {known}")]
    Unknown {
        /// The project's folder.
        folder: String,
        /// Name that was asked for.
        name: String,
        /// The nearest name.
        hint: String,
        /// The names that there are.
        known: String,
    },
    /// Another process has it in hand.
    #[error("another run is writing to {}; hint: wait for it to end, or name another place", one_line(.path))]
    Busy {
        /// The file or folder.
        path: PathBuf,
    },
    /// An output in the place of an input.
    #[error("cannot write {}: this command reads {}; hint: name another place", one_line(.path), one_line(.input))]
    OverInput {
        /// The output.
        path: PathBuf,
        /// The input.
        input: PathBuf,
    },
    /// Two outputs in one place.
    #[error("cannot write {}: it is named for two outputs; hint: give each its own file", one_line(.path))]
    SamePlace {
        /// The place.
        path: PathBuf,
    },
    /// No folder for temporary files.
    #[error("cannot make a temporary folder in {}: {source}; hint: set TMPDIR to a folder you may write to", one_line(.path))]
    NoScratch {
        /// The system's folder for them.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not what its format says.
    #[error("{}: {message}", one_line(.path))]
    Format {
        /// The file.
        path: PathBuf,
        /// Fault and its place.
        message: String,
    },
}

fn way_in(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::IsADirectory => "; name a file in it",
        io::ErrorKind::NotADirectory => "; a file stands where a folder is needed",
        io::ErrorKind::PermissionDenied => "; ask for the right to read it",
        io::ErrorKind::InvalidData => "; this is not text",
        _ => "",
    }
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "; hint: choose a folder you may write to"
        }
        io::ErrorKind::StorageFull => "; hint: free some space and run again, what was there before is still whole",
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => "; a file stands where a folder is needed",
        _ => "",
    }
}
