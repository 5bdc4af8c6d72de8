//! `ConfigError`: why there is no model of some sizes.

use thiserror::Error;

use super::limits::TooLarge;

/// A model that cannot be.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ConfigError {
    /// A size of 0.
    #[error("model: {0} is 0; it is at least 1")]
    Zero(&'static str),
    /// A factor that is no positive number.
    #[error("model: {name} is {value}; it is a number above 0")]
    NotPositive {
        /// Its name.
        name: &'static str,
        /// Its value.
        value: String,
    },
    /// A swiglu without inner numbers.
    #[error(
        "model: expansion is {expansion}, which gives a swiglu over {width} numbers an inner size of 0; hint: raise it above {least}"
    )]
    NoInner {
        /// The factor.
        expansion: String,
        /// Width that it expands.
        width: usize,
        /// Expansion that gives one inner number.
        least: String,
    },
    /// Frequencies that have no end.
    #[error("model: rope_base is {0}; it is at least 1")]
    RopeBase(String),
    /// A size that no model has.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// Heads that do not divide the width evenly.
    #[error("model: hidden {hidden} does not divide into {heads} heads of an even size")]
    Heads {
        /// D.
        hidden: usize,
        /// H.
        heads: usize,
    },
    /// Heads that do not divide into rows and columns.
    #[error("model: heads of {size} coordinates with rope-2d; their size is a multiple of 4")]
    PlaneHeads {
        /// d.
        size: usize,
    },
    /// A board that has no sides.
    #[error("model: {name} needs a square board, but {cells} cells are none")]
    PlaneBoard {
        /// Setting that needs it.
        name: &'static str,
        /// S.
        cells: usize,
    },
    /// Neighbours in a model that has turned its boards over.
    #[error(
        "model: local = \"depthwise-3x3\" goes with mixer = \"attention\" alone; with \"token-mlp\" it is \"none\""
    )]
    LocalTokenMlp,
    /// A second net where one state has no use for it.
    #[error("model: latents = \"{0}\" has one state, and so one net: leave nets = \"separate\" out")]
    OneNet(&'static str),
    /// Cycles in a model without any.
    #[error("model: latents = \"none\" is one pass a step: h_cycles and l_cycles are 1, not {h_cycles} and {l_cycles}")]
    NoCycles {
        /// T.
        h_cycles: usize,
        /// n.
        l_cycles: usize,
    },
    /// The last two updates of a model that has one.
    #[error("model: latents = \"none\" is one pass a step: leave gradient = \"one-step\" out")]
    OnePass,
    /// Heads that are larger than the device's kernels take.
    #[error("model: heads of {size} coordinates; this device takes at most {most} (on the CPU any number)")]
    LargeHeads {
        /// d.
        size: usize,
        /// The most.
        most: usize,
    },
    /// A row that does not fit its tokens.
    #[error("model: puzzle_width {width} does not fit prefix {prefix} tokens of hidden {hidden} numbers")]
    Prefix {
        /// The numbers of a row.
        width: usize,
        /// P.
        prefix: usize,
        /// D.
        hidden: usize,
    },
}
