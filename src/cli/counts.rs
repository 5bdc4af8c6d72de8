//! Counts on the command line, each with the most that makes sense: what is beyond it is a slip, and would end in memory that is not there.

use clap::builder::RangedU64ValueParser;

/// Most views of a test input.
const MAX_VIEWS: u64 = 100_000;

/// Most supervision steps of a view, whose answers are kept.
const MAX_SUPERVISION_STEPS: u64 = 100_000;

/// Most optimizer steps.
const MAX_STEPS: u64 = 1_000_000_000;

/// Most tokens of a batch.
const MAX_TOKENS: u64 = 1_000_000_000;

/// Most of anything else that is counted.
const MAX_COUNT: u64 = 1_000_000_000;

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

#[cfg(test)]
mod tests {
    use clap::builder::TypedValueParser;

    use super::*;

    #[test]
    fn a_count_beyond_what_makes_sense_is_refused_with_the_most_that_does() {
        let parse = |parser: RangedU64ValueParser<usize>, text: &str| {
            parser.parse_ref(&clap::Command::new("test"), None, text.as_ref()).map_err(|fault| fault.to_string())
        };
        assert_eq!(parse(views(), "100000"), Ok(100_000));
        for beyond in ["0", "100001", "1000000000000", "18446744073709551615", "18446744073709551616"] {
            assert!(parse(views(), beyond).is_err(), "{beyond}");
        }
        assert!(parse(views(), "18446744073709551615").unwrap_err().contains("1..=100000"));
        for parser in [supervision_steps, steps, tokens, count] {
            assert!(parse(parser(), "18446744073709551615").is_err());
            assert_eq!(parse(parser(), "1"), Ok(1));
        }
    }
}
