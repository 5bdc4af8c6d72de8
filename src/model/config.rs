//! `Config`: the sizes of a model, checked once, and the presets of the paper.

use serde::{Deserialize, Serialize};

use super::{ConfigError, limits};
use crate::model::{Backward, Latents, Nets};

/// How tokens of an example see each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mixer {
    /// Full attention.
    Attention,
    /// A swiglu along the tokens (the paper's MLP kind): every example must have the full number of cells.
    TokenMlp,
}

/// Where a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Positions {
    /// Rotary, over the order of the full board, as the paper has it.
    Rope,
    /// Rotary over rows and columns of the full board, half of a head for each. Positions end at the board's side, so a `rope_base` of
    /// about 100 spreads the frequencies over them.
    #[serde(rename = "rope-2d")]
    Rope2d,
    /// None.
    None,
}

/// How neighbouring cells are mixed before the tokens are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Local {
    /// Not at all, as in the paper.
    #[default]
    None,
    /// A layer of its own at the beginning of each block, a convolution of each channel over the 3 x 3 cells around a cell: see
    /// [`crate::ops::local`].
    #[serde(rename = "depthwise-3x3")]
    Depthwise3x3,
}

/// The sizes of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// V, the kinds of cells.
    pub vocabulary: usize,
    /// D, the width of an activation.
    pub hidden: usize,
    /// H; must divide D into even parts.
    pub heads: usize,
    /// Blocks of the net.
    pub layers: usize,
    /// I is `expansion * D * 2/3`, rounded up to a multiple of 256.
    pub expansion: f64,
    /// T: how often z_H is updated in a supervision step.
    pub h_cycles: usize,
    /// n: how often z_L is updated before each update of z_H.
    pub l_cycles: usize,
    /// P, the tokens that an example's puzzle row becomes.
    pub prefix: usize,
    /// The numbers of a puzzle row; at most P * D.
    pub puzzle_width: usize,
    /// S, the cells of the full board.
    pub cells: usize,
    /// The mixing of tokens.
    pub mixer: Mixer,
    /// The positions of tokens.
    pub positions: Positions,
    /// The base of the rotary frequencies.
    pub rope_base: f64,
    /// The mixing of neighbouring cells; none when it is left out.
    #[serde(default)]
    pub local: Local,
    /// The nets; one when it is left out.
    #[serde(default, skip_serializing_if = "is_default")]
    pub nets: Nets,
    /// How far back gradients flow; through the whole last cycle when it is left out.
    #[serde(default, skip_serializing_if = "is_default")]
    pub gradient: Backward,
    /// The latent states; the paper's two when it is left out.
    #[serde(default, skip_serializing_if = "is_default")]
    pub latents: Latents,
}

/// A switch that stands as in the paper is not written down.
fn is_default<T: Default + PartialEq>(switch: &T) -> bool {
    *switch == T::default()
}

impl Config {
    /// The paper's ARC model: 6,830,082 numbers without the puzzle rows.
    pub fn arc() -> Self {
        Self {
            vocabulary: 12,
            hidden: 512,
            heads: 8,
            layers: 2,
            expansion: 4.0,
            h_cycles: 3,
            l_cycles: 4,
            prefix: 16,
            puzzle_width: 512,
            cells: 900,
            mixer: Mixer::Attention,
            positions: Positions::Rope,
            rope_base: 10_000.0,
            local: Local::None,
            nets: Nets::Shared,
            gradient: Backward::FullRecursion,
            latents: Latents::Two,
        }
    }

