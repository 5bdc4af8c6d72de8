//! The promise: the house keeps its law. A room imports lower numbers of its own wing and the ground floor; rooms of the
//! same number never import each other, but those of the ground floor may; nobody imports `cli`; one room alone touches each
//! top-level folder.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wing {
    Ground,
    Puzzle,
    Tensor,
    Verdict,
    /// Sees every wing.
    Meeting,
}

use Wing::{Ground, Meeting, Puzzle, Tensor, Verdict};

const ROOMS: [(&str, u8, Wing); 35] = [
    ("clock", 0, Ground),
    ("files", 0, Ground),
    ("names", 0, Ground),
    ("rng", 0, Ground),
    ("units", 0, Ground),
    ("grid", 1, Puzzle),
    ("task", 2, Puzzle),
    ("puzzle", 2, Puzzle),
    ("augment", 3, Puzzle),
    ("concept", 3, Puzzle),
    ("picture", 3, Puzzle),
    ("encode", 4, Puzzle),
    ("overlap", 4, Puzzle),
    ("dataset", 5, Puzzle),
    ("kernels", 1, Tensor),
    ("device", 2, Tensor),
    ("ranks", 2, Tensor),
    ("ops", 3, Tensor),
    ("checkpoint", 3, Tensor),
    ("model", 4, Tensor),
    ("optim", 5, Tensor),
    ("prediction", 4, Verdict),
    ("vote", 5, Verdict),
    ("solver", 5, Verdict),
    ("score", 6, Verdict),
    ("submission", 6, Verdict),
    ("report", 7, Verdict),
    ("recipe", 7, Meeting),
    ("train", 8, Meeting),
    ("solve", 8, Meeting),
    ("bench", 9, Meeting),
    ("regress", 9, Meeting),
    ("cli", 10, Meeting),
    ("lib", 11, Meeting),
    ("main", 11, Meeting),
];

fn room(name: &str) -> (&'static str, u8, Wing) {
    let known = ROOMS.into_iter().find(|(room, ..)| *room == name);
    known.unwrap_or_else(|| panic!("room {name} is not in the plan; add it here and in src/lib.rs"))
}

fn may_import(from: &str, to: &str) -> bool {
    let ((from, floor, wing), (to, below, other)) = (room(from), room(to));
    let ground_reads_ground = floor == 0 && below == 0;
    let lower = below < floor || ground_reads_ground;
    let verdict_reads = wing == Verdict && ["grid", "task", "puzzle", "augment", "picture"].contains(&to);
    from == to || (lower && (other == Ground || wing == Meeting || wing == other || verdict_reads))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            paths.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
    paths.sort();
    paths
}

fn every_source() -> Vec<(String, PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let read = |path: PathBuf| {
        let relative = path.strip_prefix(&root).unwrap();
        let first = relative.components().next().unwrap().as_os_str().to_str().unwrap();
        (first.trim_end_matches(".rs").to_owned(), path.clone(), fs::read_to_string(&path).unwrap())
    };
    sources(&root).into_iter().map(read).collect()
}

/// The rooms that a text names by `crate::room` or `crate::{room::.., room}`.
fn imports(text: &str) -> BTreeSet<String> {
    let name = |rest: &str| -> String {
        rest.chars().take_while(|letter| letter.is_ascii_lowercase() || *letter == '_').collect()
    };
    let mut rooms = BTreeSet::new();
    for (start, _) in text.match_indices("crate::") {
        let rest = &text[start + "crate::".len()..];
        match rest.strip_prefix('{') {
            None => rooms.insert(name(rest)),
            Some(_) => {
                let shown: String = rest.chars().take(40).collect();
                panic!("write one `use crate::room::...` a line, so that the law can be read: {shown}")
            }
        };
    }
    rooms.remove("");
    rooms
}

#[test]
fn rooms_import_what_the_law_allows() {
    let mut checked = 0;
    for (from, path, text) in every_source() {
        if from == "lib" || from == "main" {
            continue;
        }
        for to in imports(&text) {
            assert!(may_import(&from, &to), "{}: {from} imports {to}", path.display());
            checked += 1;
        }
    }
    assert!(checked > 100, "only {checked} imports were found: is the test blind?");
}

#[test]
fn the_law_itself_forbids_what_it_should() {
    for (from, to) in [
        ("model", "task"),
        ("grid", "model"),
        ("vote", "solver"),
        ("score", "train"),
        ("train", "solve"),
        ("train", "bench"),
        ("picture", "augment"),
        ("picture", "submission"),
        ("report", "encode"),
    ] {
        assert!(!may_import(from, to), "{from} -> {to}");
    }
    for (from, to) in [
        ("model", "ops"),
        ("vote", "augment"),
        ("train", "model"),
        ("grid", "names"),
        ("recipe", "encode"),
        ("bench", "train"),
        ("report", "picture"),
        ("report", "puzzle"),
    ] {
        assert!(may_import(from, to), "{from} -> {to}");
    }
    assert!(ROOMS.iter().all(|(from, ..)| ["cli", "lib", "main"].contains(from) || !may_import(from, "cli")));
}

