//! The step on CUDA: one pass over five arrays.

use dfdx::prelude::*;

use super::{AdamKind, AdamOp, Moved, Rule};
use crate::ops::bridge::cuda::{Context, Launch, address, launch};

impl AdamOp for Cuda {
    fn adam(tensor: Moved<'_, Self>, rule: Rule) {
        let Moved { parameters, gradient, moments, average } = tensor;
        let context = Context::of(parameters.device());
        let count = parameters.shape().0 * parameters.shape().1;
        let kind = match rule.kind {
            AdamKind::AdamAtan2 => 0,
            AdamKind::AdamW => 1,
        };
        let (keep, take) = rule.ema.shares();
        launch!(context, Adam, "adam", Launch::threads_for(count, 1);
            Address address(parameters), Address address(gradient), Address address(&moments.first),
            Address address(&moments.second), Address address(average), Long count as i64, Int kind, Float rule.keep,
            Float rule.rest_1, Float rule.rest_2, Float rule.size, Float rule.correction, Float keep, Float take);
    }
}
