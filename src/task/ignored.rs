//! `Ignored`: parts of a set's files that are no part of its tasks, counted while they are read.

use std::path::Path;

use crate::names;

/// The most keys, files and ids that a note names.
const MAX_NAMED: usize = 5;

/// The most letters of a name in a note.
const MAX_LETTERS: usize = 60;

/// Parts of a set's files that are no part of its tasks.
#[derive(Clone, Debug, Default)]
pub struct Ignored {
    keys: Counted,
    files: Counted,
    solutions: Counted,
}

/// Number of names, and the first of them with a count each.
#[derive(Clone, Debug, Default)]
struct Counted {
    count: usize,
    named: Vec<(String, usize)>,
}

impl Ignored {
    /// Counts a key that is neither the schema's nor known.
    pub(super) fn key(&mut self, key: &str) {
        self.keys.add(key);
    }

    /// Counts a JSON file without a task.
    pub(super) fn file(&mut self, path: &Path) {
        self.files.add(&path.to_string_lossy());
    }

    /// Counts a solution of a task that the challenges do not have.
    pub(super) fn solution(&mut self, id: &str) {
        self.solutions.add(id);
    }

    /// Describes what was ignored in the set of this name, one note a kind.
    pub fn notes(&self, set: &str) -> Vec<String> {
        let Self { keys, files, solutions } = self;
        let note = |counted: &Counted, one: &str, many: &str| {
            let noun = if counted.count == 1 { one } else { many };
            (counted.count > 0).then(|| format!("{set}: {} {noun}: {}", counted.count, counted.names()))
        };
        let notes = [
            note(
                keys,
                "key beside train, test, input and output is ignored",
                "keys beside train, test, input and output are ignored",
            ),
            note(files, "JSON file without a task is ignored", "JSON files without a task are ignored"),
            note(
                solutions,
                "solution of a task that the challenges do not have is ignored",
                "solutions of tasks that the challenges do not have are ignored",
            ),
        ];
        notes.into_iter().flatten().collect()
    }
}

impl Counted {
    fn add(&mut self, name: &str) {
        self.count += 1;
        let known = self.named.iter().position(|(known, _)| known == name);
        match known {
            Some(place) => self.named[place].1 += 1,
            None if self.named.len() < MAX_NAMED => self.named.push((name.to_owned(), 1)),
            None => {}
        }
    }

    /// The names, each with its count where it is not 1.
    fn names(&self) -> String {
        let shown = |(name, times): &(String, usize)| {
            let mut shown: String = names::one_line(name).chars().take(MAX_LETTERS).collect();
            if shown.len() < name.len() && name.chars().count() > MAX_LETTERS {
                shown += "...";
            }
            if *times == 1 { shown } else { format!("{shown} ({times})") }
        };
        let mut shown: Vec<String> = self.named.iter().map(shown).collect();
        if self.named.iter().map(|(_, times)| times).sum::<usize>() < self.count {
            shown.push("and others".into());
        }
        shown.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_note_counts_all_keys_and_names_the_first_with_their_counts() {
        let mut ignored = Ignored::default();
        ["name", "name", "id"].iter().for_each(|key| ignored.key(key));
        assert_eq!(
            ignored.notes("mine"),
            ["mine: 3 keys beside train, test, input and output are ignored: name (2), id"]
        );
        (0..9).for_each(|key| ignored.key(&format!("k{key}\n{}", "x".repeat(1000))));
        let notes = ignored.notes("mine");
        assert!(notes.len() == 1 && notes[0].contains("12 keys") && notes[0].ends_with("..., and others"), "{notes:?}");
        assert!(notes[0].len() < 400 && !notes[0].contains('\n'), "{notes:?}");
    }
}
