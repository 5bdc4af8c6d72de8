//! `Rule`: one rule with its generator and its verifier, and how a whole task is drawn by it.

use std::collections::HashSet;

use super::chance::between;
use super::rules;
use crate::grid::Grid;
use crate::rng::Stream;
use crate::task::{Pair, Task, Test};

/// The most pairs, and the most tasks, that are drawn before one is good enough. Far more than any rule needs.
const MOST_DRAWS: usize = 2000;

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// Its name, which is its task's id.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub sentence: &'static str,
    /// Draws a pair; `None` when the draw came to nothing, as when there was no room.
    pub(super) generate: fn(&mut Stream) -> Option<Pair>,
    /// Finds the output of an input; `None` where the rule says nothing.
    pub(super) verify: fn(&Grid) -> Option<Grid>,
}

impl Rule {
    /// What the rule makes of an input, read from the grid alone; `None` where it says nothing.
    pub fn solve(&self, input: &Grid) -> Option<Grid> {
        (self.verify)(input)
    }

    /// A pair in which something changes.
    ///
    /// # Panics
    /// When the rule gives none in 2000 draws, which is a fault of the rule.
    pub fn pair(&self, stream: &mut Stream) -> Pair {
        let mut drawn = (0..MOST_DRAWS).filter_map(|_| (self.generate)(stream));
        let pair = drawn.find(|pair| pair.input != pair.output);
        pair.unwrap_or_else(|| panic!("{}: no pair in {MOST_DRAWS} draws", self.name))
    }

    /// The rule's task for a seed: three or four demonstrations and one test, whose answer the demonstrations determine.
    ///
    /// # Panics
    /// When the rule gives none in 2000 draws, which is a fault of the rule.
    pub fn task(&self, seed: u64) -> Task {
        let mut stream = Stream::new(seed, &format!("held-out/{}", self.name));
        for _ in 0..MOST_DRAWS {
            let demonstrations = between(&mut stream, 3..=4);
            let train: Vec<Pair> = (0..demonstrations).map(|_| self.pair(&mut stream)).collect();
            let test = self.pair(&mut stream);
            if self.is_determined(&train, &test) {
                let test = vec![Test { input: test.input, output: Some(test.output) }];
                return Task { id: self.name.to_owned(), train, test };
            }
        }
        panic!("{}: no task in {MOST_DRAWS} draws", self.name)
    }

    /// True when the demonstrations leave no doubt about the test, as far as a program can tell.
    fn is_determined(&self, train: &[Pair], test: &Pair) -> bool {
        let all: Vec<&Pair> = train.iter().chain([test]).collect();
        let inputs: HashSet<&Grid> = all.iter().map(|pair| &pair.input).collect();
        let outputs: HashSet<&Grid> = all.iter().map(|pair| &pair.output).collect();
        let sizes: HashSet<(usize, usize)> =
            train.iter().map(|Pair { output, .. }| (output.rows(), output.columns())).collect();
        let differ = inputs.len() == all.len() && outputs.len() == all.len();
        // One size in all demonstrations could be taken for the rule.
        differ && sizes.len() > 1 && shows_the_colours(train, test) && !self.has_rival(train, test)
    }

    /// Another rule that explains every demonstration and answers the test otherwise.
    fn has_rival(&self, train: &[Pair], test: &Pair) -> bool {
        let explains = |rule: &Rule| train.iter().all(|pair| rule.solve(&pair.input).as_ref() == Some(&pair.output));
        let answers = |rule: &Rule| rule.solve(&test.input).as_ref() == Some(&test.output);
        rules().any(|rule| rule.name != self.name && explains(rule) && !answers(rule))
    }
}

/// True when every colour of the test's input stands in a demonstration's input, and every one of its output in an output.
fn shows_the_colours(train: &[Pair], test: &Pair) -> bool {
    let shown = |side: fn(&Pair) -> &Grid| {
        let colours: HashSet<u8> = train.iter().flat_map(|pair| side(pair).cells().to_vec()).collect();
        side(test).cells().iter().all(|colour| colours.contains(colour))
    };
    shown(|pair| &pair.input) && shown(|pair| &pair.output)
}

#[cfg(test)]
mod tests {
    use super::super::testing::grid;
    use super::*;
    use crate::grid::MAX_SIDE;

    #[test]
    fn generator_and_verifier_of_every_rule_agree() {
        for rule in rules() {
            let mut stream = Stream::new(1, rule.name);
            for i in 0..200 {
                let Pair { input, output } = rule.pair(&mut stream);
                assert_eq!(
                    rule.solve(&input),
                    Some(output.clone()),
                    "{}, pair {i}: {input:?} -> {output:?}",
                    rule.name
                );
                assert_ne!(input, output, "{}", rule.name);
                assert!(input.rows().max(input.columns()) <= 12, "{}: {input:?}", rule.name);
                assert!(output.rows().max(output.columns()) <= MAX_SIDE, "{}", rule.name);
            }
        }
    }

    #[test]
    fn no_verifier_answers_for_another_rule() {
        let all: Vec<&Rule> = rules().collect();
        for rule in &all {
            let mut stream = Stream::new(2, rule.name);
            let pairs: Vec<Pair> = (0..20).map(|_| rule.pair(&mut stream)).collect();
            for other in all.iter().filter(|other| other.name != rule.name) {
                let agrees = |pair: &Pair| other.solve(&pair.input).as_ref() == Some(&pair.output);
                assert!(!pairs.iter().all(agrees), "{} answers for {}", other.name, rule.name);
            }
        }
    }

    #[test]
    fn every_seed_gives_a_task_of_every_rule() {
        for rule in rules() {
            let tasks: HashSet<String> = (0..5).map(|seed| format!("{:?}", rule.task(seed))).collect();
            assert_eq!(tasks.len(), 5, "{}", rule.name);
        }
    }

    fn pair(input: &str, output: &str) -> Pair {
        Pair { input: grid(input), output: grid(output) }
    }

    #[test]
    fn a_task_that_leaves_a_doubt_is_drawn_again() {
        let rule = rules().find(|rule| rule.name == "symmetry-mirrored-left-to-right").unwrap();
        let (first, second) = (pair("12.", ".21"), pair("12 .1", "21 1."));
        let test = pair("112", "211");
        assert!(rule.is_determined(&[first.clone(), second.clone()], &test));
        assert!(!rule.is_determined(&[first.clone(), second.clone()], &first), "a test that was shown");
        assert!(!rule.is_determined(&[first.clone(), pair("1..", "..1")], &test), "one size");
        assert!(!rule.is_determined(&[first, second], &pair("113", "311")), "a colour that was not shown");
        // Red and blue trading places explains both as well.
        let rival = [pair("12 12", "21 21"), pair("1122", "2211")];
        assert!(rule.is_determined(&rival, &pair("121212", "212121")), "both rules agree on the test");
        assert!(!rule.is_determined(&rival, &pair("112 221", "211 122")), "they do not");
    }
}
