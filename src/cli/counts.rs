//! Counts on the command line, each with the most that makes sense: what is beyond it is a slip, and would end in memory that is not there.

use clap::builder::RangedU64ValueParser;

/// Most views of a test input.
pub(super) const MAX_VIEWS: u64 = 100_000;

/// Most supervision steps of a view, whose answers are kept.
pub(super) const MAX_SUPERVISION_STEPS: u64 = 100_000;

/// Most optimizer steps.
pub(super) const MAX_STEPS: u64 = 1_000_000_000;

/// Most tokens of a batch.
pub(super) const MAX_TOKENS: u64 = 1_000_000_000;

/// Most of anything else that is counted.
pub(super) const MAX_COUNT: u64 = 1_000_000_000;

/// Views of a test input.
pub(super) fn views() -> RangedU64ValueParser<usize> {
    up_to(MAX_VIEWS)
}

/// Supervision steps.
pub(super) fn supervision_steps() -> RangedU64ValueParser<usize> {
    up_to(MAX_SUPERVISION_STEPS)
}

/// Optimizer steps.
pub(super) fn steps() -> RangedU64ValueParser<usize> {
    up_to(MAX_STEPS)
}

/// Tokens of a batch.
pub(super) fn tokens() -> RangedU64ValueParser<usize> {
    up_to(MAX_TOKENS)
}

/// Anything else of which there is at least one.
pub(super) fn count() -> RangedU64ValueParser<usize> {
    up_to(MAX_COUNT)
}

fn up_to(most: u64) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=most)
}
