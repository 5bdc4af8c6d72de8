//! `Cut`: how the batch of a training is cut into parts. A part is run on its own; the gradients of all parts are summed in their order.

use std::ops::Range;

use super::Course;
use crate::model::pack;

/// How the batch is cut into parts. It depends on the examples alone, never on the threads, and so do the sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Parts of so many examples: whoever has slot 3 has it to the end. Only where ranks have shares of the batch that do not divide by it
    /// is the last part of a share smaller.
    Examples(usize),
    /// Parts of neighbours with at most so many tokens, cut anew at every step, because a slot may take an example of another size.
    Tokens(usize),
}

impl Cut {
    /// The parts of a batch, or of a rank's share of it, whose examples have so many tokens, as ranges of neighbours.
    pub fn parts(self, tokens: &[usize]) -> Vec<Range<usize>> {
        match self {
            Self::Tokens(budget) => pack(tokens.iter().copied(), budget),
            Self::Examples(size) => {
                let starts = (0..tokens.len()).step_by(size);
                starts.map(|start| start..(start + size).min(tokens.len())).collect()
            }
        }
    }
}

impl Course {
    /// How the batch is cut.
    ///
    /// # Errors
    /// What is wrong with `batch`, `parts` and `tokens_per_batch`, and what would be right.
    pub fn cut(&self) -> Result<Cut, String> {
        let batch = self.batch;
        match (self.parts, self.tokens_per_batch) {
            (Some(0), None) => Err("training.parts is 0; it is at least 1".into()),
            (None, Some(0)) => Err("training.tokens_per_batch is 0; it is at least 1".into()),
            (Some(parts), None) if !batch.is_multiple_of(parts) => {
                Err(format!("training.batch {batch} does not divide into training.parts {parts}"))
            }
            (Some(parts), None) => Ok(Cut::Examples(batch / parts)),
            (None, Some(tokens)) => Ok(Cut::Tokens(tokens)),
            (None, None) => Err("training has neither parts nor tokens_per_batch; name one of them".into()),
            (Some(_), Some(_)) => Err("training has both parts and tokens_per_batch; leave one of them out".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_cut_by_examples_or_by_tokens() {
        let tokens = [5, 5, 9, 1, 3, 3];
        assert_eq!(Cut::Examples(2).parts(&tokens), [0..2, 2..4, 4..6]);
        assert_eq!(Cut::Examples(4).parts(&tokens), [0..4, 4..6]);
        assert_eq!(Cut::Tokens(10).parts(&tokens), [0..2, 2..4, 4..6]);
        assert_eq!(Cut::Tokens(13).parts(&tokens), [0..2, 2..5, 5..6]);
    }
}
