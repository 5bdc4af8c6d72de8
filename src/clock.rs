//! Where the time of a computation goes, per named part.
//!
//! An operation wraps its work in [`time`]; that costs one relaxed load until somebody [`start`]s the clock. Then the
//! nanoseconds and the calls of each part are summed over all threads, so the unit is thread-seconds: two threads that work
//! one second each are two. A part inside another pauses the outer one, so no moment counts twice.
//!
//! What bites: a thread that waits for others inside a part is counted as working in it. Wrap what one thread does (the closure
//! of a parallel loop), not the loop. A part that is running when the clock stops is added when it ends: stop after the work.

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use crate::units::Seconds;

/// What a computation spends its time on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Matrix products, forward and of the gradient of their input.
    Products,
    /// The products and rotations inside attention.
    Attention,
    /// The exponentials and sums inside attention.
    Softmax,
    /// Residual and norm.
    Norm,
    /// The gate of a swiglu.
    Gate,
    /// Weights and activations laid out anew for a product.
    Packing,
    /// Products that are the gradient of a weight.
    WeightGradient,
    /// Gathers of embeddings and puzzle rows.
    Embedding,
    /// The loss and its slope.
    Loss,
    /// Timed, and none of these.
    Other,
}

impl Part {
    /// All parts, in the order in which they are shown.
    pub const ALL: [Self; 10] = [
        Self::Products,
        Self::Attention,
        Self::Softmax,
        Self::Norm,
        Self::Gate,
        Self::Packing,
        Self::WeightGradient,
        Self::Embedding,
        Self::Loss,
        Self::Other,
    ];

    /// Its name in files: one word.
    pub fn key(self) -> &'static str {
        match self {
            Self::Products => "products",
            Self::Attention => "attention",
            Self::Softmax => "softmax",
            Self::Norm => "norm",
            Self::Gate => "gate",
            Self::Packing => "packing",
            Self::WeightGradient => "weight_gradient",
            Self::Embedding => "embedding",
            Self::Loss => "loss",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.key().replace('_', " "))
    }
}

/// What a part took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spent {
    /// Summed over the threads.
    pub time: Seconds,
    /// How often it was entered.
    pub calls: u64,
}

/// What every part took between [`start`] and [`stop`].
#[derive(Clone, Debug, PartialEq)]
pub struct Times([Spent; Part::ALL.len()]);

impl Times {
    /// What `part` took.
    pub fn of(&self, part: Part) -> Spent {
        self.0[part as usize]
    }

    /// The parts that were entered at all, in the order of [`Part::ALL`].
    pub fn entered(&self) -> impl Iterator<Item = (Part, Spent)> {
        Part::ALL.into_iter().map(|part| (part, self.of(part))).filter(|(_, spent)| spent.calls > 0)
    }

    /// All parts together, summed over the threads.
    pub fn total(&self) -> Seconds {
        Seconds(self.0.iter().map(|spent| spent.time.0).sum())
    }
}

impl FromIterator<(Part, Spent)> for Times {
    /// A part that comes twice is added up.
    fn from_iter<I: IntoIterator<Item = (Part, Spent)>>(parts: I) -> Self {
        let mut times = [Spent { time: Seconds(0.0), calls: 0 }; Part::ALL.len()];
        for (part, spent) in parts {
            times[part as usize].time.0 += spent.time.0;
            times[part as usize].calls += spent.calls;
        }
        Self(times)
    }
}

/// Runs `work`, and counts it as `part` while the clock is on. An outer part pauses meanwhile.
#[inline]
pub fn time<R>(part: Part, work: impl FnOnce() -> R) -> R {
    CLOCK.time(part, work)
}

/// Starts the one clock of the program, from zero.
pub fn start() {
    CLOCK.start();
}

/// Stops it.
pub fn stop() -> Times {
    CLOCK.stop()
}

static CLOCK: Clock = Clock::new();

/// A tally on a cache line of its own, so that threads in different parts do not wait for each other.
#[repr(align(64))]
struct Tally {
    nanoseconds: AtomicU64,
    calls: AtomicU64,
}

impl Tally {
    const fn new() -> Self {
        Self { nanoseconds: AtomicU64::new(0), calls: AtomicU64::new(0) }
    }
}

struct Clock {
    is_on: AtomicBool,
    tallies: [Tally; Part::ALL.len()],
}

impl Clock {
    const fn new() -> Self {
        Self { is_on: AtomicBool::new(false), tallies: [const { Tally::new() }; Part::ALL.len()] }
    }

    fn start(&self) {
        for tally in &self.tallies {
            tally.nanoseconds.store(0, Ordering::Relaxed);
            tally.calls.store(0, Ordering::Relaxed);
        }
        self.is_on.store(true, Ordering::Relaxed);
    }

    fn stop(&self) -> Times {
        self.is_on.store(false, Ordering::Relaxed);
        let spent = |part: Part| {
            let tally = &self.tallies[part as usize];
            let nanoseconds = tally.nanoseconds.load(Ordering::Relaxed);
            Spent { time: Seconds(nanoseconds as f64 / 1e9), calls: tally.calls.load(Ordering::Relaxed) }
        };
        Part::ALL.into_iter().map(|part| (part, spent(part))).collect()
    }

