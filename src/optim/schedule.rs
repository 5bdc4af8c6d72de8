//! The learning rate over steps: a linear warm-up to its height, and then one of three courses down, or none.

use serde::{Deserialize, Serialize};

/// What the learning rate does after the warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Shape {
    /// Half a cosine down to `final_ratio`, as the paper has it.
    #[default]
    Cosine,
    /// It stays at its height.
    Constant,
    /// It stays at its height and falls in a straight line to `final_ratio` over the last `decay` of all steps.
    WarmupStableDecay {
        /// The share of all steps.
        decay: f64,
    },
}

/// The shape of a schedule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// What comes after the warm-up.
    pub shape: Shape,
    /// Steps of the warm-up.
    pub warmup: usize,
    /// The last step, where it ends.
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
        // from 1 at the height down to 0 at the end
        let height = match self.shape {
            Shape::Constant => return base,
            Shape::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * self.progress(step, self.warmup)).cos()),
            Shape::WarmupStableDecay { decay } => {
                let falls = (decay * self.steps as f64).round() as usize;
                1.0 - self.progress(step, self.warmup.max(self.steps.saturating_sub(falls)))
            }
        };
        base * (self.final_ratio + (1.0 - self.final_ratio) * height)
    }

    /// How much of the way from a step to the last one is gone, between 0 and 1.
    fn progress(&self, step: usize, from: usize) -> f64 {
        let span = self.steps.saturating_sub(from).max(1) as f64;
        (step.saturating_sub(from) as f64 / span).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rises_holds_its_height_and_falls_to_its_share() {
        let schedule = Schedule { shape: Shape::Cosine, warmup: 10, steps: 110, final_ratio: 0.2 };
        assert_eq!(schedule.at(1.0, 1), 0.1);
        assert_eq!(schedule.at(1.0, 10), 1.0);
        assert!((schedule.at(1.0, 60) - 0.6).abs() < 1e-12);
        assert!((schedule.at(1.0, 110) - 0.2).abs() < 1e-12);
        assert!((schedule.at(1.0, 500) - 0.2).abs() < 1e-12);
        let constant = Schedule { shape: Shape::Constant, warmup: 0, steps: 10, final_ratio: 0.5 };
        assert!((1..20).all(|step| constant.at(3.0, step) == 3.0));
    }

    #[test]
    fn it_stays_at_its_height_and_falls_in_a_straight_line() {
        let shape = Shape::WarmupStableDecay { decay: 0.2 };
        let schedule = Schedule { shape, warmup: 10, steps: 100, final_ratio: 0.1 };
        assert_eq!(schedule.at(2.0, 5), 1.0);
        assert!((10..=80).all(|step| schedule.at(2.0, step) == 2.0));
        assert!((schedule.at(2.0, 90) - 1.1).abs() < 1e-12);
        assert!((schedule.at(2.0, 100) - 0.2).abs() < 1e-12);
        assert!((schedule.at(2.0, 200) - 0.2).abs() < 1e-12);
    }
}
