//! Leftovers: what a killed program was writing and nobody will ever finish, and the lock files that it held.
//!
//! Whatever is being written is locked by its writer, and the system takes the lock from a process that ends, however it ends. So a file
//! whose lock can be had has no writer. Note: between making a file and locking it another program may take it for a leftover; who makes
//! one looks whether it still has it.

use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;
use std::process;

use tempfile::Builder;

use super::durable::open_folder;
use super::plain::{is_at, open_to_lock};
use super::sha256;

/// Beginning of the name of what is being written: the number of its process, a hyphen and random letters follow.
const TEMPORARY: &str = ".trm-arc-tmp-";

/// Random letters of such a name.
const RANDOM: usize = 12;

/// Beginning of a lock file's name: digits of the digest of what it locks follow.
const LOCK: &str = ".trm-arc-lock-";

/// Hexadecimal digits of such a name.
const DIGITS: usize = 16;

/// Times that a file is made anew because another program took it for a leftover.
const TRIES: usize = 16;

/// Makes a temporary file or folder by `make`, locked by the handle that comes with it. The handle, or a copy of it, must be kept until the
/// thing is whole or gone.
///
/// # Errors
/// Those of `make`.
pub(super) fn guarded<T: AsRef<Path>>(
    mut make: impl FnMut(&mut Builder<'_, '_>) -> io::Result<(T, File)>,
) -> io::Result<(T, File)> {
    let prefix = format!("{TEMPORARY}{}-", process::id());
    for attempt in 1..=TRIES {
        let (thing, guard) = match make(Builder::new().prefix(&prefix).rand_bytes(RANDOM)) {
            // a folder that is removed before it is opened to be locked
            Err(error) if error.kind() == io::ErrorKind::NotFound && attempt < TRIES => continue,
            made => made?,
        };
        // a file system without locks has no leftovers that are known as such
        let is_taken = matches!(guard.try_lock(), Err(TryLockError::WouldBlock));
        if !is_taken && thing.as_ref().exists() {
            return Ok((thing, guard));
        }
    }
    Err(io::Error::other("another program removes what is written here"))
}

/// Returns the name of the lock file of an output with this name.
pub(super) fn lock_name(output: &OsStr) -> String {
    format!("{LOCK}{}", &sha256(output.as_encoded_bytes())[..DIGITS])
}

/// True for exactly the names that this program gives.
fn is_ours(name: &str) -> bool {
    let is_temporary = |rest: &str| {
        let (process, random) = rest.split_once('-').unwrap_or_default();
        let is_number = !process.is_empty() && process.bytes().all(|byte| byte.is_ascii_digit());
        is_number && random.len() == RANDOM && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let is_lock = |rest: &str| rest.len() == DIGITS && rest.bytes().all(|byte| b"0123456789abcdef".contains(&byte));
    name.strip_prefix(TEMPORARY).is_some_and(is_temporary) || name.strip_prefix(LOCK).is_some_and(is_lock)
}

/// Removes from a folder what killed programs left there. What cannot be removed costs space and no more.
pub fn remove_leftovers(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten().filter(|entry| entry.file_name().to_str().is_some_and(is_ours)) {
        let Ok(kind) = entry.file_type() else { continue };
        let path = entry.path();
        let file = match () {
            () if kind.is_file() => open_to_lock(&path),
            // elsewhere than on Unix a folder has no lock that tells whether it is being filled
            () if kind.is_dir() && cfg!(unix) => open_folder(&path),
            () => continue,
        };
        if file.is_ok_and(|file| file.try_lock().is_ok() && is_at(&file, &path)) {
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
        fs::write(path(".trm-arc-tmp-12-abcdefABCD12"), "half").unwrap();
        fs::create_dir(path(".trm-arc-tmp-7-abcdefABCD12")).unwrap();
        fs::write(path(".trm-arc-tmp-7-abcdefABCD12/half"), "half").unwrap();
        fs::write(path(&lock_name("out.json".as_ref())), "").unwrap();
        let kept = [".hidden", ".trm-arc-backup", ".trm-arc-lock-file", ".trm-arc-tmp-notes", "kept"];
        kept.iter().for_each(|name| fs::write(path(name), "whole").unwrap());
        fs::create_dir(path(".trm-arc-tmp-7-abcdefABCD1")).unwrap();
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
        let also = [".trm-arc-tmp-7-abcdefABCD1", "new", "written"];
        let mut expected = [&kept[..], &also[..]].concat();
        expected.sort_unstable();
        assert_eq!(left, expected);
    }
}
