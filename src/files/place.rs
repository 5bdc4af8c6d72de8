//! Places: whether two paths lead to one file, however they are spelled.

use std::io;
use std::path::{Component, Path, PathBuf};

use super::FileError;

/// Returns where a path leads: the same for all ways to spell it, also when nothing is there yet. For comparisons alone: what is opened is
/// opened by the path that was given, so that the system's own rules for links hold.
///
/// # Errors
/// [`FileError::Write`] when nothing above it is there.
pub fn place(path: &Path) -> Result<PathBuf, FileError> {
    let failed = |source| FileError::Write { path: path.to_owned(), source };
    let target = std::path::absolute(path).map_err(failed)?;
    let there = target.ancestors().find_map(|ancestor| Some((ancestor, ancestor.canonicalize().ok()?)));
    let (ancestor, mut place) = there.ok_or_else(|| failed(io::ErrorKind::NotFound.into()))?;
    for component in target.strip_prefix(ancestor).expect("an ancestor is a prefix").components() {
        match component {
            Component::ParentDir => drop(place.pop()),
            other => place.push(other),
        }
    }
    Ok(place)
}

/// True when two places, as [`place`] gives them, are one file or folder; another name of the same file (a hard link) counts.
#[cfg(unix)]
pub(super) fn is_same(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let number = |path: &Path| path.metadata().ok().map(|found| (found.dev(), found.ino()));
    a == b || number(a).is_some_and(|a| Some(a) == number(b))
}

/// True when two places, as [`place`] gives them, are one file or folder.
#[cfg(not(unix))]
pub(super) fn is_same(a: &Path, b: &Path) -> bool {
    a == b || a.canonicalize().is_ok_and(|a| b.canonicalize().is_ok_and(|b| a == b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_place_has_one_name() {
        let folder = tempfile::tempdir().unwrap();
        let plain = place(&folder.path().join("new/a.json")).unwrap();
        assert_eq!(place(&folder.path().join("./new/../new/./a.json")).unwrap(), plain);
        assert_ne!(place(&folder.path().join("a.json")).unwrap(), plain);
        assert_eq!(place(Path::new("a.json")).unwrap(), place(Path::new("./src/../a.json")).unwrap());
    }

    #[cfg(unix)]
    #[test]
    fn links_of_both_kinds_lead_to_one_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("file"), "").unwrap();
        std::fs::write(path("other"), "").unwrap();
        std::fs::hard_link(path("file"), path("hard")).unwrap();
        std::os::unix::fs::symlink(path("file"), path("soft")).unwrap();
        let place = |name: &str| place(&path(name)).unwrap();
        assert!(is_same(&place("file"), &place("soft")) && is_same(&place("file"), &place("hard")));
        assert!(!is_same(&place("file"), &place("other")) && !is_same(&place("new"), &place("newer")));
    }
}
