//! The promise: the order of identifiers and the folder of arrays are those of the published build, bit for bit. `tests/published-data/README.md`
//! says how the published code wrote the numbers here.

mod program;

use std::fs;
use std::path::Path;
#[cfg(unix)]
use std::process::{Command as Process, Stdio};
use std::sync::atomic::AtomicBool;
#[cfg(unix)]
use std::thread;
#[cfg(unix)]
use std::time::{Duration, Instant};

use program::{Program, assert_refused, names_in};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use trm_arc::dataset::published::{self, PublishedOrder};
use trm_arc::dataset::{BLANK, Identifiers};
use trm_arc::task::{self, TaskSet};

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn digest(order: &PublishedOrder<'_>) -> String {
    hex(order.names().map(|name| name + "\n").collect::<String>().as_bytes())
}

fn identifiers(sets: &[TaskSet], variants: usize, seed: u32) -> PublishedOrder<'_> {
    published::identifiers(sets, variants, seed, &AtomicBool::new(false)).unwrap()
}

fn sets(benchmark: &str) -> [TaskSet; 2] {
    ["training", "evaluation"].map(|part| task::load(&format!("{benchmark}/{part}")).unwrap())
}

/// Variants, seed, names, tasks with fewer variants, SHA-256.
type Expected = (usize, u32, usize, usize, &'static str);

fn assert_lists(benchmark: &str, expected: &[Expected]) {
    let sets = sets(benchmark);
    for &(variants, seed, count, short, sha256) in expected {
        let order = identifiers(&sets, variants, seed);
        let found = (order.count(), order.short(), digest(&order));
        assert_eq!(found, (count, short, sha256.to_owned()), "{benchmark}, {variants} variants, seed {seed}");
    }
}

/// Sets `training` and `evaluation`.
#[test]
fn identifiers_of_arc_agi_1_are_the_published_ones() {
    assert_lists(
        "arc-agi-1",
        &[
            (0, 0, 801, 0, "603e0cdf07f533a81302b36a6b742ad652df7668c21245d0fc625aa78440c54e"),
            (0, 42, 801, 0, "102ed0471ac7406af93b18ec461b7cbcb7bac43846ca5ed27716174326b7fe0f"),
            (0, 12345, 801, 0, "79d9ab024c712b0a230e5f30c539c43d9948cacebe4ff7bdbb9d382a1f2bae95"),
            (1, 0, 1601, 0, "7fe141a3e70cbb8d16fa98d1d0dd83768631bd22de1703962da48b3f4bf635ff"),
            (1, 42, 1601, 0, "b5fa1c945321f1ea703f00f9236bf1785d9cb65d150723b5838929eb86267dac"),
            (1, 12345, 1601, 0, "0c5208fef516487c519ee3dca5ec1da1a5ad4ac51d7df0578b56e76d97604b12"),
            (8, 0, 7201, 0, "9fc3309087e656e6db1d574ec2e7e2a1ae71d4d8fd86adbbbc094961be510dc2"),
            (8, 42, 7201, 0, "a41c1b81e731b8993bc0cc3ccf3bce9ac20b4a4cf89e29ecaef08b56d7062500"),
            (8, 12345, 7201, 0, "51eae0e480f77d75269bdd3eb0d101ea9ea750379dab5b3e1f5188a75f93fb35"),
            (50, 0, 40726, 2, "5d820175a5091524e75e96226454cb0bbb1366759608a9b9503a7bca066e8b65"),
            (50, 42, 40726, 2, "6cab5ae747d8f48cfb765266f671b5a36a194a37038d18476d105aba724ec2c1"),
            (50, 12345, 40726, 2, "9c0a1f52d21b0a36b393c17586efbec705d1cc64476714b484b3fb522619b4d7"),
        ],
    );
}

/// Sets `training2` and `evaluation2`.
#[test]
fn identifiers_of_arc_agi_2_are_the_published_ones() {
    assert_lists(
        "arc-agi-2",
        &[
            (0, 0, 1121, 0, "69efd5c6a1b65e497911818bfaf912acd3faa85cc3851a8df534f43aab4d4944"),
            (0, 42, 1121, 0, "f1cb64fdd045400667897b4368f4ff3e73fbbbf6235f485f412ac744a534dac9"),
            (0, 12345, 1121, 0, "884dc38cc2a8ce694360441fb60216b7b3020dde8a7c3c5bf8c592719de8f473"),
            (1, 0, 2241, 0, "634a63a223d3a7f14165487bb8bd63c22bcd1f134285076311aaa164496e5621"),
            (1, 42, 2241, 0, "9f182404d67c3180da95810e9b5889bc224279901e5ec452653e150478269a31"),
            (1, 12345, 2241, 0, "da16ba18ae05456c9acd55f50b3c1ca020b06d3a0e52181c6ac9a849fe39d9f8"),
            (8, 0, 10081, 0, "e5f2f6fa63a4a3a55c0b705f48f67fe5d08c86881ac9edc0506ce60c22ccc206"),
            (8, 42, 10080, 1, "05b16170e942990dde6a97da3534bf95f3ae444593b186e7db0300203a508b76"),
            (8, 12345, 10081, 0, "d0c7d3edf6de954c5cd71b437244ee0960860c9f55d1c1014ce779a1baa75c72"),
            (50, 0, 57031, 3, "7d2907ba4773db1a1142ee69c27d3aa3d15b92f362d6a24c07ff5f0b2d140d7b"),
            (50, 42, 57031, 3, "8cceb8388749ea681c30b2b989b535d695d670233bee1a74c9e7de3edb9b461c"),
            (50, 12345, 57031, 3, "ca2ffdc9c8310e4f1aa033a85277809e59587f3d8d595139afc724c600a2ad2e"),
        ],
    );
}

/// The first 730,515 names of the published ARC-AGI-1 checkpoint and the first 1,045,839 of that of ARC-AGI-2.
#[cfg(not(debug_assertions))]
#[test]
fn all_identifiers_of_a_published_table_are_the_published_ones() {
    for (benchmark, count, short, sha256) in [
        ("arc-agi-1", 730515, 140, "35d6c7c1538fc521bb3cf84fec9ac912e47a0f454099fbb9f73d7f22e55746ad"),
        ("arc-agi-2", 1045839, 151, "9167171644198fce4c1ae2a4b5403996b26e9501d6c96f68da738e5f77183653"),
    ] {
        assert_lists(benchmark, &[(1000, 42, count, short, sha256)]);
    }
}

#[test]
fn names_in_order_are_identifiers() {
    let sets = sets("arc-agi-1");
    let order = identifiers(&sets, 8, 42);
    let found = Identifiers::new(order.names()).unwrap();
    assert_eq!((found.count(), found.tasks(), found.most_variants()), (order.count(), 800, 9));
    assert!(found.to_lines().starts_with(&format!("{BLANK}\n")));
    for ordered in &order.tasks {
        assert_eq!(found.of_task(&ordered.task.id), ordered.variants);
    }
}

/// SHA-256 of the arrays of the small folder.
const TINY: [(&str, &str); 10] = [
    ("test/all__group_indices.npy", "2363d9bc06e900eb970e1f38307ecdc5725c8e8e011823f962e8364531d95631"),
    ("test/all__inputs.npy", "5dc30eafd58acf5d6a2780894060a05e94a1f4c31d772f8ad0b60e0161945c8c"),
    ("test/all__labels.npy", "d812da63b31e935d7f39695494971eeb432d626088041d4cbec7a835e0816df8"),
    ("test/all__puzzle_identifiers.npy", "c349edcd093c6e6edeb612e2636a2cb012d3d286522e30607f5a55e1219a3a92"),
    ("test/all__puzzle_indices.npy", "d04e781c17ab2fab4cb84d20dc3c7a7c1eebc3a2ad0119f11ab85c4ac57ac7c5"),
    ("train/all__group_indices.npy", "366fd1e4a46b74a0a52b0b980a676e67783d12cf191b5fefc60b8ea11ac15fdf"),
    ("train/all__inputs.npy", "c0069a11a2d7405d1aab212eeff379f4b68f66bcd1d8d70bf0c09b4605b2fe45"),
    ("train/all__labels.npy", "8cf4ff2c1adae977c07b1eeefe19ab00647e86915cfda0d1b3d5c37b0553d1ad"),
    ("train/all__puzzle_identifiers.npy", "16088a5073a10310417c26d4d154a8133fc8f3f15cc5079f3c3f819a68e33d4f"),
    ("train/all__puzzle_indices.npy", "2b7ebee96f80239b039d3e13dde38335372fbd0ee7d0b4441e2142a688d740b4"),
];

/// Subsets `training evaluation`, test set `evaluation`, one variant, seed 42, of the published files of ARC-AGI-1.
const WHOLE: [(&str, &str); 10] = [
    ("test/all__group_indices.npy", "c92ec64f9304b38cd55c164c72735b2e5d005ea80b5357c21c90ad0bdffa6236"),
    ("test/all__inputs.npy", "3be056188f207a7b69b02d1a31fa9d948f5dd6d7608ce79e1fda27933b1ff58b"),
    ("test/all__labels.npy", "d7afb770972bee82a20131e8aa85e9b3eb55d350f06307b33f7c384299baf758"),
    ("test/all__puzzle_identifiers.npy", "7101cbd818b03aaf041fb7e5463c5af529e6a800f2fabdcf078c43b263a0fb92"),
    ("test/all__puzzle_indices.npy", "69ebf787ebdace84e003f5e4d3a354e3530b392755ec581fd6ddfdd9838a3e9c"),
    ("train/all__group_indices.npy", "db5f10def7fe61e5d45a35985c0319c2fc033fa0cbd281075a8ae277e3d3b487"),
    ("train/all__inputs.npy", "0a4a7e8208932355d273d7e15c554f7a6dfb43d8d5b7570501971d004d241cae"),
    ("train/all__labels.npy", "48cb83c1a2e5eba13f656da34cfbbe4a8056d87208cb03cde3bf3367b2b8d06f"),
    ("train/all__puzzle_identifiers.npy", "4ee0a7468a4f50af83353beb295cf08eb0b63c635aa5a47668cff096515c404e"),
    ("train/all__puzzle_indices.npy", "d4fb886c42cceaa1875e3cab3236f0806470abc00188838bd42c9af2ec67262a"),
];

fn tiny(set: &str) -> String {
    format!("{}/tests/published-data/tiny_{set}_challenges.json", env!("CARGO_MANIFEST_DIR"))
}

/// The arguments that make the small folder.
fn tiny_arguments() -> Vec<String> {
    let [first, second, hidden] = ["first", "second", "hidden"].map(tiny);
    let words = ["--tasks", &first, "--tasks", &second, "--tasks", &hidden, "--test-set", &second];
    words.into_iter().chain(["--tests-first", &first, "--variants", "30"]).map(str::to_owned).collect()
}

fn run(program: &Program, words: &[&str], arguments: &[String]) -> program::Ended {
    let arguments: Vec<&str> = words.iter().copied().chain(arguments.iter().map(String::as_str)).collect();
    program.run(&arguments)
}

fn assert_arrays(folder: &Path, expected: &[(&str, &str)]) {
    for (name, sha256) in expected {
        assert_eq!(hex(&fs::read(folder.join(name)).unwrap()), *sha256, "{name}");
    }
}

fn json_of(path: impl AsRef<Path>) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The small folder, written anew.
fn exported() -> Program {
    let program = Program::new();
    let ended = run(&program, &["dataset", "export", "--output", "out/tiny"], &tiny_arguments());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(ended.stdout, "out/tiny, 204 identifiers, 803 examples to learn and 93 to ask\n");
    assert_eq!(ended.stderr, "fewer than 30 variants beside the plain task: 1 of 7 tasks\n");
    program
}

#[test]
fn an_exported_folder_is_the_published_one() {
    let program = exported();
    let out = program.0.path().join("out");
    assert_eq!(names_in(&out), ["tiny"]);
    let folder = out.join("tiny");
    assert_eq!(names_in(&folder), ["identifiers.json", "test", "test_puzzles.json", "train"]);
    assert_arrays(&folder, &TINY);
    let published = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/published-data");
    for name in ["identifiers.json", "test_puzzles.json"] {
        assert_eq!(json_of(folder.join(name)), json_of(published.join(format!("tiny_{name}"))), "{name}");
    }
    let metadata = |groups: usize, mean: f64, puzzles: usize| {
        json!({
            "pad_id": 0, "ignore_label_id": 0, "blank_identifier_id": 0, "vocab_size": 12, "seq_len": 900, "num_puzzle_identifiers": 204,
            "total_groups": groups, "mean_puzzle_examples": mean, "total_puzzles": puzzles, "sets": ["all"],
        })
    };
    assert_eq!(json_of(folder.join("train/dataset.json")), metadata(7, 3.9362745098039214, 204));
    assert_eq!(json_of(folder.join("test/dataset.json")), metadata(2, 1.5, 62));
}

#[test]
fn arc_agi_1_lists_its_tests_first_by_itself() {
    let program = Program::new();
    let words = "dataset export --tasks arc-agi-1/training --tasks arc-agi-1/evaluation --test-set arc-agi-1/evaluation --variants 1";
    let ended = program.run(&words.split(' ').chain(["--output", "one"]).collect::<Vec<_>>());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_arrays(&program.0.path().join("one"), &WHOLE);
}

#[test]
fn a_whole_folder_passes_the_check_and_every_change_is_named() {
    let program = exported();
    let check = |arguments: &[String]| run(&program, &["dataset", "check", "out/tiny"], arguments);
    let passed = check(&tiny_arguments());
    assert_eq!((passed.code, passed.stdout.as_str()), (0, "ok: out/tiny, 204 identifiers\n"), "{}", passed.stderr);

    let path = |name: &str| program.path(&format!("out/tiny/{name}"));
    let change = |name: &str, place: usize| {
        let mut bytes = fs::read(path(name)).unwrap();
        let place = if place == 0 { bytes.len() - 1 } else { place };
        bytes[place] ^= 1;
        fs::write(path(name), bytes).unwrap();
    };
    let edit = |name: &str, from: &str, to: &str| {
        let text = fs::read_to_string(path(name)).unwrap();
        assert!(text.contains(from), "no {from} in {name}");
        fs::write(path(name), text.replacen(from, to, 1)).unwrap();
    };
    edit("identifiers.json", "25ff71a9|||t", "25ff71a9|||u");
    edit("test_puzzles.json", "20270e3b", "20270e3c");
    edit("test/dataset.json", ":62", ":63");
    change("train/all__inputs.npy", 128 + 900);
    change("train/all__inputs.npy", 0);
    change("train/all__puzzle_indices.npy", 128 + 4);
    change("test/all__group_indices.npy", 10 + 12);
    change("train/all__group_indices.npy", 0);
    let mut labels = fs::read(path("train/all__labels.npy")).unwrap();
    labels.push(0);
    fs::write(path("train/all__labels.npy"), &labels).unwrap();
    let inputs = fs::read(path("test/all__inputs.npy")).unwrap();
    fs::write(path("test/all__inputs.npy"), &inputs[..128 + 5 * 900 + 1]).unwrap();
    fs::write(path("test/all__puzzle_identifiers.npy"), "PK").unwrap();
    fs::remove_file(path("test/all__labels.npy")).unwrap();
    let failed = check(&tiny_arguments());
    assert_eq!((failed.code, failed.stderr.as_str()), (1, "out/tiny: 12 faults\n"), "{}", failed.stdout);
    for part in [
        "identifiers.json: name 2 is \"25ff71a9|||u",
        "test_puzzles.json: \"20270e3b\" is missing",
        "test_puzzles.json: \"20270e3c\" does not belong there",
        "test/dataset.json: \"total_puzzles\" is 63 where 62 belongs",
        "train/all__inputs.npy: 2 of 803 examples differ, the first is number 1, pair 1 of 25ff71a9\n",
        "train/all__labels.npy: it goes on after the last example\n",
        "train/all__puzzle_indices.npy: number 1 is 7 where 6 belongs\n",
        "train/all__group_indices.npy: number 7 is 16777420 where 204 belongs\n",
        "test/all__group_indices.npy: it is {'descr': '<h4'",
        "test/all__inputs.npy: it ends after 5 examples\n",
        "test/all__puzzle_identifiers.npy: it is no array in numpy's format\n",
        "test/all__labels.npy: ",
    ] {
        assert!(failed.stdout.contains(part), "no \"{part}\" in: {}", failed.stdout);
    }
}

#[test]
fn a_folder_of_another_build_fails_the_check() {
    let program = exported();
    let mut other = tiny_arguments();
    other.extend(["--seed", "7"].map(str::to_owned));
    let failed = run(&program, &["dataset", "check", "out/tiny"], &other);
    assert_eq!(failed.code, 1);
    assert!(failed.stdout.contains("identifiers.json: name 1 is"), "{}", failed.stdout);
    let first = tiny_arguments().iter().position(|word| word == "--tests-first").unwrap();
    let mut other = tiny_arguments();
    other.drain(first..first + 2);
    let failed = run(&program, &["dataset", "check", "out/tiny"], &other);
    assert_eq!((failed.code, failed.stdout.lines().count()), (1, 2), "{}", failed.stdout);
    assert!(failed.stdout.contains("train/all__labels.npy: "), "{}", failed.stdout);
}

#[test]
fn identifiers_are_printed_one_a_line() {
    let program = Program::new();
    let [first, hidden] = ["first", "hidden"].map(tiny);
    let words = ["identifiers", "--tasks", &first, "--tasks", &hidden];
    let ended = program.run(&[&words[..], &["--variants", "0"]].concat());
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert_eq!(ended.stdout, "<blank>\n25ff71a9\n6150a2bd\n6f8cd79b\nd631b094\n");
    let ended = program.run(&[&words[..], &["--variants", "20"]].concat());
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert!(lines[2].starts_with("25ff71a9|||t") && lines.len() > 80, "{}", ended.stdout);
    assert_eq!(ended.stderr, "fewer than 20 variants beside the plain task: 1 of 5 tasks\n");
}

#[test]
fn identifiers_and_dataset_refuse_what_cannot_be() {
    let program = Program::new();
    assert_refused(&program.run(&["identifiers", "--tasks", "arc-agi-1/trainig"]), &["did you mean"]);
    for (flags, part) in [
        (&[][..], "--tasks"),
        (&["--tasks", "x", "--seed=-1"], "--seed"),
        (&["--tasks", "x", "--variants", "few"], "--variants"),
        (&["--tasks", "x", "--variants", "2903040"], "2903040 is not in 0..=2903039"),
        (&["--tasks", "x", "--variants", "9223372036854775808"], "is not in 0..=2903039"),
    ] {
        let ended = program.run(&[&["identifiers"], flags].concat());
        assert!(ended.code == 2 && ended.stderr.contains(part), "{}", ended.stderr);
    }
    let first = tiny("first");
    let set = ["--tasks", &first, "--variants", "1"];
    let export = |flags: &[&str]| program.run(&[&["dataset", "export"], &set[..], flags].concat());
    let known = ["is none of the sets", "they are", "tiny_first_challenges.json"];
    assert_refused(&export(&["--test-set", "x", "--output", "new"]), &known);
    assert_refused(&export(&["--test-set", &first, "--tests-first", "x", "--output", "new"]), &known);
    fs::create_dir(program.path("taken")).unwrap();
    assert_refused(&export(&["--test-set", &first, "--output", "taken"]), &["taken", "name a new folder"]);
    program.write("file", "");
    assert_refused(&export(&["--test-set", &first, "--output", "file/new"]), &["file/new"]);
    assert_eq!(names_in(program.0.path()), ["file", "taken"], "nothing half-made is left behind");
    let checked = program.run(&[&["dataset", "check", "none", "--test-set", &first], &set[..]].concat());
    assert_refused(&checked, &["none", "there is no such folder"]);
    // before names are drawn, which would take hours
    let sets = ["--tasks", "arc-agi-1/training", "--test-set", "arc-agi-1/training", "--variants", "2903039"];
    let checked = program.run(&[&["dataset", "check", "taken"], &sets[..]].concat());
    assert_refused(&checked, &["taken is no data folder", "hint: trm-arc dataset export"]);
}

#[test]
fn names_that_break_a_list_or_steer_a_terminal_are_refused_or_escaped() {
    let program = Program::new();
    let challenges = |id: &str| {
        let pair = json!([{"input": [[1]], "output": [[2]]}]);
        program.write("t_challenges.json", &json!({id: {"train": pair, "test": pair}}).to_string())
    };
    for (id, part) in [("a\nb", "line feed"), ("a\u{202e}b", "direction")] {
        let file = challenges(id);
        let set = ["--tasks", &file, "--variants", "1"];
        for command in [&["identifiers"][..], &["dataset", "export", "--output", "new", "--test-set", &file]] {
            let ended = program.run(&[command, &set[..]].concat());
            assert_refused(&ended, &["t_challenges.json", part]);
            assert!(!ended.stderr.contains('\u{202e}') && ended.stderr.lines().count() == 1, "{}", ended.stderr);
        }
    }
    let file = challenges("a");
    let set = ["--tasks", &file, "--variants", "0", "--test-set", &file];
    assert_eq!(program.run(&[&["dataset", "export", "--output", "new"], &set[..]].concat()).code, 0);
    program.write("new/identifiers.json", &json!(["<blank>", "a\nok: \u{202e}all is well"]).to_string());
    program.write("new/test_puzzles.json", &json!({"b\nok: all is well": 1}).to_string());
    let checked = program.run(&[&["dataset", "check", "new"], &set[..]].concat());
    assert_eq!((checked.code, checked.stdout.lines().count()), (1, 3), "{}", checked.stdout);
    assert!(checked.stdout.lines().all(|line| line.starts_with("new/")), "{}", checked.stdout);
}

#[cfg(unix)]
#[test]
fn an_interrupted_export_leaves_nothing() {
    let program = Program::new();
    let words = "dataset export --tasks arc-agi-1/training --test-set arc-agi-1/training --variants 200 --output new";
    let mut child = Process::new(env!("CARGO_BIN_EXE_trm-arc"))
        .current_dir(program.0.path())
        .args(words.split(' '))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while names_in(program.0.path()).is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the export did not begin");
        thread::sleep(Duration::from_millis(5));
    }
    assert!(Process::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(names_in(program.0.path()), [""; 0]);
}

#[test]
fn the_new_commands_explain_themselves_with_an_example() {
    for command in [&["identifiers"][..], &["dataset"], &["dataset", "export"], &["dataset", "check"]] {
        let ended = Program::new().run(&[command, &["--help"]].concat());
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{command:?}");
        let call = format!("  trm-arc {}", command.join(" "));
        assert!(ended.stdout.contains("Example") && ended.stdout.contains(&call), "{}", ended.stdout);
    }
}
