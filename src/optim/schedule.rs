//! The learning rate over steps: a linear warm-up, then a cosine down to a share of its height. A share of 1 is constant.

use serde::{Deserialize, Serialize};

/// The shape of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Steps of the warm-up.
    pub warmup: usize,
    /// The last step, where the cosine ends.
    pub steps: usize,
    /// What is left of the learning rate at the end.
    pub final_ratio: f64,
}

impl Schedule {
    /// The learning rate of a step that is counted from 1: the first step of a warm-up has `base / warmup`.
    pub fn at(&self, base: f64, step: usize) -> f64 {
        if step < self.warmup {
            return base * step as f64 / self.warmup as f64;
        }
        let span = self.steps.saturating_sub(self.warmup).max(1) as f64;
        let progress = ((step - self.warmup) as f64 / span).min(1.0);
        let cosine = 0.5 * (1.0 + (std::f64::consts::PI * progress).cos());
        base * (self.final_ratio + (1.0 - self.final_ratio) * cosine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rises_holds_its_height_and_falls_to_its_share() {
        let schedule = Schedule { warmup: 10, steps: 110, final_ratio: 0.2 };
        assert_eq!(schedule.at(1.0, 1), 0.1);
        assert_eq!(schedule.at(1.0, 10), 1.0);
        assert!((schedule.at(1.0, 60) - 0.6).abs() < 1e-12);
        assert!((schedule.at(1.0, 110) - 0.2).abs() < 1e-12);
        assert!((schedule.at(1.0, 500) - 0.2).abs() < 1e-12);
        let constant = Schedule { warmup: 0, steps: 10, final_ratio: 1.0 };
        assert!((1..20).all(|step| constant.at(3.0, step) == 3.0));
    }
}
