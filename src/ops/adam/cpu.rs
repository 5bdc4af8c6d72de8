//! The step of the CPU: plain arithmetic on chunks of a tensor, which becomes vectors of whatever width the processor has.

use dfdx::prelude::Cpu;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::atan2::atan2;
use super::{AdamKind, AdamOp, Moved, Rule};
use crate::kernels::dispatch;
use crate::ops::{CHUNK, bridge};

const EPSILON: f32 = 1e-8;

impl AdamOp for Cpu {
    fn adam(tensor: Moved<'_, Self>, rule: Rule) {
        let Moved { parameters, gradient, moments, average } = tensor;
        let first = bridge::values_mut(&mut moments.first);
        let second = bridge::values_mut(&mut moments.second);
        let (p, average) = (bridge::values_mut(parameters), bridge::values_mut(average));
        step(Chunk { p, g: bridge::values(gradient), m: first, v: second, average }, rule);
    }
}

/// One step of these numbers, chunk by chunk.
fn step(whole: Chunk<'_>, rule: Rule) {
    let Chunk { p, g, m, v, average } = whole;
    assert!([g.len(), m.len(), v.len(), average.len()] == [p.len(); 4], "all have their tensor's length");
    let p = p.par_chunks_mut(CHUNK).zip(average.par_chunks_mut(CHUNK));
    let moments = m.par_chunks_mut(CHUNK).zip(v.par_chunks_mut(CHUNK));
    p.zip(moments).zip(g.par_chunks(CHUNK)).for_each(|(((p, average), (m, v)), g)| {
        let chunk = Chunk { p, g, m, v, average };
        match rule.kind {
            AdamKind::AdamAtan2 => dispatch(Step { chunk, rule, direction: atan2 }),
            AdamKind::AdamW => dispatch(Step { chunk, rule, direction: ratio }),
        }
    });
}

/// AdamW's direction.
#[inline(always)]
fn ratio(mean: f32, scale: f32) -> f32 {
    mean / (scale + EPSILON)
}

/// A piece of a tensor, with its letters in the formula.
struct Chunk<'a> {
    p: &'a mut [f32],
    g: &'a [f32],
    m: &'a mut [f32],
    v: &'a mut [f32],
    average: &'a mut [f32],
}

/// The step of a piece. `direction` is of (m, sqrt(v) / sqrt(1 - b2^t)).
struct Step<'a, F> {
    chunk: Chunk<'a>,
    rule: Rule,
    direction: F,
}

impl<F: Fn(f32, f32) -> f32> WithSimd for Step<'_, F> {
    type Output = ();

    /// Plain arithmetic, which becomes vectors of whatever width `dispatch` found. Multiply-adds are written out: the compiler makes none
    /// by itself, and so every processor gives the same bits.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { chunk: Chunk { p, g, m, v, average }, rule, direction } = self;
        for ((((p, &g), m), v), average) in p.iter_mut().zip(g).zip(m).zip(v).zip(average) {
            *m = rule.rest_1.mul_add(g - *m, *m);
            *v = rule.rest_2.mul_add(g.mul_add(g, -*v), *v);
            let scale = v.sqrt() / rule.correction;
            *p = (-rule.size).mul_add(direction(*m, scale), *p * rule.keep);
            *average = rule.ema.after(*average, *p);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::{Adam, Ema};

    #[test]
    fn a_number_moves_alone_whatever_stands_beside_it() {
        let length = CHUNK + 37;
        let wave =
            |scale: f32, shift: f32| -> Vec<f32> { (0..length).map(|i| scale * (i as f32 + shift).sin()).collect() };
        for kind in [AdamKind::AdamAtan2, AdamKind::AdamW] {
            let adam = Adam { kind, beta_1: 0.9, beta_2: 0.95, weight_decay: 0.1 };
            let [mut p, mut average, mut m, mut v] = [wave(1.0, 0.0), wave(1.0, 0.0), wave(0.0, 0.0), wave(0.0, 0.0)];
            let [mut p_1, mut average_1, mut m_1, mut v_1] = [p.clone(), average.clone(), m.clone(), v.clone()];
            for number in 1..4 {
                let g = wave(1e-3, number as f32);
                let rule = adam.rule(Ema::new(0.999), 1e-3, number);
                step(Chunk { p: &mut p, g: &g, m: &mut m, v: &mut v, average: &mut average }, rule);
                let alone = p_1.chunks_mut(1).zip(average_1.chunks_mut(1)).zip(m_1.chunks_mut(1));
                for ((((p, average), m), v), g) in alone.zip(v_1.chunks_mut(1)).zip(g.chunks(1)) {
                    step(Chunk { p, g, m, v, average }, rule);
                }
            }
            assert!(p == p_1 && average == average_1 && m == m_1 && v == v_1, "{kind:?}");
        }
    }
}
