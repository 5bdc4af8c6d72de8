//! `Course`, `Trunk`, `Rows`: how a training goes: its batch, its steps, its schedule, and the two optimizers.

use serde::{Deserialize, Serialize};

use crate::model::Config;
use crate::optim::{Optimizer, Shape};

/// The course of the training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Course {
    /// Examples in flight; one optimizer step is one supervision step of all of them.
    pub batch: usize,
    /// Parts of equally many examples that the batch is cut into, each run on its own; or instead of them `tokens_per_batch`. The
    /// gradients of the parts are summed in order, so the result depends on the cut and not on the threads. More parts need less memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<usize>,
    /// The most tokens of a part, so that its memory is bounded whatever the sizes of its examples; one that has more is a part of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_per_batch: Option<usize>,
    /// Optimizer steps.
    pub steps: usize,
    /// Steps of linear warm-up.
    pub warmup: usize,
    /// What the learning rates do after the warm-up; the paper's cosine when it is left out.
    #[serde(default)]
    pub schedule: Shape,
    /// What is left of the learning rates at the end; 1.0 keeps them constant.
    pub final_ratio: f64,
    /// The most supervision steps of one example.
    pub halt_max_steps: usize,
    /// Fewer supervision steps and cycles for the beginning, in order; what stands above and in the model holds after the last stage. None
    /// in the paper.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub curriculum: Vec<Stage>,
    /// The share of steps at which a slot must go on to a random number of steps, whatever the halting head says.
    pub exploration: f64,
    /// The halting logit's bias before the first step; -5 as in the paper when it is left out.
    #[serde(default = "paper_halt_bias")]
    pub halt_bias: f32,
    /// What decides that a slot halts, and what the halting head learns for it; the paper's one logit when it is left out.
    #[serde(default, skip_serializing_if = "Halting::is_halt")]
    pub halting: Halting,
    /// The decay of the moving average of the weights.
    pub ema: f64,
    /// Steps between checkpoints.
    pub checkpoint_every: usize,
    /// Steps between rows of the log.
    pub log_every: usize,
}

/// What decides that a slot halts before its last step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Halting {
    /// The halting logit, when it is above 0, as in the paper.
    #[default]
    Halt,
    /// HRM's Q-learning: the halting logit, when it is above the one of going on. That one learns what the next step comes to, which is
    /// computed for it without gradient, so a step takes nearly twice as many passes. Solving reads the halting logit alone all the same.
    HaltAndContinue,
}

impl Halting {
    fn is_halt(&self) -> bool {
        *self == Self::Halt
    }
}

/// A stage at the beginning of a training, in which thinking is cheaper. Solving never follows it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// The last optimizer step of the stage.
    pub until: usize,
    /// The most supervision steps of one example.
    pub halt_max_steps: usize,
    /// T.
    pub h_cycles: usize,
    /// n.
    pub l_cycles: usize,
}

impl Course {
    /// At a stage whose most steps are these: is what going on comes to learned too? With one step there is nothing to go on to.
    pub fn learns_to_continue(&self, most: usize) -> bool {
        self.halting == Halting::HaltAndContinue && most > 1
    }

    /// What holds at a step, which is counted from 1: its stage, or what comes after the last one.
    pub fn stage(&self, model: &Config, step: usize) -> Stage {
        let rest = Stage {
            until: self.steps,
            halt_max_steps: self.halt_max_steps,
            h_cycles: model.h_cycles,
            l_cycles: model.l_cycles,
        };
        self.curriculum.iter().copied().find(|stage| step <= stage.until).unwrap_or(rest)
    }
}

fn paper_halt_bias() -> f32 {
    -5.0
}

/// The trunk's optimizer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trunk {
    /// The learning rate at its height; with Muon, of what Muon does not move.
    pub learning_rate: f64,
    /// The optimizer.
    pub optimizer: Optimizer,
}

/// The puzzle rows' optimizer, sign-SGD.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rows {
    /// The learning rate at its height.
    pub learning_rate: f64,
    /// The decay of the rows in the batch.
    pub weight_decay: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    const COURSE: &str =
        "batch = 4\nparts = 1\nsteps = 100\nwarmup = 1\nfinal_ratio = 0.1\nhalt_max_steps = 16\nexploration = 0.1
ema = 0.9\ncheckpoint_every = 1\nlog_every = 1\n";

    #[test]
    fn a_course_of_before_has_the_paper_s_schedule_and_no_curriculum() {
        let course: Course = toml::from_str(COURSE).unwrap();
        assert_eq!((course.schedule, course.curriculum.len()), (Shape::Cosine, 0));
        assert_eq!(course.halting, Halting::Halt);
        assert!(!toml::to_string(&course).unwrap().contains("halting"), "what stands as in the paper is not written");
        let stage = course.stage(&Config::arc(), 1);
        assert_eq!((stage.halt_max_steps, stage.h_cycles, stage.l_cycles), (16, 3, 4));
    }

    #[test]
    fn going_on_is_learned_where_the_recipe_says_so_and_there_is_a_next_step() {
        let course: Course = toml::from_str(&(COURSE.to_owned() + "halting = \"halt-and-continue\"\n")).unwrap();
        assert!(course.learns_to_continue(2) && !course.learns_to_continue(1));
        assert!(!toml::from_str::<Course>(COURSE).unwrap().learns_to_continue(2));
        assert_eq!(toml::from_str::<Course>(&toml::to_string(&course).unwrap()).unwrap(), course);
    }

    #[test]
    fn stages_follow_each_other_and_end_in_the_whole_model() {
        let text = COURSE.to_owned()
            + "schedule = { warmup-stable-decay = { decay = 0.25 } }\n\
               [[curriculum]]\nuntil = 10\nhalt_max_steps = 1\nh_cycles = 1\nl_cycles = 1\n\
               [[curriculum]]\nuntil = 20\nhalt_max_steps = 2\nh_cycles = 2\nl_cycles = 2\n";
        let course: Course = toml::from_str(&text).unwrap();
        assert_eq!(course.schedule, Shape::WarmupStableDecay { decay: 0.25 });
        let cycles = |step| {
            let stage = course.stage(&Config::arc(), step);
            (stage.halt_max_steps, stage.h_cycles, stage.l_cycles)
        };
        assert_eq!(
            [1, 10, 11, 20, 21, 1000].map(cycles),
            [(1, 1, 1), (1, 1, 1), (2, 2, 2), (2, 2, 2), (16, 3, 4), (16, 3, 4)]
        );
        assert_eq!(toml::from_str::<Course>(&toml::to_string(&course).unwrap()).unwrap(), course);
    }
}
