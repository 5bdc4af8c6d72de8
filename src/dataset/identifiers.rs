//! `Identifiers`: the names of the puzzle table's rows, in order. One wrong order and a trained table is worthless, so the
//! order is stored with every checkpoint and never derived again.
//!
//! A published table has over a million rows: the names are kept as the one text that is written, not each on its own.

use std::collections::{HashMap, HashSet};

use thiserror::Error;

use crate::augment::{AugmentError, Augmentation};
use crate::names;

/// The name of row 0, which no puzzle has.
pub const BLANK: &str = "<blank>";

/// The names of the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identifiers {
    lines: String,
    count: usize,
    places: HashMap<String, usize>,
    by_task: Vec<Vec<(usize, Augmentation)>>,
}

/// Names that cannot be the rows of a table.
#[derive(Debug, Error)]
pub enum IdentifiersError {
    /// The first name is not the blank one.
    #[error("the first identifier is \"{0}\" and not {BLANK}")]
    NoBlank(String),
    /// A name that would break the list of names or steer a terminal.
    #[error(
        "identifier {index} is {name:?}, which {fault}; hint: give the task an id of letters, digits, - and _, in its file and in the list"
    )]
    Unprintable {
        /// Place in the list.
        index: usize,
        /// The name.
        name: String,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// A name of HRM's form that is no variant of a listed task.
    #[error("identifier {index} is {name:?}: {fault}")]
    Foreign {
        /// Place in the list.
        index: usize,
        /// The name.
        name: String,
        /// What is wrong with it, with its hint.
        fault: String,
    },
    /// A name that stands twice.
    #[error("identifier {index} repeats \"{name}\"")]
    Repeated {
        /// Where it stands again.
        index: usize,
        /// The name.
        name: String,
    },
    /// A name that is no variant's.
    #[error("identifier {index}: {source}")]
    Name {
        /// Where it stands.
        index: usize,
        /// What is wrong with it.
        source: AugmentError,
    },
}

impl Identifiers {
    /// The identifiers of these names, `<blank>` first.
    ///
    /// # Errors
    /// [`IdentifiersError`].
    pub fn new<Name: AsRef<str>>(names: impl IntoIterator<Item = Name>) -> Result<Self, IdentifiersError> {
        let mut names = names.into_iter();
        let first = names.next();
        let first = first.as_ref().map_or("", AsRef::as_ref);
        if first != BLANK {
            return Err(IdentifiersError::NoBlank(first.to_owned()));
        }
        let lines = format!("{BLANK}\n");
        let mut identifiers = Self { lines, count: 1, places: HashMap::new(), by_task: Vec::new() };
        let mut seen = HashSet::new();
        for name in names {
            identifiers.push(name.as_ref(), &mut seen)?;
        }
        Ok(identifiers)
    }

    fn push(&mut self, name: &str, seen: &mut HashSet<(u32, Augmentation)>) -> Result<(), IdentifiersError> {
        let index = self.count;
        if let Some(fault) = names::unprintable(name) {
            return Err(IdentifiersError::Unprintable { index, name: name.to_owned(), fault });
        }
        let parsed = Augmentation::parse_variant(name);
        let (task, augmentation) = parsed.map_err(|source| IdentifiersError::Name { index, source })?;
        let place = self.places.get(task).copied().unwrap_or_else(|| {
            self.places.insert(task.to_owned(), self.by_task.len());
            self.by_task.push(Vec::with_capacity(1));
            self.by_task.len() - 1
        });
        if !seen.insert((place as u32, augmentation)) {
            return Err(IdentifiersError::Repeated { index, name: name.to_owned() });
        }
        self.by_task[place].push((index, augmentation));
        self.lines.extend([name, "\n"]);
        self.count += 1;
        Ok(())
    }

    /// From a text of one name a line.
    ///
    /// # Errors
    /// [`IdentifiersError`].
    pub fn from_lines(text: &str) -> Result<Self, IdentifiersError> {
        Self::new(text.lines())
    }

    /// One name a line.
    pub fn to_lines(&self) -> String {
        self.lines.clone()
    }

    /// The rows of the table, `<blank>` included.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The tasks that have rows.
    pub fn tasks(&self) -> usize {
        self.by_task.len()
    }

    /// The most variants that a task has.
    pub fn most_variants(&self) -> usize {
        self.by_task.iter().map(Vec::len).max().unwrap_or(0)
    }

    /// Every task that has rows with its rows, in the order of the table.
    pub fn by_task(&self) -> impl Iterator<Item = (&str, &[(usize, Augmentation)])> {
        let mut tasks: Vec<(&str, usize)> = self.places.iter().map(|(task, &place)| (task.as_str(), place)).collect();
        tasks.sort_unstable_by_key(|&(_, place)| place);
        tasks.into_iter().map(|(task, place)| (task, self.by_task[place].as_slice()))
    }

    /// The task's rows and the augmentation of each, in the order of the table; none for an unknown task.
    pub fn of_task(&self, task: &str) -> &[(usize, Augmentation)] {
        self.places.get(task).map_or(&[], |&place| &self.by_task[place])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_by_task_in_order() {
        let text = "<blank>\nb\nb|||t1|||0123456789\na\n";
        let identifiers = Identifiers::from_lines(text).unwrap();
        assert_eq!(identifiers.to_lines(), text);
        let rows: Vec<_> = identifiers.of_task("b").iter().map(|(row, _)| *row).collect();
        assert_eq!((rows, identifiers.count(), identifiers.tasks()), (vec![1, 2], 4, 2));
        assert!(identifiers.of_task("c").is_empty());
        let counts: Vec<_> = identifiers.by_task().map(|(task, rows)| (task, rows.len())).collect();
        assert_eq!(counts, [("b", 2), ("a", 1)]);
        assert_eq!(Identifiers::new(text.lines().map(str::to_owned)).unwrap(), identifiers);
    }

    #[test]
    fn faults_are_named() {
        let fault = |text| Identifiers::from_lines(text).unwrap_err().to_string();
        assert!(fault("a\n").contains("<blank>"));
        assert!(fault("").contains("<blank>"));
        assert!(fault("<blank>\na\na\n").contains("identifier 2 repeats \"a\""));
        assert!(fault("<blank>\na|||t9|||0\n").contains("identifier 1"));
        let plain = "a|||t0|||0123456789";
        assert!(fault(&format!("<blank>\na\n{plain}\n")).contains("identifier 2 repeats \"a|||t0"));
    }

    #[test]
    fn names_that_break_the_list_or_steer_a_terminal_are_refused() {
        for (name, part) in [
            ("a\nb", "is \"a\\nb\", which contains a line feed"),
            ("a\r", "a line feed"),
            ("", "is empty"),
            ("a\u{1b}[2J", "a control character"),
            ("a\tb", "a control character"),
            ("a\u{202e}b", "the direction of text"),
            ("a\nb|||t4|||0614732958", "a line feed"),
        ] {
            let fault = Identifiers::new([BLANK, name]).unwrap_err().to_string();
            assert!(fault.contains(part) && fault.contains("identifier 1") && fault.contains("hint: "), "{fault}");
            assert_eq!(names::shown(&fault), fault);
            assert!(!fault.contains('\n'), "{fault}");
        }
    }
}