    #[inline]
    fn time<R>(&self, part: Part, work: impl FnOnce() -> R) -> R {
        if !self.is_on.load(Ordering::Relaxed) {
            return work();
        }
        let _span = Span::enter(self, part);
        work()
    }

    fn add(&self, part: Part, since: Instant, now: Instant) {
        // 2^64 nanoseconds are 584 years
        let nanoseconds = (now - since).as_nanos() as u64;
        self.tallies[part as usize].nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }
}

thread_local! {
    /// The part that this thread is in, and since when it has not been added to its tally.
    static RUNNING: Cell<Option<(Part, Instant)>> = const { Cell::new(None) };
}

/// The stay in a part. It ends when dropped, so also when the work panics.
struct Span<'a> {
    clock: &'a Clock,
    outer: Option<Part>,
}

impl<'a> Span<'a> {
    fn enter(clock: &'a Clock, part: Part) -> Self {
        let now = Instant::now();
        let outer = RUNNING.replace(Some((part, now)));
        if let Some((outer, since)) = outer {
            clock.add(outer, since, now);
        }
        clock.tallies[part as usize].calls.fetch_add(1, Ordering::Relaxed);
        Self { clock, outer: outer.map(|(outer, _)| outer) }
    }
}

impl Drop for Span<'_> {
    fn drop(&mut self) {
        let now = Instant::now();
        if let Some((part, since)) = RUNNING.replace(self.outer.map(|outer| (outer, now))) {
            self.clock.add(part, since, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;
    use std::time::Duration;

    const NAP: Duration = Duration::from_millis(20);

    fn nap() {
        thread::sleep(NAP);
    }

    // Each test has a clock of its own: the program's would also count what other tests compute at the same time.
    fn started() -> Clock {
        let clock = Clock::new();
        clock.start();
        clock
    }

    #[test]
    fn a_stopped_clock_counts_nothing_and_the_work_is_done() {
        let clock = Clock::new();
        assert_eq!(clock.time(Part::Norm, || 7), 7);
        assert_eq!(clock.stop().entered().count(), 0);
        clock.start();
        clock.time(Part::Norm, nap);
        clock.start();
        let times = clock.stop();
        assert_eq!((times.entered().count(), times.total()), (0, Seconds(0.0)), "a start begins from zero");
        clock.time(Part::Norm, nap);
        assert_eq!(clock.stop(), times);
    }

    #[test]
    fn a_part_inside_another_pauses_the_outer_one() {
        let clock = started();
        let begun = Instant::now();
        clock.time(Part::Attention, || {
            nap();
            clock.time(Part::Softmax, || clock.time(Part::Attention, nap));
            clock.time(Part::Softmax, nap);
            nap();
        });
        let elapsed = begun.elapsed().as_secs_f64();
        let times = clock.stop();
        let (attention, softmax) = (times.of(Part::Attention), times.of(Part::Softmax));
        assert_eq!((attention.calls, softmax.calls), (2, 2));
        assert!(attention.time.0 >= 3.0 * NAP.as_secs_f64() && softmax.time.0 >= NAP.as_secs_f64(), "{times:?}");
        assert!(times.total().0 <= elapsed, "{times:?} in {elapsed} s: a moment was counted twice");
        assert_eq!(times.entered().map(|(part, _)| part).collect::<Vec<_>>(), [Part::Attention, Part::Softmax]);
    }

    #[test]
    fn threads_are_added_up() {
        let clock = started();
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| clock.time(Part::Gate, nap));
            }
        });
        let gate = clock.stop().of(Part::Gate);
        assert!(gate.calls == 3 && gate.time.0 >= 3.0 * NAP.as_secs_f64(), "{gate:?}");
    }

    #[test]
    fn a_panic_leaves_no_part_running() {
        let clock = started();
        let inside = || clock.time(Part::Loss, || clock.time(Part::Norm, || panic!("on purpose")));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(inside)).is_err());
        nap();
        clock.time(Part::Other, || ());
        let times = clock.stop();
        assert!(times.of(Part::Loss).time.0 < NAP.as_secs_f64(), "{times:?}");
        assert_eq!([Part::Loss, Part::Norm, Part::Other].map(|part| times.of(part).calls), [1, 1, 1]);
    }

    #[test]
    fn the_program_s_clock_is_one_of_them() {
        start();
        time(Part::Other, nap);
        let other = stop().of(Part::Other);
        assert!(other.calls >= 1 && other.time.0 >= NAP.as_secs_f64(), "{other:?}");
    }

    #[test]
    fn every_part_has_its_own_place_and_name() {
        assert!(Part::ALL.iter().enumerate().all(|(place, &part)| part as usize == place));
        let keys: std::collections::BTreeSet<&str> = Part::ALL.map(Part::key).into();
        assert_eq!(keys.len(), Part::ALL.len());
        assert_eq!(Part::WeightGradient.to_string(), "weight gradient");
    }
}
