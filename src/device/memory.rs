//! Whether there is room: what a piece of work takes of a memory, told before any of it is taken.
//!
//! A host's room is what is available of its memory and its swap, or what a control group or the limits of the process (`ulimit -v`, `-d`)
//! leave of it, whichever is least. Linux alone tells; where nothing is told nothing is refused.
//!
//! What bites: an allocator sets addresses aside long before it uses them. So of a limit on addresses all counts as left that is not resident.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::DeviceError;
use crate::units::Bytes;

/// The share of what is told that is sure to be taken. Measured on trainings, benchmarks and a solving of half a million to 23 million numbers,
/// the peak of the resident memory was from 0.92 to 1.6 times what is told here.
const SURE: f64 = 0.8;

/// What is left of a memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// So much.
    pub bytes: Bytes,
    /// Of what.
    pub of: &'static str,
}

/// Work that takes more than there is memory for.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{work} takes about {needed} ({parts}), and {} of {} are left; {way_out}", .room.bytes, .room.of)]
pub struct NoRoom {
    /// What is to be done.
    pub work: String,
    /// What it takes in all.
    pub needed: String,
    /// What each part of it takes.
    pub parts: String,
    /// What is left.
    pub room: Room,
    /// What would take less.
    pub way_out: String,
}

/// What a piece of work takes, part by part. Bytes are float64: no size of a recipe is too large to be counted with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Needs(Vec<(String, f64)>);

impl Needs {
    /// The same work and this.
    pub fn and(mut self, what: impl Into<String>, bytes: f64) -> Self {
        self.0.push((what.into(), bytes));
        self
    }

    /// All of it.
    pub fn bytes(&self) -> f64 {
        self.0.iter().map(|(_, bytes)| bytes).sum()
    }

    /// Makes sure that it may fit. `way_out` says what would take less.
    ///
    /// # Errors
    /// [`DeviceError::NoRoom`] with all parts of `work`.
    pub fn within(&self, room: Option<Room>, work: &str, way_out: &str) -> Result<(), DeviceError> {
        let Some(room) = room else { return Ok(()) };
        if SURE * self.bytes() <= room.bytes.0 as f64 {
            return Ok(());
        }
        let mut parts = String::new();
        for (number, (what, bytes)) in self.0.iter().enumerate() {
            let comma = if number > 0 { ", " } else { "" };
            let _ = write!(parts, "{comma}{} for {what}", of_size(*bytes));
        }
        let (work, needed, way_out) = (work.to_owned(), of_size(self.bytes()), way_out.to_owned());
        Err(DeviceError::NoRoom(Box::new(NoRoom { work, needed, parts, room, way_out })))
    }
}

/// Bytes in words; more than any disk has are a power of ten.
fn of_size(bytes: f64) -> String {
    if bytes < 1e18 { Bytes(bytes as u64).to_string() } else { format!("{bytes:.0e} B") }
}

/// What is left of this host's memory for this process.
pub fn of_host() -> Option<Room> {
    let read = |path: &Path| fs::read_to_string(path).ok();
    let of_machine = read(Path::new("/proc/meminfo")).and_then(|text| available(&text));
    let of_group =
        read(Path::new("/proc/self/cgroup")).and_then(|text| left_of_group(&text, Path::new("/sys/fs/cgroup")));
    let resident = read(Path::new("/proc/self/status")).and_then(|text| kilobytes(&text, "VmRSS:"))?;
    let limits = read(Path::new("/proc/self/limits")).unwrap_or_default();
    let of_limit = |name| limit(&limits, name).map(|most| most.saturating_sub(resident));
    let rooms = [
        ("memory", of_machine),
        ("the memory of its control group", of_group),
        ("the addresses that its limit allows (ulimit -v)", of_limit("Max address space")),
        ("the data that its limit allows (ulimit -d)", of_limit("Max data size")),
    ];
    let rooms = rooms.into_iter().filter_map(|(of, bytes)| Some(Room { bytes: Bytes(bytes?), of }));
    rooms.min_by_key(|room| room.bytes)
}

/// What `/proc/meminfo` says is available without swapping, and the swap that is free.
fn available(meminfo: &str) -> Option<u64> {
    Some(kilobytes(meminfo, "MemAvailable:")? + kilobytes(meminfo, "SwapFree:").unwrap_or(0))
}

