//! `Segments`: which rows of a packed `[N, D]` tensor belong to which example.

use itertools::Itertools;

/// The lengths of the examples of a batch, in tokens, one after another without gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segments {
    lengths: Vec<usize>,
}

/// Neighbouring segments of one length: they go through one batched product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The first row.
    pub start: usize,
    /// How many segments.
    pub count: usize,
    /// Rows of each.
    pub length: usize,
}

impl Segments {
    /// Segments of these lengths; none may be 0.
    pub fn new(lengths: Vec<usize>) -> Self {
        assert!(!lengths.contains(&0), "a segment has at least one token");
        Self { lengths }
    }

    /// N, the rows in all.
    pub fn tokens(&self) -> usize {
        self.lengths.iter().sum()
    }

    /// B, the number of segments.
    pub fn count(&self) -> usize {
        self.lengths.len()
    }

    /// The rows of each segment.
    pub fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// The first row of each segment.
    pub fn starts(&self) -> Vec<usize> {
        self.ranges().map(|range| range.start).collect()
    }

    /// The rows of each segment as a range.
    pub fn ranges(&self) -> impl Iterator<Item = std::ops::Range<usize>> {
        self.lengths.iter().scan(0, |start, &length| {
            *start += length;
            Some(*start - length..*start)
        })
    }

    /// The segments as runs of equal length.
    pub fn runs(&self) -> Vec<Run> {
        let mut start = 0;
        let runs = self.lengths.iter().dedup_with_count().map(|(count, &length)| {
            let run = Run { start, count, length };
            start += count * length;
            run
        });
        runs.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_neighbours_form_runs() {
        let segments = Segments::new(vec![4, 4, 2, 4]);
        assert_eq!((segments.tokens(), segments.count()), (14, 4));
        assert_eq!(segments.starts(), [0, 4, 8, 10]);
        let run = |start, count, length| Run { start, count, length };
        assert_eq!(segments.runs(), [run(0, 2, 4), run(8, 1, 2), run(10, 1, 4)]);
    }
}
