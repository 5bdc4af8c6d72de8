//! `all_config.yaml`, which lies beside a published checkpoint: what of it decides a model, and what tells how it was trained.
//!
//! What bites: vocabulary, cells and the count of puzzle rows are not in it; they come from the tensors. A field of `arch` that is not
//! known here is passed over, and named.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::ImportError;
use super::config_file::ConfigFile;
use crate::model::{Backward, Config, Latents, Local, Mixer, Nets, Positions};
use crate::optim::{Optimizer, Shape};
use crate::recipe::{Course, Data, Halting, Recipe, RecipeError, Rows, Trunk};

/// The architecture of the paper among those of the published code.
pub(super) const TRM: &str = "recursive_reasoning.trm@TinyRecursiveReasoningModel_ACTV1";

/// HRM, by its own code and by the paper's.
pub(super) const HRM: [&str; 2] =
    ["hrm.hrm_act_v1@HierarchicalReasoningModel_ACTV1", "recursive_reasoning.hrm@HierarchicalReasoningModel_ACTV1"];

/// Fields of `arch` that change nothing in evaluation: the loss, and the number type, which is chosen when solving.
const WITHOUT_EFFECT: [&str; 2] = ["loss", "forward_dtype"];

/// A published configuration.
#[derive(Clone, Debug)]
pub struct Published {
    arch: Arch,
    course: PublishedCourse,
}

#[derive(Clone, Debug, Deserialize)]
struct Outer {
    arch: Arch,
}

#[derive(Clone, Debug, Deserialize)]
struct Arch {
    name: String,
    #[serde(rename = "H_cycles")]
    h_cycles: usize,
    #[serde(rename = "L_cycles")]
    l_cycles: usize,
    #[serde(rename = "L_layers")]
    layers: usize,
    /// The layers of HRM's second net; without effect in the paper's model.
    #[serde(rename = "H_layers")]
    h_layers: Option<usize>,
    hidden_size: usize,
    num_heads: usize,
    expansion: f64,
    pos_encodings: String,
    halt_max_steps: usize,
    halt_exploration_prob: f64,
    puzzle_emb_ndim: usize,
    puzzle_emb_len: Option<usize>,
    #[serde(default)]
    mlp_t: bool,
    /// False where going on is learned too; HRM always does.
    #[serde(rename = "no_ACT_continue", default = "yes")]
    halts_alone: bool,
    #[serde(default = "published_epsilon")]
    rms_norm_eps: f64,
    #[serde(default = "published_rope_base")]
    rope_theta: f64,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

/// The prefix of the paper's models whose configuration leaves it out.
const PUBLISHED_PREFIX_TOKENS: usize = 16;

impl Arch {
    fn is_hrm(&self) -> bool {
        HRM.contains(&self.name.as_str())
    }

    /// As many tokens as the row fills; only the paper's model may have more.
    fn prefix(&self) -> usize {
        match self.puzzle_emb_len.unwrap_or(PUBLISHED_PREFIX_TOKENS) {
            length if length > 0 && !self.is_hrm() => length,
            _ => self.puzzle_emb_ndim.div_ceil(self.hidden_size.max(1)),
        }
    }
}

fn yes() -> bool {
    true
}

fn published_epsilon() -> f64 {
    1e-5
}

fn published_rope_base() -> f64 {
    1e4
}

/// What tells how it was trained; absent values are those of the published ARC runs.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
struct PublishedCourse {
    global_batch_size: usize,
    lr: f64,
    lr_min_ratio: f64,
    lr_warmup_steps: f64,
    weight_decay: f64,
    beta1: f64,
    beta2: f64,
    puzzle_emb_lr: f64,
    puzzle_emb_weight_decay: f64,
    seed: u64,
    ema: Option<bool>,
    ema_rate: f64,
}

impl Default for PublishedCourse {
    fn default() -> Self {
        Self {
            global_batch_size: 768,
            lr: 1e-4,
            lr_min_ratio: 1.0,
            lr_warmup_steps: 2000.0,
            weight_decay: 0.1,
            beta1: 0.9,
            beta2: 0.95,
            puzzle_emb_lr: 1e-2,
            puzzle_emb_weight_decay: 0.1,
            seed: 0,
            ema: None,
            ema_rate: 0.999,
        }
    }
}

impl Published {
    /// Reads a configuration.
    ///
    /// # Errors
    /// [`RecipeError`]: a field that is missing or of another kind, or a value that no model of the paper has.
    pub fn read(path: &Path) -> Result<Self, RecipeError> {
        let config = ConfigFile::read(path)?;
        let name = config.architecture()?;
        let Outer { arch } = config.parse()?;
        let published = Self { arch: Arch { name, ..arch }, course: config.parse()? };
        published.check().map_err(|fault| ImportError::Config { path: path.to_owned(), fault })?;
        Ok(published)
    }