    /// Checks the sizes against each other.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn check(&self) -> Result<(), ConfigError> {
        let sizes = [
            ("vocabulary", self.vocabulary),
            ("hidden", self.hidden),
            ("heads", self.heads),
            ("layers", self.layers),
            ("h_cycles", self.h_cycles),
            ("l_cycles", self.l_cycles),
            ("prefix", self.prefix),
            ("puzzle_width", self.puzzle_width),
            ("cells", self.cells),
        ];
        if let Some((name, _)) = sizes.into_iter().find(|(_, size)| *size == 0) {
            return Err(ConfigError::Zero(name));
        }
        for (name, value) in [("expansion", self.expansion), ("rope_base", self.rope_base)] {
            if !(value.is_finite() && value > 0.0) {
                return Err(ConfigError::NotPositive { name, value: value.to_string() });
            }
        }
        limits::check(self)?;
        self.check_inner()?;
        if self.rope_base < 1.0 {
            return Err(ConfigError::RopeBase(self.rope_base.to_string()));
        }
        let (hidden, heads, prefix, width) = (self.hidden, self.heads, self.prefix, self.puzzle_width);
        if hidden % heads != 0 || (hidden / heads) % 2 != 0 {
            return Err(ConfigError::Heads { hidden, heads });
        }
        if self.positions == Positions::Rope2d && !(hidden / heads).is_multiple_of(4) {
            return Err(ConfigError::PlaneHeads { size: hidden / heads });
        }
        if self.local == Local::Depthwise3x3 && self.mixer == Mixer::TokenMlp {
            return Err(ConfigError::LocalTokenMlp);
        }
        let on_a_plane = [("rope-2d", self.positions == Positions::Rope2d), ("local", self.local != Local::None)];
        if let Some((name, _)) = on_a_plane.into_iter().find(|(_, on)| *on && self.board_side().pow(2) != self.cells) {
            return Err(ConfigError::PlaneBoard { name, cells: self.cells });
        }
        if width > prefix * hidden {
            return Err(ConfigError::Prefix { width, prefix, hidden });
        }
        self.check_variant()
    }

    /// Every swiglu has inner numbers: over the width of an activation, and in the token-MLP kind over the tokens.
    fn check_inner(&self) -> Result<(), ConfigError> {
        let tokens = (self.mixer == Mixer::TokenMlp).then(|| self.board_tokens());
        match [self.hidden].into_iter().chain(tokens).find(|&width| self.inner(width) == 0) {
            None => Ok(()),
            Some(width) => Err(ConfigError::NoInner {
                expansion: self.expansion.to_string(),
                width,
                least: format!("{:.4}", 0.75 / width as f64),
            }),
        }
    }

    fn check_variant(&self) -> Result<(), ConfigError> {
        let Self { h_cycles, l_cycles, latents, .. } = *self;
        match (latents, self.nets, self.gradient) {
            (Latents::Single | Latents::None, Nets::Separate, _) => Err(ConfigError::OneNet(latents.name())),
            (Latents::None, ..) if (h_cycles, l_cycles) != (1, 1) => Err(ConfigError::NoCycles { h_cycles, l_cycles }),
            (Latents::None, _, Backward::OneStep) => Err(ConfigError::OnePass),
            _ => Ok(()),
        }
    }

    /// I for a swiglu over `width` numbers: `expansion * width * 2/3` rounded, then up to a multiple of 256.
    pub fn inner(&self, width: usize) -> usize {
        // `round` to even, as Python's does
        ((self.expansion * width as f64 * 2.0 / 3.0).round_ties_even() as usize).div_ceil(256).saturating_mul(256)
    }

    /// The rows, and as many columns, of a square board of S cells.
    pub fn board_side(&self) -> usize {
        self.cells.isqrt()
    }

    /// L of a full board, `P + S`.
    pub fn board_tokens(&self) -> usize {
        self.prefix + self.cells
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inner_sizes_are_the_published_ones() {
        assert_eq!(Config::arc().inner(512), 1536);
        assert_eq!(Config::arc().inner(916), 2560);
        assert_eq!(Config::arc().inner(128), 512);
    }

    #[test]
    fn impossible_sizes_are_named() {
        let check = |change: fn(&mut Config)| {
            let mut config = Config::arc();
            change(&mut config);
            config.check().unwrap_err().to_string()
        };
        assert!(check(|c| c.expansion = 0.001).contains("expansion is 0.001, which gives a swiglu over 512 numbers"));
        let of_tokens = |c: &mut Config| (c.mixer, c.cells, c.prefix, c.expansion) = (Mixer::TokenMlp, 16, 1, 0.02);
        let inner = check(of_tokens);
        assert!(inner.contains("over 17 numbers an inner size of 0; hint: raise it above 0.0441"), "{inner}");
        assert!(check(|c| c.rope_base = 1e-300).contains("rope_base is 0.0000"));
        assert!(check(|c| c.l_cycles = 0).contains("l_cycles is 0"));
        assert!(check(|c| c.heads = 7).contains("7 heads"));
        assert!(check(|c| c.puzzle_width = 9000).contains("9000"));
        assert!(
            check(|c| (c.hidden, c.puzzle_width, c.heads, c.positions) = (24, 24, 4, Positions::Rope2d))
                .contains("of 6 coor")
        );
        assert!(
            check(|c| (c.cells, c.positions) = (899, Positions::Rope2d))
                .contains("rope-2d needs a square board, but 899")
        );
        assert!(
            check(|c| (c.cells, c.local) = (899, Local::Depthwise3x3)).contains("local needs a square board, but 899")
        );
        let mixed = check(|c| (c.mixer, c.local) = (Mixer::TokenMlp, Local::Depthwise3x3));
        assert!(mixed.contains("goes with mixer = \"attention\" alone"), "{mixed}");
        let separate = |c: &mut Config| (c.nets, c.latents) = (Nets::Separate, Latents::Single);
        assert!(check(separate).contains("latents = \"single\" has one state"));
        assert!(check(|c| c.latents = Latents::None).contains("are 1, not 3 and 4"));
        let direct = |c: &mut Config| (c.h_cycles, c.l_cycles, c.latents) = (1, 1, Latents::None);
        let one_step = |c: &mut Config| c.gradient = Backward::OneStep;
        let mut config = Config::arc();
        direct(&mut config);
        assert_eq!(config.check(), Ok(()));
        one_step(&mut config);
        assert_eq!(config.check(), Err(ConfigError::OnePass));
        (config.gradient, config.nets) = (Backward::FullRecursion, Nets::Separate);
        assert_eq!(config.check(), Err(ConfigError::OneNet("none")));
        assert_eq!(Config::arc().check(), Ok(()));
    }

    #[test]
    fn a_switch_that_stands_as_in_the_paper_is_not_written() {
        let switches = ["nets", "gradient", "latents"];
        let paper = serde_json::to_value(Config::arc()).unwrap();
        assert!(switches.iter().all(|switch| paper.get(switch).is_none()));
        assert_eq!(serde_json::from_value::<Config>(paper).unwrap(), Config::arc());
        let (nets, gradient, latents) = (Nets::Separate, Backward::OneStep, Latents::MultiScale);
        let other = Config { nets, gradient, latents, ..Config::arc() };
        let written = serde_json::to_value(&other).unwrap();
        assert_eq!(switches.map(|switch| written[switch].as_str().unwrap()), ["separate", "one-step", "multi-scale"]);
        assert_eq!(serde_json::from_value::<Config>(written).unwrap(), other);
    }

    #[test]
    fn a_model_without_a_word_on_neighbours_mixes_none() {
        let mut written = serde_json::to_value(Config { local: Local::Depthwise3x3, ..Config::arc() }).unwrap();
        assert_eq!(written["local"], "depthwise-3x3");
        let read = |value: &serde_json::Value| serde_json::from_value::<Config>(value.clone());
        assert_eq!(read(&written).unwrap().local, Local::Depthwise3x3);
        written["local"] = "depthwise".into();
        assert!(read(&written).unwrap_err().to_string().contains("unknown variant `depthwise`"));
        written.as_object_mut().unwrap().remove("local");
        assert_eq!(read(&written).unwrap(), Config::arc());
    }
}
