//! What answering takes of the memory, told before the first answer.

use crate::device::{DeviceError, Needs};
use crate::model::Model;
use crate::ops::Operations;
use crate::units::Count;

/// What would take less.
const WAY_OUT: &str = "take fewer --tokens-per-batch, or fewer threads (RAYON_NUM_THREADS)";

/// The tokens that are answered side by side, of `all` in batches of at most `budget`, where an example has at most `largest`.
pub(super) fn tokens_at_once<D: Operations>(all: usize, budget: usize, largest: usize) -> usize {
    budget.max(largest).saturating_mul(D::parts_at_once()).min(all)
}

/// Makes sure that there is room for so many tokens and for the weights as they are computed with. The model is there already.
///
/// # Errors
/// [`DeviceError::NoRoom`].
pub(super) fn check_room<D: Operations>(model: &Model<D>, tokens: usize) -> Result<(), DeviceError> {
    let config = &model.config;
    let words = format!("{} tokens at a time", Count(tokens as u64));
    let needs = Needs::default()
        .and("weights", config.bytes_of_open_weights(false))
        .and(words, tokens as f64 * config.bytes_of_token());
    needs.within(model.device().room(), "answering", WAY_OUT)
}