    fn check(&self) -> Result<(), String> {
        let arch = &self.arch;
        let faults = [
            (
                arch.is_hrm() && arch.h_layers != Some(arch.layers),
                "arch.H_layers is not arch.L_layers; only an HRM of two equal nets can be imported".to_owned(),
            ),
            (
                !["rope", "none"].contains(&arch.pos_encodings.as_str()),
                format!("arch.pos_encodings is \"{}\"; \"rope\" and \"none\" can be imported", arch.pos_encodings),
            ),
            (
                arch.puzzle_emb_ndim == 0,
                "arch.puzzle_emb_ndim is 0; a model without puzzle rows knows no task".to_owned(),
            ),
            (
                arch.rms_norm_eps != published_epsilon(),
                format!("arch.rms_norm_eps is {}; it is always 1e-5", arch.rms_norm_eps),
            ),
        ];
        match faults.into_iter().find(|(is_fault, _)| *is_fault) {
            Some((_, fault)) => Err(fault),
            None => Ok(()),
        }
    }

    /// Fields of `arch` that are not known here.
    pub fn unknown(&self) -> impl Iterator<Item = &str> {
        self.arch.rest.keys().map(String::as_str).filter(|name| !WITHOUT_EFFECT.contains(name))
    }

    /// The model for boards of `cells` cells of `vocabulary` kinds.
    pub fn model(&self, vocabulary: usize, cells: usize) -> Config {
        let arch = &self.arch;
        Config {
            vocabulary,
            hidden: arch.hidden_size,
            heads: arch.num_heads,
            layers: arch.layers,
            expansion: arch.expansion,
            h_cycles: arch.h_cycles,
            l_cycles: arch.l_cycles,
            prefix: arch.prefix(),
            puzzle_width: arch.puzzle_emb_ndim,
            cells,
            mixer: if arch.mlp_t { Mixer::TokenMlp } else { Mixer::Attention },
            // the token-MLP kind has no attention that could be turned
            positions: if arch.mlp_t || arch.pos_encodings == "none" { Positions::None } else { Positions::Rope },
            rope_base: arch.rope_theta,
            local: Local::None,
            nets: if arch.is_hrm() { Nets::Separate } else { Nets::Shared },
            gradient: if arch.is_hrm() { Backward::OneStep } else { Backward::FullRecursion },
            latents: Latents::Two,
        }
    }

