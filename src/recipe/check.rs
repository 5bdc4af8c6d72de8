//! What a recipe must be before anything is done by it.

use super::{Course, Data, PuzzleData, PuzzleSource, Recipe, RecipeError, Stage, Trunk};
use crate::model::Latents;
use crate::optim::Shape;

/// The most examples of a batch: one slot each is there from the beginning.
const MOST_BATCH: usize = 1 << 20;

/// The most optimizer steps: as many as can be counted beside the examples of their batches.
const MOST_STEPS: usize = 1_000_000_000_000;

/// The most supervision steps of an example: solving takes as many when nobody says another number.
const MOST_SUPERVISION_STEPS: usize = 1 << 16;

/// Largest learning rate or weight decay: their products with each other are finite in float32.
const MAX_RATE: f64 = 1e6;

/// Largest bias of a halting logit, up or down.
const MAX_HALT_BIAS: f32 = 1e6;

impl Recipe {
    /// Checks every value, also of a recipe that comes out of a checkpoint.
    ///
    /// # Errors
    /// [`RecipeError::Value`] or [`RecipeError::Config`], naming the value and what would be right.
    pub fn check(&self) -> Result<(), RecipeError> {
        self.model.check()?;
        self.check_course()?;
        self.check_optimizers()?;
        self.check_data()
    }

    pub(super) fn value(&self, fault: String) -> Result<(), RecipeError> {
        Err(RecipeError::Value { recipe: self.name.clone(), fault })
    }

    fn check_course(&self) -> Result<(), RecipeError> {
        let course = &self.training;
        let sizes = [
            ("batch", course.batch),
            ("steps", course.steps),
            ("halt_max_steps", course.halt_max_steps),
            ("checkpoint_every", course.checkpoint_every),
            ("log_every", course.log_every),
        ];
        if let Some((name, _)) = sizes.into_iter().find(|(_, size)| *size == 0) {
            return self.value(format!("training.{name} is 0; it is at least 1"));
        }
        let most = [(MOST_BATCH, &sizes[0]), (MOST_STEPS, &sizes[1]), (MOST_SUPERVISION_STEPS, &sizes[2])];
        if let Some((most, (name, size))) = most.into_iter().find(|(most, (_, size))| size > most) {
            return self.value(format!("training.{name} is {size}; it is at most {most}"));
        }
        self.cut()?;
        let Course { warmup, steps, .. } = *course;
        if warmup > steps {
            return self.value(format!("training.warmup {warmup} is more than training.steps {steps}"));
        }
        let rows_alone = self.rows_alone();
        if rows_alone > steps {
            return self.value(format!("adaptation.rows_alone {rows_alone} is more than training.steps {steps}"));
        }
        // false for NaN too
        let is_bias = course.halt_bias.abs() <= MAX_HALT_BIAS;
        if !is_bias {
            let found = course.halt_bias;
            return self
                .value(format!("training.halt_bias is {found}; it is between -{MAX_HALT_BIAS} and {MAX_HALT_BIAS}"));
        }
        self.check_curriculum()?;
        match course.schedule {
            Shape::Constant if course.final_ratio != 1.0 => {
                let found = course.final_ratio;
                return self.value(format!("training.final_ratio is {found}; with schedule = \"constant\" it is 1"));
            }
            Shape::WarmupStableDecay { decay } => self.check_shares(&[("training.schedule's decay", decay)])?,
            Shape::Constant | Shape::Cosine => {}
        }
        self.check_shares(&[
            ("training.exploration", course.exploration),
            ("training.ema", course.ema),
            ("training.final_ratio", course.final_ratio),
        ])
    }

    fn check_curriculum(&self) -> Result<(), RecipeError> {
        let stages = &self.training.curriculum;
        for (number, &Stage { until, halt_max_steps, h_cycles, l_cycles }) in stages.iter().enumerate() {
            let name = format!("training.curriculum, stage {}", number + 1);
            if [until, halt_max_steps, h_cycles, l_cycles].contains(&0) {
                return self.value(format!("{name} has a 0; each of its values is at least 1"));
            }
            let most = [
                ("halt_max_steps", halt_max_steps, self.training.halt_max_steps),
                ("h_cycles", h_cycles, self.model.h_cycles),
                ("l_cycles", l_cycles, self.model.l_cycles),
            ];
            if let Some((value, found, most)) = most.into_iter().find(|(_, found, most)| found > most) {
                return self.value(format!("{name}: {value} {found} is more than the {most} of the whole training"));
            }
            if self.model.latents == Latents::MultiScale && l_cycles != self.model.l_cycles {
                let states = self.model.l_cycles;
                return self
                    .value(format!("{name}: l_cycles {l_cycles}, but latents = \"multi-scale\" has {states} states"));
            }
            if number > 0 && until <= stages[number - 1].until {
                return self.value(format!("{name} ends at step {until}, no later than the stage before it"));
            }
        }
        Ok(())
    }

