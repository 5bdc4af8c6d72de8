//! The largest sizes of a model: far beyond any that was trained, and small enough that the products of a few of them can be counted.
//!
//! A recipe comes from anywhere, and a number in it decides what is allocated. Positions are 16 bits wide: more cells have no place.

use thiserror::Error;

use super::Config;

/// A size that no model has.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("model: {name} is {value}; it is at most {most}")]
pub struct TooLarge {
    name: &'static str,
    value: String,
    most: String,
}

/// Looks for a size that is too large.
///
/// # Errors
/// [`TooLarge`], of the first.
pub(super) fn check(config: &Config) -> Result<(), TooLarge> {
    let width = f64::from(1 << 16);
    let sizes = [
        ("vocabulary", config.vocabulary as f64, width),
        ("hidden", config.hidden as f64, width),
        ("heads", config.heads as f64, width),
        ("layers", config.layers as f64, 256.0),
        ("expansion", config.expansion, 1024.0),
        ("h_cycles", config.h_cycles as f64, 1024.0),
        ("l_cycles", config.l_cycles as f64, 1024.0),
        ("prefix", config.prefix as f64, width),
        ("puzzle_width", config.puzzle_width as f64, f64::from(1 << 24)),
        ("cells", config.cells as f64, width),
    ];
    match sizes.into_iter().find(|(_, size, most)| size > most) {
        None => Ok(()),
        Some((name, size, most)) => Err(TooLarge { name, value: size.to_string(), most: most.to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Latents, Mixer, Nets, Positions, specs};

    #[test]
    fn the_largest_model_can_be_counted_and_a_larger_one_is_named() {
        let largest = Config {
            vocabulary: 1 << 16,
            hidden: 1 << 16,
            layers: 256,
            expansion: 1024.0,
            l_cycles: 1024,
            prefix: 1 << 16,
            cells: 1 << 16,
            mixer: Mixer::TokenMlp,
            positions: Positions::None,
            nets: Nets::Separate,
            latents: Latents::MultiScale,
            ..Config::arc()
        };
        assert_eq!(largest.check(), Ok(()));
        let bytes = specs(&largest)
            .iter()
            .map(|spec| spec.len().checked_mul(8))
            .try_fold(0usize, |sum, size| sum.checked_add(size?));
        assert!(bytes.is_some_and(|bytes| bytes > 1 << 50));
        let fault = Config { layers: 1_000_000_000_000, ..Config::arc() }.check().unwrap_err().to_string();
        assert_eq!(fault, "model: layers is 1000000000000; it is at most 256");
        let fault = Config { expansion: 1e300, ..Config::arc() }.check().unwrap_err().to_string();
        assert!(fault.contains("expansion is 1000") && fault.contains("at most 1024"), "{fault}");
    }
}
