//! Files: read with the path in every error, written beside and renamed, so that nothing is ever half-written.
//!
//! The rules of writing, for every command:
//!
//! - Outputs are claimed before the work ([`claim()`]): none takes the place of an input or of another output, and each is locked, so that
//!   a second run is refused at once.
//! - A symbolic link in place of an output file, a lock or a journal is refused, never followed: another user may have planted it in a
//!   shared folder. Links among the folders of a path are followed by the system, by its own rules.
//! - What is being written has a name of its own, `.trm-arc-tmp-PROCESS-RANDOM`, made new and locked. What a killed run leaves of it, and
//!   its `.trm-arc-lock-DIGEST`, is removed by the next run that writes to the folder; no other name is touched.

mod claim;
mod durable;
mod entries;
mod error;
mod folder;
mod hold;
mod leftovers;
mod place;
mod plain;
mod unrepeated;
mod write;

use std::env;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Serializer;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use sha2::{Digest, Sha256};

use crate::names;
pub use claim::{Claim, Output, check_outputs, claim};
pub use entries::Entries;
pub use error::FileError;
pub use folder::{NewFolder, Scratch};
pub use hold::hold;
pub use leftovers::remove_leftovers;
pub use place::place;
pub use plain::{open_growing, open_grown};
pub use unrepeated::Unrepeated;
pub use write::{Sink, Written, check_writable, create, write, write_beside, write_with};

/// What some editors put before UTF-8 text.
pub const BYTE_ORDER_MARK: &str = "\u{feff}";

/// The most bytes of a file of settings.
const MOST_SHORT: usize = 1 << 20;

/// Returns a path as it may stand in a line: names of files come from archives.
pub fn one_line(path: &Path) -> String {
    names::one_line(&path.display().to_string()).into_owned()
}

/// Serializes a path as [`path_text`].
///
/// # Errors
/// Those of the serializer.
pub fn escaped<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path_text(path))
}

/// Returns a path as text: as it is where it is UTF-8, else with `\xNN` for each byte that is not.
pub fn path_text(path: &Path) -> String {
    let mut text = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        text += chunk.valid();
        chunk.invalid().iter().for_each(|byte| text += &format!("\\x{byte:02x}"));
    }
    text
}

/// A file, opened to be read. A pipe is one too; a folder is none, nor is a device, which may never end.
///
/// # Errors
/// [`FileError::Read`].
pub fn open(path: &Path) -> Result<File, FileError> {
    let failed = |source| FileError::Read { path: path.to_owned(), source };
    let kind = fs::metadata(path).map_err(failed)?.file_type();
    if kind.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    if is_device(kind) {
        return Err(failed(io::Error::other("it is a device; name a file or a pipe")));
    }
    File::open(path).map_err(failed)
}

#[cfg(unix)]
fn is_device(kind: fs::FileType) -> bool {
    use std::os::unix::fs::FileTypeExt;
    kind.is_char_device() || kind.is_block_device()
}

#[cfg(not(unix))]
fn is_device(_: fs::FileType) -> bool {
    false
}

/// The bytes of a file.
///
/// # Errors
/// [`FileError::Read`].
pub fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes).map_err(|source| FileError::Read { path: path.to_owned(), source })?;
    Ok(bytes)
}

/// The text of a file.
///
/// # Errors
/// [`FileError::Read`], also when the file is not UTF-8.
pub fn read_text(path: &Path) -> Result<String, FileError> {
    let mut text = String::new();
    open(path)?.read_to_string(&mut text).map_err(|source| FileError::Read { path: path.to_owned(), source })?;
    Ok(text)
}

/// The text of a file that people write: a setting of one takes many times its bytes, so it has at most a mebibyte.
///
/// # Errors
/// [`FileError`], also when it has more.
pub fn read_short(path: &Path) -> Result<String, FileError> {
    let text = read_text(path)?;
    match text.len() {
        0..=MOST_SHORT => Ok(text),
        found => Err(format_error(path, format!("it has {found} bytes; a file of settings has at most {MOST_SHORT}"))),
    }
}

/// A JSON file as `T`. A byte order mark before it is passed over.
///
/// # Errors
/// [`FileError`]; malformed JSON names its line and column.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, FileError> {
    let bytes = read(path)?;
    let text = bytes.strip_prefix(BYTE_ORDER_MARK.as_bytes()).unwrap_or(&bytes);
    serde_json::from_slice(text).map_err(|fault| not_json(path, text, &fault))
}

/// The error for text that was not read as JSON: an empty file and one that is no JSON at all are told from JSON that says something else.
pub fn not_json(path: &Path, text: &[u8], fault: &serde_json::Error) -> FileError {
    let message = match fault.classify() {
        _ if text.trim_ascii().is_empty() => "the file is empty; JSON is expected".to_owned(),
        Category::Syntax | Category::Eof => format!("this is not JSON: {fault}"),
        // it repeats names that stand in the file
        Category::Data | Category::Io => names::one_line(&fault.to_string()).into_owned(),
    };
    format_error(path, message)
}

/// A TOML file as `T`. `T` refuses unknown fields; the error then names the nearest known one.
///
/// # Errors
/// [`FileError`]; the message shows the line.
pub fn read_toml<T: DeserializeOwned>(path: &Path) -> Result<T, FileError> {
    toml::from_str(&read_short(path)?).map_err(|e| {
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
    // a pipe too; what cannot be read says so
    if path.exists() && !path.is_dir() {
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

/// SHA-256 in lower-case hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Bytes that are read at a time of what is too large to be held.
pub const PIECE: usize = 1 << 20;

/// Hands a file to `take` piece by piece, each of at most [`PIECE`] bytes.
///
/// # Errors
/// [`FileError::Read`], or whatever `take` says.
pub fn read_pieces<E: From<FileError>>(path: &Path, mut take: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    let failed = |source| FileError::Read { path: path.to_owned(), source };
    let mut file = open(path)?;
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(count) => take(&piece[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error).into()),
        }
    }
}

/// SHA-256 of a file, in hexadecimal.
///
/// # Errors
/// [`FileError::Read`].
pub fn sha256_of(path: &Path) -> Result<String, FileError> {
    let mut digest = Sha256::new();
    read_pieces(path, |piece| {
        digest.update(piece);
        Ok::<_, FileError>(())
    })?;
    Ok(hex(&digest.finalize()))
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
    fn a_byte_order_mark_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("marked.json");
        write(&path, "\u{feff}[1, 2]".as_bytes()).unwrap();
        assert_eq!(read_json::<Vec<u8>>(&path).unwrap(), [1, 2]);
    }

    #[test]
    fn digests_are_the_standard_ones() {
        assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
