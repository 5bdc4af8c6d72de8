//! Batches by token count: what a batch needs of memory and time goes by its tokens, however many examples they belong to.

use std::ops::Range;

/// Cuts a row of examples with these lengths into batches of neighbours: each takes examples until the next one would exceed the budget.
/// An example that is longer than the budget is a batch of its own.
pub fn pack(lengths: impl IntoIterator<Item = usize>, budget: usize) -> Vec<Range<usize>> {
    let mut batches: Vec<Range<usize>> = Vec::new();
    let mut tokens = 0;
    for (number, length) in lengths.into_iter().enumerate() {
        match batches.last_mut() {
            Some(batch) if tokens + length <= budget => batch.end += 1,
            _ => {
                batches.push(number..number + 1);
                tokens = 0;
            }
        }
        tokens += length;
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_ends_before_it_would_exceed_its_budget() {
        assert_eq!(pack([3, 3, 4, 1, 5], 10), [0..3, 3..5]);
        assert_eq!(pack([3, 3, 4, 1, 5], 9), [0..2, 2..4, 4..5]);
        assert_eq!(pack([3, 3, 4, 1, 5], 1000), vec![0..5]);
        assert_eq!(pack([3, 12, 1, 1], 4), [0..1, 1..2, 2..4], "what is too long stands alone");
        assert_eq!(pack([3, 3], 0), [0..1, 1..2]);
        assert!(pack([], 10).is_empty());
    }
}