/// The bytes of a line such as `VmRSS:  1024 kB`.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The soft limit of this name in `/proc/self/limits`; `None` where there is none.
fn limit(limits: &str, name: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// What is left in the control groups of a process, of which `/proc/self/cgroup` has the text: of the second version (`0::PATH`) or the first
/// (`N:memory:PATH`), and of all groups above. What only caches files counts as left.
fn left_of_group(groups: &str, root: &Path) -> Option<u64> {
    let lefts = groups.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        let (root, names) = match controllers {
            "" => (root.to_owned(), ["memory.max", "memory.current", "inactive_file "]),
            _ if controllers.split(',').any(|name| name == "memory") => {
                (root.join("memory"), ["memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file "])
            }
            _ => return None,
        };
        // in a container the path may be one of the host, where the group itself lies at the root
        let above: Vec<PathBuf> =
            Path::new(path.trim_start_matches('/')).ancestors().map(|part| root.join(part)).collect();
        above.iter().filter_map(|group| left_of(group, names)).min()
    });
    lefts.min()
}

fn left_of(group: &Path, [most, used, cached]: [&str; 3]) -> Option<u64> {
    let number = |name: &str| fs::read_to_string(group.join(name)).ok()?.trim().parse::<u64>().ok();
    let stat = fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
    let cached = stat.lines().find_map(|line| line.strip_prefix(cached)?.trim().parse::<u64>().ok()).unwrap_or(0);
    Some(number(most)?.saturating_sub(number(used)?.saturating_sub(cached)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_with_every_part_and_what_fits_is_not() {
        let needs = Needs::default().and("weights", 3e9).and("activations", 1.5e9);
        let room = |bytes| Some(Room { bytes: Bytes(bytes), of: "memory" });
        assert_eq!(needs.within(room(3_600_000_000), "this", "take less"), Ok(()));
        assert_eq!(needs.within(None, "this", "take less"), Ok(()), "where nothing is told nothing is refused");
        let fault = needs.within(room(3_500_000_000), "this training", "take less").unwrap_err().to_string();
        assert_eq!(
            fault,
            "this training takes about 4.5 GB (3.0 GB for weights, 1.5 GB for activations), and 3.5 GB of memory are left; take less"
        );
        let endless = Needs::default().and("weights", 1e30).within(room(1), "this", "").unwrap_err().to_string();
        assert!(endless.contains("about 1e30 B"), "{endless}");
    }

    #[test]
    fn a_machine_says_what_is_available_and_what_it_can_swap() {
        let text = "MemTotal:       24684092 kB\nMemFree: 5 kB\nMemAvailable:   2000 kB\nSwapFree:  48 kB\n";
        assert_eq!(available(text), Some(2048 * 1024));
        assert_eq!(available("MemFree: 5 kB\n"), None);
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
                      Max data size             unlimited            unlimited            bytes     \n\
                      Max address space         1024000000           unlimited            bytes     \n";
        assert_eq!((limit(limits, "Max address space"), limit(limits, "Max data size")), (Some(1_024_000_000), None));
    }

    #[test]
    fn the_narrowest_control_group_of_either_version_counts_and_cached_files_do_not() {
        let root = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        put("a/b/memory.max", "max\n");
        put("a/b/memory.current", "300\n");
        put("a/memory.max", "1000\n");
        put("a/memory.current", "400\n");
        put("a/memory.stat", "active_file 7\ninactive_file 100\n");
        assert_eq!(left_of_group("0::/a/b\n", root.path()), Some(700));
        assert_eq!(left_of_group("0::/nowhere\n", root.path()), None);
        put("memory/c/memory.limit_in_bytes", "900\n");
        put("memory/c/memory.usage_in_bytes", "500\n");
        put("memory/c/memory.stat", "inactive_file 1\ntotal_inactive_file 50\n");
        assert_eq!(left_of_group("5:pids:/c\n4:memory:/c\n0::/a\n", root.path()), Some(450));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_machine_has_some_room() {
        assert!(of_host().unwrap().bytes > Bytes(1_000_000));
    }
}
