//! One seed, many named streams of random numbers.
//!
//! Every consumer of randomness (initial weights, sampling, exploration, ...) draws from its own stream, so
//! that adding a draw in one place never shifts another. A stream's whole state is a seed, a name and a
//! position, which a checkpoint keeps as text.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Whether the same program, files, settings and seed give the same result again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repeats {
    /// True when it is the same to the bit.
    pub bitwise: bool,
    /// Why it is, and under what; or why it need not be.
    pub because: String,
}

impl Repeats {
    /// Of work that goes on in `now` after a part of it was done in `before`, the arithmetic of two processors: `None` where they are the
    /// same, or one of them is not known.
    pub fn across(before: Option<&str>, now: Option<&str>) -> Option<Self> {
        let (before, now) = before.zip(now).filter(|(before, now)| before != now)?;
        let because = format!(
            "a part of it ran on another kind of processor: products in {before}, then in {now}, round differently"
        );
        Some(Self { bitwise: false, because })
    }
}

/// A stream of random numbers (ChaCha8, keyed by SHA-256 of seed and name).
#[derive(Clone, Debug)]
pub struct Stream {
    seed: u64,
    name: String,
    generator: ChaCha8Rng,
}

/// Where a stream stands, for a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamState {
    /// The run's seed.
    pub seed: u64,
    /// The stream's name.
    pub name: String,
    /// 32-bit words drawn so far, in decimal.
    pub position: String,
}

impl Stream {
    /// The stream `name` of `seed`, at its beginning.
    pub fn new(seed: u64, name: &str) -> Self {
        let mut key = Sha256::new();
        key.update(seed.to_le_bytes());
        key.update(name.as_bytes());
        Self { seed, name: name.to_owned(), generator: ChaCha8Rng::from_seed(key.finalize().into()) }
    }

    /// Where the stream stands.
    pub fn state(&self) -> StreamState {
        StreamState { seed: self.seed, name: self.name.clone(), position: self.generator.get_word_pos().to_string() }
    }

    /// The stream as it stood; `None` when the position is not a number.
    pub fn restore(state: &StreamState) -> Option<Self> {
        let mut stream = Self::new(state.seed, &state.name);
        stream.generator.set_word_pos(state.position.parse().ok()?);
        Some(stream)
    }

    /// A whole number in `0..bound`, without bias. `bound` must not be 0.
    pub fn below(&mut self, bound: usize) -> usize {
        assert!(bound > 0, "a number below 0 was asked for");
        let bound = bound as u64;
        let biased = (u64::MAX % bound + 1) % bound;
        loop {
            let draw = self.generator.next_u64();
            if draw <= u64::MAX - biased {
                return (draw % bound) as usize;
            }
        }
    }

    /// A number in `[0, 1)` with 53 random bits.
    pub fn unit(&mut self) -> f64 {
        (self.generator.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// A standard normal number (Box-Muller).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// A standard normal number within two standard deviations (by rejection).
    pub fn truncated_normal(&mut self) -> f64 {
        loop {
            let draw = self.normal();
            if draw.abs() <= 2.0 {
                return draw;
            }
        }
    }

    /// Puts `items` in random order (Fisher-Yates, from the last item down).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restored_stream_goes_on_where_it_stood() {
        let mut stream = Stream::new(7, "sampler");
        for _ in 0..13 {
            stream.below(10);
        }
        let mut again = Stream::restore(&stream.state()).unwrap();
        let rest: Vec<_> = (0..50).map(|_| stream.below(1000)).collect();
        assert_eq!(rest, (0..50).map(|_| again.below(1000)).collect::<Vec<_>>());
    }

    #[test]
    fn streams_of_other_names_and_seeds_differ() {
        let draw = |seed, name| Stream::new(seed, name).unit();
        assert_ne!(draw(0, "a"), draw(0, "b"));
        assert_ne!(draw(0, "a"), draw(1, "a"));
    }

    #[test]
    fn draws_have_the_moments_they_should() {
        let mut stream = Stream::new(0, "moments");
        let n = 20_000;
        let normals: Vec<f64> = (0..n).map(|_| stream.normal()).collect();
        let mean = normals.iter().sum::<f64>() / n as f64;
        let variance = normals.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n as f64;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
        assert!((0..n).all(|_| stream.truncated_normal().abs() <= 2.0));
        let sevens = (0..n).filter(|_| stream.below(10) == 7).count();
        assert!((sevens as f64 / n as f64 - 0.1).abs() < 0.01, "{sevens}");
    }

    #[test]
    fn shuffling_keeps_every_item() {
        let mut items: Vec<_> = (0..100).collect();
        Stream::new(3, "order").shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
