//! Files: read with the path in every error, written beside and renamed, so that nothing is ever half-written.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::names;

/// What can go wrong with a file.
#[derive(Debug, Error)]
pub enum FileError {
    /// The file could not be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file could not be written.
    #[error("cannot write {path}: {source}{}", remedy(.source))]
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
        /// What was asked for.
        name: String,
        /// The nearest name.
        hint: String,
        /// The names that there are.
        known: String,
    },
    /// The file is not what its format says.
    #[error("{path}: {message}")]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        message: String,
    },
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => "; choose a folder you may write to",
        io::ErrorKind::StorageFull => "; free some space and run again: what was there before is still whole",
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => "; a file stands where a folder is needed",
        _ => "",
    }
}

/// The bytes of a file.
///
/// # Errors
/// [`FileError::Read`].
pub fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    fs::read(path).map_err(|source| FileError::Read { path: path.to_owned(), source })
}

/// The text of a file.
///
/// # Errors
/// [`FileError::Read`], also when the file is not UTF-8.
pub fn read_text(path: &Path) -> Result<String, FileError> {
    fs::read_to_string(path).map_err(|source| FileError::Read { path: path.to_owned(), source })
}

/// A JSON file as `T`.
///
/// # Errors
/// [`FileError`]; malformed JSON names its line and column.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, FileError> {
    serde_json::from_slice(&read(path)?).map_err(|e| format_error(path, e.to_string()))
}

/// A TOML file as `T`. `T` refuses unknown fields; the error then names the nearest known one.
///
/// # Errors
/// [`FileError`]; the message shows the line.
pub fn read_toml<T: DeserializeOwned>(path: &Path) -> Result<T, FileError> {
    toml::from_str(&read_text(path)?).map_err(|e| {
        let nearest = nearest_field(e.message());
        format_error(path, format!("{}{nearest}", e.to_string().trim_end()))
    })
}

/// From serde's "unknown field `x`, expected one of `a`, `b`": a hint at the field that was meant.
fn nearest_field(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    match (message.contains("unknown field") || message.contains("unknown variant"), quoted.next()) {
        (true, Some(given)) => names::hint(given, quoted),
        _ => String::new(),
    }
}

/// A [`FileError::Format`].
pub fn format_error(path: &Path, message: impl Into<String>) -> FileError {
    FileError::Format { path: path.to_owned(), message: message.into() }
}

/// Writes a file in one step: beside it first, flushed to the disk, then renamed over it.
/// The folder is made when it is not there.
///
/// # Errors
/// [`FileError::Write`]; the file is then as it was before.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let failed = |source| FileError::Write { path: path.to_owned(), source };
    let folder = folder_of(path);
    fs::create_dir_all(folder).map_err(failed)?;
    let mut file = tempfile::Builder::new().prefix(".trm-arc-").tempfile_in(folder).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    make_readable(file.as_file()).map_err(failed)?;
    file.persist(path).map_err(|e| failed(e.error))?;
    Ok(())
}

/// Temporary files are private to their owner; results are for everyone who may read the folder.
#[cfg(unix)]
fn make_readable(file: &fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_: &fs::File) -> io::Result<()> {
    Ok(())
}

/// The project's file or folder `relative`, from wherever the program runs: beside the working directory, then beside the
/// program and above it, then where the project was built.
pub fn find(relative: &Path) -> Option<PathBuf> {
    let program = env::current_exe().ok();
    let above = program.iter().flat_map(|path| path.ancestors().skip(1).take(4).map(Path::to_owned));
    let roots = [PathBuf::new()].into_iter().chain(above).chain([PathBuf::from(env!("CARGO_MANIFEST_DIR"))]);
    roots.map(|root| root.join(relative)).find(|path| path.exists())
}

/// The TOML file that `name` means: a path, or the name of one of the project's files in `folder`.
///
/// # Errors
/// [`FileError::Unknown`] with the nearest name and all that there are.
pub fn find_toml(folder: &str, name: &str) -> Result<PathBuf, FileError> {
    let path = Path::new(name);
    if path.is_file() {
        return Ok(path.to_owned());
    }
    if let Some(path) = find(Path::new(&format!("{folder}/{name}.toml"))) {
        return Ok(path);
    }
    let entries = find(Path::new(folder)).and_then(|folder| fs::read_dir(folder).ok());
    let paths = entries.into_iter().flatten().flatten().map(|entry| entry.path());
    let tomls = paths.filter(|path| path.extension().is_some_and(|extension| extension == "toml"));
    let mut known: Vec<String> = tomls.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
    known.sort();
    Err(FileError::Unknown {
        folder: folder.to_owned(),
        name: name.to_owned(),
        hint: names::hint(name, known.iter().map(String::as_str)),
        known: known.join(", "),
    })
}

/// Finds out before the work starts that `path` can be written, leaving nothing behind but its folder.
///
/// # Errors
/// [`FileError::Write`].
pub fn check_writable(path: &Path) -> Result<(), FileError> {
    let failed = |source| FileError::Write { path: path.to_owned(), source };
    if path.is_dir() {
        return Err(failed(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder; name a file")));
    }
    let folder = folder_of(path);
    fs::create_dir_all(folder).map_err(failed)?;
    tempfile::Builder::new().prefix(".trm-arc-").tempfile_in(folder).map_err(failed)?;
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// SHA-256 in lower-case hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Plan {
        variants: usize,
        translate: bool,
    }

    #[test]
    fn an_unknown_field_is_named_with_the_nearest_known_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.toml");
        write(&path, b"varaints = 3\n").unwrap();
        let message = read_toml::<Plan>(&path).unwrap_err().to_string();
        assert!(message.contains("varaints") && message.contains("did you mean \"variants\"?"), "{message}");
        assert!(message.contains("plan.toml"), "{message}");
    }

    #[test]
    fn writing_replaces_the_whole_file_and_leaves_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/result.json");
        write(&path, b"a long first text").unwrap();
        write(&path, b"short").unwrap();
        assert_eq!(read_text(&path).unwrap(), "short");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_in_the_place_of_a_folder_is_found_before_the_work() {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("taken"), b"").unwrap();
        let error = check_writable(&folder.path().join("taken/submission.json")).unwrap_err().to_string();
        assert!(error.contains("taken/submission.json"), "{error}");
        assert!(check_writable(folder.path()).is_err());
    }

    #[test]
    fn digests_are_the_standard_ones() {
        assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