    /// How the checkpoint came about, as a recipe of ours tells it.
    pub fn recipe(&self, name: &str, step: usize, data: Data, model: Config) -> Recipe {
        let (arch, course) = (&self.arch, &self.course);
        let steps = step.max(1);
        Recipe {
            name: name.to_owned(),
            seed: course.seed,
            data,
            model,
            training: Course {
                batch: course.global_batch_size,
                parts: Some(1),
                tokens_per_batch: None,
                steps,
                warmup: (course.lr_warmup_steps.round() as usize).min(steps),
                final_ratio: course.lr_min_ratio,
                schedule: Shape::Cosine,
                curriculum: Vec::new(),
                halt_max_steps: arch.halt_max_steps,
                exploration: arch.halt_exploration_prob,
                halt_bias: -5.0,
                halting: if arch.is_hrm() || !arch.halts_alone { Halting::HaltAndContinue } else { Halting::Halt },
                // HRM has no average, but where the paper's code has trained it with one
                ema: if course.ema.unwrap_or(!arch.is_hrm()) { course.ema_rate } else { 0.0 },
                checkpoint_every: steps,
                log_every: steps,
            },
            trunk: Trunk {
                learning_rate: course.lr,
                optimizer: Optimizer::AdamAtan2 {
                    beta_1: course.beta1,
                    beta_2: course.beta2,
                    weight_decay: course.weight_decay,
                },
            },
            rows: Rows { learning_rate: course.puzzle_emb_lr, weight_decay: course.puzzle_emb_weight_decay },
            adaptation: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files;

    const YAML: &str = "
arch:
  H_cycles: 3
  H_layers: 0
  L_cycles: 4
  L_layers: 2
  expansion: 4
  forward_dtype: bfloat16
  halt_exploration_prob: 0.1
  halt_max_steps: 16
  hidden_size: 512
  loss:
    loss_type: stablemax_cross_entropy
    name: losses@ACTLossHead
  mlp_t: false
  name: recursive_reasoning.trm@TinyRecursiveReasoningModel_ACTV1
  no_ACT_continue: true
  num_heads: 8
  pos_encodings: rope
  puzzle_emb_len: 16
  puzzle_emb_ndim: 512
beta1: 0.9
checkpoint_path: null
data_paths:
- data/arc1concept-aug-1000
ema: true
lr: 0.0001
puzzle_emb_lr: 0.01
";

    fn read(text: &str) -> Result<Published, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("all_config.yaml");
        files::write(&path, text.as_bytes()).unwrap();
        Published::read(&path).map_err(|e| e.to_string())
    }

    #[test]
    fn the_published_configuration_is_the_paper_s_model() {
        let published = read(YAML).unwrap();
        assert_eq!(published.model(12, 900), Config::arc());
        assert_eq!(published.unknown().count(), 0);
        let paper = Recipe::load("paper-arc-agi-1").unwrap();
        let recipe = published.recipe("trm", 518_071, paper.data.clone(), Config::arc());
        recipe.check().unwrap();
        assert_eq!((&recipe.trunk, &recipe.rows), (&paper.trunk, &paper.rows));
        assert_eq!((recipe.training.ema, recipe.training.warmup), (0.999, 2000));
        assert_eq!(recipe.training.halting, Halting::Halt);
        let published = read(&YAML.replace("no_ACT_continue: true", "no_ACT_continue: false")).unwrap();
        let recipe = published.recipe("trm", 1, paper.data.clone(), Config::arc());
        assert_eq!(recipe.training.halting, Halting::HaltAndContinue);
    }

    #[test]
    fn an_hrm_is_two_nets_with_a_gradient_of_one_step_and_q_learning() {
        let hrm = |name: &str| {
            let text = YAML.replace(TRM, name).replace("H_layers: 0", "H_layers: 2").replace("ema: true\n", "");
            text.replace("  puzzle_emb_len: 16\n", "").replace("  no_ACT_continue: true\n", "")
        };
        for name in HRM {
            let published = read(&hrm(name)).unwrap();
            let paper = Config { nets: Nets::Separate, gradient: Backward::OneStep, ..Config::arc() };
            assert_eq!(published.model(12, 900), Config { prefix: 1, ..paper });
            let data = Recipe::load("sudoku-attention").unwrap().data;
            let recipe = published.recipe("hrm", 1, data, published.model(11, 81));
            recipe.check().unwrap();
            assert_eq!((recipe.training.halting, recipe.training.ema), (Halting::HaltAndContinue, 0.0));
            let three = read(&hrm(name).replace("H_layers: 2", "H_layers: 3")).unwrap_err();
            assert!(three.contains("arch.H_layers is not arch.L_layers"), "{three}");
        }
    }

    #[test]
    fn what_is_missing_or_cannot_be_is_named() {
        let fault = |from: &str, to: &str| {
            assert!(YAML.contains(from));
            read(&YAML.replace(from, to)).unwrap_err()
        };
        assert!(fault("  L_cycles: 4\n", "").contains("L_cycles"));
        assert!(fault("H_cycles: 3", "H_cycles: three").contains("H_cycles"));
        assert!(fault("pos_encodings: rope", "pos_encodings: learned").contains("\"learned\""));
        assert!(fault("trm@Tiny", "trm_singlez@Tiny").contains("arch.name"));
        assert!(fault("puzzle_emb_ndim: 512", "puzzle_emb_ndim: 0").contains("puzzle_emb_ndim is 0"));
        let unknown = read(&YAML.replace("  mlp_t: false\n", "  mlp_t: false\n  gating: true\n")).unwrap();
        assert_eq!(unknown.unknown().collect::<Vec<_>>(), ["gating"]);
    }
}
