//! How messages are told to MPI: in counts and places of 32 bits.

use std::ops::Range;

use ::mpi::Count;

/// The bytes that go into one message; what is longer is sent in several.
const MOST: usize = 1 << 28;

/// The counts and places of neighbouring pieces.
#[derive(Debug)]
pub(super) struct Counts {
    counts: Vec<Count>,
    starts: Vec<Count>,
}

impl Counts {
    pub fn of_lengths(lengths: &[usize]) -> Self {
        let starts = lengths.iter().scan(0, |end, length| {
            *end += length;
            Some(*end - length)
        });
        Self { counts: lengths.iter().copied().map(count).collect(), starts: starts.map(count).collect() }
    }

    pub fn of_ranges(ranges: &[Range<usize>]) -> Self {
        Self::of_lengths(&ranges.iter().map(Range::len).collect::<Vec<_>>())
    }

    pub fn counts(&self) -> &[Count] {
        &self.counts
    }

    pub fn starts(&self) -> &[Count] {
        &self.starts
    }
}

fn count(number: usize) -> Count {
    number.try_into().expect("what goes to all ranks at once is less than 2 GiB")
}

/// The messages that so many bytes are sent in.
pub(super) fn blocks(length: usize) -> impl Iterator<Item = Range<usize>> {
    (0..length).step_by(MOST).map(move |start| start..(start + MOST).min(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_messages_are_sent_in_blocks_and_empty_ones_not_at_all() {
        assert_eq!(blocks(0).count(), 0);
        let of = |length| blocks(length).map(|block| (block.start, block.end)).collect::<Vec<_>>();
        assert_eq!(of(5), [(0, 5)]);
        assert_eq!(of(MOST + 1), [(0, MOST), (MOST, MOST + 1)]);
        let counts = Counts::of_lengths(&[2, 0, 3]);
        assert_eq!((counts.counts(), counts.starts()), (&[2, 0, 3][..], &[0, 2, 2][..]));
    }
}
