//! The exponential moving average of the weights, which evaluation and published checkpoints use.

/// `average <- decay * average + (1 - decay) * value`, number by number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ema {
    keep: f32,
    take: f32,
}

impl Ema {
    /// The average of this decay.
    pub fn new(decay: f64) -> Self {
        Self { keep: decay as f32, take: (1.0 - decay) as f32 }
    }

    /// The shares of the average and of the value.
    pub fn shares(self) -> (f32, f32) {
        (self.keep, self.take)
    }

    /// The average after a value.
    #[inline(always)]
    pub fn after(self, average: f32, value: f32) -> f32 {
        self.keep.mul_add(average, self.take * value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_moves_by_its_share() {
        let ema = Ema::new(0.75);
        assert_eq!((ema.after(1.0, 2.0), ema.after(0.0, 4.0)), (1.25, 1.0));
    }
}
