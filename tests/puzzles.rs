//! The promise: `trm-arc puzzles` makes Sudoku and mazes with one answer each, the same for a seed on any machine, shows them, and
//! believes no file.

mod program;

use std::collections::BTreeSet;
use std::fs;

use assert_cmd::Command;
use program::{Program, assert_refused, names_in};
use trm_arc::augment::Dihedral;
use trm_arc::puzzle::{Kind, Puzzle, Wish};

const HEAD: &str = "source,question,answer,rating\n";
const QUESTION: &str = "000000010400000000020000000000050407008000300001090000300400200050100000000806000";
const ANSWER: &str = "693784512487512936125963874932651487568247391741398625319475268856129743274836159";

/// The bytes that a command writes to `a.csv` on so many threads.
fn made(threads: &str, arguments: &[&str]) -> String {
    let folder = Program::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_trm-arc"));
    command.current_dir(folder.0.path()).env("RAYON_NUM_THREADS", threads);
    command.args(["puzzles", "generate"]).args(arguments).args(["--output", "a.csv"]).assert().success();
    fs::read_to_string(folder.path("a.csv")).unwrap()
}

#[test]
fn a_seed_gives_the_same_file_on_any_number_of_threads() {
    for kind in ["sudoku", "maze"] {
        let one = made("1", &[kind, "--count", "12", "--seed", "3"]);
        assert_eq!(one, made("4", &[kind, "--count", "12", "--seed", "3"]));
        let questions: BTreeSet<&str> = one.lines().skip(1).map(|row| row.split(',').nth(1).unwrap()).collect();
        assert_eq!(questions.len(), 12, "{kind}: a puzzle comes twice");
        assert_ne!(one, made("1", &[kind, "--count", "12", "--seed", "4"]));
        // More of a seed are the same and others after them.
        assert!(one.starts_with(&made("2", &[kind, "--count", "5", "--seed", "3"])));
    }
}

#[test]
fn what_is_made_is_verified_and_shown() {
    for (kind, side, name, extent) in
        [("sudoku", "4", "Sudoku", "clues"), ("sudoku", "6", "Sudoku", "clues"), ("maze", "12", "maze", "steps")]
    {
        let folder = Program::new();
        let made = folder.run(&["puzzles", "generate", kind, "--count", "7", "--side", side, "--output", "new/a.csv"]);
        assert_eq!(made.code, 0, "{}", made.stderr);
        let line = format!("new/a.csv, 7 puzzles, {name} of {side} x {side}, seed 0, sha256 ");
        assert!(made.stdout.starts_with(&line), "{}", made.stdout);
        let verified = folder.run(&["puzzles", "verify", "new/a.csv"]);
        assert_eq!((verified.code, verified.stderr.as_str()), (0, ""));
        let lines: Vec<&str> = verified.stdout.lines().collect();
        assert_eq!(lines[0], format!("new/a.csv: 7 puzzles with one answer each, {name} of {side} x {side}"));
        assert!(lines[2].ends_with("least  median  most") && lines[4].starts_with(extent), "{}", verified.stdout);
        let shown = folder.run(&["puzzles", "show", "new/a.csv", "--row", "7"]);
        assert!(shown.stdout.starts_with(&format!("row 7, {name} of {side} x {side}, ")), "{}", shown.stdout);
        assert!(shown.stdout.contains(", from trm-arc seed 0\n\nquestion"), "{}", shown.stdout);
    }
}

#[test]
fn hard_puzzles_are_as_hard_as_is_asked() {
    for (kind, least) in [("sudoku", 15), ("maze", 200)] {
        let table = made("2", &[kind, "--count", "6", "--min-rating", &least.to_string()]);
        let ratings: Vec<u32> =
            table.lines().skip(1).map(|row| row.rsplit(',').next().unwrap().parse().unwrap()).collect();
        assert!(ratings.len() == 6 && ratings.iter().all(|&rating| rating >= least), "{ratings:?}");
    }
}

#[test]
fn a_sudoku_is_drawn_with_its_boxes() {
    let folder = Program::new();
    folder.write("a.csv", &format!("{HEAD}known,{QUESTION},{ANSWER},9\n"));
    let shown = folder.run(&["puzzles", "show", "a.csv"]);
    let expected = "\
row 1, Sudoku of 9 x 9, 17 clues, rating 9, from known

question                 answer
. . . | . . . | . 1 .    6 9 3 | 7 8 4 | 5 1 2
4 . . | . . . | . . .    4 8 7 | 5 1 2 | 9 3 6
. 2 . | . . . | . . .    1 2 5 | 9 6 3 | 8 7 4
------+-------+------    ------+-------+------
";
    assert!(shown.stdout.starts_with(expected), "{}", shown.stdout);
    assert_refused(&folder.run(&["puzzles", "show", "a.csv", "--row", "2"]), &["a.csv has no row 2; it has 1 row"]);
}