/// The top-level folders with their rooms.
const FOLDERS: [(&str, &str); 6] = [
    ("tasks", "task"),
    ("augmentations", "augment"),
    ("submissions", "submission"),
    ("reports", "report"),
    ("checkpoints", "checkpoint"),
    ("recipes", "recipe"),
];

/// The top-level folders that a text names outside its comments: in a literal that begins with the folder or climbs to it,
/// or joined as a word of its own. Examples in a help text touch nothing.
fn folders_named(text: &str) -> BTreeSet<(&'static str, &'static str)> {
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let names = |folder: &str| {
        [
            format!("\"{folder}/"),
            format!("../{folder}/"),
            format!("Path::new(\"{folder}\")"),
            format!("(\"{folder}\", "),
        ]
        .iter()
        .any(|form| code.contains(form))
    };
    FOLDERS.into_iter().filter(|(folder, _)| names(folder)).collect()
}

#[test]
fn one_room_alone_touches_each_top_level_folder() {
    let mut touched = BTreeSet::new();
    for (room, path, text) in every_source() {
        for (folder, owner) in folders_named(&text) {
            assert!(room == owner, "{} touches {folder}/, which belongs to {owner}", path.display());
            touched.insert(folder);
        }
    }
    assert_eq!(touched.len(), FOLDERS.len(), "only {touched:?} were found: is the test blind?");
    assert!(folders_named("// \"tasks/a\"").is_empty());
    assert_eq!(folders_named("let a = \"tasks/a\";").len(), 1);
}

/// True when a text opens a file: `File::open`, and not that of a type of ours whose name ends so.
fn opens_files(text: &str) -> bool {
    let is_std = |(place, _): (usize, &str)| !text[..place].ends_with(|letter: char| letter.is_alphanumeric());
    text.match_indices("File::open(").any(is_std) || text.contains("OpenOptions::new()")
}

/// Windows opens no folder as a file. The room `files` knows that, and nobody else opens what may be one.
#[test]
fn only_the_room_of_files_opens_what_may_be_a_folder() {
    let mut rooms = BTreeSet::new();
    for (room, path, text) in every_source() {
        if opens_files(&text) {
            assert!(room == "files", "{} opens a file; leave it to crate::files", path.display());
            rooms.insert(room);
        }
    }
    assert_eq!(rooms.len(), 1, "none was found: is the test blind?");
    assert!(opens_files("fs::File::open(folder)") && !opens_files("TorchFile::open(path)"));
}

#[test]
fn files_are_short_and_say_what_they_are() {
    for (_, path, text) in every_source() {
        let lines = text.lines().count();
        assert!(lines <= 350, "{} has {lines} lines; one idea each", path.display());
        let introduced = text.starts_with("//!") || path.ends_with("main.rs");
        assert!(introduced, "{} does not begin by saying what it is", path.display());
    }
}

/// The files that may be unsafe, each at the calls that its comments give a reason for; how many blocks and implementations of unsafe traits
/// there are, and what for.
const UNSAFE: [(&str, usize, &str); 12] = [
    ("src/device/cuda.rs", 7, "the CUDA driver's C interface"),
    ("src/kernels/amx.rs", 7, "tile registers, which the language does not know"),
    ("src/kernels/bfloat16.rs", 5, "products in AVX512-BF16 and on tiles"),
    ("src/kernels/bytes.rs", 5, "the same of bytes"),
    ("src/kernels/level.rs", 2, "functions that are compiled for a level"),
    ("src/kernels/tiles.rs", 3, "tiles laid out for them"),
    ("src/kernels/transpose.rs", 3, "16 x 16 numbers turned over in registers"),
    ("src/main.rs", 8, "the allocator, and what a signal does"),
    ("src/ops/bridge/cuda.rs", 8, "dfdx hides where its tensors lie; kernels are launched"),
    ("src/ops/bridge/mod.rs", 5, "dfdx hides where its tensors lie; work goes to other threads"),
    ("src/ops/bridge/nccl.rs", 3, "NCCL's C interface"),
    ("src/ops/linear/cuda.rs", 1, "cuBLAS's C interface"),
];

#[test]
fn nothing_is_left_open_and_nothing_is_unsafe() {
    for (_, path, text) in every_source() {
        let allowed = UNSAFE.iter().find(|(file, ..)| path.ends_with(file)).map_or(0, |(_, blocks, _)| *blocks);
        for word in ["todo!", "unimplemented!", "FIXME", "#[ignore", "dbg!"] {
            assert!(!text.contains(word), "{}: {word}", path.display());
        }
        let blocks = text.matches("unsafe {").count() + text.matches("unsafe impl").count();
        let reasons = text.matches("// SAFETY: ").count();
        assert_eq!(blocks, allowed, "{}: unsafe; what is there is counted in this file", path.display());
        let functions = text.matches("unsafe fn").count() + text.matches("unsafe extern").count();
        assert!(functions == 0 || blocks > 0, "{}: an unsafe function", path.display());
        assert_eq!(blocks, reasons, "{}: every unsafe block has its reason", path.display());
    }
}
