//! Holding: one run at a time where two would write over each other.
//!
//! The lock is the system's, which takes it back when the process ends, however it ends; nothing has to be cleaned up after a kill.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::FileError;
use super::durable::make_folders;

/// How often, and how long apart, a lock is asked for: a child that another thread starts holds for a moment what its parent held, until it
/// becomes another program.
const TRIES: u32 = 40;
const BETWEEN: Duration = Duration::from_millis(25);

/// A file or folder that no other run takes until this is dropped.
#[derive(Debug)]
pub struct Held {
    _file: File,
}

/// Locks an open file, which lies at `path`, as long as it stays open. Where the file system has no locks nothing is held.
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

/// Locks a folder that is there. Where folders cannot be locked nothing is held.
///
/// # Errors
/// [`FileError::Busy`] when another process has it, [`FileError::Read`] when it is not to be opened.
pub fn hold_folder(folder: &Path) -> Result<Held, FileError> {
    // elsewhere than on Unix a folder cannot be opened as a file
    let open = if cfg!(unix) { File::open(folder) } else { tempfile::tempfile() };
    let file = open.map_err(|source| FileError::Read { path: folder.to_owned(), source })?;
    hold(&file, folder)?;
    Ok(Held { _file: file })
}

/// The same for a folder that is made when it is not there.
///
/// # Errors
/// As of [`hold_folder`], and [`FileError::Write`].
pub fn hold_new_folder(folder: &Path) -> Result<Held, FileError> {
    make_folders(folder).map_err(|source| FileError::Write { path: folder.to_owned(), source })?;
    hold_folder(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_held_by_one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let held = hold_folder(folder.path()).unwrap();
        let fault = hold_folder(folder.path()).unwrap_err().to_string();
        assert!(fault.contains("another run is writing to") && fault.contains("another place"), "{fault}");
        drop(held);
        hold_folder(folder.path()).unwrap();
    }
}
