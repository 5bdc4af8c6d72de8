//! How large a model is, told from its configuration alone and before anything of it is there: its numbers, counted so that no size
//! overflows, and the bytes that its activations take.

use crate::model::{Config, Latents, Local, Mixer, Nets};

/// The most numbers that a model is let have: a few dozen bytes for each of them can still be counted.
const MOST: usize = usize::MAX >> 7;

/// Bytes of a number in float32.
pub const NUMBER: f64 = 4.0;

impl Config {
    /// The numbers of the trunk, those of [`specs`](super::specs); `None` where they, or the passes of a step, are more than can be counted.
    pub fn numbers(&self) -> Option<usize> {
        let product =
            |factors: &[usize]| factors.iter().try_fold(1usize, |product, &factor| product.checked_mul(factor));
        let sum = |terms: &[Option<usize>]| terms.iter().try_fold(0usize, |sum, term| sum.checked_add((*term)?));
        let hidden = self.hidden;
        let tokens = self.prefix.checked_add(self.cells)?;
        product(&[self.h_cycles, self.l_cycles.checked_add(1)?])?;
        product(&[self.prefix, hidden])?;
        let mixing = match self.mixer {
            Mixer::Attention => product(&[4, hidden, hidden]),
            Mixer::TokenMlp => product(&[3, self.inner(tokens), tokens]),
        };
        let local = match self.local {
            Local::None => Some(0),
            Local::Depthwise3x3 => product(&[9, hidden]),
        };
        let block = sum(&[mixing, local, product(&[3, self.inner(hidden), hidden])])?;
        let nets = if self.nets == Nets::Separate { 2 } else { 1 };
        let heads = sum(&[
            product(&[self.states(), hidden]),
            product(&[2, self.vocabulary, hidden]),
            product(&[2, hidden]),
            Some(2),
        ]);
        sum(&[heads, product(&[nets, self.layers, block])]).filter(|numbers| *numbers <= MOST)
    }

    /// The latent states of a token.
    pub fn states(&self) -> usize {
        match self.latents {
            Latents::Two => 2,
            Latents::Single | Latents::None => 1,
            Latents::MultiScale => self.l_cycles.saturating_add(1),
        }
    }

    /// Bytes that a token takes in a step without gradients, at most: the input, the states of before and after, the sum that becomes the
    /// next, in attention queries, keys and values, which lie there twice, and what they give; and the logits.
    pub fn bytes_of_token(&self) -> f64 {
        let width = self.hidden as f64;
        let states = self.states() as f64;
        let mixing = match self.mixer {
            Mixer::Attention => 7.0,
            Mixer::TokenMlp => 0.0,
        };
        NUMBER * ((2.0 * states + 3.0 + mixing) * width + 4.0 * self.vocabulary as f64)
    }

    /// Bytes of the weights as they are computed with beside as they are kept: laid out anew, and once more where gradients go back.
    pub fn bytes_of_open_weights(&self, trained: bool) -> f64 {
        let times = if trained { 2.0 } else { 1.0 };
        times * NUMBER * self.numbers().unwrap_or(usize::MAX) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Spec, specs};

    #[test]
    fn numbers_are_those_of_the_tensors_in_every_kind_of_model() {
        let sizes = Config { hidden: 64, heads: 4, cells: 81, prefix: 3, puzzle_width: 64, layers: 3, ..Config::arc() };
        let mut seen = std::collections::HashSet::new();
        for mixer in [Mixer::Attention, Mixer::TokenMlp] {
            for local in [Local::None, Local::Depthwise3x3] {
                for (nets, latents) in [
                    (Nets::Shared, Latents::Two),
                    (Nets::Separate, Latents::Two),
                    (Nets::Separate, Latents::MultiScale),
                    (Nets::Shared, Latents::Single),
                    (Nets::Shared, Latents::None),
                ] {
                    let config = Config { mixer, local, nets, latents, ..sizes.clone() };
                    assert_eq!(config.numbers(), Some(specs(&config).iter().map(Spec::len).sum()), "{config:?}");
                    seen.insert(config.numbers());
                }
            }
        }
        assert_eq!(seen.len(), 16, "a single state and none are of one size, and no others");
        assert_eq!(Config::arc().numbers(), Some(6_830_082));
    }

    #[test]
    fn sizes_beyond_counting_are_found_and_not_overflown() {
        let count = |change: fn(&mut Config)| {
            let mut config = Config::arc();
            change(&mut config);
            (config.numbers(), config.check().err().map(|fault| fault.to_string()))
        };
        for change in [
            |c: &mut Config| c.hidden = 1 << 62,
            |c: &mut Config| c.layers = usize::MAX,
            |c: &mut Config| c.cells = usize::MAX,
            |c: &mut Config| c.prefix = usize::MAX / 2,
            |c: &mut Config| c.l_cycles = usize::MAX,
            |c: &mut Config| c.h_cycles = usize::MAX,
            |c: &mut Config| c.vocabulary = usize::MAX,
            |c: &mut Config| c.expansion = 1e300,
            |c: &mut Config| (c.mixer, c.cells) = (Mixer::TokenMlp, 1 << 40),
            |c: &mut Config| (c.latents, c.l_cycles) = (Latents::MultiScale, 1 << 60),
        ] {
            let (numbers, fault) = count(change);
            assert_eq!(numbers, None);
            assert!(fault.as_ref().is_some_and(|fault| fault.contains("it is at most")), "{fault:?}");
        }
        // this is large and can be counted; whether there is room for it is not the configuration's to say
        let (numbers, fault) = count(|c| c.hidden = 1 << 16);
        assert_eq!((numbers.is_some_and(|numbers| numbers > 1 << 36), fault), (true, None));
    }
}