#[test]
fn verify_names_every_kind_of_fault_with_its_line() {
    let folder = Program::new();
    let none = ".".repeat(81);
    let rows = [
        format!("right,{QUESTION},{ANSWER},9"),
        format!("two,{},{ANSWER},9", QUESTION.replacen('1', "0", 1)),
        format!("differs,{},{ANSWER},9", QUESTION.replacen('4', "5", 1)),
        format!("clash,{none},{},9", ANSWER.replacen('9', "6", 1)),
        format!("short,{QUESTION},123,9"),
        "fields".to_owned(),
        format!("right,{QUESTION},{ANSWER},7"),
    ];
    folder.write("a.csv", &format!("{HEAD}{}\n", rows.join("\n")));
    let verified = folder.run(&["puzzles", "verify", "a.csv"]);
    assert_eq!((verified.code, verified.stderr.as_str()), (1, "a.csv: 5 faults\n"));
    assert!(verified.stdout.starts_with("a.csv: 2 puzzles with one answer each, Sudoku of 9 x 9\n\n"));
    assert!(verified.stdout.contains("rating      7       7     9\n"), "{}", verified.stdout);
    let faults: Vec<&str> = verified.stdout.lines().filter_map(|line| line.strip_prefix("failed: ")).collect();
    let expected = [
        "a.csv, line 3: the question has more than one answer",
        "a.csv, line 4, column answer: the answer does not agree with the question at cell (1, 0)",
        "a.csv, line 5: 6 at cell (0, 1)",
        "a.csv, line 6, column answer: it has 3 characters",
        "a.csv, line 7: 4 fields are needed and it has 1",
    ];
    assert_eq!(faults.len(), expected.len(), "{}", verified.stdout);
    for (fault, expected) in faults.into_iter().zip(expected) {
        assert!(fault.starts_with(expected), "{fault}");
    }
}

#[test]
fn spaces_for_blanks_are_read_and_boards_of_several_sizes_are_told() {
    let folder = Program::new();
    let spaced = QUESTION.replace(['.', '0'], " ");
    folder.write("space.csv", &format!("{HEAD}known,{spaced},{ANSWER},9\n"));
    let verified = folder.run(&["puzzles", "verify", "space.csv"]);
    assert_eq!(verified.code, 0, "{}", verified.stdout);
    assert!(verified.stdout.contains("1 puzzle with one answer each, Sudoku of 9 x 9"), "{}", verified.stdout);
    folder.write("line.csv", &format!("{HEAD}known,{},{ANSWER},9\n", spaced.replace(' ', "_")));
    assert_refused(&folder.run(&["puzzles", "show", "line.csv"]), &["'_' at cell (0, 0)", "a Sudoku is", "hint: "]);
    folder.write("multi.csv", &format!("{HEAD}known,{QUESTION},{ANSWER},9\na,1234,1234,0\n"));
    let verified = folder.run(&["puzzles", "verify", "multi.csv"]);
    assert_eq!((verified.code, verified.stderr.as_str()), (1, "multi.csv: 1 fault\n"));
    assert!(verified.stdout.starts_with("multi.csv: 1 puzzle with one answer each"), "{}", verified.stdout);
    let fault = "failed: multi.csv, line 3, column question: it has 4 characters, and the first board of the file has 81 (9 x 9); hint: ";
    assert!(verified.stdout.contains(fault), "{}", verified.stdout);
}

#[test]
fn a_maze_with_a_second_way_or_a_longer_answer_fails() {
    let folder = Program::new();
    let rows = ["two,S   #   G,Sooo#o  G,4", "long,S    #G  ,So  o#Go ,2", "none,S ### # G,S ### # G,1"];
    folder.write("a.csv", &format!("{HEAD}{}\n", rows.join("\n")));
    let verified = folder.run(&["puzzles", "verify", "a.csv"]);
    assert_eq!(verified.code, 1);
    for fault in [
        "line 2: the question has more than one answer",
        "line 3: the answer is not the question's, first at cell (0, 1)",
        "line 4: the question has no answer",
    ] {
        assert!(verified.stdout.contains(fault), "{}", verified.stdout);
    }
}

#[test]
fn a_maze_seen_by_any_of_the_eight_maps_is_as_right_and_as_long() {
    let wish = Wish::new(Kind::Maze, None, None).unwrap();
    for index in 0..5 {
        let puzzle = wish.puzzle(0, index).unwrap();
        for map in Dihedral::ALL {
            let (question, answer) = (map.apply(&puzzle.question), map.apply(&puzzle.answer));
            let seen = Puzzle { question, answer, ..puzzle.clone() };
            assert_eq!(seen.verify(Kind::Maze), Ok(()), "{map:?}");
            assert_eq!(seen.extent(Kind::Maze), puzzle.rating);
            assert_eq!(map.inverse().apply(&seen.question), puzzle.question);
        }
    }
}

#[test]
fn what_cannot_be_is_refused_and_nothing_is_written() {
    let folder = Program::new();
    let generate = |arguments: &[&str]| {
        let output = if arguments.contains(&"--output") { &[][..] } else { &["--output", "a.csv"] };
        folder.run(&[&["puzzles", "generate"], arguments, output].concat())
    };
    assert_refused(&generate(&["sudoku", "--side", "5"]), &["no Sudoku of side 5; the sides are 4, 6 and 9"]);
    assert_refused(&generate(&["maze", "--side", "31"]), &["no maze of side 31; the sides are 5 to 30"]);
    let out_of_reach = generate(&["sudoku", "--side", "4", "--count", "1", "--min-rating", "50"]);
    assert_refused(&out_of_reach, &["no Sudoku of side 4 with a rating of 50 or more", "ask for less"]);
    assert_refused(&generate(&["maze", "--side", "5", "--min-rating", "99"]), &["the hardest had 6"]);
    folder.write("taken", "");
    assert_refused(&generate(&["maze", "--output", "taken/a.csv"]), &["taken/a.csv"]);
    folder.write("other.csv", "question,answer\n1,2\n");
    for command in ["verify", "show"] {
        let refused = folder.run(&["puzzles", command, "other.csv"]);
        assert_refused(&refused, &["other.csv, line 1", "the columns are source,question,answer,rating"]);
        assert_refused(&folder.run(&["puzzles", command, "nowhere.csv"]), &["nowhere.csv"]);
    }
    assert_eq!(names_in(folder.0.path()), ["other.csv", "taken"]);
}
