//! `Identifiers`: the names of the puzzle table's rows, in order. One wrong order and a trained table is worthless, so the
//! order is stored with every checkpoint and never derived again.

use std::collections::HashMap;

use thiserror::Error;

use crate::augment::{AugmentError, Augmentation};

/// The name of row 0, which no puzzle has.
pub const BLANK: &str = "<blank>";

/// The names of the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identifiers {
    names: Vec<String>,
    by_task: HashMap<String, Vec<(usize, Augmentation)>>,
}

/// Names that cannot be the rows of a table.
#[derive(Debug, Error)]
pub enum IdentifiersError {
    /// The first name is not the blank one.
    #[error("the first identifier is \"{0}\" and not {BLANK}")]
    NoBlank(String),
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
    pub fn new(names: Vec<String>) -> Result<Self, IdentifiersError> {
        if names.first().is_none_or(|name| name != BLANK) {
            return Err(IdentifiersError::NoBlank(names.first().cloned().unwrap_or_default()));
        }
        let mut by_task: HashMap<String, Vec<(usize, Augmentation)>> = HashMap::new();
        for (index, name) in names.iter().enumerate().skip(1) {
            let parsed = Augmentation::parse_variant(name);
            let (task, augmentation) = parsed.map_err(|source| IdentifiersError::Name { index, source })?;
            let rows = by_task.entry(task.to_owned()).or_default();
            if rows.iter().any(|(_, known)| *known == augmentation) {
                return Err(IdentifiersError::Repeated { index, name: name.clone() });
            }
            rows.push((index, augmentation));
        }
        Ok(Self { names, by_task })
    }

    /// From a text of one name a line.
    ///
    /// # Errors
    /// [`IdentifiersError`].
    pub fn from_lines(text: &str) -> Result<Self, IdentifiersError> {
        Self::new(text.lines().map(str::to_owned).collect())
    }

    /// One name a line.
    pub fn to_lines(&self) -> String {
        self.names.iter().flat_map(|name| [name.as_str(), "\n"]).collect()
    }

    /// The rows of the table, `<blank>` included.
    pub fn count(&self) -> usize {
        self.names.len()
    }

    /// The tasks that have rows.
    pub fn tasks(&self) -> usize {
        self.by_task.len()
    }

    /// The most variants that a task has.
    pub fn most_variants(&self) -> usize {
        self.by_task.values().map(Vec::len).max().unwrap_or(0)
    }

    /// The task's rows and the augmentation of each, in the order of the table; none for an unknown task.
    pub fn of_task(&self, task: &str) -> &[(usize, Augmentation)] {
        self.by_task.get(task).map_or(&[], Vec::as_slice)
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
    }

    #[test]
    fn faults_are_named() {
        let fault = |text| Identifiers::from_lines(text).unwrap_err().to_string();
        assert!(fault("a\n").contains("<blank>"));
        assert!(fault("").contains("<blank>"));
        assert!(fault("<blank>\na\na\n").contains("identifier 2 repeats \"a\""));
        assert!(fault("<blank>\na|||t9|||0\n").contains("identifier 1"));
    }
}
