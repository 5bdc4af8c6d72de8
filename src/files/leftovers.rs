//! Leftovers: what a killed program was writing and nobody will ever finish.
//!
//! Whatever is on its way is locked by its writer, and the system takes the lock from a process that ends, however it ends. So a file
//! whose lock can be had has no writer. What bites: between making a file and locking it another program may take it for a leftover; who makes
//! one looks whether it still has it.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use tempfile::Builder;

/// How the names of what is on its way begin.
const PREFIX: &str = ".trm-arc-";

/// Times that a file is made anew because another program took it for a leftover.
const TRIES: usize = 16;

/// What `make` makes, locked by the handle that comes with it. The handle, or a copy of it, is to be kept as long as the thing is on its way.
///
/// # Errors
/// Those of `make`.
pub(super) fn guarded<T: AsRef<Path>>(
    mut make: impl FnMut(&mut Builder<'_, '_>) -> io::Result<(T, File)>,
) -> io::Result<(T, File)> {
    for _ in 0..TRIES {
        let (thing, guard) = make(Builder::new().prefix(PREFIX))?;
        // a file system without locks has no leftovers that are known as such
        let is_taken = matches!(guard.try_lock(), Err(TryLockError::WouldBlock));
        if !is_taken && thing.as_ref().exists() {
            return Ok((thing, guard));
        }
    }
    Err(io::Error::other("another program removes what is written here"))
}

/// Removes from a folder what killed programs left there on its way. What cannot be removed costs space and no more.
pub fn remove_leftovers(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        if !is_ours || !(kind.is_file() || kind.is_dir()) {
            continue;
        }
        let path = entry.path();
        let Ok(file) = File::open(&path) else { continue };
        if file.try_lock().is_ok() {
            drop(if kind.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{NewFolder, Sink, write_with};
    use super::*;
    use crate::files::FileError;

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn what_nobody_writes_any_more_is_removed_and_nothing_else() {
        let around = tempfile::tempdir().unwrap();
        let path = |name: &str| around.path().join(name);
        fs::write(path(".trm-arc-dead"), "half").unwrap();
        fs::create_dir(path(".trm-arc-folder")).unwrap();
        fs::write(path(".trm-arc-folder/half"), "half").unwrap();
        fs::write(path("kept"), "whole").unwrap();
        fs::write(path(".hidden"), "whole").unwrap();
        let filled = NewFolder::begin(&path("new")).unwrap();
        write_with::<FileError>(&path("written"), |sink: &mut Sink| {
            sink.write(b"one ")?;
            remove_leftovers(around.path());
            sink.write(b"two")
        })
        .unwrap();
        assert_eq!(fs::read_to_string(path("written")).unwrap(), "one two");
        fs::write(filled.path().join("a"), "1").unwrap();
        filled.finish().unwrap();
        let mut left = names(around.path());
        left.sort();
        assert_eq!(left, [".hidden", "kept", "new", "written"]);
    }
}
