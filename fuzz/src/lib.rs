//! What the fuzz targets share: bytes become files in a folder that is gone afterwards, and a refusal must name its file.

use std::fmt::Display;
use std::fs;
use std::path::Path;

use tempfile::TempDir;

/// What stands between the files of one input.
pub const BETWEEN: &[u8] = b"\n=====\n";

/// The most bytes of an error beside what it may repeat of the input.
const LONGEST_ERROR: usize = 8192;

/// A folder in memory, where there is one.
pub fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder can be made")
}

/// The input as so many files; those that are not there are empty.
pub fn files<const N: usize>(input: &[u8]) -> [&[u8]; N] {
    let mut rest = Some(input);
    std::array::from_fn(|_| {
        let Some(bytes) = rest else { return &[][..] };
        let end = bytes.windows(BETWEEN.len()).position(|window| window == BETWEEN);
        rest = end.map(|end| &bytes[end + BETWEEN.len()..]);
        end.map_or(bytes, |end| &bytes[..end])
    })
}

/// Hands the bytes on as a file of this name.
pub fn with_file<T>(name: &str, bytes: &[u8], read: impl FnOnce(&Path) -> T) -> T {
    let folder = folder();
    let path = folder.path().join(name);
    fs::write(&path, bytes).expect("a small file can be written");
    read(&path)
}

/// What was read. A refusal is one error that names the path and does not steer the terminal.
pub fn read_or_refused<T, E: Display>(path: &Path, result: Result<T, E>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            let text = error.to_string();
            assert!(text.contains(&path.display().to_string()), "the error does not name {}: {text}", path.display());
            let input = fs::metadata(path).map_or(0, |found| found.len() as usize);
            assert!(text.len() < 2 * input + LONGEST_ERROR, "an error of {} bytes", text.len());
            None
        }
    }
}
