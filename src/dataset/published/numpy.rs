//! `Numpy`: the legacy generator of numpy (`np.random.seed`), as far as the published build draws from it.
//!
//! MT19937, seeded by one number. A number below a limit is drawn by masked rejection: 32-bit draws, cut to the bits of the largest number
//! allowed, until one is small enough. What bites: where there is one number only, nothing is drawn at all.

use rand_mt::Mt;

/// The generator.
#[derive(Clone, Debug)]
pub(super) struct Numpy(Mt);

impl Numpy {
    /// `np.random.seed(seed)`.
    pub(super) fn new(seed: u32) -> Self {
        Self(Mt::new(seed))
    }

    /// `np.random.randint(0, limit)`. The limit must be at least 1 and within 32 bits.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        let largest = u32::try_from(limit - 1).expect("a limit within 32 bits");
        if largest == 0 {
            return 0;
        }
        let mask = u32::MAX >> largest.leading_zeros();
        loop {
            let drawn = self.0.next_u32() & mask;
            if drawn <= largest {
                return drawn as usize;
            }
        }
    }

    /// `np.random.shuffle(items)`, and `np.random.permutation` of a copy.
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `np.random.seed(42); [np.random.randint(0, n) for n in (8, 1, 9, 30, 1000, 2**31)]`, then
    /// `np.random.permutation(np.arange(1, 10))`, then `x = list(range(12)); np.random.shuffle(x)`.
    #[test]
    fn draws_are_those_of_numpy() {
        let mut numpy = Numpy::new(42);
        let drawn = [8, 1, 9, 30, 1000, 1 << 31].map(|limit| numpy.below(limit));
        assert_eq!(drawn, [6, 0, 3, 28, 270, 996_406_378]);
        let mut colours: Vec<u8> = (1..10).collect();
        numpy.shuffle(&mut colours);
        assert_eq!(colours, [6, 1, 4, 7, 3, 2, 9, 5, 8]);
        let mut items: Vec<usize> = (0..12).collect();
        numpy.shuffle(&mut items);
        assert_eq!(items, [0, 6, 9, 1, 10, 5, 2, 8, 11, 3, 4, 7]);
    }
}
