//! How many tokens a training step holds at a time on a device with memory of its own: its batch is cut into parts that fit, whose
//! gradients are summed.

use crate::device::Precision;
use crate::model::{Config, Latents, Local, Passes};
use crate::recipe::{Cut, Halting};
use crate::units::Bytes;

/// The share of the free memory that a part may take. The rest is for the latent states of the other parts, and for a pool that is cut into
/// pieces: the host gives back and asks anew long before the device has come to it.
const SHARE: f64 = 0.6;

/// Bytes that a token takes in a step with gradients, at most.
///
/// A pass keeps, for each number of D: of a sum 4 + 2 bytes (the state and its bfloat16 copy); of an attention layer 4 + 2, and 6 + 2 for
/// queries, keys, values and what they give; of a gated layer 4 + 2, and for each of I twice 2 for gate and value; of a local layer 4 + 2. What a layer
/// needs for its gradient, and the states between the steps, come once. In float32 a number of 2 bytes has 4.
fn bytes_of_token(config: &Config, halting: Halting, precision: Precision) -> f64 {
    let (width, heads, vocabulary) = (config.hidden as f64, config.heads as f64, config.vocabulary as f64);
    let (inner, layers) = (config.inner(config.hidden) as f64, config.layers as f64);
    let narrow = if precision == Precision::Bf16 { 2.0 } else { 4.0 };
    let sum = (4.0 + narrow) * width;
    let attention = (4.0 + 5.0 * narrow) * width + 4.0 * heads + 4.0;
    let gated = (4.0 + narrow) * width + 2.0 * narrow * inner + 4.0;
    // what a token-MLP's tokens are to it is a little wider than what a channel is
    let local = match config.local {
        Local::None => 0.0,
        Local::Depthwise3x3 => (4.0 + narrow) * width + 4.0,
    };
    // many states are added two at a time, and each is held before and after the step
    let (sums, more_states) = match config.latents {
        Latents::Two | Latents::Single | Latents::None => (1.0, 0.0),
        Latents::MultiScale => ((config.l_cycles + 1).div_ceil(2) as f64, (config.l_cycles - 1) as f64),
    };
    let pass = sums * sum + layers * (local + attention.max(gated) + gated);
    let states = more_states * 2.0 * 4.0 * width;
    let once = (20.0 + 10.0 * narrow) * width + 5.0 * narrow * inner + 16.0 * vocabulary;
    // the next step looks ahead from states of its own, a pass at a time
    let ahead = match halting {
        Halting::Halt => 0.0,
        Halting::HaltAndContinue => pass + (2.0 + more_states) * 4.0 * width,
    };
    Passes::of(config).with_gradient as f64 * pass + states + ahead + once
}

/// The cut of a recipe, or a finer one where the device's free memory asks for it. On such a device the examples of a part
/// are as many as fit, whatever number of parts the recipe has for threads.
pub(super) fn cut(recipe: Cut, config: &Config, halting: Halting, precision: Precision, free: Option<Bytes>) -> Cut {
    let Some(free) = free else { return recipe };
    let fits = (SHARE * free.0 as f64 / bytes_of_token(config, halting, precision)) as usize;
    match recipe {
        Cut::Examples(_) => Cut::Tokens(fits.max(1)),
        Cut::Tokens(tokens) => Cut::Tokens(tokens.min(fits).max(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Backward;

    #[test]
    fn the_paper_s_batch_goes_through_80_gigabytes_in_four_parts() {
        let free = Some(Bytes(79_000_000_000));
        let Cut::Tokens(tokens) = cut(Cut::Examples(2), &Config::arc(), Halting::Halt, Precision::Bf16, free) else {
            panic!()
        };
        assert_eq!((768 * 916usize).div_ceil(tokens), 4, "{tokens} tokens");
        let Cut::Tokens(half) = cut(Cut::Examples(2), &Config::arc(), Halting::Halt, Precision::F32, free) else {
            panic!()
        };
        assert!((2 * half).abs_diff(tokens) < tokens / 3, "{half}");
    }

    #[test]
    fn a_model_that_mixes_neighbours_takes_fewer_tokens_at_a_time() {
        let tokens = |local| {
            let config = Config { local, ..Config::arc() };
            match cut(Cut::Examples(2), &config, Halting::Halt, Precision::Bf16, Some(Bytes(79_000_000_000))) {
                Cut::Tokens(tokens) => tokens as f64,
                Cut::Examples(_) => panic!("a device with memory of its own"),
            }
        };
        // ten layers more of 6 bytes for each of 512 numbers, beside some 330 thousand bytes
        let share = tokens(Local::Depthwise3x3) / tokens(Local::None);
        assert!((0.85..0.95).contains(&share), "{share}");
    }

    #[test]
    fn gradients_through_fewer_passes_leave_room_for_more_tokens_and_more_states_take_some() {
        let bytes = |change: fn(&mut Config)| {
            let mut config = Config { l_cycles: 6, ..Config::arc() };
            change(&mut config);
            bytes_of_token(&config, Halting::Halt, Precision::Bf16)
        };
        let paper = bytes(|_| ());
        let one_step = bytes(|config| config.gradient = Backward::OneStep) / paper;
        assert!((0.2..0.5).contains(&one_step), "2 passes of 7: {one_step}");
        let direct = bytes(|config| (config.h_cycles, config.l_cycles, config.latents) = (1, 1, Latents::None));
        assert!((0.1..0.3).contains(&(direct / paper)), "1 pass of 7: {direct}");
        let scales = bytes(|config| config.latents = Latents::MultiScale) - paper;
        assert_eq!(scales, 7.0 * 3.0 * 6.0 * 512.0 + 5.0 * 8.0 * 512.0);
        let paper = |halting| bytes_of_token(&Config::arc(), halting, Precision::Bf16);
        let ahead = paper(Halting::HaltAndContinue) / paper(Halting::Halt);
        assert!((1.1..1.3).contains(&ahead), "a sixth pass beside five: {ahead}");
    }

    #[test]
    fn a_recipe_s_tokens_are_kept_where_they_fit_and_on_the_cpu() {
        assert_eq!(cut(Cut::Examples(4), &Config::arc(), Halting::Halt, Precision::F32, None), Cut::Examples(4));
        assert_eq!(
            cut(Cut::Tokens(900), &Config::arc(), Halting::Halt, Precision::Bf16, Some(Bytes(1 << 36))),
            Cut::Tokens(900)
        );
        assert_eq!(
            cut(Cut::Tokens(900), &Config::arc(), Halting::Halt, Precision::Bf16, Some(Bytes(10))),
            Cut::Tokens(1)
        );
    }
}