    fn check_shares(&self, shares: &[(&str, f64)]) -> Result<(), RecipeError> {
        match shares.iter().find(|(_, share)| !(0.0..=1.0).contains(share)) {
            Some((name, share)) => self.value(format!("{name} is {share}; it is between 0 and 1")),
            None => Ok(()),
        }
    }

    fn check_optimizers(&self) -> Result<(), RecipeError> {
        let Trunk { learning_rate, optimizer } = &self.trunk;
        let adam = optimizer.adam();
        let mut rates = vec![
            ("trunk.learning_rate", *learning_rate),
            ("trunk.optimizer.weight_decay", adam.weight_decay),
            ("rows.learning_rate", self.rows.learning_rate),
            ("rows.weight_decay", self.rows.weight_decay),
        ];
        let mut betas = vec![("trunk.optimizer.beta_1", adam.beta_1), ("trunk.optimizer.beta_2", adam.beta_2)];
        if let Some((muon, learning_rate)) = optimizer.muon() {
            rates.push(("trunk.optimizer.learning_rate", learning_rate));
            betas.push(("trunk.optimizer.momentum", muon.momentum));
            betas.extend(muon.row_beta.map(|beta| ("trunk.optimizer.row_beta", beta)));
        }
        if let Some((name, rate)) = rates.into_iter().find(|(_, rate)| !(0.0..=MAX_RATE).contains(rate)) {
            return self.value(format!("{name} is {rate}; it is a number from 0 to {MAX_RATE}"));
        }
        match betas.into_iter().find(|(_, beta)| !(0.0..1.0).contains(beta)) {
            Some((name, beta)) => self.value(format!("{name} is {beta}; it is from 0 up and below 1")),
            None => Ok(()),
        }
    }

    /// A recipe to train by has task sets; that of an imported checkpoint may have none.
    pub(super) fn check_sources(&self) -> Result<(), RecipeError> {
        match &self.data {
            Data::Tasks(data) if data.sources.is_empty() => {
                self.value("data.sources is empty; name at least one task set".to_owned())
            }
            Data::Puzzles(PuzzleData { source: PuzzleSource::Unknown, .. }) => {
                self.value("puzzles.source is unknown; name a table or what is generated".to_owned())
            }
            Data::Tasks(_) | Data::Puzzles(_) => Ok(()),
        }
    }

