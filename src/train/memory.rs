//! What a training takes of its memory: told before any of it is taken, so that one without room is refused; and how many tokens a step
//! holds at a time on a device with memory of its own, where the batch is cut into parts that fit, whose gradients are summed.

use crate::dataset::TrainingSet;
use crate::device::{Needs, Precision};
use crate::model::{Config, Latents, Local, NUMBER, Passes};
use crate::ops::Operations;
use crate::recipe::{Cut, Halting, Recipe, RecipeError};
use crate::units::{Bytes, Count};

/// The share of the free memory that a part may take. The rest is for the latent states of the other parts, and for a pool that is cut into
/// pieces: the host gives back and asks anew long before the device has come to it.
const SHARE: f64 = 0.6;

/// Bytes that a token takes in a step with gradients, at most.
///
/// A pass keeps, for each number of D: of a sum 4 + 2 bytes (the state and its bfloat16 copy); of an attention layer 4 + 2, and 6 + 2 for
/// queries, keys, values and what they give; of a gated layer 4 + 2, and for each of I twice 2 for gate and value; of a local layer 4 + 2. What a layer
/// needs for its gradient, and the states between the steps, come once. In float32 a number of 2 bytes has 4.
pub(crate) fn bytes_of_token(config: &Config, halting: Halting, precision: Precision) -> f64 {
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

/// Examples of a batch differ in size; a part has at most so many standard deviations more tokens than are to be expected, in all steps.
const DEVIATIONS: f64 = 4.0;

/// What would take less.
const WAY_OUT: &str = "take a smaller training.batch, more training.parts or fewer --tokens-per-batch, fewer threads (RAYON_NUM_THREADS), or a \
                       smaller model (hidden, layers, l_cycles)";

/// Makes sure that there is room for a training, before any of it is there. On a device with memory of its own the batch will be cut to
/// what fits, so there it is the largest example that must.
///
/// # Errors
/// [`RecipeError::Device`] with all that it takes.
pub(super) fn check<D: Operations>(recipe: &Recipe, set: &TrainingSet, device: &D) -> Result<(), RecipeError> {
    let precision = D::precision(None, true)?;
    let on_host = device.free_memory().is_none();
    let parts = D::parts_at_once();
    let needs = needs(recipe, set, precision, on_host, parts)?;
    let work = format!("training by the recipe {}", recipe.name);
    needs.within(device.room(), &work, WAY_OUT)?;
    Ok(())
}

/// Its parts. `at_once` parts of the batch are computed side by side.
fn needs(
    recipe: &Recipe,
    set: &TrainingSet,
    precision: Precision,
    on_host: bool,
    at_once: usize,
) -> Result<Needs, RecipeError> {
    let (config, course) = (&recipe.model, &recipe.training);
    let weights = NUMBER * config.numbers().unwrap_or(usize::MAX) as f64;
    let table = NUMBER * set.identifiers().count() as f64 * config.puzzle_width as f64;
    let of_muon = if recipe.trunk.optimizer.muon().is_some() { 1.0 } else { 2.0 };
    let cells = set.cells();
    let (prefix, batch) = (config.prefix as f64, course.batch as f64);
    let largest = prefix + cells.most as f64;
    let tokens = |examples: f64| {
        let expected = examples * (prefix + cells.mean) + DEVIATIONS * examples.sqrt() * cells.deviation;
        expected.min(examples * largest)
    };
    let (part, parts) = match recipe.cut()? {
        _ if !on_host => (largest, 1.0),
        Cut::Examples(examples) => (tokens(examples as f64), (batch / examples as f64).ceil()),
        Cut::Tokens(most) => {
            let part = tokens(batch).min(largest.max(most as f64));
            (part, (tokens(batch) / part).ceil())
        }
    };
    let parts = parts.min(at_once as f64);
    let activations = parts * part * bytes_of_token(config, course.halting, precision);
    let gradients = (parts + 1.0) * weights + parts * config.bytes_of_open_weights(true);
    // a checkpoint on its way is the model twice and the moments and live weights twice, when no step holds anything
    let saved = if on_host { 7.0 * weights + table } else { 0.0 };
    let states = 2.0 * config.states() as f64 * NUMBER * config.hidden as f64 * tokens(batch);
    let words = format!("{parts} of the batch's parts at a time, of {} tokens each", Count(part as u64));
    Ok(Needs::default()
        .and("weights, their average and their moments", (2.0 + of_muon) * weights)
        .and("puzzle rows", if on_host { table } else { 0.0 })
        .and("latent states", states)
        .and("gradients, or a checkpoint on its way", gradients.max(saved))
        .and(words, activations))
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
