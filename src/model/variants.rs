//! The switches of the paper's ablations and of the systems it compares with, and the passes of a step with them.
//!
//! All of them are one rule. A model has some states, that of the answer first. An update replaces one of them by the net of the sum
//! of all; it adds the input too, unless it is the update of the answer that ends a cycle. See [`Latents`].

use serde::{Deserialize, Serialize};

use crate::model::Config;

/// How many nets the states have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Nets {
    /// One for all updates, as the paper has it.
    #[default]
    Shared,
    /// A second one of the same form for the updates of z_H, as HRM has it.
    Separate,
}

/// How far back gradients flow in a supervision step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Backward {
    /// Through all updates of the last cycle, as in the paper.
    #[default]
    FullRecursion,
    /// Through the last two updates alone, one of z_L and one of z_H, as in HRM.
    OneStep,
}

/// The latent states of a token. A cycle has n updates and then that of the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Latents {
    /// z_H and z_L, as in the paper: n times `z_L = net(z_L + z_H + x)`, then `z_H = net(z_H + z_L)`.
    #[default]
    Two,
    /// One state alone: n times `z = net(z + x)`, then `z = net(z)`. It is z_H here, but begins at `L_init`: the published code calls it z_L.
    Single,
    /// z_H and n others: the i-th update replaces `z_i` by `net(z_1 + .. + z_n + z_H + x)`, then `z_H = net(z_H + z_1 + .. + z_n)`. They
    /// begin at `L1_init` and so on.
    MultiScale,
    /// z_H alone, and no recursion: `z_H = net(z_H + x)`, once a supervision step. The one net is called `H_level`, as it is published.
    None,
}

impl Latents {
    /// Its name in a recipe.
    pub fn name(self) -> &'static str {
        match self {
            Self::Two => "two",
            Self::Single => "single",
            Self::MultiScale => "multi-scale",
            Self::None => "none",
        }
    }
}

/// The passes of the net in one supervision step of a training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passes {
    /// Those that come first, of which no gradient is asked.
    pub without_gradient: usize,
    /// Those through which gradients flow.
    pub with_gradient: usize,
}

impl Passes {
    /// Those of a model; as many passes are also what it takes to answer.
    pub fn of(config: &Config) -> Self {
        let of_cycle = Self::of_cycle(config);
        let with_gradient = match config.gradient {
            Backward::FullRecursion => of_cycle,
            Backward::OneStep => 2,
        };
        Self { without_gradient: config.h_cycles * of_cycle - with_gradient, with_gradient }
    }

    /// Those of one cycle.
    pub(super) fn of_cycle(config: &Config) -> usize {
        match config.latents {
            Latents::None => 1,
            Latents::Two | Latents::Single | Latents::MultiScale => config.l_cycles + 1,
        }
    }

    /// All of them.
    pub fn count(self) -> usize {
        self.without_gradient + self.with_gradient
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_are_counted_with_and_without_gradient() {
        let count = |config: Config| {
            config.check().unwrap();
            let passes = Passes::of(&config);
            (passes.without_gradient, passes.with_gradient, passes.count())
        };
        let paper = Config { l_cycles: 6, ..Config::arc() };
        assert_eq!(count(paper.clone()), (14, 7, 21));
        assert_eq!(count(Config { h_cycles: 2, l_cycles: 2, ..paper.clone() }), (3, 3, 6));
        assert_eq!(count(Config { gradient: Backward::OneStep, ..paper.clone() }), (19, 2, 21));
        for latents in [Latents::Single, Latents::MultiScale] {
            assert_eq!(count(Config { latents, ..paper.clone() }), count(paper.clone()));
        }
        assert_eq!(count(Config { h_cycles: 1, l_cycles: 1, latents: Latents::None, ..paper }), (0, 1, 1));
    }
}