    /// A recipe to begin by does not go on from a checkpoint.
    pub(super) fn check_beginning(&self) -> Result<(), RecipeError> {
        match &self.adaptation {
            Some(_) => self.value("adaptation stands only in what trm-arc adapt writes; leave it out".to_owned()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optim::Optimizer;
    use crate::recipe::Adaptation;

    #[test]
    fn the_shipped_recipes_load() {
        for name in [
            "paper-arc-agi-1",
            "small-grids",
            "two-cores",
            "sudoku-mlp",
            "sudoku-attention",
            "maze-attention",
            "maze-11x11",
            "sudoku-4x4",
            "sudoku-6x6",
            "sudoku-9x9-easy",
            "sudoku-ablations",
        ] {
            assert_eq!(Recipe::load(name).unwrap().name, name);
        }
    }

    fn nor_muon([learning_rate, momentum, row_beta, beta_1]: [f64; 4]) -> Optimizer {
        Optimizer::NorMuon { learning_rate, momentum, row_beta, beta_1, beta_2: 0.95, weight_decay: 0.1 }
    }

    #[test]
    fn impossible_values_are_named() {
        let fault = |change: fn(&mut Recipe)| {
            let mut recipe = Recipe::load("small-grids").unwrap();
            change(&mut recipe);
            recipe.check().unwrap_err().to_string()
        };
        assert!(fault(|r| r.training.parts = Some(5)).contains("parts 5"));
        assert!(fault(|r| r.training.parts = Some(0)).contains("training.parts is 0"));
        assert!(fault(|r| r.training.parts = None).contains("neither parts nor tokens_per_batch"));
        assert!(fault(|r| r.training.tokens_per_batch = Some(9)).contains("both parts and tokens_per_batch"));
        let no_tokens = |r: &mut Recipe| (r.training.parts, r.training.tokens_per_batch) = (None, Some(0));
        assert!(fault(no_tokens).contains("tokens_per_batch is 0"));
        assert!(fault(|r| r.training.ema = 1.5).contains("training.ema is 1.5"));
        assert!(fault(|r| r.training.steps = 0).contains("training.steps is 0"));
        assert!(fault(|r| r.model.vocabulary = 11).contains("12 kinds"));
        assert!(fault(|r| r.trunk.learning_rate = f64::NAN).contains("trunk.learning_rate"));
        assert!(fault(|r| r.rows.learning_rate = 1e300).contains("rows.learning_rate is 1000"));
        for bias in [f32::NAN, f32::INFINITY, -3e38] {
            let mut recipe = Recipe::load("small-grids").unwrap();
            recipe.training.halt_bias = bias;
            let fault = recipe.check().unwrap_err().to_string();
            assert!(fault.contains(&format!("training.halt_bias is {bias}")), "{fault}");
        }
        let mut empty = Recipe::load("small-grids").unwrap();
        empty.data.tasks_mut().unwrap().sources.clear();
        assert!(empty.check_sources().unwrap_err().to_string().contains("data.sources"));
        assert!(fault(|r| r.trunk.optimizer = nor_muon([0.02, 0.95, 0.95, 1.5])).contains("beta_1 is 1.5"));
        assert!(fault(|r| r.rows.weight_decay = f64::NAN).contains("rows.weight_decay"));
        assert!(fault(|r| r.training.warmup = 1_000_000).contains("training.warmup"));
        assert!(fault(|r| r.training.schedule = Shape::Constant).contains("final_ratio is 0.1"));
        assert!(fault(|r| r.training.schedule = Shape::WarmupStableDecay { decay: 1.5 }).contains("decay is 1.5"));
        let adaptation = Adaptation { from: String::new(), rows_alone: 20_001, only: None };
        let mut alone = Recipe { adaptation: Some(adaptation), ..Recipe::load("small-grids").unwrap() };
        assert!(alone.check().unwrap_err().to_string().contains("rows_alone 20001"));
        alone.training.steps = 20_001;
        alone.check().unwrap();
        assert!(alone.check_beginning().unwrap_err().to_string().contains("trm-arc adapt"));
        let stage = Stage { until: 10, halt_max_steps: 1, h_cycles: 1, l_cycles: 1 };
        let stages = |stages: &[Stage]| {
            let mut recipe = Recipe::load("small-grids").unwrap();
            recipe.training.curriculum = stages.to_vec();
            recipe.check().unwrap_err().to_string()
        };
        assert!(stages(&[stage, stage]).contains("stage 2 ends at step 10"));
        assert!(stages(&[Stage { h_cycles: 0, ..stage }]).contains("stage 1 has a 0"));
        assert!(stages(&[Stage { h_cycles: 9, ..stage }]).contains("h_cycles 9 is more than the 2"));
        let of_scales = |r: &mut Recipe| {
            (r.model.latents, r.model.l_cycles) = (Latents::MultiScale, 2);
            r.training.curriculum = vec![Stage { until: 10, halt_max_steps: 1, h_cycles: 1, l_cycles: 1 }];
        };
        assert!(fault(of_scales).contains("l_cycles 1, but latents = \"multi-scale\" has 2 states"));
        assert!(fault(|r| r.name = "../../x".into()).contains("names a folder"));
        assert!(fault(|r| r.model.expansion = 0.0).contains("expansion"));
        let leak =
            fault(|r| r.data.tasks_mut().unwrap().sources.iter_mut().for_each(|source| source.test_pairs = true));
        assert!(leak.contains("never learned"), "{leak}");
    }

    #[test]
    fn impossible_constants_of_each_optimizer_are_named() {
        let fault = |optimizer: Optimizer| {
            let mut recipe = Recipe::load("small-grids").unwrap();
            recipe.trunk.optimizer = optimizer;
            recipe.check().err().map_or_else(String::new, |fault| fault.to_string())
        };
        assert_eq!(fault(nor_muon([0.02, 0.95, 0.0, 0.9])), "");
        assert!(fault(nor_muon([-0.02, 0.95, 0.95, 0.9])).contains("trunk.optimizer.learning_rate is -0.02"));
        assert!(fault(nor_muon([f64::INFINITY, 0.95, 0.95, 0.9])).contains("trunk.optimizer.learning_rate is inf"));
        assert!(fault(nor_muon([0.02, 1.0, 0.95, 0.9])).contains("trunk.optimizer.momentum is 1;"));
        assert!(fault(nor_muon([0.02, 0.95, -0.1, 0.9])).contains("trunk.optimizer.row_beta is -0.1"));
        let muon = |learning_rate, momentum, beta_2, weight_decay| {
            fault(Optimizer::Muon { learning_rate, momentum, beta_1: 0.9, beta_2, weight_decay })
        };
        assert_eq!(muon(0.02, 0.0, 0.95, 0.0), "");
        assert!(muon(f64::NAN, 0.95, 0.95, 0.1).contains("trunk.optimizer.learning_rate is NaN"));
        assert!(muon(0.02, f64::NAN, 0.95, 0.1).contains("trunk.optimizer.momentum is NaN"));
        assert!(muon(0.02, 0.95, 1.0, 0.1).contains("trunk.optimizer.beta_2 is 1;"));
        assert!(muon(0.02, 0.95, 0.95, -1.0).contains("trunk.optimizer.weight_decay is -1"));
    }
}
