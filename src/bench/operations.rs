//! The floating-point operations of a supervision step, counted exactly.
//!
//! Products and attention count, a multiply-add as two; norms, gates, softmax and gathers do not. For an example of L tokens
//! and S cells, one block of the net takes
//!
//! ```text
//! attention kind   L * 2 (3DD + DD + 3DI)  +  4 L L D        qkv, output, gate, value and down; scores and their mix
//! token-MLP kind   D * 2 (3 L I') + L * 2 (3DI)              I' is the inner size over L tokens
//! ```
//!
//! and the heads take `2 V D` per cell and `2 D` for the halting logit. One pass of the net is `layers` blocks; a forward step
//! has `h_cycles * (l_cycles + 1)` passes. The backward pass runs through the last cycle and the heads, and takes twice what
//! their forward took: one product for the gradient of the input, one for that of the weight or of the other factor. Of models with
//! other switches [`Passes`] has the numbers of passes.
//!
//! This is the work that the answer needs. What an implementation does on top (scores computed again, logits of prefix tokens) does
//! not make it look faster.

use crate::model::{Config, Mixer, Passes};
use crate::units::Operations;

/// The operations of one supervision step on a batch of full boards.
pub fn of_step(config: &Config, batch: usize, train: bool) -> Operations {
    let pass = config.layers * block(config);
    let (passes, heads) = (Passes::of(config), heads(config));
    let forward = passes.count() * pass + heads;
    let backward = if train { 2 * (passes.with_gradient * pass + heads) } else { 0 };
    Operations((batch * (forward + backward)) as u64)
}

/// The operations of the product `[rows, inner] x [inner, outer]`.
pub fn of_product(rows: usize, inner: usize, outer: usize) -> Operations {
    Operations(2 * (rows * inner * outer) as u64)
}

/// One block on one example.
fn block(config: &Config) -> usize {
    let (tokens, width) = (config.board_tokens(), config.hidden);
    let swiglu = |width: usize| 2 * 3 * width * config.inner(width);
    let mix = match config.mixer {
        Mixer::Attention => tokens * 2 * (3 * width * width + width * width) + 4 * tokens * tokens * width,
        Mixer::TokenMlp => width * swiglu(tokens),
    };
    mix + tokens * swiglu(width)
}

/// Logits of the cells and the halting logit of one example.
fn heads(config: &Config) -> usize {
    2 * config.vocabulary * config.hidden * config.cells + 2 * config.hidden
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Backward, Latents};

    #[test]
    fn the_paper_s_step_is_counted_by_hand() {
        let config = Config::arc();
        // per token 2 (786,432 + 262,144 + 2,359,296) = 6,815,744; times 916 tokens, plus attention 4 * 916 * 916 * 512
        assert_eq!(block(&config), 6_243_221_504 + 1_718_386_688);
        assert_eq!(heads(&config), 11_059_200 + 1_024);
        // 15 passes of 2 blocks
        assert_eq!(of_step(&config, 1, false), Operations(30 * 7_961_608_192 + 11_060_224));
        assert_eq!(of_step(&config, 1, false), Operations(238_859_305_984));
        // the last cycle's 5 passes of 2 blocks and the heads, twice
        let backward = 2 * (10 * 7_961_608_192 + 11_060_224);
        assert_eq!(of_step(&config, 4, true), Operations(4 * (238_859_305_984 + backward)));
    }

    #[test]
    fn the_passes_of_other_models_are_counted_as_they_are() {
        let config = Config { gradient: Backward::OneStep, ..Config::arc() };
        let (pass, heads) = (2 * block(&config), heads(&config));
        let step = |config: &Config, train| of_step(config, 1, train);
        assert_eq!(step(&config, true), Operations((15 * pass + heads + 2 * (2 * pass + heads)) as u64));
        assert_eq!(step(&config, false), step(&Config::arc(), false));
        let direct = Config { h_cycles: 1, l_cycles: 1, latents: Latents::None, ..Config::arc() };
        assert_eq!(step(&direct, true), Operations((3 * (pass + heads)) as u64));
    }

    #[test]
    fn the_token_mlp_kind_is_counted_by_hand() {
        // Sudoku: 97 tokens, whose inner size is 256 * ceil(4 * 97 * 2/3 / 256) = 512
        let config = Config { cells: 81, l_cycles: 6, mixer: Mixer::TokenMlp, ..Config::arc() };
        assert_eq!(config.inner(97), 512);
        assert_eq!(block(&config), 512 * 2 * 3 * 97 * 512 + 97 * 2 * 3 * 512 * 1536);
    }
}
