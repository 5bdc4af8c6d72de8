//! Rules of our own, for tasks that nobody ever trained on: eight core concepts, each with a handful of rules.
//!
//! Every rule is told twice. Its generator draws a scene and knows what it puts there, so that a pair's output is right by
//! construction; its verifier gets the input alone and finds the output by reading the grid. Each checks the other.
//! The set `held-out/concepts` is what they give for seed 0; any other seed gives tasks that are as new.

mod chance;
mod colour;
mod colour_maps;
mod containment;
mod counting;
mod cropping;
mod gravity;
mod lines;
mod objects;
mod rule;
mod scaling;
mod scene;
mod shape;
mod symmetry;
#[cfg(test)]
mod testing;

use thiserror::Error;

use crate::names;
use crate::task::TaskSet;
pub use rule::Rule;

/// What a concept can be asked for in vain.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ConceptError {
    /// Neither a concept nor a rule.
    #[error("no rule and no concept \"{name}\"{hint}; the concepts are {concepts}")]
    NoSuchRule {
        /// What was asked for.
        name: String,
        /// The nearest name.
        hint: String,
        /// The concepts that there are.
        concepts: String,
    },
}

/// A core concept.
#[derive(Debug)]
pub struct Concept {
    /// Its name, which the names of its rules begin with.
    pub name: &'static str,
    /// Its rules.
    pub rules: &'static [Rule],
}

/// The concepts, in the order of the set.
pub static CONCEPTS: [Concept; 8] = [
    Concept { name: "colour-maps", rules: &colour_maps::RULES },
    Concept { name: "symmetry", rules: &symmetry::RULES },
    Concept { name: "counting", rules: &counting::RULES },
    Concept { name: "gravity", rules: &gravity::RULES },
    Concept { name: "containment", rules: &containment::RULES },
    Concept { name: "lines", rules: &lines::RULES },
    Concept { name: "scaling", rules: &scaling::RULES },
    Concept { name: "cropping", rules: &cropping::RULES },
];

/// All rules, concept by concept.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    CONCEPTS.iter().flat_map(|concept| concept.rules)
}

/// The rules that are meant by names of rules or of concepts, each once and in the order of the set; all when nothing is named.
///
/// # Errors
/// [`ConceptError::NoSuchRule`] with the nearest name.
pub fn find(wanted: &[impl AsRef<str>]) -> Result<Vec<&'static Rule>, ConceptError> {
    let known = || CONCEPTS.iter().map(|concept| concept.name).chain(rules().map(|rule| rule.name));
    for name in wanted.iter().map(AsRef::as_ref) {
        if !known().any(|known| known == name) {
            let concepts: Vec<&str> = CONCEPTS.iter().map(|concept| concept.name).collect();
            let (hint, concepts) = (names::hint(name, known()), concepts.join(", "));
            return Err(ConceptError::NoSuchRule { name: name.to_owned(), hint, concepts });
        }
    }
    let is_wanted = |name: &str| wanted.iter().any(|wanted| wanted.as_ref() == name);
    let of = |concept: &'static Concept| {
        let whole = wanted.is_empty() || is_wanted(concept.name);
        concept.rules.iter().filter(move |rule| whole || is_wanted(rule.name))
    };
    Ok(CONCEPTS.iter().flat_map(of).collect())
}

/// One task of each of these rules. A rule's task depends on the seed and on nothing else.
pub fn set(rules: &[&Rule], seed: u64) -> TaskSet {
    TaskSet { name: "concepts".to_owned(), tasks: rules.iter().map(|rule| rule.task(seed)).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_s_name_begins_with_its_concept_s() {
        for concept in &CONCEPTS {
            assert!(concept.rules.len() >= 5, "{}", concept.name);
            for rule in concept.rules {
                assert!(rule.name.starts_with(&format!("{}-", concept.name)), "{}", rule.name);
                assert!(rule.sentence.starts_with(char::is_uppercase) && rule.sentence.ends_with('.'), "{}", rule.name);
            }
        }
        let mut names: Vec<&str> = rules().map(|rule| rule.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), rules().count(), "two rules have one name");
    }

    #[test]
    fn rules_are_found_by_their_names_and_their_concepts() {
        let count = |wanted: &[&str]| find(wanted).map(|rules| rules.len());
        assert_eq!(count(&[]), Ok(rules().count()));
        assert_eq!(count(&["gravity"]), Ok(6));
        assert_eq!(count(&["gravity", "gravity-falls-to-the-floor", "lines-join-equal-colours"]), Ok(7));
        let message = count(&["gravty"]).unwrap_err().to_string();
        assert!(
            message.contains("did you mean \"gravity\"?") && message.contains("colour-maps, symmetry"),
            "{message}"
        );
        let message = count(&["scaling-twice-as-larg"]).unwrap_err().to_string();
        assert!(message.contains("did you mean \"scaling-twice-as-large\"?"), "{message}");
    }
}
