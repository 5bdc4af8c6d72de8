//! Locks: one run at a time where two would write over each other.
//!
//! The lock is the system's, which takes it back when the process ends, however it ends.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::FileError;
use super::plain::{is_at, open_to_lock};

/// How often, and how long apart, a lock is asked for: a child that another thread starts holds for a moment what its parent held, until it
/// becomes another program.
const TRIES: u32 = 40;
const BETWEEN: Duration = Duration::from_millis(25);

/// Times that a lock file is made anew because the run that had it removed it.
const MAX_REMOVED: usize = 100;

/// Locks an open file or folder, which lies at `path`, as long as it stays open. Where the file system has no locks nothing is held.
///
/// # Errors
/// [`FileError::Busy`] when another process has it.
pub fn hold(file: &File, path: &Path) -> Result<(), FileError> {
    for attempt in 1..=TRIES {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if attempt < TRIES => thread::sleep(BETWEEN),
            Err(TryLockError::WouldBlock) => return Err(FileError::Busy { path: path.to_owned() }),
            Ok(()) | Err(TryLockError::Error(_)) => break,
        }
    }
    Ok(())
}

/// A lock on what is not there yet or will be replaced: an empty file beside it, removed when this is dropped. After a kill the next start removes it.
#[derive(Debug)]
pub(super) struct LockFile {
    path: PathBuf,
    file: File,
}

impl LockFile {
    /// Locks `output` by the file `path`, whose folder is there.
    ///
    /// # Errors
    /// [`FileError::Busy`] and [`FileError::Write`].
    pub(super) fn take(path: PathBuf, output: &Path) -> Result<Self, FileError> {
        let failed = |source| FileError::Write { path: path.clone(), source };
        for _ in 0..MAX_REMOVED {
            let file = match open_to_lock(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    match OpenOptions::new().write(true).create_new(true).open(&path) {
                        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
                        _ => continue,
                    }
                }
                result => result.map_err(failed)?,
            };
            hold(&file, output)?;
            // The run that had it may have removed it in between.
            if is_at(&file, &path) {
                return Ok(Self { path, file });
            }
        }
        Err(FileError::Busy { path: output.to_owned() })
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        if is_at(&self.file, &self.path) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_file_is_held_by_one_at_a_time_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let take = || LockFile::take(path.clone(), Path::new("out.json"));
        let held = take().unwrap();
        let fault = take().unwrap_err().to_string();
        assert!(fault.contains("another run is writing to out.json") && fault.contains("hint: "), "{fault}");
        drop(held);
        assert!(!path.exists());
        drop(take().unwrap());
    }

    #[test]
    fn many_takers_of_one_lock_file_never_hold_it_together() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let inside = std::sync::Mutex::new(());
        thread::scope(|scope| {
            let taker = || {
                for _ in 0..50 {
                    if let Ok(held) = LockFile::take(path.clone(), &path) {
                        let alone = inside.try_lock().expect("two have the lock");
                        drop((alone, held));
                    }
                }
            };
            (0..4).for_each(|_| drop(scope.spawn(taker)));
        });
        assert!(!path.exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_place_of_a_lock_file_is_refused_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (path, victim) = (folder.path().join("lock"), folder.path().join("victim"));
        fs::write(&victim, "precious").unwrap();
        std::os::unix::fs::symlink(&victim, &path).unwrap();
        assert!(LockFile::take(path.clone(), &path).unwrap_err().to_string().contains("symbolic link"));
        assert!(path.is_symlink());
        assert_eq!(fs::read_to_string(victim).unwrap(), "precious");
    }
}
