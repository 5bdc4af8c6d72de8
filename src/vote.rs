//! The vote: equal grids from many views of one test input become ranked candidates, and the first two the attempts.
//!
//! Rank is (votes, mean halt), both descending, by a stable sort: exact ties keep the order of arrival. An empty board
//! groups and votes like any other grid; only when it wins a place does it turn into the single black cell, since a
//! submission needs at least one cell. Means are `f64` sums in order of arrival, so that a rerun ranks alike.

use std::collections::HashMap;

use crate::grid::Grid;
use crate::prediction::{Attempts, Prediction};

/// All votes for one grid.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The grid; `None` is the empty board.
    pub grid: Option<Grid>,
    /// How many predictions are this grid.
    pub votes: usize,
    /// The mean of their halting probabilities.
    pub halt: f64,
}

/// The candidates among the predictions of one test input, best first.
pub fn rank<'a>(predictions: impl IntoIterator<Item = &'a Prediction>) -> Vec<Candidate> {
    let mut places: HashMap<Option<&Grid>, usize> = HashMap::new();
    let mut candidates: Vec<Candidate> = Vec::new();
    for prediction in predictions {
        let place = *places.entry(prediction.grid.as_ref()).or_insert(candidates.len());
        if place == candidates.len() {
            candidates.push(Candidate { grid: prediction.grid.clone(), votes: 0, halt: 0.0 });
        }
        candidates[place].votes += 1;
        candidates[place].halt += prediction.halt;
    }
    for candidate in &mut candidates {
        candidate.halt /= candidate.votes as f64;
    }
    candidates.sort_by(|a, b| b.votes.cmp(&a.votes).then(b.halt.total_cmp(&a.halt)));
    candidates
}

/// The two attempts: the first two candidates. Where all agree the second repeats the first, as the published evaluator has it;
/// where nobody voted both are a copy of the input.
pub fn attempts(candidates: &[Candidate], input: &Grid) -> Attempts {
    let grid = |candidate: &Candidate| candidate.grid.clone().unwrap_or_else(Grid::placeholder);
    let attempt_1 = candidates.first().map_or_else(|| input.clone(), grid);
    let attempt_2 = candidates.get(1).map_or_else(|| attempt_1.clone(), grid);
    Attempts { attempt_1, attempt_2 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(colour: u8) -> Grid {
        Grid::from_fn(1, 2, |_, _| colour)
    }

    fn votes(votes: &[(Option<u8>, f64)]) -> Vec<Prediction> {
        let prediction = |&(colour, halt): &(Option<u8>, f64)| Prediction {
            task: "a".into(),
            test: 0,
            augmentation: "t0|||0123456789".into(),
            grid: colour.map(grid),
            halt,
            earlier: Vec::new(),
        };
        votes.iter().map(prediction).collect()
    }

    fn order(candidates: &[Candidate]) -> Vec<Option<u8>> {
        candidates.iter().map(|candidate| candidate.grid.as_ref().map(|grid| grid.at(0, 0))).collect()
    }

    #[test]
    fn more_votes_beat_a_surer_halt_and_the_mean_halt_breaks_a_tie() {
        let ranked = rank(&votes(&[(Some(1), 0.99), (Some(2), 0.1), (Some(3), 0.2), (Some(2), 0.2), (Some(3), 0.3)]));
        assert_eq!(order(&ranked), [Some(3), Some(2), Some(1)]);
        assert_eq!((ranked[0].votes, ranked[0].halt), (2, 0.25));
    }

    #[test]
    fn an_exact_tie_keeps_the_order_of_arrival() {
        assert_eq!(
            order(&rank(&votes(&[(Some(7), 0.5), (Some(2), 0.5), (Some(9), 0.5)]))),
            [Some(7), Some(2), Some(9)]
        );
    }

    #[test]
    fn an_empty_board_votes_like_any_other_and_is_submitted_as_one_black_cell() {
        let ranked = rank(&votes(&[(Some(1), 0.9), (None, 0.1), (None, 0.1)]));
        assert_eq!(order(&ranked), [None, Some(1)]);
        let attempts = attempts(&ranked, &grid(5));
        assert_eq!((attempts.attempt_1, attempts.attempt_2), (Grid::placeholder(), grid(1)));
    }

    #[test]
    fn a_second_place_without_a_candidate_repeats_the_first_and_no_candidate_is_the_input() {
        let one = attempts(&rank(&votes(&[(Some(1), 0.9)])), &grid(5));
        assert_eq!((one.attempt_1, one.attempt_2), (grid(1), grid(1)));
        let none = attempts(&[], &grid(5));
        assert_eq!((none.attempt_1, none.attempt_2), (grid(5), grid(5)));
    }
}
