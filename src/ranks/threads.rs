//! `Threads`: ranks that are threads of one process. What is true of them needs no launcher to be tested.

use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use super::{Ranks, floats};

/// One of several threads that are ranks.
#[derive(Clone, Debug)]
pub struct Threads {
    rank: usize,
    board: Arc<Board>,
}

/// Where each rank puts what it gives.
#[derive(Debug)]
struct Board {
    given: Mutex<Vec<Vec<u8>>>,
    barrier: Barrier,
}

impl Threads {
    /// Runs `work` on so many ranks, and returns what each of them returns. A rank that panics while others wait for it is waited
    /// for without end.
    pub fn run<T: Send>(count: usize, work: impl Fn(&Self) -> T + Sync) -> Vec<T> {
        let board = Arc::new(Board { given: Mutex::new(vec![Vec::new(); count]), barrier: Barrier::new(count) });
        thread::scope(|scope| {
            let start = |rank| {
                let ranks = Self { rank, board: Arc::clone(&board) };
                let work = &work;
                scope.spawn(move || work(&ranks))
            };
            let started: Vec<_> = (0..count).map(start).collect();
            started.into_iter().map(|rank| rank.join().expect("a rank panicked")).collect()
        })
    }
}

impl Ranks for Threads {
    fn rank(&self) -> usize {
        self.rank
    }

    fn count(&self) -> usize {
        self.board.given.lock().expect("no rank panicked").len()
    }

    fn local_rank(&self) -> usize {
        self.rank
    }

    fn sum(&self, values: &mut [f32]) {
        let given = self.gather(bytemuck::cast_slice(values));
        for (rank, bytes) in given.iter().enumerate() {
            let others = floats(bytes);
            let add = |(sum, other): (&mut f32, f32)| *sum = if rank == 0 { other } else { *sum + other };
            values.iter_mut().zip(others).for_each(add);
        }
    }

    fn gather(&self, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.board.given.lock().expect("no rank panicked")[self.rank] = bytes.to_vec();
        self.board.barrier.wait();
        let given = self.board.given.lock().expect("no rank panicked").clone();
        // nobody gives anew before everybody has taken
        self.board.barrier.wait();
        given
    }

    fn gather_at_first(&self, bytes: Vec<u8>) -> Vec<Vec<u8>> {
        let given = self.gather(&bytes);
        if self.rank == 0 { given } else { Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranks::{RanksError, agree};

    #[test]
    fn values_are_added_in_the_order_of_the_ranks_on_every_rank() {
        let value = |rank: usize, i: usize| [1e8, 1.0, -1e8, 3e-3][rank] * (i + 1) as f32;
        let sums = Threads::run(4, |ranks| {
            let mut values: Vec<f32> = (0..5).map(|i| value(ranks.rank(), i)).collect();
            ranks.sum(&mut values);
            values.iter().map(|value| value.to_bits()).collect::<Vec<_>>()
        });
        let sum = |i| ((value(0, i) + value(1, i)) + value(2, i)) + value(3, i);
        let expected: Vec<u32> = (0..5).map(|i| sum(i).to_bits()).collect();
        assert!(sums.iter().all(|sum| *sum == expected), "{sums:?} {expected:?}");
    }

    #[test]
    fn what_goes_wrong_on_one_rank_ends_all() {
        let results = Threads::run(3, |ranks| {
            let fault = RanksError::Elsewhere { rank: 9, message: "the disk is full".into() };
            agree(ranks, if ranks.rank() == 1 { Err(fault) } else { Ok(ranks.rank()) }).map_err(|e| e.to_string())
        });
        let elsewhere = Err("rank 1: rank 9: the disk is full".to_owned());
        assert_eq!(results, [elsewhere.clone(), Err("rank 9: the disk is full".to_owned()), elsewhere]);
        let results = Threads::run(3, |ranks| agree::<_, RanksError>(ranks, Ok(ranks.rank())));
        assert_eq!(results, [Ok(0), Ok(1), Ok(2)]);
    }

    #[test]
    fn one_is_enough_for_any_and_rank_0_alone_gets_what_is_gathered_there() {
        let results = Threads::run(2, |ranks| {
            let rank = ranks.rank();
            (ranks.any(rank == 1), ranks.any(false), ranks.gather_at_first(vec![rank as u8; rank + 1]))
        });
        assert_eq!(results, [(true, false, vec![vec![0], vec![1, 1]]), (true, false, vec![])]);
    }
}
